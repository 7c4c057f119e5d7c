"""Shapes: how a series changed, as a step, a ramp, all along, or there and back.

Definition
    Five curves are fitted to a series of window values by weighted least squares, weights being the
    inverse squares of the standard errors: constant; a step at one window (sudden); a ramp between
    two windows (gradual); a straight line (incremental); a step and the way back (recurring). With
    k parameters, counting the windows where something happens, and n windows

        BIC = n ln(sum w r^2 / n) + k ln n,

    and the smallest wins; where it wins by less than 6, the shape is "uncertain". BIC does not
    count how many places were tried: with a margin of 4, six of a hundred series of fewer than 20
    windows of nothing but noise had a shape, with 6 it is three.

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

from monitoring.stats.columns import Counts, Floats

FEWEST = 12
MOST = 120
CLEAR = 6.0
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
    first, second = sorted(_fits(series, weights), key=lambda one: one.bic)[:2]
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
    """Return the best fit of each shape; all places of a shape are fitted at once."""
    n = series.size
    places = np.arange(n)
    single = np.arange(EDGE, n - EDGE + 1)
    first, last = np.triu_indices(single.size, EDGE)
    onsets, ends = single[first], single[last]
    from_onset = places - onsets[:, None]
    ramps = np.clip((from_onset + 1) / (ends - onsets + 1)[:, None], 0, 1)
    there = (from_onset >= 0) & (places < ends[:, None])
    line = places[None, :] / (n - 1)
    yield _constant(series, weights)
    yield _best(Shape.INCREMENTAL, line, series, weights, np.array([0]), np.array([n - 1]))
    yield _best(Shape.SUDDEN, places >= single[:, None], series, weights, single, single)
    if onsets.size:
        yield _best(Shape.GRADUAL, ramps, series, weights, onsets, ends)
        yield _best(Shape.RECURRING, there, series, weights, onsets, ends)


def _constant(series: Floats, weights: Floats) -> Fit:
    left = float(weights @ _centred(series, weights) ** 2)
    bic = float(_bic(Shape.CONSTANT, np.array([left]), series, weights)[0])
    return Fit(Shape.CONSTANT, bic, None, None, 0.0, 0.0)


def _best(
    shape: Shape,
    curves: Floats | NDArray[np.bool_],
    series: Floats,
    weights: Floats,
    onsets: Counts,
    ends: Counts,
) -> Fit:
    """Fit a constant and one curve beside it in closed form, for each of `curves` (fits, n)."""
    centred = _centred(series, weights)
    shifted = curves - (curves @ weights / weights.sum())[:, None]
    power = shifted**2 @ weights
    sizes = shifted @ (weights * centred) / power
    left = np.maximum(float(weights @ centred**2) - sizes * sizes * power, 0.0)
    bics = _bic(shape, left, series, weights)
    place = int(np.argmin(bics))
    error = float((left[place] / max(series.size - 2, 1) / power[place]) ** 0.5)
    onset, end = int(onsets[place]), int(ends[place])
    return Fit(shape, float(bics[place]), onset, end, float(sizes[place]), error)


def _centred(series: Floats, weights: Floats) -> Floats:
    centred: Floats = series - float(weights @ series / weights.sum())
    return centred


def _bic(shape: Shape, left: Floats, series: Floats, weights: Floats) -> Floats:
    n = series.size
    floor = 1e-12 * float(weights @ series**2) + 1e-300
    bics: Floats = n * np.log(np.maximum(left, floor) / n) + PARAMETERS[shape] * np.log(n)
    return bics
