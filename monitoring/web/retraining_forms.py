"""Forms of retraining: a policy as people say it, a data suite as text, and a reason."""

from typing import Any

from django import forms

from monitoring.retraining_terms import KIND_WORDS, Terms, Trigger
from registry.models import Model, TaskType


class ReasonForm(forms.Form):
    reason = forms.CharField(label="Why", max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class SuiteForm(forms.Form):
    """A data suite as YAML or JSON."""

    checks = forms.CharField(
        label="Checks, as YAML or JSON",
        max_length=512 * 1024,
        widget=forms.Textarea(attrs={"rows": 18, "spellcheck": "false"}),
        help_text="rows, unique and columns; words and numbers only, nothing is executed.",
    )
    reason = forms.CharField(label="Why", max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


class PolicyForm(forms.Form):
    """When and how a model is retrained. A trigger that is left empty is not waited for."""

    every_days = forms.IntegerField(
        label="Every so many days", required=False, min_value=1, max_value=1_000
    )
    performance_windows = forms.IntegerField(
        label="Windows in a row that breach a limit of performance",
        required=False,
        min_value=1,
        max_value=50,
    )
    drift_windows = forms.IntegerField(
        label="Windows in a row that breach a limit of drift",
        required=False,
        min_value=1,
        max_value=50,
    )
    new_outcomes = forms.IntegerField(
        label="New outcomes", required=False, min_value=100, max_value=10**9
    )
    combine = forms.ChoiceField(
        label="Of these",
        choices=[("any", "any one is enough"), ("all", "all are needed")],
    )
    kind = forms.ChoiceField(label="How much is made anew")
    window_days = forms.IntegerField(
        label="Days of the log to learn from", min_value=1, max_value=3_660
    )
    minimum_rows = forms.IntegerField(
        label="At least so many rows to train on", min_value=100, max_value=10**9
    )
    entry_point = forms.CharField(
        label="Training code",
        max_length=60,
        help_text="A module in the champion's own code/ folder with a function fit,"
        " or an entry point of its MLproject.",
    )
    runner = forms.CharField(
        label="Runner", max_length=40, help_text="here, or the name of one that operators set up."
    )
    cool_down_days = forms.IntegerField(
        label="Days of rest after a retraining", min_value=0, max_value=1_000
    )
    runs_per_month = forms.IntegerField(
        label="Retrainings in a month, at most", min_value=1, max_value=1_000
    )
    processor_minutes = forms.IntegerField(
        label="Processor minutes in a month, at most", min_value=1, max_value=100_000
    )
    shadow_days = forms.IntegerField(
        label="Days in the champion's shadow before approval is asked for",
        min_value=0,
        max_value=365,
        help_text="0: none.",
    )
    replay = forms.BooleanField(
        label="Or have it answer the latest days again",
        required=False,
        help_text="They are kept out of its training. Nobody waits, and nobody gets the answers.",
    )
    watch_days = forms.IntegerField(
        label="Days of watching after its deployment", min_value=0, max_value=365
    )
    ask = forms.BooleanField(label="Ask for approval by itself", required=False)
    reason = forms.CharField(
        label="Why the policy is as it is",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, model: Model, terms: Terms, data: Any = None) -> None:
        super().__init__(data, initial=_initial(terms))
        kinds = [
            (str(kind), f"{str(kind).capitalize()}: {words}")
            for kind, words in KIND_WORDS.items()
            if kind != "recalibration" or model.task == TaskType.BINARY
        ]
        self.fields["kind"].choices = kinds  # type: ignore[attr-defined]  # a ChoiceField
        self._terms = terms

    def terms(self) -> dict[str, Any]:
        """What was said, in the form of the API; what the form does not show stays."""
        said = self.cleaned_data
        wanted = {
            Trigger.SCHEDULE: ("every_days", said["every_days"]),
            Trigger.PERFORMANCE: ("windows", said["performance_windows"]),
            Trigger.DRIFT: ("windows", said["drift_windows"]),
            Trigger.OUTCOMES: ("rows", said["new_outcomes"]),
        }
        triggers = [{"on": str(on), name: value} for on, (name, value) in wanted.items() if value]
        plain = {name: said[name] for name in PLAIN}
        kept = {"parameters": self._terms.parameters, "search": self._terms.search}
        return {**plain, **kept, "triggers": triggers}


PLAIN = (
    "combine",
    "kind",
    "window_days",
    "minimum_rows",
    "entry_point",
    "runner",
    "cool_down_days",
    "runs_per_month",
    "processor_minutes",
    "shadow_days",
    "replay",
    "watch_days",
    "ask",
)
NAMES = {
    Trigger.SCHEDULE: ("every_days", "every_days"),
    Trigger.PERFORMANCE: ("performance_windows", "windows"),
    Trigger.DRIFT: ("drift_windows", "windows"),
    Trigger.OUTCOMES: ("new_outcomes", "rows"),
}


def _initial(terms: Terms) -> dict[str, Any]:
    found = {name: getattr(terms, name) for name in PLAIN}
    for trigger in terms.triggers:
        field, parameter = NAMES[Trigger(trigger["on"])]
        found[field] = trigger[parameter]
    return found
