"""Segments of a version: which have profiles, and one of them beside all rows in a window.

Series over time are stored by the monitors that watch a segment. Of the others the newest window is
counted from its profiles, like its distributions: two weeks at most, which a request can afford.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Max

from monitoring.metrics import METRICS
from monitoring.models import Monitor, Profile
from monitoring.reads.baselines import Baseline, baseline_of
from monitoring.reads.dashboards.boards import RATE_OF_GAP
from monitoring.reads.dashboards.curves import LONGEST
from monitoring.reads.references import against
from monitoring.reads.windows import ALL_ROWS, Merged, merged
from monitoring.stats import operations, performance
from monitoring.stats.business import business, by_decision
from monitoring.stats.fairness import by_group
from monitoring.stats.findings import Finding
from monitoring.stats.profiles import Profile as Counts
from monitoring.stats.profiles import empty
from monitoring.stats.reference import RESOURCES, Bins
from monitoring.stats.stability import cells_of, psi
from registry.models import Version

WEEK = timedelta(days=7)
MOST_FIELDS = 50
OF_KINDS = "@"
Key = tuple[str, str]
Findings = Mapping[Key, Finding]


@dataclass(frozen=True)
class Pair:
    """One number of a segment and of all rows, of one field where it is about one."""

    metric: str
    field: str
    own: Finding
    all_rows: Finding | None


@dataclass(frozen=True)
class Beside:
    """A segment beside all rows in a window."""

    segment: str
    start: datetime
    end: datetime
    rows: int
    all_rows: int
    labelled: int
    pairs: tuple[Pair, ...]


def segments_of(version_id: int) -> tuple[str, ...]:
    """The segments that were counted in the newest 31 days of the log. Two queries."""
    rows = Profile.objects.filter(version_id=version_id)
    newest = rows.aggregate(end=Max("hour"))["end"]
    if newest is None:
        return ()
    recent = rows.filter(hour__gt=newest - LONGEST).exclude(segment=ALL_ROWS)
    found = recent.order_by().values_list("segment", flat=True).distinct()
    return tuple(sorted(name for name in found if not name.startswith(OF_KINDS)))


def beside_of(
    version: Version, *, board: str, segment: str, window: tuple[datetime, datetime] | None
) -> Beside | None:
    """A segment beside all rows in the last week or two of a window. At most six queries.

    None where nothing was evaluated, the reference is not counted, or the board has no such table.
    """
    baseline = baseline_of(version.pk)
    if baseline is None or window is None or board not in MEASURES:
        return None
    end = window[1]
    start = end - min(max(end - window[0], WEEK), 2 * WEEK)
    found = merged(
        baseline.bins,
        version_id=version.pk,
        start=start,
        end=end,
        segments=[segment],
        outcomes=board != "drift",
    )
    own, every = found.by_segment[segment], found.by_segment[ALL_ROWS]
    pairs = MEASURES[board](_Window(version, baseline, segment, found, start, end))
    return Beside(segment, start, end, own.rows, every.rows, own.labelled_rows, tuple(pairs))


@dataclass(frozen=True)
class _Window:
    version: Version
    baseline: Baseline
    segment: str
    counted: Merged
    start: datetime
    end: datetime

    @property
    def sides(self) -> tuple[Counts, Counts]:
        return self.counted.by_segment[self.segment], self.counted.by_segment[ALL_ROWS]


def _pairs(window: _Window, measure: Callable[[Bins, Counts], Findings]) -> Iterable[Pair]:
    own, every = (measure(window.baseline.bins, side) for side in window.sides)
    for (metric, field), finding in own.items():
        if finding.value is not None:
            yield Pair(metric, field, finding, every.get((metric, field)))


def _performance(bins: Bins, counts: Counts) -> Findings:
    known = {one.name for one in METRICS["performance"]}
    found = performance.performance(bins, counts)
    return {(name, ""): one for name, one in found.items() if name in known}


def _operations(bins: Bins, counts: Counts) -> Findings:
    nothing = empty(bins)
    found = [
        operations.error_rate(bins, nothing, counts),
        operations.latency_mean(nothing, counts),
        *(
            operations.latency_quantile(name, share, nothing.latency, counts.latency)
            for name, share in operations.QUANTILES.items()
        ),
        *(operations.resource(role, nothing, counts) for role in RESOURCES),
    ]
    return {(one.measure, ""): one for one in found}


def _value(bins: Bins, counts: Counts) -> Findings:
    found = {(name, ""): one for name, one in business(empty(bins), counts).items()}
    decisions = by_decision(counts)
    return found | {(one.measure, f"decision {name}"): one for name, one in decisions.items()}


def _fairness(bins: Bins, counts: Counts) -> Findings:
    wanted = frozenset(RATE_OF_GAP.values())
    return {
        (metric, f"{name} = {group}"): one
        for name in bins.schema.group_names
        for (metric, group), one in by_group(bins, counts, name).items()
        if metric in wanted
    }


def _drift(window: _Window) -> Iterable[Pair]:
    """How far each field is from the reference's rows of the same segment, farthest first."""
    baseline, (own, every) = window.baseline, window.sides
    asked = Monitor(segments=[window.segment])
    usual = against(asked, window.version, baseline, window.start, window.end)
    pairs = [
        Pair(
            "psi",
            spec.name,
            _distance(baseline.bins, usual.by_segment[window.segment], own, spec.name),
            _distance(baseline.bins, baseline.profile, every, spec.name),
        )
        for spec in baseline.bins.schema.profiled
    ]
    known = [pair for pair in pairs if pair.own.value is not None]
    return sorted(known, key=lambda pair: -(pair.own.value or 0.0))[:MOST_FIELDS]


def _distance(bins: Bins, usual: Counts, now: Counts, name: str) -> Finding:
    cells = cells_of(bins, usual, now, name)
    n = int(cells.current.sum())
    if not n or not cells.reference.sum():
        return Finding("psi", None, n, reason="no rows on one side")
    return Finding("psi", float(psi(cells.reference, cells.current)), n)


MEASURES: dict[str, Callable[[_Window], Iterable[Pair]]] = {
    "performance": lambda window: _pairs(window, _performance),
    "operations": lambda window: _pairs(window, _operations),
    "value": lambda window: _pairs(window, _value),
    "fairness": lambda window: _pairs(window, _fairness),
    "drift": _drift,
}
