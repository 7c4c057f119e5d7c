"""What is tried on the past, as people fill it in: a policy gate by gate, or a monitor."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms

from accounts.models import Team
from governance.gates import GATES, SEVERITIES
from governance.services.back_tests import Past
from governance.states import GateMode
from governance.trials import LONGEST_LOOK, ROLES
from monitoring.models import Monitor, MonitorKind

DAY = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
MODES = [("", "not asked"), *((mode.value, mode.value) for mode in GateMode)]
LIMITED = "within_limits"
USUAL = timedelta(days=364)


def _share() -> forms.Field:
    return forms.FloatField(min_value=0, max_value=1, label="Share of the sections, 0 to 1")


def _kinds() -> forms.Field:
    kinds = forms.CheckboxSelectMultiple
    return forms.MultipleChoiceField(choices=MonitorKind.choices, widget=kinds, label="Of the kind")


def _severity() -> forms.Field:
    return forms.ChoiceField(choices=[(one, one) for one in SEVERITIES], label="From severity")


PARAMETERS: Mapping[str, Mapping[str, Any]] = {
    "card_complete": {"minimum": _share},
    "monitors_enabled": {"kinds": _kinds},
    "no_open_findings": {"severity": _severity},
    "not_worse": {"margin": lambda: forms.FloatField(min_value=0, label="Worse by at most")},
    LIMITED: {
        "metric": lambda: forms.CharField(max_length=60, label="Measure"),
        "at_least": lambda: forms.FloatField(label="At least"),
        "at_most": lambda: forms.FloatField(label="At most"),
    },
}
DEFAULTS = {"severity": "critical"}


@dataclass(frozen=True)
class Asking:
    """One gate of the form: its name, what is stored of it, and its fields' common beginning."""

    place: str
    gate: str
    stored: Mapping[str, Any]


class PastForm(forms.Form):
    """Over which past."""

    since = forms.DateField(widget=DAY, label="From (UTC)")
    until = forms.DateField(widget=DAY, label="To (UTC)", help_text="This day is included.")
    reason = forms.CharField(
        required=False,
        max_length=400,
        label="Why it is tried",
        help_text="Kept with the result.",
    )

    def __init__(self, data: Any = None, **more: Any) -> None:
        today = datetime.now(tz=UTC).date()
        usual = {"since": today - USUAL, "until": today}
        super().__init__(data, initial=usual | more.pop("initial", {}), **more)

    def past(self) -> Past:
        said = self.cleaned_data
        return Past(said["since"], said["until"], said.get("within_days", 30))


class PolicyTrialForm(PastForm):
    """Starts with the policy in force; a gate that is not asked is left out."""

    team = forms.ChoiceField(required=False, label="Whose past")
    within_days = forms.IntegerField(
        min_value=1,
        max_value=LONGEST_LOOK,
        initial=30,
        label="Went wrong within so many days",
        help_text="After a change was carried out.",
    )

    def __init__(
        self,
        data: Any = None,
        *,
        quorum: Mapping[str, int],
        gates: Sequence[Mapping[str, Any]],
        teams: Sequence[Team],
        everybody: bool,
    ) -> None:
        super().__init__(data)
        whose = [("", "everybody's")] if everybody else []
        field = self.fields["team"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [*whose, *((team.slug, team.name) for team in teams)]
        for role in ROLES:
            self.fields[f"quorum-{role}"] = forms.IntegerField(
                required=False,
                min_value=0,
                max_value=9,
                label=f"{role.replace('_', ' ').capitalize()}s",
                initial=quorum.get(role, 0),
            )
        self.askings = list(_askings(gates))
        for one in self.askings:
            self._add(one)

    def _add(self, one: Asking) -> None:
        mode = one.stored.get("mode", "")
        self.fields[f"{one.place}-mode"] = forms.ChoiceField(
            required=False, choices=MODES, initial=mode, label=GATES[one.gate][0]
        )
        stored = one.stored.get("parameters") or {}
        for name, made in PARAMETERS.get(one.gate, {}).items():
            field = made()
            field.required, field.initial = False, stored.get(name, DEFAULTS.get(name))
            self.fields[f"{one.place}-{name}"] = field

    def of_the_past(self) -> list[forms.BoundField]:
        return [self[name] for name in ("team", "since", "until", "within_days", "reason")]

    def of_signatures(self) -> list[forms.BoundField]:
        return [self[f"quorum-{role}"] for role in ROLES]

    def plain_gates(self) -> list[forms.BoundField]:
        """Gates that are asked or not, no more."""
        plain = (one for one in self.askings if one.gate not in PARAMETERS)
        return [self[f"{one.place}-mode"] for one in plain]

    def other_gates(self) -> Iterator[list[forms.BoundField]]:
        """Gates with parameters: all fields of each."""
        for one in self.askings:
            if names := PARAMETERS.get(one.gate):
                yield [self[f"{one.place}-{name}"] for name in ("mode", *names)]

    def quorum(self) -> dict[str, int]:
        counts = {role: self.cleaned_data.get(f"quorum-{role}") for role in ROLES}
        return {role: count for role, count in counts.items() if count}

    def gates(self) -> list[dict[str, Any]]:
        return [
            {
                "gate": one.gate,
                "mode": self.cleaned_data[f"{one.place}-mode"],
                "parameters": self._parameters(one),
            }
            for one in self.askings
            if self.cleaned_data[f"{one.place}-mode"]
        ]

    def _parameters(self, one: Asking) -> dict[str, Any]:
        """What was filled in; parameters without a field of their own stay as they are stored."""
        names = PARAMETERS.get(one.gate, {})
        stored = one.stored.get("parameters") or {}
        kept = {name: value for name, value in stored.items() if name not in names}
        said = {name: self.cleaned_data[f"{one.place}-{name}"] for name in names}
        return kept | {name: value for name, value in said.items() if value not in (None, "")}


def _askings(gates: Sequence[Mapping[str, Any]]) -> Iterator[Asking]:
    """Every gate once; limits as often as they are stored, and once more."""
    for gate in GATES:
        stored = [one for one in gates if one["gate"] == gate]
        spare = 1 if gate == LIMITED or not stored else 0
        for at, one in enumerate([*stored, *([{}] * spare)]):
            yield Asking(f"{gate}{at or ''}", gate, one)


def _whole(label: str, most: int) -> forms.IntegerField:
    return forms.IntegerField(label=label, min_value=1, max_value=most)


class MonitorTrialForm(PastForm):
    """The settings that decide about alarms, as they are until they are changed."""

    warning = forms.FloatField(label="Warning from", required=False, help_text="Empty: never.")
    breach = forms.FloatField(label="Breach from", required=False)
    open_after = _whole("Alarm after so many breaches", 10)
    open_of = _whole("Among so many windows", 10)
    close_after = _whole("Calm after so many windows", 10)
    minimum_n = _whole("Rows below which there is no verdict", 10**9)
    window_hours = _whole("Length of a window, in hours", 24 * 366)
    every_hours = _whole("A window every so many hours", 24 * 366)

    SETTINGS = (
        "warning",
        "breach",
        "open_after",
        "open_of",
        "close_after",
        "minimum_n",
        "window_hours",
        "every_hours",
    )

    def __init__(self, monitor: Monitor, data: Any = None) -> None:
        super().__init__(data, initial={name: getattr(monitor, name) for name in self.SETTINGS})
        self.monitor = monitor

    def of_settings(self) -> list[forms.BoundField]:
        return [self[name] for name in self.SETTINGS]

    def of_the_past(self) -> list[forms.BoundField]:
        return [self[name] for name in ("since", "until", "reason")]

    def changes(self) -> dict[str, Any]:
        """Only what is different from the monitor as it is."""
        said = {name: self.cleaned_data[name] for name in self.SETTINGS}
        return {name: one for name, one in said.items() if one != getattr(self.monitor, name)}
