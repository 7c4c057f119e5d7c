"""Forms with which administrators change people and teams. Services know the rules."""

from typing import Any

from django import forms

from accounts.models import Team
from accounts.roles import ORGANISATION_ROLES, Role

EVERYWHERE = "*"


def _reason(help_text: str = "Kept on the audit trail.") -> forms.CharField:
    box = forms.Textarea(attrs={"rows": 2})
    return forms.CharField(max_length=1000, label="Reason", help_text=help_text, widget=box)


class ReasonForm(forms.Form):
    reason = _reason()


class FactorsForm(forms.Form):
    reason = _reason("How you made sure that it is really this person who asks.")
    identity = forms.BooleanField(required=False, label="Forget the link to single sign-on as well")


class PersonForm(forms.Form):
    name = forms.CharField(max_length=120, help_text="As it is printed beside signatures.")
    email = forms.EmailField(max_length=254, label="E-mail address")


class RoleForm(forms.Form):
    role = forms.ChoiceField()
    team = forms.ChoiceField()
    reason = _reason()

    def __init__(self, *args: Any, service: bool = False, **more: Any) -> None:
        super().__init__(*args, **more)
        wanted = [one for one in Role if (one == Role.SERVICE_ACCOUNT) == service]
        teams = [
            (str(pk), name) for pk, name in Team.objects.order_by("name").values_list("pk", "name")
        ]
        roles = [(one.value, one.label.capitalize()) for one in wanted]
        self._choose("role", roles, "Choose a role")
        self._choose("team", [*teams, (EVERYWHERE, "The whole organisation")], "Choose a team")
        self.fields[
            "team"
        ].help_text = "Auditors and administrators hold their role in the whole organisation."

    def _choose(self, name: str, choices: list[tuple[str, str]], empty: str) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared so above
        field.choices = [("", empty), *choices]

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("role") in ORGANISATION_ROLES and said.get("team") not in {EVERYWHERE, None}:
            self.add_error("team", "Choose the whole organisation for this role.")
        return said

    def team_id(self) -> int | None:
        team = self.cleaned_data["team"]
        return None if team == EVERYWHERE else int(team)


class TeamForm(forms.Form):
    name = forms.CharField(max_length=80)
    slug = forms.SlugField(
        max_length=80,
        label="Short name",
        help_text="Small letters and hyphens. It stays as it is: addresses and groups name it.",
    )


class RenameForm(forms.Form):
    name = forms.CharField(max_length=80)


class NewPasswordForm(forms.Form):
    password = forms.CharField(
        max_length=1000,
        strip=False,
        help_text="Twelve characters or more; a few words in a row are easy to remember.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        max_length=1000,
        strip=False,
        label="The same again",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("password") != said.get("again"):
            self.add_error("again", "The two differ.")
        return said
