"""Monitors: created and changed by people of the model's team."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from accounts.models import User
from accounts.policies import require
from audit.record import record
from monitoring.events import MonitoringEvent
from monitoring.models import Monitor, MonitorKind, Severity
from monitoring.policies import can_change_monitor, can_change_monitors
from monitoring.reads.settings import METRICS
from registry.models import Model

ONLY_THE_TEAM = "Developers, validators and risk officers of the model's team set up monitors."
LONGEST_WINDOW = 24 * 366


class MonitorInvalid(ValueError):
    """The settings do not go together; `field` says which."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.field = name


@dataclass(frozen=True)
class Settings:
    """What a monitor watches and what counts as too much."""

    name: str
    kind: str
    metric: str
    fields: list[str] = field(default_factory=list)
    segments: list[str] = field(default_factory=list)
    window_hours: int = 24 * 7
    every_hours: int = 24 * 7
    lateness_hours: int = 1
    warning: float | None = None
    breach: float | None = None
    alpha: float = 0.05
    minimum_n: int = 200
    open_after: int = 1
    severity: str = Severity.WARNING
    enabled: bool = True
    why: str = ""


CHANGEABLE = frozenset(one.name for one in fields(Settings)) - {"kind"}


@transaction.atomic
def create_monitor(*, actor: User, model_id: int, settings: Settings) -> Monitor:
    """Set up a monitor; past windows are evaluated too.

    Raises:
        Refused: the actor is not of the model's team, or only audits.
        MonitorInvalid: the settings do not go together, or the name is taken.
    """
    model = Model.objects.select_for_update(no_key=True).get(pk=model_id)
    require(can_change_monitors(actor, model), ONLY_THE_TEAM)
    monitor = Monitor(model=model, created_by=actor, **asdict(settings))
    _save(monitor)
    record(actor, MonitoringEvent.MONITOR_CREATED, monitor, settings=asdict(settings))
    return monitor


@transaction.atomic
def change_monitor(*, actor: User, monitor_id: int, changes: dict[str, Any]) -> Monitor:
    """Change some settings; runs under the earlier settings stay as they were.

    Raises:
        Refused: the actor is not of the model's team, or only audits.
        MonitorInvalid: the settings do not go together, or cannot be changed.
    """
    monitor = (
        Monitor.objects.select_for_update(no_key=True, of=("self",))
        .select_related("model")
        .get(pk=monitor_id)
    )
    require(can_change_monitor(actor, monitor), ONLY_THE_TEAM)
    fixed = sorted(changes.keys() - CHANGEABLE)
    if fixed:
        raise MonitorInvalid(fixed[0], f"{fixed[0]} cannot be changed; create another monitor.")
    before = {name: getattr(monitor, name) for name in changes}
    for name, value in changes.items():
        setattr(monitor, name, value)
    _save(monitor)
    after = {name: getattr(monitor, name) for name in changes}
    if after != before:
        record(actor, MonitoringEvent.MONITOR_CHANGED, monitor, before=before, after=after)
    return monitor


def _save(monitor: Monitor) -> None:
    _check(monitor)
    monitor.changed_at = Now()
    try:
        with transaction.atomic():
            monitor.save()
    except IntegrityError as error:
        raise MonitorInvalid("name", f"{monitor.model} has a monitor of this name.") from error
    monitor.refresh_from_db(fields=["changed_at", "created_at"])


def _check(monitor: Monitor) -> None:
    known = METRICS.get(MonitorKind(monitor.kind), ())
    if monitor.metric not in known:
        message = f"A {monitor.kind} monitor measures one of {', '.join(known)}."
        raise MonitorInvalid("metric", message)
    _check_times(monitor)
    if not 0 < monitor.alpha <= 0.05:
        raise MonitorInvalid("alpha", "The false-alarm probability lies in (0, 0.05].")
    if monitor.warning is None and monitor.breach is None:
        raise MonitorInvalid("breach", "Say from which effect on it is a warning or a breach.")
    if monitor.warning is not None and monitor.warning > (monitor.breach or monitor.warning):
        raise MonitorInvalid("warning", "The warning comes before the breach.")
    if any("=" not in segment for segment in monitor.segments):
        raise MonitorInvalid("segments", "A segment is written field=value.")


def _check_times(monitor: Monitor) -> None:
    for name in ("window_hours", "every_hours"):
        if not 1 <= getattr(monitor, name) <= LONGEST_WINDOW:
            raise MonitorInvalid(name, f"1 to {LONGEST_WINDOW} hours.")
    if monitor.window_hours % monitor.every_hours:
        raise MonitorInvalid("every_hours", "A window is a whole number of steps long.")
    if not 1 <= monitor.open_after <= 10:
        raise MonitorInvalid("open_after", "1 to 10 breaching windows in a row.")
