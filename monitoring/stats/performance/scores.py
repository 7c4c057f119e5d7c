"""Binary scores: how well they rank the rows whose outcome has arrived, and what they lose.

Definitions
    From the histogram score x outcome (1,000 bins; scores of one bin count as ties): ROC AUC with
    DeLong's variance, Gini = 2 AUC - 1, PR AUC (average precision) with a logit interval, KS =
    max |TPR - FPR|. `parameters["bin_bound"]` bounds what binning can change in each of them. Log
    loss and Brier are exact: their row-wise sums are kept.

Example
    >>> roc_auc(np.array([[10, 0], [0, 10]])).value
    1.0

Source
    DeLong et al. (1988), Biometrics 44:837; Hanley and McNeil (1982), Radiology 143:29; Boyd et
    al. (2013), ECML PKDD, on intervals of the area under the precision-recall curve.
"""

import numpy as np
from scipy import special

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import CONFIDENCE, normal_finding, z_of
from monitoring.stats.performance.means import NO_OUTCOMES, mean_finding
from monitoring.stats.profiles import Profile

ONE_CLASS = "all outcomes are of one class"


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
        return undefined("roc_auc", n=n_neg + n_pos, reason=which_missing(n_neg, n_pos))
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
    bound = 2 * float(auc.parameters["bin_bound"] or 0.0)
    return Finding(
        "gini",
        2 * auc.value - 1,
        auc.n,
        low=2 * auc.low - 1,
        high=2 * auc.high - 1,
        standard_error=2 * auc.standard_error,
        parameters={**auc.parameters, "bin_bound": bound},
    )


def pr_auc(histogram: Counts) -> Finding:
    """Return the average precision; the interval is normal on the logit scale."""
    negatives, positives = histogram[:, ::-1]
    n_neg, n_pos = int(negatives.sum()), int(positives.sum())
    if not n_pos:
        return undefined("pr_auc", n=n_neg, reason=which_missing(n_neg, n_pos))
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
        parameters={
            "confidence": CONFIDENCE,
            "positives": n_pos,
            "bin_bound": _pr_bound(negatives, positives, value),
        },
    )


def ks(histogram: Counts) -> Finding:
    """Return the largest gap between the score distributions of the two outcomes."""
    negatives, positives = histogram
    n_neg, n_pos = int(negatives.sum()), int(positives.sum())
    if not n_neg or not n_pos:
        return undefined("ks", n=n_neg + n_pos, reason=which_missing(n_neg, n_pos))
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
        bin_bound=_ks_bound(negatives / n_neg, positives / n_pos),
    )


def _pr_bound(negatives: Counts, positives: Counts, value: float) -> float:
    """Return how far the average precision moves if each bin's positives come first, or last."""
    hits = np.cumsum(positives) - positives
    misses = np.cumsum(negatives) - negatives
    first, last = (
        positives - passed * _reciprocals(hits + passed, positives)
        for passed in (misses, misses + negatives)
    )
    n_pos = positives.sum()
    return float(max(first.sum() / n_pos - value, value - last.sum() / n_pos, 0.0))


def _reciprocals(start: Counts, length: Counts) -> Floats:
    """Return the sums of 1 / (start + i) over i = 1 … length."""
    sums: Floats = special.digamma(start + length + 1.0) - special.digamma(start + 1.0)
    return sums


def _ks_bound(negatives: Floats, positives: Floats) -> float:
    """Return how much larger the gap may be inside a bin than at any of the edges."""
    after = np.cumsum(negatives) - np.cumsum(positives)
    before = after - negatives + positives
    inside = max(float((before + negatives).max()), float((positives - before).max()))
    return max(0.0, inside - float(np.abs(after).max()))


def losses(profile: Profile) -> dict[str, Finding]:
    """Return log loss and Brier score, exact from row-wise sums."""
    n = int(profile.counts["score"].sum()) if "score" in profile.counts else 0
    names = ("log_loss", "brier")
    return {
        name: mean_finding(name, profile, name, f"{name}^2", n, bounds=(0, np.inf))
        for name in names
    }


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


def which_missing(n_neg: int, n_pos: int) -> str:
    return ONE_CLASS if n_neg or n_pos else NO_OUTCOMES
