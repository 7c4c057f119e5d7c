"""What a signature's form asks of this person as proof, and what it then hands to the service."""

from dataclasses import dataclass
from typing import Any

from django import forms
from django.conf import settings
from django.http import HttpRequest

from accounts.ceremonies import kept_sign_in, proof_of
from accounts.factors import factors_of
from accounts.services.sso import may_sign_in_anew
from accounts.sessions import person_of
from governance.services.proofs import REQUIRED

FIELDS = ("password", "code", "passkey")


@dataclass(frozen=True)
class Asked:
    """`about`: what the proof is bound to; `provider`: where one may sign in anew instead."""

    about: str
    passkey: bool
    provider: str
    signed_in_anew: bool
    only_passkey: bool
    must_set_up: bool
    back: str


def ask(form: forms.Form, request: HttpRequest, about: str, back: str = "") -> Any:
    """Shape the form's proof for its person: password, code of the app, passkey, fresh sign-in."""
    person = person_of(request)
    factors = factors_of(person)
    kept = kept_sign_in(request)
    anew = kept is not None and kept.about == about
    keys_only = bool(factors.passkeys) and not factors.app
    asked = Asked(
        about=about,
        passkey=bool(factors.passkeys),
        provider=settings.OIDC_NAME if not keys_only and may_sign_in_anew(person) else "",
        signed_in_anew=anew and not keys_only,
        only_passkey=keys_only,
        must_set_up=not factors.any_second and settings.SIGN_SECOND_FACTOR == REQUIRED,
        back=back or request.path,
    )
    setattr(form, "asked", asked)  # noqa: B010 - read by the template beside the fields
    _shape_password(form, needed=factors.password and not keys_only and not anew, asked=asked)
    if factors.app:
        form.fields["code"] = _code(required=not factors.passkeys)
    if factors.passkeys:
        form.fields["passkey"] = forms.JSONField(required=False, widget=forms.HiddenInput)
    return form


def _shape_password(form: forms.Form, *, needed: bool, asked: Asked) -> None:
    if not needed:
        form.fields.pop("password", None)
    elif asked.passkey:
        # The passkey's button sends the form without it; the service says what is missing.
        form.fields["password"].required = False


def _code(*, required: bool) -> forms.Field:
    return forms.CharField(
        max_length=12,
        required=required,
        label="Code of your authenticator app",
        help_text="The second component of your signature. Each code counts once.",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )


def proved(request: HttpRequest, form: forms.Form) -> dict[str, Any]:
    """The form's words, with everything that proves its person under `password`."""
    words = {name: value for name, value in form.cleaned_data.items() if name not in FIELDS}
    return words | {"password": proof_of(request, form.cleaned_data)}
