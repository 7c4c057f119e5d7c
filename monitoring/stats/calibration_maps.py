"""Calibration maps: which chance a score stands for, learnt from scores and what came true.

Definitions
    isotonic: the rising chances nearest to the outcomes (pool adjacent violators, weighted by rows
    of equal score), straight lines between the ends of the blocks, flat outside.
    platt: logit p = intercept + slope logit(score), by maximum likelihood on Platt's targets
    (n1 + 1) / (n1 + 2) and 1 / (n0 + 2), which keep chances off 0 and 1.
    beta: logit p = a log(score) - b log(1 - score) + c with a, b >= 0; the line of log odds is its
    case a = b. Scores are taken as 1e-6 from 0 and 1 at the nearest.

Shapes and units
    `scores` in 0 to 1 and `outcomes` 0 or 1, one for each row. Maps are plain values for JSON. The
    sandbox and the client apply them by code of their own; test vectors keep the three equal.

Edge cases
    Outcomes of one class, or fewer than two different scores: ValueError. A slope that would fall
    below zero is 0: such scores say nothing.

Example
    >>> isotonic(np.array([0.2, 0.8]), np.array([0.0, 1.0]))["chances"]
    [0.0, 1.0]

Source
    Platt (1999), Advances in Large Margin Classifiers; Zadrozny and Elkan (2002), KDD; Kull, Silva
    Filho and Flach (2017), Electronic Journal of Statistics 11:5052.
"""

from typing import Any

import numpy as np
from scipy import optimize, special

from monitoring.stats.columns import Floats

FORM = 1
NEAREST = 1e-6
MOST_KNOTS = 1_000
METHODS = ("platt", "beta", "isotonic")  # the simplest first
Map = dict[str, Any]


def fitted(method: str, scores: Floats, outcomes: Floats) -> Map:
    """Return the map of one method."""
    return FITS[method](scores, outcomes)


def isotonic(scores: Floats, outcomes: Floats) -> Map:
    """Return the isotonic map; of very many blocks those with most rows at the ends are kept."""
    _check(scores, outcomes)
    values, places = np.unique(scores, return_inverse=True)
    rows = np.bincount(places).astype(np.float64)
    shares = np.bincount(places, weights=outcomes) / rows
    found = optimize.isotonic_regression(shares, weights=rows).x
    kept = _ends(found)
    if kept.size > MOST_KNOTS:
        kept = kept[np.unique(np.linspace(0, kept.size - 1, MOST_KNOTS).astype(int))]
    chances = np.clip(found[kept], 0, 1)
    return {
        "form": FORM,
        "method": "isotonic",
        "scores": values[kept].tolist(),
        "chances": chances.tolist(),
    }


def platt(scores: Floats, outcomes: Floats) -> Map:
    """Return the line of log odds."""
    _check(scores, outcomes)
    odds = special.logit(_off_ends(scores))
    (slope,), intercept = _line(odds[:, None], _targets(outcomes))
    return {"form": FORM, "method": "platt", "slope": slope, "intercept": intercept}


def beta(scores: Floats, outcomes: Floats) -> Map:
    """Return the map of the beta family."""
    _check(scores, outcomes)
    kept = _off_ends(scores)
    design = np.column_stack([np.log(kept), -np.log1p(-kept)])
    (a, b), c = _line(design, _targets(outcomes))
    return {"form": FORM, "method": "beta", "a": a, "b": b, "c": c}


def applied(told: Map, scores: Floats) -> Floats:
    """Return the chances that a map gives to scores."""
    if told["method"] == "isotonic":
        return np.asarray(np.interp(scores, told["scores"], told["chances"]), np.float64)
    names = ("slope", "slope", "intercept") if told["method"] == "platt" else ("a", "b", "c")
    a, b, c = (float(told[name]) for name in names)
    kept = _off_ends(scores)
    return np.asarray(special.expit(a * np.log(kept) - b * np.log1p(-kept) + c), np.float64)


FITS = {"platt": platt, "beta": beta, "isotonic": isotonic}


def _check(scores: Floats, outcomes: Floats) -> None:
    if np.unique(outcomes).size < 2:
        raise ValueError("All outcomes are of one class.")
    if np.unique(scores).size < 2:
        raise ValueError("All scores are the same.")


def _off_ends(scores: Floats) -> Floats:
    kept: Floats = np.clip(np.asarray(scores, np.float64), NEAREST, 1 - NEAREST)
    return kept


def _ends(chances: Floats) -> np.ndarray[Any, np.dtype[np.intp]]:
    """Return the places where blocks of equal chance begin and end."""
    before = np.concatenate([[True], np.diff(chances) > 0])
    after = np.concatenate([np.diff(chances) > 0, [True]])
    return np.flatnonzero(before | after)


def _targets(outcomes: Floats) -> Floats:
    positives = float(outcomes.sum())
    negatives = outcomes.size - positives
    high, low = (positives + 1) / (positives + 2), 1 / (negatives + 2)
    targets: Floats = np.where(outcomes > 0, high, low)
    return targets


def _line(design: Floats, targets: Floats) -> tuple[list[float], float]:
    """Return weights >= 0 and the intercept that make the targets likeliest."""
    columns = np.column_stack([design, np.ones(len(design))])

    def loss(weights: Floats) -> tuple[float, Floats]:
        line = columns @ weights
        mean = float(np.mean(np.logaddexp(0, line) - targets * line))
        return mean, columns.T @ (special.expit(line) - targets) / len(line)

    start = np.r_[np.full(design.shape[1], 1.0), 0.0]
    bounds = [(0.0, None)] * design.shape[1] + [(None, None)]
    options = {"maxiter": 2_000, "ftol": 1e-15, "gtol": 1e-10}
    found = optimize.minimize(
        loss, start, jac=True, bounds=bounds, method="L-BFGS-B", options=options
    )
    return [float(one) for one in found.x[:-1]], float(found.x[-1])
