"""Monitors: created and changed by people of the model's team."""

from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from accounts.models import User
from accounts.policies import require
from audit.record import record
from monitoring.events import MonitoringEvent
from monitoring.jobs.trying import as_tried
from monitoring.metrics import METRICS, metric_of
from monitoring.models import Monitor, MonitorKind, ReferenceMode, Severity
from monitoring.policies import can_change_monitor, can_change_monitors
from registry.models import Model

ONLY_THE_TEAM = "Developers, validators and risk officers of the model's team set up monitors."
LONGEST_WINDOW = 24 * 366
MOST_WINDOWS = 10


class MonitorInvalid(ValueError):
    """The settings do not go together; `field` says which."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.field = name


@dataclass(frozen=True)
class Option:
    """A parameter of a measure: of which kinds of monitors, and between which numbers."""

    kinds: tuple[str, ...]
    low: float = 0.0
    high: float = 1.0

    def check(self, name: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise MonitorInvalid("options", f"{name} is a number.")
        if not self.low <= value <= self.high:
            message = f"{name} lies between {self.low:g} and {self.high:g}."
            raise MonitorInvalid("options", message)


OPTIONS = {
    "beta": Option((MonitorKind.PERFORMANCE,), 0.01, 100),
    "top": Option((MonitorKind.PERFORMANCE,), 0.001, 1),
    "group_minimum": Option((MonitorKind.FAIRNESS,), 5, 1e6),
    "target": Option((MonitorKind.BUSINESS,), -1e12, 1e12),
}


@dataclass(frozen=True)
class Settings:
    """What a monitor watches and what counts as too much."""

    name: str
    kind: str
    metric: str
    fields: list[str] = field(default_factory=list)
    segments: list[str] = field(default_factory=list)
    reference: str = ReferenceMode.REGISTERED
    reference_start: datetime | None = None
    reference_end: datetime | None = None
    options: dict[str, Any] = field(default_factory=dict)
    window_hours: int = 24 * 7
    every_hours: int = 24 * 7
    lateness_hours: int = 1
    warning: float | None = None
    breach: float | None = None
    relative: float | None = None
    relative_warning: float | None = None
    alpha: float = 0.05
    minimum_n: int = 200
    open_after: int = 1
    open_of: int | None = None
    close_after: int = 2
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
    said = asdict(settings)
    said["open_of"] = settings.open_of or settings.open_after
    monitor = Monitor(model=model, created_by=actor, **said)
    _save(monitor)
    record(actor, MonitoringEvent.MONITOR_CREATED, monitor, settings=said)
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
    if "open_after" in changes and "open_of" not in changes:
        changes = changes | {"open_of": max(changes["open_after"], monitor.open_of)}
    before = {name: getattr(monitor, name) for name in changes}
    for name, value in changes.items():
        setattr(monitor, name, value)
    _save(monitor)
    after = {name: getattr(monitor, name) for name in changes}
    if after != before:
        record(actor, MonitoringEvent.MONITOR_CHANGED, monitor, before=before, after=after)
    return monitor


def proposed(*, monitor: Monitor, changes: dict[str, Any]) -> Monitor:
    """The monitor with other settings, checked and not saved: to be tried, not to be run.

    Raises:
        MonitorInvalid: the settings do not go together, or cannot be changed.
    """
    fixed = sorted(changes.keys() - CHANGEABLE)
    if fixed:
        raise MonitorInvalid(fixed[0], f"{fixed[0]} cannot be tried; set up another monitor.")
    if "open_after" in changes and "open_of" not in changes:
        changes = changes | {"open_of": max(changes["open_after"], monitor.open_of)}
    tried = as_tried(monitor, changes)
    _check(tried)
    return tried


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
    known = [metric.name for metric in METRICS.get(monitor.kind, ())]
    if monitor.metric not in known:
        message = f"A {monitor.get_kind_display()} monitor measures one of {', '.join(known)}."
        raise MonitorInvalid("metric", message)
    _check_task(monitor)
    _check_options(monitor)
    _check_times(monitor)
    _check_reference(monitor)
    if not 0 < monitor.alpha <= 0.05:
        raise MonitorInvalid("alpha", "The false-alarm probability lies in (0, 0.05].")
    _check_levels(monitor)
    if any("=" not in segment for segment in monitor.segments):
        raise MonitorInvalid("segments", "A segment is written field=value.")


def _check_task(monitor: Monitor) -> None:
    metric = metric_of(monitor.kind, monitor.metric)
    if metric is not None and monitor.model.task not in metric.tasks:
        message = f"{metric.words} is of {' and '.join(metric.tasks)} models, this one answers a"
        raise MonitorInvalid("metric", f"{message} {monitor.model.get_task_display()}.")


def _check_options(monitor: Monitor) -> None:
    for name, value in monitor.options.items():
        allowed = OPTIONS.get(name)
        if allowed is None or monitor.kind not in allowed.kinds:
            raise MonitorInvalid("options", f"{name!r} is no option of {monitor.kind} monitors.")
        allowed.check(name, value)


def _check_levels(monitor: Monitor) -> None:
    metric = metric_of(monitor.kind, monitor.metric)
    levels = (monitor.warning, monitor.breach, monitor.relative, monitor.relative_warning)
    if all(level is None for level in levels) and not (metric and metric.parts):
        raise MonitorInvalid("breach", "Say from which effect on it is a warning or a breach.")
    if monitor.warning is not None and monitor.warning > (monitor.breach or monitor.warning):
        raise MonitorInvalid("warning", "The warning comes before the breach.")


def _check_times(monitor: Monitor) -> None:
    for name in ("window_hours", "every_hours"):
        if not 1 <= getattr(monitor, name) <= LONGEST_WINDOW:
            raise MonitorInvalid(name, f"1 to {LONGEST_WINDOW} hours.")
    if monitor.window_hours % monitor.every_hours:
        raise MonitorInvalid("every_hours", "A window is a whole number of steps long.")
    if not 1 <= monitor.open_after <= monitor.open_of <= MOST_WINDOWS:
        message = f"An incident opens after k of n windows, 1 to {MOST_WINDOWS}, k not above n."
        raise MonitorInvalid("open_after", message)
    if not 1 <= monitor.close_after <= MOST_WINDOWS:
        raise MonitorInvalid("close_after", f"1 to {MOST_WINDOWS} windows without breach.")


def _check_reference(monitor: Monitor) -> None:
    start, end = monitor.reference_start, monitor.reference_end
    pinned = monitor.reference == ReferenceMode.PINNED
    if pinned and (start is None or end is None or start >= end):
        raise MonitorInvalid("reference_start", "A pinned window has a start before its end.")
    if not pinned and (start or end):
        raise MonitorInvalid("reference_start", "Only a pinned window has a start and an end.")
