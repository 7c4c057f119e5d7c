"""The second step of signing in: what allauth's page asks, counted and on the trail."""

from typing import Any

from allauth.core import context
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from django import forms

from accounts.models import User
from accounts.services.codes import TooManyCodes, accept_at_the_door

CODE_LENGTH = 32


class CodeForm(forms.Form):
    """A code of the app, or a recovery code in its place; each counts once."""

    code = forms.CharField(
        max_length=CODE_LENGTH,
        label="Code",
        help_text="Six digits from your authenticator app, or one of your recovery codes.",
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}
        ),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.kind: str | None = None

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        try:
            self.kind = accept_at_the_door(actor=self.user, code=code)
        except TooManyCodes as error:
            raise forms.ValidationError(str(error)) from error
        if self.kind is None:
            raise forms.ValidationError("This code is not right, or it was used already.")
        return code

    def save(self) -> None:
        """The session remembers by which factor the second step was made."""
        post_authentication(
            context.request, Authenticator.objects.get(user=self.user, type=self.kind)
        )


class NoKeyForm(forms.Form):
    """Passkeys have a door of their own, which takes each challenge once: this one stays shut."""

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)

    def clean(self) -> dict[str, Any]:
        raise forms.ValidationError("Use the button for passkeys.")
