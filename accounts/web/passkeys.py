"""Passkeys: added, removed, and used at the door. The browser speaks with the key by script."""

from typing import Any

from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from allauth.core.internal import ratelimit
from allauth.mfa.webauthn.internal.flows import perform_passwordless_login
from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.ceremonies import answer_of, give_out
from accounts.factors import factors_of
from accounts.services.passkeys import (
    WrongPasskey,
    add_passkey,
    begin_adding,
    begin_using,
    remove_passkey,
    sign_in_by_passkey,
)
from accounts.sessions import end_session_of_another, person_of
from accounts.web.security import freshly_proved, show_codes


class PasskeyForm(forms.Form):
    name = forms.CharField(
        max_length=60,
        required=False,
        label="Name",
        help_text="Where the passkey lives, for example: my laptop.",
    )
    passkey = forms.JSONField(widget=forms.HiddenInput)


class AnswerForm(forms.Form):
    passkey = forms.JSONField(widget=forms.HiddenInput)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@freshly_proved
def new(request: HttpRequest) -> HttpResponse:
    """Name a passkey, let the browser make it, keep it."""
    if request.method != "POST":
        return _new_page(request, PasskeyForm())
    form = PasskeyForm(request.POST)
    if not form.is_valid():
        return _new_page(request, form, 422)
    answer = answer_of(request, "add", form.cleaned_data["passkey"])
    try:
        codes = add_passkey(actor=person_of(request), name=form.cleaned_data["name"], answer=answer)
    except WrongPasskey as error:
        form.add_error(None, str(error))
        return _new_page(request, form, 422)
    messages.success(request, "The passkey is added. You sign in and sign with it from now on.")
    return show_codes(request, codes) if codes else redirect("security")


def _new_page(request: HttpRequest, form: PasskeyForm, status: int = 200) -> HttpResponse:
    return render(request, "accounts/new_passkey.html", {"form": form}, status=status)


@never_cache
@require_POST
@freshly_proved
def new_options(request: HttpRequest) -> HttpResponse:
    options, ceremony = begin_adding(person_of(request))
    return _options(request, options, ceremony)


@require_POST
@freshly_proved
def remove(request: HttpRequest, passkey_id: int) -> HttpResponse:
    person = person_of(request)
    names = {key.pk: key.name for key in factors_of(person).passkeys}
    if passkey_id not in names:
        raise Http404("There is no such passkey of yours.")
    remove_passkey(actor=person, passkey_id=passkey_id)
    messages.success(request, f"The passkey {names[passkey_id]} is removed.")
    return redirect("security")


@never_cache
@require_POST
def sign_in_options(request: HttpRequest) -> HttpResponse:
    options, ceremony = begin_using("sign_in")
    return _options(request, options, ceremony)


@never_cache
@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """Sign in with a passkey alone: it is held and was unlocked by its person."""
    refused = ratelimit.consume_or_429(request, app="allauth.mfa", action="webauthn_login")
    if refused:
        limited: HttpResponse = refused
        return limited
    form = AnswerForm(request.POST)
    try:
        if not form.is_valid():
            raise WrongPasskey("The passkey sent nothing that can be read.")
        answer = answer_of(request, "sign_in", form.cleaned_data["passkey"])
        used = sign_in_by_passkey(answer=answer)
    except WrongPasskey as error:
        messages.error(request, str(error))
        return redirect("account_login")
    end_session_of_another(request, used.person)
    login = Login(user=used.person, redirect_url=get_next_redirect_url(request))
    answered: HttpResponse = perform_passwordless_login(request, used.row, login)
    return answered


@never_cache
@require_POST
def sign_options(request: HttpRequest) -> HttpResponse:
    """What the passkey is asked for one signature: the challenge is bound to `about`."""
    person = person_of(request)
    options, ceremony = begin_using("sign", request.POST.get("about", "")[:400], person)
    return _options(request, options, ceremony)


def _options(request: HttpRequest, options: dict[str, Any], ceremony: Any) -> JsonResponse:
    give_out(request, ceremony)
    return JsonResponse(options)
