"""Other settings of a monitor, tried on the stored past: measured and judged, nothing written.

What is tried is computed by the same functions as a run, from the profiles as they are stored now:
outcomes that came late are in them. A window whose profiles are not whole any more is not told.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Max, Min
from django.utils import timezone

from monitoring.jobs.evaluate import compute
from monitoring.jobs.judging import verdict_of
from monitoring.jobs.windows import COVERED, Window, windows_between
from monitoring.jobs.wording import run_summary
from monitoring.models import Monitor, Profile, Run
from monitoring.reads.baselines import Baseline, baseline_of
from monitoring.reads.settings import alpha_of, budget_of, settings_of, versions_watched
from monitoring.reads.windows import ALL_ROWS
from monitoring.stats.verdict import Verdict
from registry.models import Deployment, Version

HOUR = timedelta(hours=1)
# What decides about alarms beside the numbers of a run.
PATIENCE = ("open_after", "open_of", "close_after", "lateness_hours")
DATES = ("reference_start", "reference_end")


@dataclass(frozen=True)
class Tried:
    """One window under the settings that are tried; no verdict: it cannot be told, and why."""

    window: Window
    verdict: Verdict | None
    rows: int
    reason: str


def everything_of(monitor: Monitor) -> dict[str, Any]:
    """The settings that decide about verdicts and alarms, as JSON holds them."""
    return settings_of(monitor) | {name: getattr(monitor, name) for name in PATIENCE}


def as_tried(monitor: Monitor, said: Mapping[str, Any]) -> Monitor:
    """A copy with other settings, never saved; it has the monitor's place in the budget."""
    fields = {field.attname: getattr(monitor, field.attname) for field in Monitor._meta.fields}
    tried = Monitor(**(fields | {name: _value(name, one) for name, one in said.items()}))
    tried.model = monitor.model
    return tried


def _value(name: str, said: Any) -> Any:
    return datetime.fromisoformat(said) if name in DATES and isinstance(said, str) else said


def versions_to_try(monitor: Monitor, *, since: datetime, until: datetime) -> list[Version]:
    """Versions of the model with profiles in the period and a counted reference."""
    counted = Profile.objects.filter(segment="", hour__gte=since, hour__lt=until)
    rows = Version.objects.filter(
        model=monitor.model_id, pk__in=counted.values("version"), reference__frozen_at__isnull=False
    )
    return list(rows.select_related("model", "schema").order_by("number"))


def windows_to_try(
    tried: Monitor, version: Version, *, since: datetime, until: datetime
) -> list[Window]:
    """The windows of the grid in the period, of as far as the version's log reaches."""
    log = Profile.objects.filter(version=version, segment="").aggregate(
        first=Min("hour"), last=Max("hour")
    )
    if log["first"] is None:
        return []
    serves = Deployment.objects.filter(version=version, ended_at__isnull=True).exists()
    end = timezone.now() if serves else log["last"] + HOUR
    reach = timedelta(hours=tried.window_hours)
    closed = timezone.now() - timedelta(hours=tried.lateness_hours)
    last = min(until, closed, end + (1 - COVERED) * reach)
    grid = windows_between(
        log["first"], last, window_hours=tried.window_hours, every_hours=tried.every_hours
    )
    return [window for window in grid if window.start >= since]


def try_windows(tried: Monitor, version: Version, windows: list[Window]) -> Iterator[Tried]:
    """Each window measured and judged under the settings that are tried."""
    baseline = baseline_of(version.pk)
    if baseline is None:
        return
    alpha = alpha_of(
        tried,
        tried.model.monitors.all(),
        budget_of(tried.model_id),
        versions=versions_watched(tried.model_id),
    )
    counted = _rows_then(tried, version)
    for window in windows:
        yield _tried(tried, version, baseline, window, alpha, counted.get(window, 0))


def _rows_then(tried: Monitor, version: Version) -> dict[Window, int]:
    """How many rows the model's windows had when they were run."""
    runs = Run.objects.filter(monitor__model=tried.model_id, version=version, latest=True)
    found: dict[Window, int] = {}
    for start, end, rows in runs.values_list("window_start", "window_end", "rows"):
        found[Window(start, end)] = max(rows, found.get(Window(start, end), 0))
    return found


def _tried(
    tried: Monitor,
    version: Version,
    baseline: Baseline,
    window: Window,
    alpha: float,
    then: int,
) -> Tried:
    evaluated = compute(tried, version, baseline, window, alpha=alpha)
    rows = evaluated.context.merged.by_segment[ALL_ROWS].rows
    if rows < then:
        reason = f"{then:,} rows were counted then, {rows:,} are stored now."
        return Tried(window, None, rows, reason)
    found = evaluated.found
    return Tried(window, verdict_of(found), rows, run_summary(tried, found)[:300])
