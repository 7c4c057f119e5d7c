"""Numbers of a version as claims and evidence hold them, and which of two is better. Pure."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

MEASURED = "measured in production"
ON_REFERENCE = "measured on the reference"
RECORDED = "recorded by the training run"
IMPORTED = "stated by the imported card, not measured here"

FAIRNESS_GAPS = frozenset(
    {
        "demographic_parity_difference",
        "equal_opportunity_difference",
        "accuracy_difference",
        "mae_difference",
    }
)
LOWER_IS_BETTER = FAIRNESS_GAPS | {
    *("mae", "rmse", "mse", "mape", "log_loss", "brier", "ece", "bias", "error_rate", "psi")
}
HIGHER_IS_BETTER = frozenset(
    {
        "auc",
        "roc_auc",
        "pr_auc",
        "average_precision",
        "accuracy",
        "balanced_accuracy",
        "precision",
        "recall",
        "f1",
        "macro_f1",
        "r2",
        "mcc",
        "specificity",
        "gini",
        "ks",
        "demographic_parity_ratio",
    }
)
# What is told of fairness beside a version's performance.
FAIRNESS = FAIRNESS_GAPS | {"demographic_parity_ratio"}
PRIMARY: dict[str, tuple[str, ...]] = {
    "binary": ("auc", "roc_auc", "accuracy", "log_loss"),
    "multiclass": ("accuracy", "macro_f1", "f1", "log_loss"),
    "regression": ("mae", "rmse", "r2"),
}
PREFIXES = ("test_", "validation_", "val_", "eval_", "holdout_")


@dataclass(frozen=True)
class Number:
    """One number of a version: its interval and sample where known, and where it comes from."""

    metric: str
    label: str
    value: float
    source: str
    low: float | None = None
    high: float | None = None
    n: int | None = None
    verdict: str = ""
    as_of: datetime | None = None
    measurement_id: int | None = None
    tolerance: float | None = None
    key: str = ""

    def as_evidence(self) -> dict[str, Any]:
        return {
            "metric": self.metric,
            "label": self.label,
            "value": self.value,
            "low": self.low,
            "high": self.high,
            "n": self.n,
            "verdict": self.verdict,
            "as_of": self.as_of,
            "measurement": self.measurement_id,
            "source": self.source,
        }


@dataclass(frozen=True)
class Comparison:
    """The same number of the proposed version and of the champion."""

    proposed: Number
    champion: Number
    worse_by: float

    @property
    def intervals_overlap(self) -> bool:
        """Whether the difference may be chance; unknown intervals are points."""
        ours, theirs = self.proposed, self.champion
        return _low(ours) <= _high(theirs) and _low(theirs) <= _high(ours)


def interval_of(number: Number) -> tuple[float, float]:
    """The ends of a number's interval; of a number without one, itself twice."""
    return _low(number), _high(number)


def _low(number: Number) -> float:
    """The lower end; an interval that is open there has none."""
    if number.low is None:
        return number.value if number.high is None else -math.inf
    return number.low


def _high(number: Number) -> float:
    if number.high is None:
        return number.value if number.low is None else math.inf
    return number.high


def base_name(metric: str) -> str:
    """The measure behind a run's name for it: `test_auc` is `auc`."""
    name = metric.lower()
    for prefix in PREFIXES:
        name = name.removeprefix(prefix)
    return name


def compare(task: str, proposed: Iterable[Number], champion: Iterable[Number]) -> Comparison | None:
    """The task's first measure that both versions have from the same kind of source.

    Production is compared with production and training run with training run: the two are
    measured on different data. Production comes first. `worse_by` is positive where the proposed
    version is worse; for errors it is relative to the champion's.
    """
    ours, theirs = list(proposed), list(champion)
    for source in (MEASURED, RECORDED):
        for measure in PRIMARY.get(task, ()):
            pair = _find(ours, source, measure), _find(theirs, source, measure)
            if pair[0] and pair[1]:
                return Comparison(pair[0], pair[1], _worse_by(measure, pair[0], pair[1]))
    return None


def _find(numbers: Iterable[Number], source: str, measure: str) -> Number | None:
    found = (n for n in numbers if n.source == source and base_name(n.metric) == measure)
    return next(found, None)


def _worse_by(measure: str, ours: Number, theirs: Number) -> float:
    if measure in HIGHER_IS_BETTER:
        return theirs.value - ours.value
    difference = abs(ours.value) - abs(theirs.value)
    return difference / abs(theirs.value) if theirs.value else difference
