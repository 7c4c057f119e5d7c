"""What people send about retirements: shapes only."""

from collections.abc import Iterator, Mapping
from typing import Any

from django import forms

from governance.models import LifeFactKind
from governance.retirement_rules import CLOCKS, EARLY, EARLY_LABEL, RULES, Asked
from governance.retirement_states import ObjectionAnswer
from governance.web.policy_forms import Row

NONE = "none"
MATCH_CHOICES = [("any", "any of the rules holds"), ("all", "all of the rules hold together")]
ANSWERS = [
    (ObjectionAnswer.OVERRULED.value, "Overrule: the retirement goes on"),
    (ObjectionAnswer.UPHELD.value, "Uphold: the retirement is called off"),
]
VERB_WORDS = {
    "draft": "Begin an entry: it has to be registered",
    "release": "Not required after all",
    "register": "Registered, or updated",
    "withdraw": "Withdrawn",
}


def _reason(label: str, help_text: str, *, required: bool = True) -> forms.CharField:
    return forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=4000,
        label=label,
        help_text=help_text,
        required=required,
    )


class ObjectionForm(forms.Form):
    reason = _reason("Why it should not be retired", "Somebody else answers; everybody reads it.")


class AnswerForm(forms.Form):
    answer = forms.ChoiceField(choices=ANSWERS, widget=forms.RadioSelect)
    reason = _reason("Why", "What you looked at. Kept on the audit trail with your name.")


class ReplacementForm(forms.Form):
    """Which version takes the place, or none with the reason."""

    version = forms.ChoiceField(label="What takes its place")
    reason = _reason("If nothing does, why", "Needed only for none.", required=False)

    def __init__(self, *args: Any, numbers: list[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(str(number), f"Version {number} ({stage})") for number, stage in numbers]
        field = self.fields["version"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [*named, (NONE, "Nothing")]

    def wanted(self) -> dict[str, Any]:
        said = self.cleaned_data
        number = None if said["version"] == NONE else int(said["version"])
        return {"number": number, "reason": said["reason"]}


class RetryForm(forms.Form):
    reason = _reason("What has changed", "Kept on the audit trail with your name.")


class TermsForm(forms.Form):
    """A retirement policy: a row for each rule, then its clocks."""

    match = forms.ChoiceField(choices=MATCH_CHOICES, label="A version is retired when")
    reason = _reason("Why the policy changes", "Read by everybody who signs it.")

    def __init__(self, *args: Any, terms: Mapping[str, Any], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["match"].initial = terms.get("match", "any")
        told = {one["rule"]: one["parameters"] for one in terms.get("rules", [])}
        for name, rule in RULES.items():
            self.fields[f"{name}-asked"] = forms.BooleanField(
                required=False, label="Asked", initial=name in told
            )
            for one in rule.parameters:
                self._add(f"{name}-{one.name}", one, told.get(name, {}).get(one.name))
        for one in CLOCKS:
            self._add(one.name, one, terms.get(one.name))
        self.fields[EARLY] = forms.BooleanField(
            required=False,
            label=EARLY_LABEL,
            initial=bool(terms.get(EARLY)),
            help_text="One person who is silent, or a contact without an account, "
            "and it runs in full.",
        )

    def _add(self, field: str, one: Asked, initial: int | None) -> None:
        self.fields[field] = forms.IntegerField(
            min_value=one.least,
            max_value=one.most,
            label=one.label,
            initial=one.default if initial is None else initial,
        )

    def rule_rows(self) -> Iterator[Row]:
        for name, rule in RULES.items():
            told = tuple(self[f"{name}-{one.name}"] for one in rule.parameters)
            yield Row(rule.title, self[f"{name}-asked"], told)

    def clock_fields(self) -> Iterator[Any]:
        return (self[one.name] for one in CLOCKS)

    def terms(self) -> dict[str, Any]:
        said = self.cleaned_data
        rules = [
            {
                "rule": name,
                "parameters": {p.name: said[f"{name}-{p.name}"] for p in rule.parameters},
            }
            for name, rule in RULES.items()
            if said[f"{name}-asked"]
        ]
        return {
            "match": said["match"],
            "rules": rules,
            **{one.name: said[one.name] for one in CLOCKS},
            EARLY: said[EARLY],
        }


def _day(label: str, *, required: bool = True) -> forms.DateField:
    return forms.DateField(
        label=label, required=required, widget=forms.DateInput(attrs={"type": "date"})
    )


class LifeFactForm(forms.Form):
    kind = forms.ChoiceField(choices=LifeFactKind.choices, label="What ends")
    ends_on = _day("On")
    where = forms.CharField(
        max_length=300, label="Source", help_text="The contract, law or notice that says so."
    )
    version = forms.IntegerField(
        required=False, min_value=0, label="Of version", help_text="Empty: of every version."
    )

    def wanted(self) -> dict[str, Any]:
        said = dict(self.cleaned_data)
        said["source"] = said.pop("where")
        return said


class ClientForm(forms.Form):
    name = forms.CharField(max_length=120, label="System")
    contact = forms.EmailField(help_text="Hears of retirements, also by mail.")
    account_email = forms.EmailField(
        required=False,
        label="Service account",
        help_text="Its tokens are revoked when the model ends, unless it calls other models.",
    )


class RegistrationForm(forms.Form):
    """One step of the entry at an authority."""

    verb = forms.ChoiceField(label="Step")
    register = forms.CharField(
        max_length=200, required=False, help_text="Such as the EU database of high-risk systems."
    )
    number = forms.CharField(max_length=100, required=False, label="Number of the entry")
    registered_on = _day("Registered or updated on", required=False)
    reason = _reason("Why", "Kept on the audit trail with your name.")

    def __init__(self, *args: Any, verbs: tuple[str, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["verb"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [(verb, VERB_WORDS[verb]) for verb in verbs]
