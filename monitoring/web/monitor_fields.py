"""What a new monitor and a change have in common: reference, thresholds, patience, options."""

from collections.abc import Mapping
from typing import Any

from django import forms

from monitoring.models import ReferenceMode
from monitoring.services.monitors import MOST_WINDOWS, OPTIONS

MOMENT = "%Y-%m-%dT%H:%M"
PATIENCE = "Fewer windows: sooner. More: each window may be judged more finely at the same budget."


def option_fields() -> dict[str, forms.FloatField]:
    """The parameters of measures, each with its own bounds."""
    words = {
        "beta": (
            "Beta",
            "Of F-beta: how much more recall weighs; 2 if empty.",
        ),
        "top": (
            "Top share",
            "Of lift: the share of highest scores; 0.1 if empty.",
        ),
        "group_minimum": (
            "Rows of the smallest group",
            "Smaller ones are left out; 30 if empty.",
        ),
        "target": ("Target", "What the measure should be; without it the reference counts."),
    }
    return {
        name: forms.FloatField(
            label=label,
            help_text=help_text,
            required=False,
            min_value=OPTIONS[name].low,
            max_value=OPTIONS[name].high,
        )
        for name, (label, help_text) in words.items()
    }


class Finer(forms.Form):
    """Settings that have good defaults."""

    reference = forms.ChoiceField(
        label="Held against",
        choices=ReferenceMode.choices,
        required=False,
        help_text="The same phase is for what has a weekly rhythm: the same hours, 4 weeks back.",
    )
    reference_start = forms.DateTimeField(
        label="Pinned window from (UTC)",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT),
        help_text="Of a pinned window only.",
    )
    reference_end = forms.DateTimeField(
        label="Pinned window to (UTC)",
        required=False,
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format=MOMENT),
    )
    relative_warning = forms.FloatField(
        label="Warning also from a change, relative to the reference, of",
        required=False,
        min_value=0,
        help_text="0.1 is 10 % of the reference. Whichever is reached first counts.",
    )
    relative = forms.FloatField(
        label="Breach also from a change, relative to the reference, of",
        required=False,
        min_value=0,
    )
    open_after = forms.IntegerField(
        label="An incident opens after so many breaching windows …",
        min_value=1,
        max_value=MOST_WINDOWS,
        initial=1,
        help_text=PATIENCE,
    )
    open_of = forms.IntegerField(
        label="… of so many in a row",
        required=False,
        min_value=1,
        max_value=MOST_WINDOWS,
        help_text="Empty: every one of them breaches.",
    )
    close_after = forms.IntegerField(
        label="It is calm after so many windows without breach",
        required=False,
        min_value=1,
        max_value=MOST_WINDOWS,
        initial=2,
    )

    def clean(self) -> dict[str, Any]:
        """Dates belong to a pinned window only."""
        data = super().clean() or self.cleaned_data
        if data.get("reference") != ReferenceMode.PINNED:
            data["reference_start"] = data["reference_end"] = None
        return data

    def options(self, data: dict[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters that were said, taken out of `data`; the others as they were before."""
        said = {name: data.pop(name) for name in OPTIONS if name in data}
        kept = {name: value for name, value in before.items() if name not in said}
        return kept | {name: value for name, value in said.items() if value is not None}
