"""Expected: measures of expected counts, and what makes each of them uncertain.

Definition
    With n_b rows in score bin b and the chance c_b of being positive, the expected share of
    positives there is n_b c_b / n, of negatives n_b (1 - c_b) / n. Every measure g is computed of
    these as of real counts. To first order its variance has three parts:
        outcomes     drawn given the scores: sum n_b c_b (1 - c_b) (g+ - g-)^2 / n^2
        reference    of the chances, block by block (`Chances.variance`)
        sampling     drawing the rows, their chances known: sum n_b (c_b g+ + (1 - c_b) g-)^2 / n^2
    where g+ and g- are the derivatives by the share of positives and negatives of the bin.

Example
    >>> learnt = chances.learn(np.array([[4, 1], [1, 4]]))
    >>> area(np.array([5, 5]), learnt).value
    0.75

Source
    Agresti, Categorical Data Analysis, 3rd ed., section 16.1, on the delta method.
"""

from dataclasses import dataclass

import numpy as np

from monitoring.stats import chances
from monitoring.stats.chances import Chances
from monitoring.stats.columns import Counts, Floats

NO_SCORES = "no row has a score in [0, 1]"
ONE_EXPECTED = "only one outcome is expected"

# Each measure is a share: weights of TP, FP, FN, TN above and below the line, and why it may lack.
_SHARES = {
    "accuracy": ((1, 0, 0, 1), (1, 1, 1, 1), NO_SCORES),
    "precision": ((1, 0, 0, 0), (1, 1, 0, 0), "nothing predicted true"),
    "recall": ((1, 0, 0, 0), (1, 0, 1, 0), "no positive outcome is expected"),
    "specificity": ((0, 0, 0, 1), (0, 1, 0, 1), "no negative outcome is expected"),
    "f1": ((2, 0, 0, 0), (2, 1, 1, 0), "neither positive outcomes nor predictions"),
}


@dataclass(frozen=True)
class Expected:
    """A measure of expected counts, and the variances of what makes it uncertain."""

    value: float
    outcomes: float
    reference: float
    sampling: float


def share(name: str, scores: Counts, learnt: Chances, decided: Floats) -> Expected | str:
    """Return a share of the expected table of decisions and outcomes."""
    top, whole, reason = _SHARES[name]
    weights = scores / scores.sum()
    above, below = _by_outcome(top, decided), _by_outcome(whole, decided)
    total = float((weights * _mixed(learnt, *below)).sum())
    if total <= 0:
        return reason
    value = float((weights * _mixed(learnt, *above)).sum()) / total
    pulls = [(one - value * other) / total for one, other in zip(above, below, strict=True)]
    return _uncertain(value, scores, learnt, pulls[0], pulls[1])


def _by_outcome(cells: tuple[int, int, int, int], decided: Floats) -> tuple[Floats, Floats]:
    """Return the weight of a positive and of a negative row of each bin, from TP, FP, FN, TN."""
    tp, fp, fn, tn = cells
    return tp * decided + fn * (1 - decided), fp * decided + tn * (1 - decided)


def brier(scores: Counts, learnt: Chances) -> Expected:
    middle = chances.centres(scores.size)
    terms = _mixed(learnt, (1 - middle) ** 2, middle**2)
    value = float((scores * terms).sum() / scores.sum())
    return _uncertain(value, scores, learnt, (1 - middle) ** 2 - value, middle**2 - value)


def area(scores: Counts, learnt: Chances) -> Expected | str:
    """Return the ROC AUC of the expected counts, or why there is none; scores not empty."""
    weights = scores / scores.sum()
    positives, negatives = weights * learnt.values, weights * (1 - learnt.values)
    n_pos, n_neg = float(positives.sum()), float(negatives.sum())
    if min(n_pos, n_neg) <= 0:
        return ONE_EXPECTED
    below = (np.cumsum(negatives) - negatives / 2) / n_neg
    above = 1 - (np.cumsum(positives) - positives / 2) / n_pos
    value = float((positives * below).sum()) / n_pos
    return _uncertain(value, scores, learnt, (below - value) / n_pos, (above - value) / n_neg)


def _mixed(learnt: Chances, positive: Floats, negative: Floats) -> Floats:
    mixed: Floats = learnt.values * positive + (1 - learnt.values) * negative
    return mixed


def _uncertain(
    value: float, scores: Counts, learnt: Chances, positive: Floats, negative: Floats
) -> Expected:
    """Return the value with its variances, from its derivatives by each bin's expected shares."""
    n = int(scores.sum())
    weights, flip = scores / n, positive - negative
    outcomes = float((weights * learnt.spread() * flip**2).sum()) / n
    sampling = float((weights * _mixed(learnt, positive, negative) ** 2).sum()) / n
    return Expected(value, outcomes, learnt.variance(weights * flip), sampling)


def mean_area(learnt: tuple[Chances, ...], windows: tuple[Counts, ...]) -> Expected | str:
    """Return the mean over the classes that are expected; its error is the mean error, a bound."""
    pairs = zip(windows, learnt, strict=True)
    areas = [area(scores, one) for scores, one in pairs if scores.any()]
    seen = [one for one in areas if isinstance(one, Expected)]
    if not seen:
        return ONE_EXPECTED if areas else NO_SCORES
    parts = [(one.outcomes, one.reference, one.sampling) for one in seen]
    errors = np.sqrt(np.array(parts)).mean(axis=0)
    return Expected(float(np.mean([one.value for one in seen])), *(errors**2).tolist())


def highest(scores: Counts, share: float) -> Floats:
    """Return which part of each bin is among the `share` highest scores, shape (bins,)."""
    total = float(scores.sum())
    above = total - np.cumsum(scores)
    wanted = share * total - above
    parts = np.where(scores > 0, wanted / np.maximum(scores, 1), wanted > 0)
    chosen: Floats = np.clip(np.round(parts, 12), 0.0, 1.0)
    return chosen
