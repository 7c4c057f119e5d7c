"""Decisions: the table prediction x outcome of the rows whose outcome has arrived.

Definitions
    accuracy, precision, recall, specificity and, of both,

        F-beta = (1 + beta^2) TP / ((1 + beta^2) TP + beta^2 FN + FP),  F1 with beta = 1,
        MCC = (TP TN - FP FN) / sqrt((TP + FP)(TP + FN)(TN + FP)(TN + FN)).

    The last class is the positive one. Shares have Wilson's interval, the others one by the delta
    method. More than two classes: see `classes`.

Example
    >>> classification(np.array([[8, 1], [2, 9]]))["recall"].value
    0.9

Source
    Van Rijsbergen (1979), Information Retrieval, chapter 7; Matthews (1975), Biochimica et
    Biophysica Acta 405:442.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import delta_error, normal_finding, share_finding
from monitoring.stats.performance.means import NO_OUTCOMES
from monitoring.stats.profiles import Profile
from monitoring.stats.reference import Bins

BETA = 2.0
SMALL = 1e-9


@dataclass(frozen=True)
class Confusion:
    """Rows by prediction (first axis) and outcome (second axis), in the order of `classes`."""

    classes: tuple[str, ...]
    counts: Counts

    @property
    def n(self) -> int:
        """Rows of known prediction and outcome."""
        return int(self.counts.sum())


def confusion_matrix(bins: Bins, profile: Profile) -> Confusion:
    """Return the confusion matrix of all rows with an outcome."""
    return Confusion(bins.schema.classes, confusion_of(bins, profile))


def confusion_of(bins: Bins, profile: Profile) -> Counts:
    """Return the table prediction x outcome, shape (classes, classes), unknown labels left out."""
    size = len(bins.schema.classes)
    cube = profile.counts.get("cube/")
    if cube is None:
        return np.zeros((size, size), np.int64)
    table: Counts = cube[:size, :size].sum(axis=2)
    return table


def classification(table: Counts, *, beta: float = BETA) -> dict[str, Finding]:
    """Return the findings of a table prediction x outcome; binary ones only for two classes.

    ValueError where beta is not positive.
    """
    if not 0 < beta < np.inf:
        raise ValueError(f"Beta weighs recall against precision and is positive, not {beta}.")
    n, right = int(table.sum()), int(np.trace(table))
    found = {"accuracy": share_finding("accuracy", right, n, reason=NO_OUTCOMES)}
    return found | one_class(table, beta=beta) if table.shape == (2, 2) else found


def one_class(table: Counts, *, beta: float = BETA) -> dict[str, Finding]:
    """Return the findings of one class against the rest, from a table of shape (2, 2)."""
    tn, fn, fp, tp = (int(count) for count in table.ravel())
    neither = "neither positive outcomes nor predictions"
    return {
        "precision": share_finding("precision", tp, tp + fp, reason="nothing predicted true"),
        "recall": share_finding("recall", tp, tp + fn, reason="no positive outcome"),
        "specificity": share_finding("specificity", tn, tn + fp, reason="no negative outcome"),
        "f1": _delta("f1", table, partial(_f_beta, beta=1.0), neither),
        "f_beta": _delta("f_beta", table, partial(_f_beta, beta=beta), neither, beta=beta),
        "mcc": _delta("mcc", table, _mcc, "only one class predicted or seen", lowest=-1),
    }


def _delta(
    measure: str,
    table: Counts,
    function: Callable[[Floats], float],
    reason: str,
    *,
    lowest: float = 0.0,
    **parameters: float,
) -> Finding:
    n = int(table.sum())
    if not n:
        return undefined(measure, n=0, reason=NO_OUTCOMES)
    value = function(table.ravel() / n)
    if not np.isfinite(value):
        return undefined(measure, n=n, reason=reason)
    error = delta_error(table.ravel(), function)
    if error < SMALL:
        # At a bound of the measure the derivatives vanish; half a row per cell keeps an interval.
        error = delta_error(table.ravel().astype(np.float64) + 0.5, function)
    return normal_finding(measure, value, error, n, bounds=(lowest, 1), **parameters)


def _f_beta(cells: Floats, *, beta: float) -> float:
    _, fn, fp, tp = cells
    hits = (1 + beta**2) * tp
    whole = hits + beta**2 * fn + fp
    return float(hits / whole) if whole > 0 else float("nan")


def _mcc(cells: Floats) -> float:
    tn, fn, fp, tp = cells
    whole = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return float((tp * tn - fp * fn) / whole**0.5) if whole > 0 else float("nan")
