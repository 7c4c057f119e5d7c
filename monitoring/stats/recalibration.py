"""Recalibration: the straight line between the scores' log odds and the outcomes' log odds.

Definition
    logit P(positive) = intercept + slope logit(score), by maximum likelihood (iteratively
    reweighted least squares) on the score histogram, scores at their bin's centre. A slope below 1
    says that scores are too extreme, an intercept above 0 that positives are more frequent than
    scores say at even odds. Scores nearer to 0 or 1 than the outermost centres are taken there.
    Standard errors are those of the information matrix; `parameters["bin_bound"]` bounds, to first
    order, how far the fit on raw scores (clipped in the same way) may be.

Example
    >>> found = recalibration(np.array([[3, 1], [1, 3]]))
    >>> round(found["calibration_slope"].value, 6)
    1.0

Source
    Cox (1958), Biometrika 45:562; McCullagh and Nelder (1989), Generalized Linear Models, 2.5.
"""

from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import normal_finding, two_sided

MEASURES = ("calibration_slope", "calibration_intercept")
STEPS = 50
CONVERGED = 1e-12
NO_OUTCOMES = "no outcome has arrived"
ONE_CLASS = "all outcomes are of one class"
ONE_SCORE = "all scores lie in one bin"
SEPARATED = "the scores separate the outcomes, so the slope has no bound"


@dataclass(frozen=True)
class _Fit:
    """Intercept and slope, and the inverse of their information matrix."""

    estimate: Floats
    covariance: Floats


def recalibration(histogram: Counts) -> dict[str, Finding]:
    """Return calibration slope and intercept of scores by outcome, shape (2, score bins)."""
    n, reason = int(histogram.sum()), _reason(histogram)
    fit = None if reason else _fit(histogram)
    if fit is None:
        return {name: undefined(name, n=n, reason=reason or SEPARATED) for name in MEASURES}
    bound = _bin_bound(histogram, fit)
    return {
        "calibration_slope": _tested("calibration_slope", fit, 1, 1.0, bound, n),
        "calibration_intercept": _tested("calibration_intercept", fit, 0, 0.0, bound, n),
    }


def _reason(histogram: Counts) -> str:
    if not histogram.any():
        return NO_OUTCOMES
    if not histogram.any(axis=1).all():
        return ONE_CLASS
    negatives, positives = (np.flatnonzero(counts) for counts in histogram)
    if np.union1d(negatives, positives).size == 1:
        return ONE_SCORE
    apart = positives[0] >= negatives[-1] or negatives[0] >= positives[-1]
    return SEPARATED if apart else ""


def _fit(histogram: Counts) -> _Fit | None:
    """Return the maximum of the likelihood; None where the steps do not settle."""
    filled = histogram.any(axis=0)
    odds = special.logit(_centres(histogram.shape[1])[filled])
    rows, positives = histogram.sum(axis=0)[filled], histogram[1, filled]
    design = np.stack([np.ones(odds.size), odds])
    estimate, best = np.zeros(2), -np.inf
    for _ in range(STEPS):
        chance = special.expit(estimate @ design)
        information = (design * (rows * chance * (1 - chance))) @ design.T
        if np.linalg.cond(information) > 1 / CONVERGED:
            return None
        step = np.linalg.solve(information, design @ (positives - rows * chance))
        estimate, best = _uphill(estimate, step, best, design, rows, positives)
        if np.abs(step).max() < CONVERGED * (1 + np.abs(estimate).max()):
            return _Fit(estimate, np.linalg.inv(information))
    return None


def _uphill(
    estimate: Floats, step: Floats, best: float, design: Floats, rows: Counts, positives: Counts
) -> tuple[Floats, float]:
    """Return the estimate after the step, halved until the likelihood does not fall."""
    for _ in range(30):
        tried = estimate + step
        line = tried @ design
        likelihood = float(positives @ line - rows @ np.logaddexp(0, line))
        if likelihood >= best - 1e-9 * abs(best):
            return tried, likelihood
        step = step / 2
    return estimate, best


def _tested(measure: str, fit: _Fit, place: int, ideal: float, bound: Floats, n: int) -> Finding:
    value, error = float(fit.estimate[place]), float(fit.covariance[place, place] ** 0.5)
    found = normal_finding(measure, value, error, n, bin_bound=float(bound[place]))
    p_value = two_sided((value - ideal) / error)
    return replace(found, p_value=p_value, baseline=ideal, effect=value - ideal)


def _bin_bound(histogram: Counts, fit: _Fit) -> Floats:
    """Return how far moving every score inside its bin may move the estimates, to first order."""
    size = histogram.shape[1]
    centres = _centres(size)
    edges = np.clip(np.arange(size + 1) / size, centres[0], centres[-1])
    odds, ends = special.logit(centres), special.logit(edges)
    reach = np.maximum(odds - ends[:-1], ends[1:] - odds)
    chance = special.expit(fit.estimate[0] + fit.estimate[1] * odds)
    slope = fit.estimate[1] * chance * (1 - chance)
    moved = np.zeros(2)
    for outcome in (0, 1):
        pull = np.stack([-slope, outcome - chance - slope * odds])
        moved += np.abs(fit.covariance @ pull) @ (histogram[outcome] * reach)
    return moved


def _centres(size: int) -> Floats:
    centres: Floats = (np.arange(size) + 0.5) / size
    return centres
