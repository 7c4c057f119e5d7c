"""Shapes: how a series changed, as a step, a ramp, all along, or there and back.

Definition
    Five curves are fitted to a series of window values by weighted least squares, weights being the
    inverse squares of the standard errors: constant; a step at one window (sudden); a ramp between
    two windows (gradual); a straight line (incremental); a step and the way back (recurring). With
    k parameters, counting the windows where something happens, and n windows

        BIC = n ln(sum w r^2 / n) + k ln n,

    and the smallest wins; where it wins by less than 4, the shape is "uncertain".

Example
    >>> shape_of([0.1] * 10 + [0.5] * 10).shape.value
    'sudden'

Source
    Schwarz (1978), Annals of Statistics 6:461; Raftery (1995), Sociological Methodology 25:111, on
    such differences; Gama et al. (2014), ACM Computing Surveys 46(4), on the kinds of drift.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from monitoring.stats.columns import Floats

FEWEST = 12
MOST = 120
CLEAR = 4.0
EDGE = 2


class Shape(StrEnum):
    """How a series changed."""

    CONSTANT = "constant"
    SUDDEN = "sudden"
    GRADUAL = "gradual"
    INCREMENTAL = "incremental"
    RECURRING = "recurring"
    UNCERTAIN = "uncertain"


# Levels, slopes and places where something happens, and one for the noise.
PARAMETERS = {
    Shape.CONSTANT: 2,
    Shape.SUDDEN: 4,
    Shape.GRADUAL: 5,
    Shape.INCREMENTAL: 3,
    Shape.RECURRING: 5,
}


@dataclass(frozen=True)
class Fit:
    """The best curve of a kind: where the change begins and ends, and its size and error."""

    shape: Shape
    bic: float
    onset: int | None
    end: int | None
    size: float
    error: float


@dataclass(frozen=True)
class Found:
    """The shape of a series, its best fit, and by how much BIC prefers it to the next.

    `best` is None, with a reason, where the series is too short or constant.
    """

    shape: Shape
    best: Fit | None
    lead: float
    reason: str = ""


def shape_of(values: Sequence[float], errors: Sequence[float] | None = None) -> Found:
    """Return the shape of a series, oldest first; windows without a finite value are left out.

    `errors` are standard errors, all taken as equal where they are missing or zero.
    """
    series = np.asarray(values, dtype=np.float64)[-MOST:]
    kept = np.isfinite(series)
    if kept.sum() < FEWEST:
        return Found(Shape.UNCERTAIN, None, 0.0, f"fewer than {FEWEST} windows have a value")
    weights = _weights(errors, kept)
    series = series[kept]
    if series.min() == series.max():
        return Found(Shape.CONSTANT, None, 0.0, "all windows have the same value")
    fits = sorted(_fits(series, weights), key=lambda one: one.bic)
    best: dict[Shape, Fit] = {}
    for one in fits:
        best.setdefault(one.shape, one)
    first, second = list(best.values())[:2]
    lead = second.bic - first.bic
    return Found(first.shape if lead >= CLEAR else Shape.UNCERTAIN, first, lead)


def _weights(errors: Sequence[float] | None, kept: NDArray[np.bool_]) -> Floats:
    if errors is None:
        return np.ones(int(kept.sum()))
    given = np.asarray(errors, dtype=np.float64)[-MOST:][kept]
    if not (np.isfinite(given) & (given > 0)).all():
        return np.ones(given.size)
    weights: Floats = (given.mean() / given) ** 2
    return weights


def _fits(series: Floats, weights: Floats) -> Iterator[Fit]:
    n = series.size
    one, line = np.ones(n), np.arange(n) / (n - 1)
    yield _fit(Shape.CONSTANT, [one], series, weights)
    yield _fit(Shape.INCREMENTAL, [one, line], series, weights, 0, n - 1)
    places = np.arange(n)
    for onset in range(EDGE, n - EDGE + 1):
        yield _fit(
            Shape.SUDDEN, [one, (places >= onset).astype(np.float64)], series, weights, onset, onset
        )
        for end in range(onset + EDGE, n - EDGE + 1):
            ramp = np.clip((places - onset + 1) / (end - onset + 1), 0, 1)
            yield _fit(Shape.GRADUAL, [one, ramp], series, weights, onset, end)
            there = ((places >= onset) & (places < end)).astype(np.float64)
            yield _fit(Shape.RECURRING, [one, there], series, weights, onset, end)


def _fit(
    shape: Shape,
    curves: Sequence[Floats],
    series: Floats,
    weights: Floats,
    onset: int | None = None,
    end: int | None = None,
) -> Fit:
    """Fit a constant, and at most one curve beside it, in closed form."""
    total = weights.sum()
    mean = float(weights @ series / total)
    centred = series - mean
    left = float(weights @ centred**2)
    size = error = 0.0
    if len(curves) > 1:
        curve = curves[1] - float(weights @ curves[1] / total)
        power = float(weights @ curve**2)
        size = float(weights @ (curve * centred)) / power
        left = max(left - size * size * power, 0.0)
        error = (left / max(series.size - 2, 1) / power) ** 0.5
    n = series.size
    floor = 1e-12 * float(weights @ series**2) + 1e-300
    bic = n * float(np.log(max(left, floor) / n)) + PARAMETERS[shape] * float(np.log(n))
    return Fit(shape, bic, onset, end, size, error)
