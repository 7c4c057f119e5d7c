"""Comparison: two versions' answers to the same labelled rows, as findings side by side.

Definitions
    Binary: ROC AUC (DeLong), Brier score and error rate at the threshold of each; the difference
    of the Brier scores, challenger - champion, row by row. Multiclass: the error rates and their
    difference. Regression: mean absolute error and bias, and the difference of the absolute errors.
    Rows of one day count as a cluster. Below zero the challenger is better. Parts are the levels of
    fields, the 20 most frequent of each; their intervals are corrected for their number
    (Bonferroni).

Example
    >>> days = np.arange(8)
    >>> rows = Answered(np.ones(8), np.full(8, 2.0), np.full(8, 1.5), days)
    >>> side_by_side(rows, "regression")["challenger"]["mae"].n
    8

Source
    The modules `performance.scores` and `experiments.clusters`, with theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.experiments.clusters import clustered
from monitoring.stats.findings import Finding
from monitoring.stats.performance.scores import roc_auc

BINS = 1_000
MOST_LEVELS = 20
FEWEST = 100
CONFIDENCE = 0.95
DIFFERENCE = {
    "binary": "brier_difference",
    "multiclass": "error_rate_difference",
    "regression": "absolute_error_difference",
}


@dataclass(frozen=True)
class Answered:
    """Answers of both to the same rows and what came true; days count from any first day.

    Binary: scores of the positive class and outcomes 0 or 1. Multiclass: 1 where the answer was
    wrong, 0 where right, and outcomes of zeros. Regression: numbers.
    """

    champion: Floats
    challenger: Floats
    outcome: Floats
    days: Counts
    parts: Mapping[str, list[str]] = field(default_factory=dict)
    threshold: float = 0.5


def side_by_side(rows: Answered, task: str) -> dict[str, dict[str, Finding]]:
    """Return the measures of the champion, of the challenger, and their `difference`."""
    return {
        "champion": _measures(rows.champion, rows, task),
        "challenger": _measures(rows.challenger, rows, task),
        "difference": {DIFFERENCE[task]: difference(rows, task)},
    }


def difference(
    rows: Answered, task: str, chosen: np.ndarray | None = None, *, of: int = 1
) -> Finding:
    """Return challenger - champion of the mean loss; `of` comparisons share the confidence."""
    gaps = _losses(rows.challenger, rows, task) - _losses(rows.champion, rows, task)
    days = rows.days
    if chosen is not None:
        gaps, days = gaps[chosen], days[chosen]
    confidence = 1 - (1 - CONFIDENCE) / of
    once, _ = clustered(gaps, days, planned=max(len(gaps), 2), confidence=confidence)
    return once


def by_part(rows: Answered, task: str) -> list[tuple[str, str, Finding]]:
    """Return (field, level, difference) of every frequent level."""
    levels = [
        (name, level, places)
        for name, values in rows.parts.items()
        for level, places in _levels(values)
    ]
    return [
        (name, level, difference(rows, task, places, of=len(levels)))
        for name, level, places in levels
    ]


def _levels(values: list[str]) -> list[tuple[str, np.ndarray]]:
    everything = np.asarray(values, dtype=object)
    found, counts = np.unique(np.asarray(values, dtype=str), return_counts=True)
    order = np.argsort(-counts, kind="stable")[:MOST_LEVELS]
    kept = [str(found[place]) for place in order if counts[place] >= FEWEST and found[place]]
    return [(level, everything == level) for level in kept]


def _losses(answers: Floats, rows: Answered, task: str) -> Floats:
    if task == "binary":
        return np.asarray((answers - rows.outcome) ** 2, np.float64)
    return np.asarray(np.abs(answers - rows.outcome), np.float64)


def _measures(answers: Floats, rows: Answered, task: str) -> dict[str, Finding]:
    losses = _losses(answers, rows, task)
    if task == "binary":
        wrong = np.asarray((answers >= rows.threshold) != (rows.outcome > 0.5), np.float64)
        return {
            "roc_auc": roc_auc(_histogram(answers, rows.outcome)),
            "brier": _mean("brier", losses, rows.days),
            "error_rate": _mean("error_rate", wrong, rows.days),
        }
    if task == "multiclass":
        return {"error_rate": _mean("error_rate", losses, rows.days)}
    return {
        "mae": _mean("mae", losses, rows.days),
        "bias": _mean("bias", answers - rows.outcome, rows.days),
    }


def _mean(measure: str, values: Floats, days: Counts) -> Finding:
    once, _ = clustered(values, days, planned=max(len(values), 2), confidence=CONFIDENCE)
    return Finding(measure, once.value, once.n, low=once.low, high=once.high, reason=once.reason)


def _histogram(scores: Floats, outcome: Floats) -> Counts:
    places = np.clip((scores * BINS).astype(np.int64), 0, BINS - 1)
    sides = [np.bincount(places[outcome == side], minlength=BINS) for side in (0, 1)]
    return np.asarray(sides, np.int64)
