"""What monitors can measure: every metric of every kind, in words, as tables. Pure."""

from monitoring.metrics.explanations import EXPLANATION
from monitoring.metrics.fairness import FAIRNESS
from monitoring.metrics.metric import Metric
from monitoring.metrics.performance import CALIBRATION, CONCEPT, ESTIMATE, PERFORMANCE
from monitoring.metrics.service import BUSINESS, OPERATIONS
from monitoring.metrics.stability import DRIFT, NOVELTY, QUALITY

METRICS: dict[str, tuple[Metric, ...]] = {
    "quality": QUALITY,
    "drift": DRIFT,
    "novelty": NOVELTY,
    "performance": PERFORMANCE,
    "estimate": ESTIMATE,
    "calibration": CALIBRATION,
    "concept": CONCEPT,
    "fairness": FAIRNESS,
    "operations": OPERATIONS,
    "business": BUSINESS,
    "explanation": EXPLANATION,
}
# Kinds whose numbers need outcomes: their windows wait for them, and are measured again.
LABELLED = frozenset({"performance", "calibration", "concept", "fairness"})
# Kinds that do not wait for outcomes, but use those that are there.
WITH_OUTCOMES = LABELLED | {"estimate", "business"}
# Measures that a metric consists of, and what is measured beside others.
PARTS = {
    "missing_share": "missing values",
    "out_of_range_share": "values out of range",
    "unseen_share": "unseen categories",
    "value_shift": "one single value",
    "importance_share": "share of importance",
}
_WORDS = {
    **PARTS,
    **{metric.name: metric.words for metrics in METRICS.values() for metric in metrics},
}


def metric_of(kind: str, name: str) -> Metric | None:
    """The metric that a monitor of this kind calls by this name."""
    return next((metric for metric in METRICS.get(kind, ()) if metric.name == name), None)


def words_of(name: str, kind: str = "") -> str:
    """A measure in words, for the middle of a sentence."""
    own = metric_of(kind, name)
    return own.words if own else _WORDS.get(name, name.replace("_", " "))
