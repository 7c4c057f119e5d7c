"""Sums: how much worse one set of rows is than another, from counts, sums and squares.

Example
    >>> one, two = sums_of(np.array([1.0, 0.0, 1.0])), sums_of(np.array([0.0, 0.0, 1.0, 0.0]))
    >>> round(float(statistic(one, two)), 3)
    1.0
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from monitoring.stats.columns import Floats
from monitoring.stats.intervals import CONFIDENCE, EXACT_BELOW


@dataclass(frozen=True)
class Sums:
    """Rows, sums and sums of squares of the loss; arrays of one shape."""

    n: Floats
    total: Floats
    squares: Floats

    def __sub__(self, other: Sums) -> Sums:
        return Sums(self.n - other.n, self.total - other.total, self.squares - other.squares)

    def along(self, axis: int) -> Sums:
        """Return the sums over one axis, which is kept with length 1."""
        parts = (self.n, self.total, self.squares)
        return Sums(*(part.sum(axis=axis, keepdims=True) for part in parts))

    @property
    def mean(self) -> Floats:
        """The mean, 0 where there are no rows."""
        mean: Floats = self.total / np.maximum(self.n, 1)
        return mean

    @property
    def error(self) -> Floats:
        """The squared standard error of the mean."""
        spread = np.maximum(self.squares - self.n * self.mean**2, 0)
        error: Floats = spread / (np.maximum(self.n - 1, 1) * np.maximum(self.n, 1))
        return error


def sums_of(losses: Floats) -> Sums:
    """Return the sums of some rows as arrays of no dimension."""
    numbers = (float(losses.size), float(losses.sum()), float(np.square(losses).sum()))
    return Sums(*(np.array(number) for number in numbers))


def counted(codes: NDArray[np.int64], losses: Floats, size: int) -> Sums:
    """Return the sums of every cell, shape (size,)."""
    n: Floats = np.bincount(codes, minlength=size).astype(np.float64)
    total: Floats = np.bincount(codes, weights=losses, minlength=size).astype(np.float64)
    squares = np.bincount(codes, weights=np.square(losses), minlength=size)
    return Sums(n, total, squares.astype(np.float64))


def statistic(inside: Sums, rest: Sums) -> Floats:
    """Return Welch's statistic of "inside has the larger mean", 0 where nothing varies."""
    error = np.sqrt(inside.error + rest.error)
    gap = inside.mean - rest.mean
    score: Floats = np.where(error > 0, gap / np.where(error > 0, error, 1), 0)
    return score


def worse_p(inside: Sums, rest: Sums, *, binary: bool) -> float:
    """Return the one-sided p-value of "inside is no worse than the rest"."""
    if min(float(inside.n), float(rest.n)) < 2:
        return 1.0
    if binary:
        return _worse_share(int(inside.total), int(inside.n), int(rest.total), int(rest.n))
    if float(inside.error + rest.error) <= 0:
        return 1.0
    return float(special.stdtr(degrees(inside, rest), -float(statistic(inside, rest))))


def degrees(inside: Sums, rest: Sums) -> float:
    """Return Welch's degrees of freedom."""
    one, two = float(inside.error), float(rest.error)
    if one + two <= 0:
        return float(inside.n + rest.n - 2)
    parts = one**2 / (float(inside.n) - 1) + two**2 / (float(rest.n) - 1)
    return (one + two) ** 2 / parts


def interval(inside: Sums, rest: Sums) -> tuple[float, float]:
    """Return the interval of the difference of the means."""
    gap, error = float(inside.mean - rest.mean), float(inside.error + rest.error) ** 0.5
    half = float(special.stdtrit(degrees(inside, rest), 0.5 + CONFIDENCE / 2)) * error
    return gap - half, gap + half


def _worse_share(hits: int, n: int, rest_hits: int, rest_n: int) -> float:
    pooled = (hits + rest_hits) / (n + rest_n)
    if pooled in {0.0, 1.0}:
        return 1.0
    if min(n, rest_n) * min(pooled, 1 - pooled) < EXACT_BELOW:
        return float(stats.hypergeom.sf(hits - 1, n + rest_n, hits + rest_hits, n))
    error = (pooled * (1 - pooled) * (1 / n + 1 / rest_n)) ** 0.5
    return float(special.ndtr(-(hits / n - rest_hits / rest_n) / error))
