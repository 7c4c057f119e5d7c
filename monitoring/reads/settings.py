"""What a monitor's settings mean: their digest, the share of the false-alarm budget, thresholds."""

from collections.abc import Iterable
from typing import Any

from audit.chain import sha256_of
from monitoring.metrics import WITH_OUTCOMES, metric_of
from monitoring.models import AlarmBudget, Monitor, MonitorKind
from monitoring.stats.multiplicity import DEFAULT_BUDGET, Budget, split_budget
from monitoring.stats.reference import Role, Schema
from monitoring.stats.verdict import Direction, Threshold

DIGEST_LENGTH = 16
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


def alpha_of(monitor: Monitor, together: Iterable[Monitor], budget: Budget) -> float:
    """The false-alarm probability of one run: the monitor's own, within the model's budget."""
    rates = {str(other.pk): 24 / other.every_hours for other in together if other.enabled}
    rates[str(monitor.pk)] = 24 / monitor.every_hours
    return min(monitor.alpha, split_budget(rates, budget)[str(monitor.pk)])


def threshold_of(monitor: Monitor, measure: str) -> Threshold:
    """The practical minima of a change, and the direction that is bad."""
    return Threshold(
        warning=monitor.warning,
        breach=monitor.breach,
        relative=monitor.relative,
        relative_warning=monitor.relative_warning,
        direction=direction_of(monitor, measure),
        # An empty window is what these are there to find.
        minimum_n=0 if measure in ABOUT_NOTHING else monitor.minimum_n,
    )


def direction_of(monitor: Monitor, measure: str) -> Direction:
    """The direction of a change that is bad; parts of a metric are as the metric is."""
    found = metric_of(monitor.kind, measure) or metric_of(monitor.kind, monitor.metric)
    return found.worse if found else Direction.BOTH
