"""Deny by default: a page without a sign-in is one that says so."""

from collections.abc import Callable

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase

OPEN_PREFIXES = ("/api/", "/accounts/login/", "/static/", "/healthz", "/readyz", "/hooks/")


class SignInRequiredMiddleware:
    """Send strangers to the sign-in page, wherever they knock; the API answers for itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated or request.path.startswith(OPEN_PREFIXES):
            return self.get_response(request)
        return redirect_to_login(request.get_full_path())
