"""What people send about controls, findings, waivers and risk: shapes only."""

from collections.abc import Sequence
from typing import Any

from django import forms

from governance.control_rules import RESULTS
from governance.models import AttestationResult, FindingKind, FindingSeverity
from governance.risk_table import questionnaire

RESULT_WORDS = {
    "met": "met: the evidence shows it",
    "partly": "partly met: something is missing",
    "not": "not met",
    "not_applicable": "not applicable, for the reason given",
}


def _text(rows: int, help_text: str = "", *, required: bool = True, label: str = "") -> Any:
    return forms.CharField(
        widget=forms.Textarea(attrs={"rows": rows}),
        max_length=4000,
        help_text=help_text,
        required=required,
        label=label or None,
    )


def _day(help_text: str = "", *, required: bool = False, label: str = "") -> Any:
    return forms.DateField(
        widget=forms.DateInput(attrs={"type": "date"}),
        required=required,
        help_text=help_text,
        label=label or None,
    )


def _password(help_text: str) -> Any:
    return forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        strip=False,
        max_length=1000,
        label="Your password",
        help_text=help_text,
    )


class AssessmentForm(forms.Form):
    result = forms.ChoiceField(
        choices=[(r, RESULT_WORDS[r]) for r in RESULTS], widget=forms.RadioSelect
    )
    reason = _text(4, "What you looked at, and why it is enough or not.")
    expires_on = _day("After this day the assessment lapses by itself.", label="Valid until")
    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)


class EvidenceForm(forms.Form):
    title = forms.CharField(max_length=200)
    text = _text(3, "Needed where there is no file.", required=False, label="What it shows")
    file = forms.FileField(
        required=False, help_text="PDF, PNG, JPEG, JSON or text, at most 20 MiB."
    )


class ScopeForm(forms.Form):
    jurisdictions = forms.CharField(
        max_length=300,
        required=False,
        label="Where it is used",
        help_text="Codes with commas between: EU, US, US-NYC. A place lies in its country.",
    )
    purposes = forms.CharField(
        max_length=600,
        required=False,
        label="What it is used for",
        help_text="Words with commas between, as the frameworks use them: employment, credit.",
    )

    def lists(self) -> dict[str, list[str]]:
        return {name: self.cleaned_data[name].split(",") for name in self.fields}


class FrameworkForm(forms.Form):
    team = forms.ChoiceField(help_text="Only its people see the framework.")
    file = forms.FileField(label="YAML file", required=False)
    text = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false"}),
        required=False,
        max_length=200_000,
        label="Or its text",
        strip=False,
    )

    def __init__(self, *args: Any, teams: Sequence[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["team"]
        if isinstance(choice, forms.ChoiceField):
            choice.choices = list(teams)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if not found.get("file") and not found.get("text", "").strip():
            self.add_error("file", "Choose a file, or paste its text.")
        return found


class FindingForm(forms.Form):
    model = forms.ChoiceField()
    version = forms.IntegerField(
        required=False, min_value=0, help_text="Empty: the model as a whole."
    )
    kind = forms.ChoiceField(choices=FindingKind.choices)
    severity = forms.ChoiceField(
        choices=FindingSeverity.choices,
        initial="medium",
        help_text="While a critical one is open, no version is promoted.",
    )
    title = forms.CharField(max_length=200, help_text="The defect in one line.")
    text = _text(6, "What is wrong, how it was found, what would mend it.", label="Description")
    owner = forms.CharField(
        max_length=254, required=False, help_text="E-mail address; empty: the model's owner."
    )
    due_on = _day("Empty: 7, 30, 60 or 90 days by severity.", label="Due")

    def __init__(self, *args: Any, models: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["model"]
        if isinstance(choice, forms.ChoiceField):
            choice.choices = list(models)


class StepForm(forms.Form):
    text = _text(3, label="What was done, or why")


class NoteForm(forms.Form):
    text = _text(3)
    link_kind = forms.ChoiceField(
        required=False,
        choices=[
            ("", "nothing"),
            ("incident", "incident"),
            ("run", "run of a monitor"),
            ("change_request", "change request"),
            ("archive", "archive"),
            ("document", "attached document"),
        ],
        label="Links to",
    )
    link_id = forms.IntegerField(required=False, min_value=1, label="Its number")

    def link(self) -> dict[str, Any]:
        kind = self.cleaned_data["link_kind"]
        return {"kind": kind, "id": self.cleaned_data["link_id"]} if kind else {}


class FindingChangeForm(forms.Form):
    owner = forms.ChoiceField(required=False, label="Owner")
    severity = forms.ChoiceField(
        choices=[("", "as it is"), *FindingSeverity.choices], required=False
    )
    due_on = _day(label="Due")
    reason = _text(2)

    def __init__(self, *args: Any, people: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choice = self.fields["owner"]
        if isinstance(choice, forms.ChoiceField):
            choice.choices = [("", "as it is"), *people]


class WaiverForm(forms.Form):
    reason = _text(4, "Why it can be lived with.")
    conditions = _text(3, "What is done meanwhile.", required=False)
    expires_on = _day("At most a year ahead. It lapses by itself.", required=True, label="Until")


class WaiverDecisionForm(forms.Form):
    decision = forms.ChoiceField(
        choices=[("grant", "Grant it until its day"), ("refuse", "Refuse it")],
        widget=forms.RadioSelect,
    )
    reason = _text(3)
    password = _password("You sign with your name; the password proves that it is you.")


class RiskForm(forms.Form):
    """One choice per question of the questionnaire, then the signature."""

    reason = _text(4, "What you weighed; kept with your signature.")
    password = _password("You sign the answers and the tier that follows from them.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        questions = {
            question.id: forms.ChoiceField(
                choices=[(one.id, one.text) for one in question.options],
                widget=forms.RadioSelect,
                label=question.title,
                help_text=question.text,
            )
            for question in questionnaire().questions
        }
        self.fields = {**questions, **self.fields}

    def answers(self) -> dict[str, str]:
        asked = (question.id for question in questionnaire().questions)
        return {name: self.cleaned_data[name] for name in asked}


class AttestationForm(forms.Form):
    result = forms.ChoiceField(choices=AttestationResult.choices, widget=forms.RadioSelect)
    statement = _text(5, "What you looked at, and under which conditions it holds.")
    password = _password("You sign with your name; the password proves that it is you.")
