"""The dashboards of a version: which kinds of monitors each is about."""

from dataclasses import dataclass

from monitoring.models import MonitorKind
from monitoring.reads.dashboards.lines import Line, Lines, Scope, lines_of

PERFORMANCE = (MonitorKind.PERFORMANCE, MonitorKind.ESTIMATE, MonitorKind.CONCEPT)
DATA = (MonitorKind.DRIFT, MonitorKind.NOVELTY, MonitorKind.QUALITY)
FAIRNESS = (MonitorKind.FAIRNESS,)
CALIBRATION = (MonitorKind.CALIBRATION,)
OPERATIONS = (MonitorKind.OPERATIONS,)
VALUE = (MonitorKind.BUSINESS,)
KINDS: dict[str, tuple[MonitorKind, ...]] = {
    "performance": PERFORMANCE,
    "drift": DATA,
    "fairness": FAIRNESS,
    "calibration": CALIBRATION,
    "operations": OPERATIONS,
    "value": VALUE,
}
# The rate of each group that a gap between groups is about.
RATE_OF_GAP = {
    "demographic_parity_difference": "selection_rate",
    "demographic_parity_ratio": "selection_rate",
    "impact_ratio": "selection_rate",
    "equal_opportunity_difference": "true_positive_rate",
    "equalized_odds_difference": "true_positive_rate",
    "equalized_odds_ratio": "true_positive_rate",
    "predictive_parity_difference": "precision",
    "accuracy_difference": "accuracy",
    "mae_difference": "mae",
    "bias_difference": "bias",
}


@dataclass(frozen=True)
class Rates:
    """A gap between the groups of one field, with the rate of each group that it is about."""

    gap: Line
    rate: str
    groups: tuple[Line, ...]


def fairness_of(scope: Scope, *, model_id: int) -> tuple[Lines, tuple[Rates, ...]]:
    """The judged gaps, each with the rates of its groups over time. Three queries."""
    wanted = frozenset(RATE_OF_GAP.values())
    found = lines_of(scope, model_id=model_id, kinds=FAIRNESS, judged=True, metrics=wanted)
    gaps = [line for line in found.lines if line.judged]
    return found, tuple(_rates(gap, found.lines) for gap in gaps)


def _rates(gap: Line, lines: tuple[Line, ...]) -> Rates:
    rate = RATE_OF_GAP.get(gap.metric, "selection_rate")
    groups = tuple(
        line
        for line in lines
        if line.monitor == gap.monitor
        and (line.metric, line.segment) == (rate, gap.segment)
        and line.field.startswith(f"{gap.field} = ")
    )
    return Rates(gap, rate, groups)
