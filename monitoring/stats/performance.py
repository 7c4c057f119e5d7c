"""Performance: how well predictions agree with the outcomes that have arrived.

Definitions
    Classification, from the cube prediction x outcome: accuracy, precision, recall, specificity,
    F1, MCC; the last class is the positive one. Shares have Wilson's interval, F1 and MCC one by
    the delta method.
    Binary scores, from the histogram score x outcome (1,000 bins; scores of one bin count as ties):
    ROC AUC with DeLong's variance, Gini = 2 AUC - 1, PR AUC (average precision) with a logit
    interval, KS = max |TPR - FPR|. `parameters["bin_bound"]` bounds what binning can change. Log
    loss and Brier are exact: their row-wise sums are kept.
    Regression, from moments of residual r = prediction - outcome: bias = mean r, MAE = mean |r|,
    RMSE = sqrt(mean r^2), R2 = 1 - sum r^2 / sum (y - mean y)^2.

Example
    >>> roc_auc(np.array([[10, 0], [0, 10]])).value
    1.0

Source
    DeLong et al. (1988), Biometrics 44:837; Hanley and McNeil (1982), Radiology 143:29; Boyd et
    al. (2013), ECML PKDD, on intervals of the area under the precision-recall curve; Cohen et al.
    (2003), Applied Multiple Regression, on the standard error of R2.
"""

from collections.abc import Callable

import numpy as np
from scipy import special

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import (
    CONFIDENCE,
    delta_error,
    normal_finding,
    share_finding,
    two_sided,
    z_of,
)
from monitoring.stats.profiles import SCORE_BINS, Profile
from monitoring.stats.reference import Bins, Task

NO_OUTCOMES = "no outcome has arrived"
ONE_CLASS = "all outcomes are of one class"


def performance(bins: Bins, profile: Profile) -> dict[str, Finding]:
    """Return all performance findings of the task, and the share of outcomes that arrived."""
    arrived = share_finding(
        "outcome_share", min(profile.labelled_rows, profile.rows), profile.rows, reason="no rows"
    )
    found = {"outcome_share": arrived}
    if bins.schema.task is Task.REGRESSION:
        return found | regression(profile)
    found |= classification(confusion_of(bins, profile))
    if bins.schema.task is Task.BINARY:
        scores = profile.counts.get("score", np.zeros((2, SCORE_BINS), np.int64))
        found |= scored(scores) | losses(profile)
    return found


def compare(current: Finding, baseline: Finding) -> Finding:
    """Return `current` with the baseline's value, the effect, and the p-value of no change.

    A z test on the two standard errors: the baseline is a sample too.
    """
    if current.value is None or baseline.value is None:
        reason = current.reason or f"the reference is undefined: {baseline.reason}"
        return undefined(current.measure, n=current.n, reason=reason)
    effect, p_value = current.value - baseline.value, None
    if current.standard_error is not None and baseline.standard_error is not None:
        spread = float(np.hypot(current.standard_error, baseline.standard_error))
        p_value = two_sided(effect / spread) if spread else float(effect == 0)
    return Finding(
        current.measure,
        current.value,
        current.n,
        low=current.low,
        high=current.high,
        p_value=p_value,
        baseline=baseline.value,
        effect=effect,
        standard_error=current.standard_error,
        parameters={**current.parameters, "reference_n": baseline.n, "test": "z"},
    )


def confusion_of(bins: Bins, profile: Profile) -> Counts:
    """Return the table prediction x outcome, shape (classes, classes), unknown labels left out."""
    size = len(bins.schema.classes)
    cube = profile.counts.get("cube/")
    if cube is None:
        return np.zeros((size, size), np.int64)
    table: Counts = cube[:size, :size].sum(axis=2)
    return table


def classification(table: Counts) -> dict[str, Finding]:
    """Return the findings of a table prediction x outcome; binary ones only for two classes."""
    n, right = int(table.sum()), int(np.trace(table))
    found = {"accuracy": share_finding("accuracy", right, n, reason=NO_OUTCOMES)}
    if table.shape != (2, 2):
        return found
    tn, fn, fp, tp = (int(count) for count in table.ravel())
    found["precision"] = share_finding("precision", tp, tp + fp, reason="nothing predicted true")
    found["recall"] = share_finding("recall", tp, tp + fn, reason="no positive outcome")
    found["specificity"] = share_finding("specificity", tn, tn + fp, reason="no negative outcome")
    found["f1"] = _delta("f1", table, _f1, "neither positive outcomes nor predictions")
    found["mcc"] = _delta("mcc", table, _mcc, "only one class predicted or seen")
    return found


def scored(histogram: Counts) -> dict[str, Finding]:
    """Return the findings of scores by outcome, shape (2, bins), higher bins likelier positive."""
    return {
        "roc_auc": roc_auc(histogram),
        "gini": gini(histogram),
        "pr_auc": pr_auc(histogram),
        "ks": ks(histogram),
    }


def roc_auc(histogram: Counts) -> Finding:
    """Return the ROC AUC of scores by outcome, with DeLong's variance on the bins."""
    negatives, positives = histogram
    n_neg, n_pos = int(negatives.sum()), int(positives.sum())
    if not n_neg or not n_pos:
        return undefined("roc_auc", n=n_neg + n_pos, reason=_which(n_neg, n_pos))
    below = (np.cumsum(negatives) - negatives / 2) / n_neg
    above = 1 - (np.cumsum(positives) - positives / 2) / n_pos
    value = float(positives @ below / n_pos)
    error = _delong(
        value, positives @ (below - value) ** 2, negatives @ (above - value) ** 2, n_pos, n_neg
    )
    low, high = _auc_bounds(value, error, min(n_pos, n_neg))
    return Finding(
        "roc_auc",
        value,
        n_neg + n_pos,
        low=low,
        high=high,
        standard_error=error,
        parameters={
            "confidence": CONFIDENCE,
            "positives": n_pos,
            "bin_bound": float(negatives @ positives / (2 * n_neg * n_pos)),
        },
    )


def gini(histogram: Counts) -> Finding:
    """Return Gini = 2 AUC - 1."""
    auc = roc_auc(histogram)
    if auc.value is None or auc.low is None or auc.high is None or auc.standard_error is None:
        return undefined("gini", n=auc.n, reason=auc.reason)
    return Finding(
        "gini",
        2 * auc.value - 1,
        auc.n,
        low=2 * auc.low - 1,
        high=2 * auc.high - 1,
        standard_error=2 * auc.standard_error,
        parameters=auc.parameters,
    )


def pr_auc(histogram: Counts) -> Finding:
    """Return the average precision; the interval is normal on the logit scale."""
    negatives, positives = histogram[:, ::-1]
    n_neg, n_pos = int(negatives.sum()), int(positives.sum())
    if not n_pos:
        return undefined("pr_auc", n=n_neg, reason=_which(n_neg, n_pos))
    hits = np.cumsum(positives)
    precision = hits / np.maximum(hits + np.cumsum(negatives), 1)
    value = float(positives @ precision / n_pos)
    safe = min(max(value, 1 / (2 * n_pos + 2)), 1 - 1 / (2 * n_pos + 2))
    error = (safe * (1 - safe) / n_pos) ** 0.5
    half = z_of(CONFIDENCE) / (n_pos * safe * (1 - safe)) ** 0.5
    logit = float(special.logit(safe))
    return Finding(
        "pr_auc",
        value,
        n_neg + n_pos,
        low=min(value, float(special.expit(logit - half))),
        high=max(value, float(special.expit(logit + half))),
        standard_error=error,
        parameters={"confidence": CONFIDENCE, "positives": n_pos},
    )


def ks(histogram: Counts) -> Finding:
    """Return the largest gap between the score distributions of the two outcomes."""
    negatives, positives = histogram
    n_neg, n_pos = int(negatives.sum()), int(positives.sum())
    if not n_neg or not n_pos:
        return undefined("ks", n=n_neg + n_pos, reason=_which(n_neg, n_pos))
    fpr, tpr = np.cumsum(negatives) / n_neg, np.cumsum(positives) / n_pos
    at = int(np.argmax(np.abs(fpr - tpr)))
    error = (tpr[at] * (1 - tpr[at]) / n_pos + fpr[at] * (1 - fpr[at]) / n_neg) ** 0.5
    return normal_finding(
        "ks",
        float(abs(fpr[at] - tpr[at])),
        float(error),
        n_neg + n_pos,
        bounds=(0, 1),
        at_score=(at + 1) / negatives.size,
    )


def losses(profile: Profile) -> dict[str, Finding]:
    """Return log loss and Brier score, exact from row-wise sums."""
    n = int(profile.counts["score"].sum()) if "score" in profile.counts else 0
    names = ("log_loss", "brier")
    return {name: _mean(name, profile, name, f"{name}^2", n, bounds=(0, np.inf)) for name in names}


def regression(profile: Profile) -> dict[str, Finding]:
    """Return bias, MAE, RMSE and R2, from moments of the residual prediction - outcome."""
    n = int(profile.counts["residual"].sum()) if "residual" in profile.counts else 0
    return {
        "bias": _mean("bias", profile, "residual", "residual^2", n),
        "mae": _mean("mae", profile, "absolute", "residual^2", n, bounds=(0, np.inf)),
        "rmse": _rmse(profile, n),
        "r2": _r2(profile, n),
    }


def _rmse(profile: Profile, n: int) -> Finding:
    squared = _mean("rmse", profile, "squared", "squared^2", n)
    if squared.value is None or squared.low is None or squared.high is None:
        return squared
    value, error = squared.value**0.5, squared.standard_error or 0.0
    return Finding(
        "rmse",
        value,
        n,
        low=max(0.0, squared.low) ** 0.5,
        high=squared.high**0.5,
        standard_error=error / (2 * value) if value else 0.0,
        parameters=squared.parameters,
    )


def _r2(profile: Profile, n: int) -> Finding:
    if n < 3:
        return undefined("r2", n=n, reason=NO_OUTCOMES if not n else "fewer than 3 outcomes")
    mean = _labelled(profile, "outcome") / n
    total = _labelled(profile, "outcome^2") - n * mean * mean
    if total <= 1e-12 * _labelled(profile, "outcome^2"):
        return undefined("r2", n=n, reason="all outcomes are equal")
    value = 1 - _labelled(profile, "residual^2") / total
    kept = min(max(value, 0.0), 1.0)
    error = (4 * kept * (1 - kept) ** 2 * (n - 2) ** 2 / ((n * n - 1) * (n + 3))) ** 0.5
    return normal_finding("r2", value, error, n, bounds=(-np.inf, 1.0))


def _mean(
    measure: str,
    profile: Profile,
    total: str,
    squares: str,
    n: int,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Finding:
    """Return a mean from its sum and sum of squares, with the normal interval."""
    if not n:
        return undefined(measure, n=0, reason=NO_OUTCOMES)
    mean = _labelled(profile, total) / n
    variance = max(_labelled(profile, squares) / n - mean * mean, 0.0)
    error = (variance / max(n - 1, 1)) ** 0.5
    return normal_finding(measure, mean, error, n, bounds=bounds)


def _labelled(profile: Profile, name: str) -> float:
    return float(profile.sums[f"labelled/{name}"])


def _delta(
    measure: str, table: Counts, function: Callable[[Floats], float], reason: str
) -> Finding:
    n = int(table.sum())
    if not n:
        return undefined(measure, n=0, reason=NO_OUTCOMES)
    value = function(table.ravel() / n)
    if not np.isfinite(value):
        return undefined(measure, n=n, reason=reason)
    error = delta_error(table.ravel(), function)
    return normal_finding(measure, value, error, n, bounds=(-1, 1))


def _f1(cells: Floats) -> float:
    _, fn, fp, tp = cells
    whole = 2 * tp + fp + fn
    return float(2 * tp / whole) if whole > 0 else float("nan")


def _mcc(cells: Floats) -> float:
    tn, fn, fp, tp = cells
    whole = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)
    return float((tp * tn - fp * fn) / whole**0.5) if whole > 0 else float("nan")


def _delong(value: float, by_pos: float, by_neg: float, n_pos: int, n_neg: int) -> float:
    """Return DeLong's standard error; Hanley and McNeil's where a class has a single row."""
    if n_pos > 1 and n_neg > 1:
        return float((by_pos / (n_pos - 1) / n_pos + by_neg / (n_neg - 1) / n_neg) ** 0.5)
    q1, q2 = value / (2 - value), 2 * value**2 / (1 + value)
    spread = value * (1 - value) + (n_pos - 1) * (q1 - value**2) + (n_neg - 1) * (q2 - value**2)
    return float((max(spread, 0.0) / (n_pos * n_neg)) ** 0.5)


def _auc_bounds(value: float, error: float, smaller: int) -> tuple[float, float]:
    """Return the interval; where the error vanishes, as if `smaller` trials had all agreed."""
    if error == 0:
        reach = 1 - ((1 - CONFIDENCE) / 2) ** (1 / smaller)
    else:
        reach = z_of(CONFIDENCE) * error
    return max(0.0, value - reach), min(1.0, value + reach)


def _which(n_neg: int, n_pos: int) -> str:
    return ONE_CLASS if n_neg or n_pos else NO_OUTCOMES
