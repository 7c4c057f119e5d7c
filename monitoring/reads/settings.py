"""What a monitor's settings mean: their digest, the share of the false-alarm budget, thresholds."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from audit.chain import sha256_of
from monitoring.metrics import WITH_OUTCOMES, metric_of
from monitoring.models import AlarmBudget, Monitor, MonitorKind, ReferenceMode
from monitoring.stats.multiplicity import DEFAULT_BUDGET, Budget, split_budget
from monitoring.stats.reference import Role, Schema
from monitoring.stats.sequential import correlation
from monitoring.stats.verdict import DEFAULT_THRESHOLDS, Direction, Threshold
from registry.models import Deployment

DIGEST_LENGTH = 16
WEEKS_BACK = 4  # of a reference of the same phase
ABOUT_NOTHING = frozenset({"volume", "throughput", "uptime", "freshness"})


def settings_of(monitor: Monitor) -> dict[str, Any]:
    """What the numbers of a run depend on, beside the data."""
    start, end = monitor.reference_start, monitor.reference_end
    return {
        "kind": monitor.kind,
        "metric": monitor.metric,
        "fields": monitor.fields,
        "segments": monitor.segments,
        "reference": monitor.reference,
        "reference_start": start.isoformat() if start else None,
        "reference_end": end.isoformat() if end else None,
        "options": monitor.options,
        "window_hours": monitor.window_hours,
        "every_hours": monitor.every_hours,
        "warning": monitor.warning,
        "breach": monitor.breach,
        "relative": monitor.relative,
        "relative_warning": monitor.relative_warning,
        "alpha": monitor.alpha,
        "minimum_n": monitor.minimum_n,
    }


def config_digest(monitor: Monitor) -> str:
    """The settings as a short text: another digest, another run."""
    return sha256_of(settings_of(monitor))[:DIGEST_LENGTH]


def needs_outcomes(monitor: Monitor, schema: Schema) -> bool:
    """Whether outcomes that arrive change what the monitor measures."""
    watches_outcome = schema.name_of(Role.OUTCOME) in monitor.fields
    return monitor.kind in WITH_OUTCOMES or (monitor.kind == MonitorKind.DRIFT and watches_outcome)


def budget_of(model_id: int) -> Budget:
    """How many false alarms the model may raise: its own budget, else the default."""
    row = AlarmBudget.objects.filter(model_id=model_id).first()
    return Budget(row.false_alarms, row.days) if row else DEFAULT_BUDGET


def versions_watched(model_id: int) -> int:
    """How many versions a model's monitors run for: those that serve now, at least one."""
    serving = Deployment.objects.filter(model_id=model_id, ended_at__isnull=True)
    return max(1, serving.values("version").distinct().count())


def alpha_of(
    monitor: Monitor, together: Iterable[Monitor], budget: Budget, *, versions: int = 1
) -> float:
    """The false-alarm probability of one run: the monitor's own, within the model's budget.

    A monitor that waits for k of n windows may judge each of them at a larger one.
    """
    running = {str(one.pk): one for one in together if one.enabled} | {str(monitor.pk): monitor}
    shares = split_budget(
        {key: versions * 24 / one.every_hours for key, one in running.items()},
        budget,
        open_after={key: (one.open_after, one.open_of) for key, one in running.items()},
        correlated={key: _correlation(one) for key, one in running.items()},
    )
    return min(monitor.alpha, shares[str(monitor.pk)])


def _correlation(monitor: Monitor) -> float:
    """How much windows that follow each other have in common: rows, and the reference.

    A reference of another size than the window is not known here; it is taken to be as small.
    """
    overlap = max(0.0, 1 - monitor.every_hours / monitor.window_hours)
    weeks = WEEKS_BACK if monitor.reference == ReferenceMode.PHASE else 1
    return correlation(rows=1.0, reference_rows=float(weeks), overlap=overlap)


def threshold_of(monitor: Monitor, measure: str) -> Threshold:
    """The practical minima of a change, and the direction that is bad.

    A metric that consists of several measures takes the defaults of each, unless it says its own.
    """
    levels = (monitor.warning, monitor.breach, monitor.relative, monitor.relative_warning)
    if all(level is None for level in levels) and measure in DEFAULT_THRESHOLDS:
        return replace(DEFAULT_THRESHOLDS[measure], minimum_n=monitor.minimum_n)
    return Threshold(
        *levels,
        direction=direction_of(monitor, measure),
        # An empty window is what these are there to find.
        minimum_n=0 if measure in ABOUT_NOTHING else monitor.minimum_n,
    )


def direction_of(monitor: Monitor, measure: str) -> Direction:
    """The direction of a change that is bad; parts of a metric are as the metric is."""
    found = metric_of(monitor.kind, measure) or metric_of(monitor.kind, monitor.metric)
    return found.worse if found else Direction.BOTH
