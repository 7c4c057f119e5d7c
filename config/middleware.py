"""What every request passes: it is timed, and refused where nobody is signed in."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from accounts.api import problems

OPEN_PREFIXES = (
    "/api/",
    "/accounts/login/",
    "/accounts/2fa/",
    "/accounts/invitation/",
    "/accounts/sso/login",
    "/accounts/sso/callback",
    "/static/",
    "/healthz",
    "/readyz",
    "/hooks/",
    "/.well-known/",
    "/schemas/",
)


class ServerTimingMiddleware:
    """Says in every answer how long it took here: `Server-Timing: app;dur=` milliseconds.

    Browsers show it beside the time on the way; `make bench` reads it. Streams are timed until
    they begin.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = time.perf_counter()
        response = self.get_response(request)
        response["Server-Timing"] = f"app;dur={1000 * (time.perf_counter() - began):.2f}"
        return response


class SignInRequiredMiddleware:
    """Send strangers to the sign-in page, wherever they knock; the API answers for itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.user.is_authenticated or request.path.startswith(OPEN_PREFIXES):
            return self.get_response(request)
        return redirect_to_login(request.get_full_path())


class BoundedFormsMiddleware:
    """Refuse a form with files that is too large by what it promises, before it is read.

    A body without a promised length is empty to Django, so nobody gets round it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        promised = request.META.get("CONTENT_LENGTH") or "0"
        with_files = request.content_type == "multipart/form-data"
        if not with_files or not promised.isdecimal() or int(promised) <= settings.FORM_MAX_BYTES:
            return self.get_response(request)
        if request.path.startswith("/api/"):
            said = f"A form has at most {settings.FORM_MAX_BYTES // 2**20} MiB."
            return problems.response(413, "too_large", said)
        return render(request, "413.html", status=413)
