"""What a monitor's settings mean: their digest, the share of the false-alarm budget, thresholds."""

from collections.abc import Iterable

from audit.chain import sha256_of
from monitoring.models import Monitor, MonitorKind
from monitoring.stats.multiplicity import split_budget
from monitoring.stats.verdict import Direction, Threshold

HIGHER_IS_BETTER = frozenset(
    {
        "accuracy",
        "precision",
        "recall",
        "specificity",
        "f1",
        "mcc",
        "roc_auc",
        "gini",
        "pr_auc",
        "ks",
        "r2",
        "outcome_share",
    }
)
LOWER_IS_BETTER = frozenset({"log_loss", "brier", "mae", "rmse", "ece", "mce"})
DRIFT_METRICS = ("psi", "js_distance", "hellinger", "total_variation", "ks", "wasserstein")
QUALITY_METRICS = ("faults", "volume")
PERFORMANCE_METRICS = (*sorted(HIGHER_IS_BETTER), *sorted(LOWER_IS_BETTER), "bias")
METRICS: dict[str, tuple[str, ...]] = {
    MonitorKind.DRIFT: DRIFT_METRICS,
    MonitorKind.QUALITY: QUALITY_METRICS,
    MonitorKind.PERFORMANCE: PERFORMANCE_METRICS,
}
DIGEST_LENGTH = 16


def config_digest(monitor: Monitor) -> str:
    """What the numbers of a run depend on, beside the data: another digest, another run."""
    content = {
        "kind": monitor.kind,
        "metric": monitor.metric,
        "fields": monitor.fields,
        "segments": monitor.segments,
        "window_hours": monitor.window_hours,
        "every_hours": monitor.every_hours,
        "warning": monitor.warning,
        "breach": monitor.breach,
        "alpha": monitor.alpha,
        "minimum_n": monitor.minimum_n,
    }
    return sha256_of(content)[:DIGEST_LENGTH]


def alpha_of(monitor: Monitor, together: Iterable[Monitor]) -> float:
    """The false-alarm probability of one run: the monitor's own, within the model's budget."""
    rates = {str(other.pk): 24 / other.every_hours for other in together if other.enabled}
    rates[str(monitor.pk)] = 24 / monitor.every_hours
    return min(monitor.alpha, split_budget(rates)[str(monitor.pk)])


def threshold_of(monitor: Monitor, measure: str) -> Threshold:
    """The practical minima of a change, and the direction that is bad."""
    return Threshold(
        warning=monitor.warning,
        breach=monitor.breach,
        direction=_direction(monitor.kind, measure),
        # An empty window is what a volume monitor is there to find.
        minimum_n=0 if measure == "volume" else monitor.minimum_n,
    )


def _direction(kind: str, measure: str) -> Direction:
    if kind == MonitorKind.DRIFT:
        return Direction.UP
    if kind == MonitorKind.QUALITY:
        return Direction.BOTH if measure == "volume" else Direction.UP
    if measure in HIGHER_IS_BETTER:
        return Direction.DOWN
    return Direction.UP if measure in LOWER_IS_BETTER else Direction.BOTH
