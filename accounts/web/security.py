"""Your security: the authenticator app and recovery codes; what else you prove yourself with."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import quote

from allauth.account import views as allauth_views
from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import totp
from accounts.factors import factors_of
from accounts.qr import picture
from accounts.services.codes import activate_app, remove_app, renew_recovery_codes
from accounts.sessions import person_of
from accounts.web.freshness import prove_first, proved_recently

SECRET = "ombud_new_app"  # noqa: S105 - where the session keeps it until the app has shown a code


class AppForm(forms.Form):
    code = forms.CharField(
        max_length=12,
        label="Code that the app shows",
        help_text="Six digits. They show that the app has the key.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


def freshly_proved(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Who changes how they prove themselves has proved themselves within five minutes."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if proved_recently(request):
            return view(request, *args, **kwargs)
        back = request.path if request.method in {"GET", "HEAD"} else reverse("security")
        return prove_first(request, back)

    return guarded


@never_cache
@require_safe
def security(request: HttpRequest) -> HttpResponse:
    """What one can prove oneself with, and the ways to change it."""
    context = {"factors": factors_of(person_of(request)), "fresh": proved_recently(request)}
    return render(request, "accounts/security.html", context)


def password(request: HttpRequest) -> HttpResponse:
    """Change one's password; who comes by single sign-on has none to change."""
    if not person_of(request).has_usable_password():
        messages.info(request, "You have no password here: you come by single sign-on.")
        return redirect("security")
    answer: HttpResponse = allauth_views.password_change(request)
    return answer


@never_cache
@sensitive_post_parameters("code")
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_proved
def new_app(request: HttpRequest) -> HttpResponse:
    """Set an authenticator app up: scan, then show that it makes the right codes."""
    person = person_of(request)
    if factors_of(person).app:
        return redirect("security")
    if request.method != "POST":
        request.session[SECRET] = totp.new_secret()
        return _app_page(request, AppForm())
    form = AppForm(request.POST)
    secret = request.session.get(SECRET, "")
    if not secret or not form.is_valid():
        return _app_page(request, form, 422)
    try:
        codes = activate_app(actor=person, secret=secret, code=form.cleaned_data["code"])
    except ValueError as error:
        form.add_error("code", str(error))
        return _app_page(request, form, 422)
    request.session.pop(SECRET)
    messages.success(request, "The authenticator app is set up: you are asked for its codes.")
    return show_codes(request, codes) if codes else redirect("security")


def _app_page(request: HttpRequest, form: AppForm, status: int = 200) -> HttpResponse:
    secret = request.session.setdefault(SECRET, totp.new_secret())
    context = {
        "form": form,
        "secret": " ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        "picture": picture(totp.address(secret, person_of(request).email)),
    }
    return render(request, "accounts/new_app.html", context, status=status)


@require_POST
@freshly_proved
def drop_app(request: HttpRequest) -> HttpResponse:
    remove_app(actor=person_of(request))
    messages.success(request, "The authenticator app is removed.")
    return redirect("security")


@never_cache
@require_POST
@freshly_proved
def new_codes(request: HttpRequest) -> HttpResponse:
    """New recovery codes, in the answer to the POST and nowhere else."""
    try:
        codes = renew_recovery_codes(actor=person_of(request))
    except ValueError as error:
        messages.error(request, str(error))
        return redirect("security")
    return show_codes(request, codes)


def show_codes(request: HttpRequest, codes: list[str]) -> HttpResponse:
    said = f"Recovery codes of {person_of(request).email} for Ombud. Each works once.\n\n"
    text = said + "\n".join(codes) + "\n"
    context = {"codes": codes, "file": f"data:text/plain;charset=utf-8,{quote(text)}"}
    return render(request, "accounts/recovery_codes.html", context)
