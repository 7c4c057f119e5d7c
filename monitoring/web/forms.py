"""The forms of monitors and incidents: they check shapes, the services check rules."""

from collections.abc import Sequence
from typing import Any

from django import forms

from monitoring.metrics import LABELLED
from monitoring.models import Monitor, MonitorKind, Resolution, Severity
from monitoring.services.incidents import LONGEST_TEXT
from monitoring.services.monitors import OPTIONS, Settings
from monitoring.stats.multiplicity import Budget
from monitoring.web.monitor_fields import Finer, option_fields
from monitoring.web.offers import KindOffer

WINDOWS = [
    (1, "an hour"),
    (24, "a day"),
    (168, "a week"),
    (672, "4 weeks"),
    (2184, "a quarter"),
    (8760, "a year"),
]
STEPS = [(1, "every hour"), (24, "every day"), (168, "every week"), (672, "every 4 weeks")]
EFFECT = "Drift: the distance; fairness: the gap. Otherwise: the change against the reference."
EFFECT_OF = {
    MonitorKind.DRIFT: "The distance from the reference.",
    MonitorKind.FAIRNESS: "The gap between two groups.",
    MonitorKind.CALIBRATION: "The change against the reference, else the distance from perfect.",
}
CHANGE = "The change against the reference, in the unit of the measure."


class ChangeForm(Finer):
    """What people of the team change: fields that are not sent stay as they are."""

    warning = forms.FloatField(label="Warning from", required=False, help_text=EFFECT)
    breach = forms.FloatField(label="Breach from", required=False)
    severity = forms.ChoiceField(label="Severity of an incident", choices=Severity.choices)
    why = forms.CharField(label="Why it is set up like this", max_length=300, required=False)
    enabled = forms.BooleanField(label="Evaluate new windows", required=False)

    field_order = ("warning", "breach", "relative_warning", "relative", "severity")

    def __init__(self, monitor: Monitor, data: Any = None) -> None:
        names = self.base_fields
        now = {name: getattr(monitor, name) for name in names} | monitor.options
        super().__init__(data, initial=now)
        self.before = monitor.options
        for name, field in option_fields().items():
            if monitor.kind in OPTIONS[name].kinds:
                self.fields[name] = field
        self.order_fields([*self.field_order, *OPTIONS])

    def changes(self) -> dict[str, Any]:
        """What was sent, as the service wants it."""
        sent = set(self.data) | {"enabled"}
        if "reference" in sent:
            sent |= {"reference_start", "reference_end"}
        data = {name: value for name, value in self.cleaned_data.items() if name in sent}
        for name in ("reference", "open_of", "close_after"):
            if not data.get(name):
                data.pop(name, None)
        options = self.options(data, self.before)
        return data if options == self.before else data | {"options": options}


PARTS = {
    "What": ("name", "measure", "fields_watched", "segment"),
    "When": ("window_hours", "every_hours"),
    "From when on it is too much": ("warning", "breach", "severity", "why"),
}


class NewForm(Finer):
    """A monitor to be set up."""

    name = forms.CharField(label="Name", max_length=120)
    measure = forms.ChoiceField(label="What to measure")
    fields_watched = forms.MultipleChoiceField(
        label="Fields",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: every field that fits the measure.",
    )
    segment = forms.CharField(
        label="Only rows where",
        required=False,
        max_length=200,
        help_text="A segment, written field=value. Empty: all rows.",
    )
    window_hours = forms.TypedChoiceField(label="Window", choices=WINDOWS, coerce=int, initial=168)
    every_hours = forms.TypedChoiceField(label="Evaluate", choices=STEPS, coerce=int, initial=168)
    warning = forms.FloatField(label="Warning from", required=False, help_text=EFFECT)
    breach = forms.FloatField(label="Breach from", required=False)
    alpha = forms.FloatField(
        label="False-alarm probability of a window",
        initial=0.05,
        min_value=0,
        max_value=0.05,
        help_text="An upper bound: the model's budget of false alarms may make it smaller.",
    )
    minimum_n = forms.IntegerField(
        label="Rows below which there is no verdict", initial=200, min_value=1
    )
    severity = forms.ChoiceField(
        label="Severity of an incident", choices=Severity.choices, initial=Severity.WARNING
    )
    why = forms.CharField(label="Why", max_length=300, required=False)

    field_order = ("name", "measure", "fields_watched", "segment", "window_hours", "every_hours")

    def __init__(
        self,
        *args: Any,
        offer: KindOffer,
        names: Sequence[str] = (),
        segments: Sequence[str] = (),
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.kind = offer.kind
        self._offer(offer)
        chosen = self.fields["fields_watched"]
        if isinstance(chosen, forms.MultipleChoiceField):
            chosen.choices = [(name, name) for name in names]
        if not names:
            del self.fields["fields_watched"]
        self._segments(segments)
        self.fields["warning"].help_text = EFFECT_OF.get(offer.kind, CHANGE)
        for name, field in option_fields().items():
            # One of another kind that is sent all the same is refused, not overlooked.
            if offer.kind in OPTIONS[name].kinds or name in self.data:
                self.fields[name] = field
        self.order_fields([*self.field_order, "warning", "breach", "severity", "why"])

    def _offer(self, offer: KindOffer) -> None:
        """The measures that fit; of another one the reason is said."""
        measure = self.fields["measure"]
        if isinstance(measure, forms.ChoiceField):
            measure.choices = [(one.key, one.title) for one in offer.fitting]
        reasons = {one.key: one.reason for one in offer.others}
        if reason := reasons.get(self.data.get("measure", "")):
            measure.error_messages["invalid_choice"] = reason

    def _segments(self, segments: Sequence[str]) -> None:
        if not segments:
            return
        said = str(self.data.get("segment") or self.initial.get("segment") or "")
        known = [*segments, *([said] if said and said not in segments else [])]
        choices = [("", "all rows"), *((one, one.replace("=", " = ", 1)) for one in known)]
        self.fields["segment"].widget = forms.Select(choices=choices)
        self.fields["segment"].help_text = ""

    def parts(self) -> list[tuple[str, list[forms.BoundField]]]:
        """What everybody says of a monitor, under headings."""
        return [
            (title, [self[name] for name in names if name in self.fields])
            for title, names in PARTS.items()
        ]

    def further(self) -> list[forms.BoundField]:
        """What has good defaults."""
        said = {name for names in PARTS.values() for name in names}
        return [one for one in self if one.name not in said]

    def further_is_wrong(self) -> bool:
        return any(one.errors for one in self.further())

    def settings(self, *, lateness_hours: int) -> Settings:
        """What the service wants; what needs outcomes waits `lateness_hours` for them."""
        data = dict(self.cleaned_data)
        options = self.options(data, {})
        for name in ("reference", "close_after"):
            if not data[name]:
                data.pop(name)
        kind, _, metric = data.pop("measure").partition(":")
        segment = data.pop("segment").strip()
        return Settings(
            kind=kind,
            metric=metric,
            fields=data.pop("fields_watched", []),
            segments=[segment] if segment else [],
            lateness_hours=lateness_hours if kind in LABELLED else 1,
            options=options,
            **data,
        )


class BudgetForm(forms.Form):
    """How many false alarms a model may raise."""

    false_alarms = forms.FloatField(label="False alarms at most", min_value=0)
    days = forms.FloatField(
        label="In so many days",
        min_value=1,
        help_text="All monitors of the model share them. Fewer false alarms: changes have to be"
        " larger, or last longer, to be seen.",
    )

    @classmethod
    def of(cls, budget: Budget) -> "BudgetForm":
        """The form with the budget that holds now."""
        said = {"false_alarms": f"{budget.false_alarms:g}", "days": f"{budget.days:g}"}
        return cls(initial=said, auto_id="budget_%s")


class AcknowledgeForm(forms.Form):
    """Taking an incident over."""

    note = forms.CharField(
        label="What you will do first", required=False, max_length=LONGEST_TEXT, strip=True
    )


class NoteForm(forms.Form):
    """A line for the timeline."""

    text = forms.CharField(
        label="Note", max_length=LONGEST_TEXT, widget=forms.Textarea(attrs={"rows": 3})
    )


class ResolveForm(forms.Form):
    """Closing an incident."""

    root_cause = forms.CharField(
        label="Root cause",
        max_length=LONGEST_TEXT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="What happened, why, and what was done. Others will look for it.",
    )
    resolution = forms.ChoiceField(
        label="What it turned out to be",
        required=False,
        choices=[("", "not said"), *Resolution.choices],
        help_text="Thresholds are tried on the past by it: what they would have found or missed.",
    )
