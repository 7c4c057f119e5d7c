"""Runs, their measurements, and the monitors of a model."""

from dataclasses import dataclass, replace
from datetime import datetime

from django.db.models import OuterRef, Subquery

from monitoring.models import Measurement, Monitor, Run
from monitoring.reads.settings import alpha_of, budget_of
from monitoring.stats.multiplicity import Budget, expected_false_alarms

MOST_RUNS = 500
QUARTER = 90.0  # days


@dataclass(frozen=True)
class RunRow:
    """One evaluation of a monitor."""

    id: int
    monitor_id: int
    monitor: str
    kind: str
    version_id: int
    version: int
    window_start: datetime
    window_end: datetime
    revision: int
    latest: bool
    verdict: str
    reason: str
    rows: int
    labelled: int
    measured_at: datetime
    milliseconds: int


@dataclass(frozen=True)
class MeasurementRow:
    """One number of a run."""

    id: int
    metric: str
    field: str
    segment: str
    value: float | None
    low: float | None
    high: float | None
    reference_value: float | None
    n: int
    reference_n: int
    p_value: float | None
    warning: float | None
    breach: float | None
    verdict: str
    reason: str
    judged: bool


@dataclass(frozen=True)
class MonitorRow:
    """A monitor with the latest verdict of a version and what it promises."""

    monitor: Monitor
    alpha: float
    false_alarms_per_quarter: float  # at most, in 90 days; none of a monitor that is switched off
    latest: RunRow | None


def runs_of(
    *, version_id: int, monitor_id: int | None = None, limit: int = 100, earlier: bool = False
) -> list[RunRow]:
    """Runs of a version, newest window first; `earlier` adds outdated revisions. One query."""
    rows = Run.objects.filter(version_id=version_id).select_related("monitor", "version")
    if monitor_id is not None:
        rows = rows.filter(monitor_id=monitor_id)
    if not earlier:
        rows = rows.filter(latest=True)
    return [_row(run) for run in rows[: min(limit, MOST_RUNS)]]


def measurements_of(run_id: int) -> list[MeasurementRow]:
    """The numbers of one run, the judged ones first. One query."""
    rows = [_measurement(row) for row in Measurement.objects.filter(run_id=run_id)]
    return sorted(rows, key=lambda row: (not row.judged, row.metric, row.field, row.segment))


def monitors_of(
    *, model_id: int, version_id: int | None = None, versions: int = 1
) -> list[MonitorRow]:
    """A model's monitors, each with the latest run of a version. Three queries.

    `versions` is how many versions they run for, as each takes its part of the budget.
    """
    monitors = list(Monitor.objects.filter(model_id=model_id).select_related("model"))
    latest = _latest(version_id, model_id) if version_id is not None else {}
    budget = budget_of(model_id)
    rows = [_monitor(one, monitors, budget, versions) for one in monitors]
    return [replace(row, latest=latest.get(row.monitor.pk)) for row in rows]


def _latest(version_id: int, model_id: int) -> dict[int, RunRow]:
    """monitor -> its newest run of a version."""
    own = Run.objects.filter(monitor=OuterRef("pk"), version_id=version_id, latest=True)
    newest = Monitor.objects.filter(model_id=model_id).order_by()
    ids = newest.annotate(run=Subquery(own.order_by("-window_end").values("pk")[:1])).values("run")
    runs = Run.objects.filter(pk__in=ids).select_related("monitor", "version")
    return {run.monitor_id: _row(run) for run in runs}


def _monitor(
    monitor: Monitor, together: list[Monitor], budget: Budget, versions: int
) -> MonitorRow:
    alpha = alpha_of(monitor, together, budget, versions=versions)
    if not monitor.enabled:
        return MonitorRow(monitor, alpha, 0.0, None)
    rates = {"it": versions * 24 / monitor.every_hours}
    windows = expected_false_alarms({"it": alpha}, rates, QUARTER)
    # One that waits for k of n windows opens fewer incidents than it has windows above alpha.
    share = budget.false_alarms / sum(one.enabled for one in together) * QUARTER / budget.days
    return MonitorRow(monitor, alpha, min(windows, share), None)


def _row(run: Run) -> RunRow:
    return RunRow(
        run.pk,
        run.monitor_id,
        run.monitor.name,
        run.monitor.kind,
        run.version_id,
        run.version.number,
        run.window_start,
        run.window_end,
        run.revision,
        run.latest,
        run.verdict,
        run.reason,
        run.rows,
        run.labelled,
        run.measured_at,
        run.milliseconds,
    )


def _measurement(row: Measurement) -> MeasurementRow:
    return MeasurementRow(
        row.pk,
        row.metric,
        row.field,
        row.segment,
        row.value,
        row.low,
        row.high,
        row.reference_value,
        row.n,
        row.reference_n,
        row.p_value,
        row.warning,
        row.breach,
        row.verdict,
        row.reason,
        # The alpha of a run stands beside what it judged, whether or not there are own limits.
        row.warning is not None or row.breach is not None or "alpha" in row.parameters,
    )
