"""Conditions as people fill them in: a day, a share, incidents, and up to three measures."""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import Any

from django import forms

from governance.conditions import LONGEST_DAYS, BrokenBy, ConditionKind
from governance.reads.conditions import Measurable

MEASURES = 3
WHOLE = Decimal(100)
LEAST, MOST = "at_least", "at_most"
LIMITS = [(LEAST, "at least"), (MOST, "at most")]
CERTAIN = [
    (BrokenBy.VALUE.value, "when the measured value is beyond it"),
    (BrokenBy.INTERVAL.value, "when the whole 95 % interval is beyond it"),
]


class ConditionsForm(forms.Form):
    """Every field may be left empty; what is filled in becomes a condition."""

    days = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=LONGEST_DAYS,
        label="For so many days",
        help_text="Afterwards it may not serve until it is approved again.",
    )
    share = forms.DecimalField(
        required=False,
        min_value=Decimal("0.01"),
        max_value=Decimal("99.99"),
        decimal_places=2,
        label="At most this share of the traffic (%)",
        help_text="Counted from the answers of the last day.",
    )
    incidents = forms.ChoiceField(
        required=False,
        choices=[("", "—"), ("critical", "no critical one"), ("warning", "none at all")],
        label="Open incidents of the version",
    )

    def __init__(self, *args: Any, measurable: Sequence[Measurable], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "—"), *((one.key, one.words) for one in measurable)]
        self.measurable = {one.key: one for one in measurable}
        for place in range(1, MEASURES + 1 if measurable else 1):
            self._add_measure(place, choices)

    def _add_measure(self, place: int, choices: list[tuple[str, str]]) -> None:
        self.fields[f"measure{place}"] = forms.ChoiceField(
            required=False, choices=choices, label=f"Measure {place}"
        )
        self.fields[f"side{place}"] = forms.ChoiceField(
            required=False, choices=LIMITS, label="stays"
        )
        self.fields[f"limit{place}"] = forms.FloatField(required=False, label="this limit")
        self.fields[f"certain{place}"] = forms.ChoiceField(
            required=False, choices=CERTAIN, label="and lapses"
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for place in self._places():
            chosen, limit = cleaned.get(f"measure{place}"), cleaned.get(f"limit{place}")
            if chosen and limit is None and f"limit{place}" not in self.errors:
                self.add_error(f"limit{place}", "Give the limit of this measure.")
            if limit is not None and not chosen:
                self.add_error(f"measure{place}", "Choose what the limit is for.")
        return cleaned

    def _places(self) -> range:
        return range(1, MEASURES + 1 if self.measurable else 1)

    def conditions(self) -> list[dict[str, Any]]:
        """What the service is given."""
        return list(self._conditions(self.cleaned_data))

    def _conditions(self, said: dict[str, Any]) -> Iterator[dict[str, Any]]:
        for place in self._places():
            if said.get(f"measure{place}"):
                yield self._measure(said, place)
        if said.get("share"):
            yield {"kind": ConditionKind.TRAFFIC, "at_most": float(said["share"] / WHOLE)}
        if said.get("incidents"):
            yield {"kind": ConditionKind.INCIDENTS, "severity": said["incidents"]}
        if said.get("days"):
            yield {"kind": ConditionKind.DAYS, "days": said["days"]}

    def _measure(self, said: dict[str, Any], place: int) -> dict[str, Any]:
        chosen = self.measurable[said[f"measure{place}"]]
        return {
            "kind": ConditionKind.MEASURE,
            "metric": chosen.metric,
            "field": chosen.field,
            "monitor": chosen.monitor,
            said[f"side{place}"] or LEAST: said[f"limit{place}"],
            "broken_by": said[f"certain{place}"] or BrokenBy.VALUE,
        }

    @staticmethod
    def filled_with(conditions: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Initial values that say the same as these conditions; of three measures at most."""
        found: dict[str, Any] = {}
        measures = [one for one in conditions if one["kind"] == ConditionKind.MEASURE]
        for place, one in enumerate(measures[:MEASURES], start=1):
            side = LEAST if LEAST in one else MOST
            found |= {
                f"measure{place}": Measurable.key_of(
                    one["monitor"], one["metric"], one.get("field", "")
                ),
                f"side{place}": side,
                f"limit{place}": one[side],
                f"certain{place}": one["broken_by"],
            }
        for one in conditions:
            if one["kind"] == ConditionKind.TRAFFIC:
                found["share"] = Decimal(str(one["at_most"])) * WHOLE
            if one["kind"] in {ConditionKind.DAYS, ConditionKind.INCIDENTS}:
                found |= {k: v for k, v in one.items() if k in {"days", "severity"}}
        return found | ({"incidents": found.pop("severity")} if "severity" in found else {})
