"""Every series of some kinds of monitors over time, thinned out in the database where it is long.

A year of hourly windows has 8,760 points a series; a picture has a few hundred columns. The
database keeps the gravest window of each column, of equally grave ones the one farthest from its
reference: what is not drawn is never worse than what is.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    ExpressionWrapper,
    F,
    Func,
    Max,
    OuterRef,
    Q,
    Subquery,
    Value,
    When,
)
from django.db.models.functions import Abs, Coalesce

from monitoring.metrics import LABELLED
from monitoring.models import Measurement, Monitor, Run
from monitoring.reads.settings import threshold_of
from monitoring.reads.thinning import date_bin, gravest_of, interval, number
from monitoring.stats.verdict import Threshold

MOST_POINTS = 12_000
MOST_COLUMNS = 400
HOUR = timedelta(hours=1)
# The alpha of a run is written beside what it judged, whether or not the monitor has own limits.
JUDGED = Q(warning__isnull=False) | Q(breach__isnull=False) | Q(parameters__has_key="alpha")
JUDGED_NOW = ExpressionWrapper(JUDGED, output_field=BooleanField())


@dataclass(frozen=True)
class Scope:
    """What is asked for; no `until` is the newest window, no `since` is `days` before it."""

    version_id: int
    days: int = 366
    since: datetime | None = None
    until: datetime | None = None
    field: str = ""
    segment: str | None = None
    columns: int = MOST_COLUMNS


@dataclass(frozen=True)
class Point:
    """One measurement of one window, with what its run says of the window."""

    measurement_id: int
    run_id: int
    window_start: datetime
    window_end: datetime
    value: float | None
    low: float | None
    high: float | None
    reference_value: float | None
    effect: float | None
    n: int
    rows: int
    labelled: int
    mature: bool
    verdict: str
    reason: str
    compared_with: str
    column: datetime

    @property
    def coverage(self) -> float | None:
        """The share of the window's rows that have their outcome."""
        return min(self.labelled / self.rows, 1.0) if self.rows else None


@dataclass(frozen=True)
class Line:
    """A metric of one field and segment as one monitor sees it, oldest window first."""

    monitor: Monitor
    metric: str
    field: str
    segment: str
    judged: bool
    threshold: Threshold
    points: tuple[Point, ...]
    newest: Point | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        return self.metric, self.field, self.segment

    @property
    def last(self) -> Point:
        """The newest window itself, even where its column shows a graver one."""
        return self.newest or self.points[-1]


@dataclass(frozen=True)
class Lines:
    """Series of the monitors of some kinds; `hours` is how long a column is at least."""

    monitors: tuple[Monitor, ...] = ()
    as_of: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    hours: int = 0
    lines: tuple[Line, ...] = ()
    cut: bool = False
    thinned: bool = False

    @property
    def mature_through(self) -> datetime | None:
        """The end of the newest window whose outcomes were all due, of what needs outcomes."""
        points = (point for line in self.of(*LABELLED) for point in line.points)
        return max((point.window_end for point in points if point.mature), default=None)

    def of(self, *kinds: str) -> tuple[Line, ...]:
        return tuple(line for line in self.lines if line.monitor.kind in kinds)


KEY = ("monitor_id", "metric", "field", "segment")
POINT = (
    "pk",
    "run_id",
    "run__window_start",
    "window_end",
    "value",
    "low",
    "high",
    "reference_value",
    "parameters__effect",
    "n",
    "run__rows",
    "run__labelled",
    "run__mature",
    "verdict",
    "reason",
    "run__compared_with",
)


def lines_of(
    scope: Scope,
    *,
    model_id: int,
    kinds: Collection[str],
    judged: bool = False,
    metrics: Collection[str] = (),
) -> Lines:
    """The series of the monitors of `kinds`, at most 12,000 points. Three queries.

    `judged` leaves out what no threshold is about; `metrics` keeps some beside the judged ones.
    """
    frame = frame_of(scope, model_id=model_id, kinds=kinds)
    if frame.as_of is None or frame.until is None:
        return frame.around((), cut=False)
    rows = frame.rows
    if judged:
        rows = rows.filter(JUDGED | Q(metric__in=metrics)) if metrics else rows.filter(JUDGED)
    columns = _picked(rows, frame.column)
    found = _lines(rows, frame.monitors, columns)
    return frame.around(found, cut=len(columns) == MOST_POINTS)


@dataclass(frozen=True)
class Frame:
    """The monitors and the period that series are of, and the measurements that lie in it."""

    monitors: tuple[Any, ...]
    as_of: datetime | None = None
    since: datetime | None = None
    until: datetime | None = None
    hours: int = 0
    rows: Any = None

    @property
    def column(self) -> Func:
        """The start of the column that a window ends in; never shorter than the monitor's step."""
        if self.until is None:
            raise LookupError("Nothing has been measured.")
        return date_bin(_widths(self.monitors, self.hours), until=self.until)

    def around(self, lines: tuple[Line, ...], *, cut: bool) -> Lines:
        """The series in their frame."""
        thinned = any(one.every_hours < self.hours for one in self.monitors if one.newest)
        return Lines(
            self.monitors,
            self.as_of,
            self.since,
            self.until,
            self.hours,
            lines,
            cut=cut,
            thinned=thinned,
        )


def frame_of(scope: Scope, *, model_id: int, kinds: Collection[str]) -> Frame:
    """Where the series of `kinds` lie; empty where nothing has been measured. One query."""
    monitors = tuple(_monitors(scope, model_id, kinds))
    ends = [one.newest for one in monitors if one.newest is not None]
    if not ends:
        return Frame(monitors)
    as_of = max(ends)
    until = min(scope.until or as_of, as_of)
    since = scope.since or until - timedelta(days=scope.days)
    oldest = min(one.oldest for one in monitors if one.oldest is not None)
    hours = _column_hours(max(since, oldest - HOUR), until, scope.columns)
    rows = _rows(scope, monitors, since, until)
    return Frame(monitors, as_of, since, until, hours, rows)


def _monitors(scope: Scope, model_id: int, kinds: Collection[str]) -> list[Any]:
    """The monitors, each with the ends of its newest and its oldest window of the version."""
    runs = Run.objects.filter(monitor=OuterRef("pk"), version_id=scope.version_id, latest=True)
    newest, oldest = runs.order_by("-window_end"), runs.order_by("window_end")
    found = Monitor.objects.filter(model_id=model_id, kind__in=list(kinds)).annotate(
        newest=Subquery(newest.values("window_end")[:1]),
        oldest=Subquery(oldest.values("window_end")[:1]),
        newest_run=Subquery(newest.values("pk")[:1]),
    )
    return list(found)


def _column_hours(since: datetime, until: datetime, columns: int) -> int:
    span = (until - since) / HOUR
    return max(1, ceil(span / max(1, min(columns, MOST_COLUMNS))))


def _rows(scope: Scope, monitors: Sequence[Any], since: datetime, until: datetime) -> Any:
    seen = [one.pk for one in monitors if one.newest]
    found = Measurement.objects.filter(
        version_id=scope.version_id,
        monitor_id__in=seen,
        latest=True,
        window_end__gt=since,
        window_end__lte=until,
    )
    if scope.field:
        found = found.filter(field=scope.field)
    return found if scope.segment is None else found.filter(segment=scope.segment)


def _widths(monitors: Sequence[Any], hours: int) -> Case | Value:
    by_width: dict[int, list[int]] = {}
    for one in monitors:
        by_width.setdefault(max(hours, one.every_hours), []).append(one.pk)
    widths = [(ids, interval(timedelta(hours=width))) for width, ids in by_width.items()]
    if len(widths) == 1:
        return widths[0][1]
    return Case(*(When(monitor_id__in=ids, then=width) for ids, width in widths))


def _picked(rows: Any, column: Func) -> list[tuple[int, datetime]]:
    """Of each series and column the gravest measurement, newest columns first."""
    distance = Abs(F("value") - Coalesce(F("reference_value"), number(0)))
    gravest = Max(gravest_of(Coalesce(distance, number(-1)), "pk"))
    grouped = rows.order_by().values(*KEY, column=column).annotate(gravest=gravest)
    found = grouped.order_by("-column").values_list("column", "gravest")[:MOST_POINTS]
    return [(int(gravest[-1]), start) for start, gravest in found]


def _lines(
    rows: Any, monitors: Sequence[Any], columns: Sequence[tuple[int, datetime]]
) -> tuple[Line, ...]:
    starts = dict(columns)
    newest_runs = [one.newest_run for one in monitors if one.newest_run is not None]
    newest: dict[tuple[Any, ...], Point] = {}
    by_id = {one.pk: one for one in monitors}
    judged: dict[tuple[Any, ...], bool] = {}
    points: dict[tuple[Any, ...], list[Point]] = {}
    for row in _loaded(rows, list(starts), newest_runs):
        key, is_judged, values = row[: len(KEY)], row[len(KEY)], row[len(KEY) + 1 :]
        point = Point(*[*values, starts.get(values[0], values[3])])
        if point.run_id in newest_runs:
            newest[key] = point
        if point.measurement_id in starts:
            judged[key] = is_judged
            points.setdefault(key, []).append(point)
    found = [
        Line(
            by_id[key[0]],
            metric=key[1],
            field=key[2],
            segment=key[3],
            judged=judged[key],
            threshold=threshold_of(by_id[key[0]], key[1]),
            points=tuple(own),
            newest=newest.get(key),
        )
        for key, own in points.items()
    ]
    return tuple(sorted(found, key=lambda line: (line.monitor.pk, not line.judged, line.key)))


def _loaded(rows: Any, ids: Sequence[int], newest_runs: Sequence[int]) -> Any:
    """The picked measurements, and those of the newest runs, oldest first."""
    wanted = _one_of("pk", ids) | _one_of("run_id", newest_runs)
    found = rows.filter(wanted).order_by("window_end", "pk")
    return found.annotate(is_judged=JUDGED_NOW).values_list(*KEY, "is_judged", *POINT)


def _one_of(field: str, ids: Sequence[int]) -> Q:
    """Whether a field is one of many numbers: one array, thousands of parameters are slow."""
    many = Value(list(ids), output_field=ArrayField(BigIntegerField()))
    template, joint = "(%(expressions)s))", " = ANY("
    return Q(Func(F(field), many, template=template, arg_joiner=joint, output_field=BooleanField()))
