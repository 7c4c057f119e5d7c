"""What people send: shapes only; whether it may be done is the services' to say."""

from decimal import Decimal
from typing import Any, cast

from django import forms

from governance.card_fields import LONGEST_SECTION, SECTIONS
from governance.models import Decision
from registry.states import DeploymentRole

OWN_WORDS = "own"
STEP_SUSPEND, STEP_REINSTATE = "suspend", "reinstate"
WHOLE = Decimal(100)
REJECT_ONLY = [
    (Decision.REJECT.value, "Reject: the change may not be made, which ends the request")
]
ROLE_WORDS = {
    DeploymentRole.CHAMPION: "champion: its answers are used",
    DeploymentRole.CHALLENGER: "challenger: takes a share of the traffic",
    DeploymentRole.SHADOW: "shadow: answers, but is not used",
}


class ChangeForm(forms.Form):
    """Ask for a change of one kind; a promotion names the role and its share of traffic."""

    role = forms.ChoiceField(
        choices=[(role.value, words) for role, words in ROLE_WORDS.items()],
        initial=DeploymentRole.CHAMPION.value,
        label="Role it shall have",
    )
    traffic = forms.DecimalField(
        min_value=Decimal("0.01"),
        max_value=WHOLE,
        decimal_places=2,
        initial=100,
        label="Share of traffic (%)",
        help_text="100 for a champion; the rest of the traffic stays where it is.",
    )
    environment = forms.CharField(
        max_length=40,
        initial="production",
        help_text="Small letters, digits and hyphens.",
    )
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5}),
        max_length=4000,
        help_text="Why now, what gets better, what could go wrong. Reviewers read this first.",
    )

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if kind != "promote":
            del self.fields["role"], self.fields["traffic"]
        if kind in {"retire", "archive", "restore"}:
            del self.fields["environment"]

    def wanted(self) -> dict[str, Any]:
        """What the service is asked for."""
        asked = self.cleaned_data
        found = {"reason": asked["reason"]}
        if "environment" in asked:
            found["environment"] = asked["environment"].strip()
        if "role" in asked:
            found |= {"role": asked["role"], "traffic_share": asked["traffic"] / WHOLE}
        return found


class ReasonForm(forms.Form):
    """A step that needs nothing but its reason."""

    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=1000,
        help_text="Kept in the audit trail with your name.",
    )


class ClearanceForm(ReasonForm):
    """Suspend or reinstate in one environment: the step is the one that the page offered."""

    step = forms.ChoiceField(
        choices=[(STEP_SUSPEND, "suspend"), (STEP_REINSTATE, "reinstate")], widget=forms.HiddenInput
    )
    environment = forms.CharField(max_length=40, widget=forms.HiddenInput)


class SignatureForm(forms.Form):
    """A signature: decision, meaning, reason, password; over a digest that was read."""

    decision = forms.ChoiceField(
        choices=[(Decision.APPROVE.value, "Approve: the change may be made"), *REJECT_ONLY],
        widget=forms.RadioSelect,
    )
    meaning = forms.ChoiceField(widget=forms.RadioSelect, label="What your signature means")
    own_words = forms.CharField(
        max_length=200, required=False, help_text="Only if you chose so above."
    )
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=4000,
        help_text="What you looked at, and what convinced you or did not.",
    )
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        label="Your password",
        strip=False,
        max_length=1000,
        help_text="Asked for every signature, so that nobody signs at an open desk.",
    )
    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(
        self, *args: Any, meanings: tuple[str, ...], rejects: bool = False, **kwargs: Any
    ) -> None:
        """`rejects` offers a no only: what cannot be approved now may still be rejected."""
        super().__init__(*args, **kwargs)
        # The first meaning of every role speaks for the change.
        self.favours = meanings[0] if meanings else ""
        if rejects:
            meanings = meanings[1:]
            self._only_reject()
        choices = [(text, text) for text in meanings]
        self.fields["meaning"] = forms.ChoiceField(
            choices=[*choices, (OWN_WORDS, "In my own words, below")],
            widget=forms.RadioSelect,
            label="What your signature means",
            initial=meanings[0] if meanings else OWN_WORDS,
        )

    def _only_reject(self) -> None:
        decision = cast("forms.ChoiceField", self.fields["decision"])
        decision.choices = REJECT_ONLY
        decision.initial = Decision.REJECT.value

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("meaning") == OWN_WORDS and not cleaned.get("own_words", "").strip():
            self.add_error("own_words", "Say in your own words what your signature means.")
        if cleaned.get("decision") == Decision.REJECT and cleaned.get("meaning") == self.favours:
            self.add_error("meaning", "This says that you are in favour. Choose what a no means.")
        return cleaned

    def words(self) -> dict[str, Any]:
        """What the service is given."""
        said = self.cleaned_data
        own = said["meaning"] == OWN_WORDS
        return {
            "decision": said["decision"],
            "meaning": said["own_words"] if own else said["meaning"],
            "reason": said["reason"],
            "password": said.get("password", ""),
            "expected_digest": said["digest"],
        }


class CardForm(forms.Form):
    """One field per section, the question as its help."""

    note = forms.CharField(
        max_length=200,
        required=False,
        label="What you changed",
        help_text="One line, shown in the list of revisions.",
    )
    expected_revision = forms.IntegerField(min_value=0, widget=forms.HiddenInput)

    def __init__(self, *args: Any, texts: dict[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        last = {name: self.fields.pop(name) for name in ("note", "expected_revision")}
        for section in SECTIONS:
            self.fields[section.id] = forms.CharField(
                label=section.title,
                help_text=section.question,
                required=False,
                max_length=LONGEST_SECTION,
                strip=True,
                initial=texts.get(section.id, ""),
                widget=forms.Textarea,
            )
        self.fields |= last
        for section in SECTIONS:
            text = str(self[section.id].value() or "")
            self.fields[section.id].widget.attrs["rows"] = _rows(text)

    def sections(self) -> dict[str, str]:
        return {
            section.id: self.cleaned_data.get(section.id, "").replace("\r\n", "\n")
            for section in SECTIONS
        }


def _rows(text: str) -> int:
    """Room for the text, within reason: lines of about 90 letters, and one to go on."""
    lines = sum(1 + len(line) // 90 for line in text.splitlines())
    return min(max(lines + 1, 3), 16)
