"""What charts need: a metric over time, and a field's distribution beside its reference."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np

from monitoring.models import Measurement
from monitoring.reads.baselines import Baseline, baseline_of
from monitoring.reads.windows import ALL_ROWS, merged
from monitoring.stats.columns import Counts, Floats
from monitoring.stats.profiles import (
    CategoricalView,
    NumericView,
    Profile,
    categorical_view,
    numeric_view,
)

MOST_POINTS = 1_000
BARS = 24
MOST_CATEGORIES = 20


@dataclass(frozen=True)
class Point:
    """One window of a series."""

    measurement_id: int
    run_id: int
    window_start: datetime
    window_end: datetime
    value: float | None
    low: float | None
    high: float | None
    n: int
    verdict: str


@dataclass(frozen=True)
class Series:
    """A metric of one field and segment over time, with its thresholds and reference."""

    metric: str
    field: str
    segment: str
    reference_value: float | None
    warning: float | None
    breach: float | None
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Bar:
    """One bin: its label and the share of rows in it, in the reference and now."""

    label: str
    reference: float
    current: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Distribution:
    """A field's distribution in a window against its reference; shares of all rows."""

    field: str
    kind: str
    bars: tuple[Bar, ...]
    n: int
    reference_n: int
    mean: float | None = None
    reference_mean: float | None = None


def series_of(
    *, version_id: int, monitor_id: int, fields: Sequence[str] = (), metric: str = ""
) -> list[Series]:
    """Every series of a monitor and version, in order of field; the newest thousand windows of it.

    One query.
    """
    rows = Measurement.objects.filter(version_id=version_id, monitor_id=monitor_id, latest=True)
    if fields:
        rows = rows.filter(field__in=fields)
    if metric:
        rows = rows.filter(metric=metric)
    grouped: dict[tuple[str, str, str], list[Measurement]] = {}
    newest = rows.select_related("run").order_by("-window_end", "-pk")
    for row in newest[: MOST_POINTS * max(1, len(fields) or 20)]:
        grouped.setdefault((row.metric, row.field, row.segment), []).append(row)
    return [_series(key, found) for key, found in sorted(grouped.items())]


def distribution_of(
    *, version_id: int, field: str, start: datetime, end: datetime, segment: str = ALL_ROWS
) -> Distribution | None:
    """A field's bars in a window beside its reference; None where the version has no such field.

    Merges the window's profiles: at most three queries.
    """
    baseline = baseline_of(version_id)
    if baseline is None:
        return None
    segments = [segment] if segment else []
    window = merged(
        baseline.bins,
        version_id=version_id,
        start=start,
        end=end,
        segments=segments,
        outcomes=False,
    )
    profile = window.by_segment[segment]
    if field in baseline.bins.numeric:
        return _numeric(baseline, profile, field)
    if field in baseline.bins.categorical:
        return _categorical(baseline, profile, field)
    return None


def _series(key: tuple[str, str, str], rows: list[Measurement]) -> Series:
    newest = rows[0]
    points = [
        Point(
            row.pk,
            row.run_id,
            row.run.window_start,
            row.window_end,
            row.value,
            row.low,
            row.high,
            row.n,
            row.verdict,
        )
        for row in reversed(rows[:MOST_POINTS])
    ]
    return Series(*key, newest.reference_value, newest.warning, newest.breach, tuple(points))


def _numeric(baseline: Baseline, profile: Profile, field: str) -> Distribution:
    left, right = (numeric_view(baseline.bins, one, field) for one in (baseline.profile, profile))
    edges = baseline.bins.numeric[field].edges
    cuts = _bar_cuts(edges, left.counts)
    ends = _ends(left, right)
    bars = []
    for first, last in pairwise(cuts):
        low, high = max(float(edges[first]), ends[0]), min(float(edges[last]), ends[1])
        usual, now = (_share(view, int(view.counts[first:last].sum())) for view in (left, right))
        bars.append(Bar(_range_label(low, high), usual, now, low, high))
    bars.append(Bar("missing", _share(left, left.missing), _share(right, right.missing)))
    outside = (_share(view, view.out_of_range) for view in (left, right))
    bars.append(Bar("out of range", *outside))
    shown = tuple(bar for bar in bars if bar.reference or bar.current)
    return Distribution(field, "numeric", shown, right.rows, left.rows, right.mean, left.mean)


def _bar_cuts(edges: Floats, reference: Counts) -> list[int]:
    """Fine bins joined into bars that hold about equal shares of the reference."""
    total = int(reference.sum())
    if not total:
        return [0, len(edges) - 1]
    ranks = np.cumsum(reference) * BARS // total
    inner = np.flatnonzero(np.diff(np.minimum(ranks, BARS - 1))) + 1
    return [0, *(int(place) for place in inner), len(edges) - 1]


def _ends(left: NumericView, right: NumericView) -> tuple[float, float]:
    known = [
        value
        for view in (left, right)
        for value in (view.minimum, view.maximum)
        if value is not None
    ]
    return (min(known), max(known)) if known else (0.0, 0.0)


def _range_label(low: float, high: float) -> str:
    return f"{low:.4g}" if high - low < 1e-9 * max(1.0, abs(low)) else f"{low:.4g} – {high:.4g}"


def _share(view: NumericView | CategoricalView, count: int) -> float:
    return count / view.rows if view.rows else 0.0


def _categorical(baseline: Baseline, profile: Profile, field: str) -> Distribution:
    left, right = (
        categorical_view(baseline.bins, one, field) for one in (baseline.profile, profile)
    )
    places = np.argsort(-(left.counts + right.counts), kind="stable")
    shown, rest = places[:MOST_CATEGORIES], places[MOST_CATEGORIES:]
    bars = [
        Bar(
            left.values[place],
            _share(left, int(left.counts[place])),
            _share(right, int(right.counts[place])),
        )
        for place in shown
    ]
    others = (
        _share(view, int(view.counts[rest].sum()) + view.apart["other"]) for view in (left, right)
    )
    bars.append(Bar("others", *others))
    for name, label in (("unseen", "never seen before"), ("null", "missing")):
        bars.append(Bar(label, *(_share(view, view.apart[name]) for view in (left, right))))
    kept = tuple(bar for bar in bars if bar.reference or bar.current)
    return Distribution(field, "categorical", kept, right.rows, left.rows)
