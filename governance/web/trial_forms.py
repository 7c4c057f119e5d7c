"""What is tried on the past, as people fill it in: a policy gate by gate, or a monitor."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django import forms

from accounts.models import Team
from governance.rounds import in_all
from governance.services.back_tests import Past
from governance.trials import LONGEST_LOOK
from governance.web.policy_forms import PolicyForm, Stored
from monitoring.models import Monitor

DAY = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
USUAL = timedelta(days=364)


def _today() -> date:
    return datetime.now(tz=UTC).date()


def _first_day() -> date:
    return _today() - USUAL


class PastForm(forms.Form):
    """Over which past; the last year, if nothing is said."""

    since = forms.DateField(widget=DAY, label="From (UTC)", required=False, initial=_first_day)
    until = forms.DateField(
        widget=DAY,
        label="To (UTC)",
        required=False,
        initial=_today,
        help_text="This day is included.",
    )
    reason = forms.CharField(
        required=False,
        max_length=400,
        label="Why it is tried",
        help_text="Kept with the result.",
    )

    def past(self) -> Past:
        said = self.cleaned_data
        since, until = said["since"] or _first_day(), said["until"] or _today()
        return Past(since, until, said.get("within_days") or 30)


class PolicyTrialForm(PastForm, PolicyForm):
    """The form of a proposal, and over which past: one can be sent as the other."""

    team = forms.ChoiceField(required=False, label="Whose past")
    within_days = forms.IntegerField(
        required=False,
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
        rounds: Stored,
        gates: Stored,
        teams: Sequence[Team],
        everybody: bool,
    ) -> None:
        super().__init__(data, rounds=rounds, gates=gates)
        whose = [("", "everybody's")] if everybody else []
        self.first_team = "" if everybody or not teams else teams[0].slug
        field = self.fields["team"]
        if isinstance(field, forms.ChoiceField):
            field.choices = [*whose, *((team.slug, team.name) for team in teams)]

    def of_the_past(self) -> list[forms.BoundField]:
        return [self[name] for name in ("team", "since", "until", "within_days", "reason")]

    def team_slug(self) -> str:
        """Whose past; where everybody's is not theirs to try, the first of their teams'."""
        return self.cleaned_data["team"] or self.first_team

    def quorum(self) -> dict[str, int]:
        """Signatures over all rounds: the past does not tell in which order they would come."""
        return in_all(self.rounds())


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
