"""Look ahead: for every monitored series a trend, and when it is expected to breach.

Said of versions that serve, and only where saying so would have been right on the series' own past.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from typing import TypeAlias

from django.db.models import Max
from django.db.models.functions import Now

from monitoring.models import Measurement, Monitor, Outlook, Run
from monitoring.reads.settings import threshold_of
from monitoring.stats.trend import Outlook as Found
from monitoring.stats.trend import expected_breach
from monitoring.stats.verdict import Threshold, size_of
from registry.models import Deployment

MOST_WINDOWS = 60
MOST_SERIES = 500
FARTHEST = timedelta(days=366)
Key: TypeAlias = tuple[str, str, str]
Series: TypeAlias = list[tuple[Measurement, float | None]]


def look_ahead() -> int:
    """Refresh the outlook of every series whose newest window is new; returns how many series."""
    serving = Deployment.objects.filter(ended_at__isnull=True).values("version")
    newest = Run.objects.filter(version__in=serving, latest=True, monitor__enabled=True)
    rows = newest.order_by().values_list("monitor", "version").annotate(Max("window_end"))
    seen = _seen()
    return sum(
        _refresh(monitor_id, version_id)
        for monitor_id, version_id, end in rows
        if seen.get((monitor_id, version_id)) != end
    )


def _seen() -> dict[tuple[int, int], object]:
    rows = Outlook.objects.order_by().values_list("monitor", "version").annotate(Max("as_of"))
    return {(monitor, version): end for monitor, version, end in rows}


def _refresh(monitor_id: int, version_id: int) -> int:
    monitor = Monitor.objects.select_related("model").get(pk=monitor_id)
    found = list(_outlooks(monitor, version_id))
    Outlook.objects.filter(monitor=monitor, version_id=version_id).delete()
    Outlook.objects.bulk_create(found)
    return len(found)


def _outlooks(monitor: Monitor, version_id: int) -> Iterator[Outlook]:
    for every in _series(monitor, version_id).values():
        series = _up_to_the_last_value(every)
        last = series[-1][0]
        threshold = threshold_of(monitor, last.metric)
        if threshold.breach is None:
            continue
        values = [value for _, value in series]
        found = expected_breach(values, threshold=threshold.breach, rising=True)
        row = _row(monitor, last, found, threshold.breach, len(series))
        row.as_of = every[-1][0].window_end
        yield row


def _up_to_the_last_value(series: Series) -> Series:
    """Windows without data at the end say nothing of where the series stands now."""
    valued = [place for place, (_, value) in enumerate(series) if value is not None]
    return series[: valued[-1] + 1] if valued else series


def _row(monitor: Monitor, last: Measurement, found: Found, breach: float, windows: int) -> Outlook:
    step = timedelta(hours=monitor.every_hours)
    moments = [
        None if ahead is None or ahead * step > FARTHEST else last.window_end + ahead * step
        for ahead in (found.windows, found.soonest, found.latest)
    ]
    return Outlook(
        monitor=monitor,
        version_id=last.version_id,
        metric=last.metric,
        field=last.field,
        segment=last.segment,
        windows=windows,
        slope=found.slope,
        slope_low=found.low,
        slope_high=found.high,
        breach=breach,
        breach_at=moments[0],
        soonest_at=moments[1] if moments[0] else None,
        latest_at=moments[2] if moments[0] else None,
        reason=found.reason,
        as_of=last.window_end,
        made_at=Now(),
    )


def _series(monitor: Monitor, version_id: int) -> dict[Key, Series]:
    """The effects of the newest windows by what was judged, oldest first."""
    ends = Run.objects.filter(monitor=monitor, version_id=version_id, latest=True)
    newest = list(ends.order_by("-window_end").values_list("pk", flat=True)[:MOST_WINDOWS])
    rows = Measurement.objects.filter(run__in=newest, parameters__has_key="alpha")
    series: dict[Key, Series] = defaultdict(list)
    for row in rows.order_by("window_end", "pk"):
        key = (row.metric, row.field, row.segment)
        if key in series or len(series) < MOST_SERIES:
            series[key].append((row, _effect(row, threshold_of(monitor, row.metric))))
    return series


def _effect(row: Measurement, threshold: Threshold) -> float | None:
    """How far a window went into the bad direction, as its verdict was judged."""
    effect = row.parameters.get("effect")
    return None if effect is None else size_of(float(effect), threshold)
