"""Chances: how likely a score comes true, learnt from scores by outcome.

Definition
    As logged, a score of bin b says that the outcome is positive with the chance of the bin's
    centre. Isotonic regression (pool adjacent violators on the bins, weighted by their rows) gives
    the monotone chances nearest to what was observed; bins without rows are interpolated. It is
    used only where it lowers the calibration error: the counts are dealt at random, with a seed,
    into five folds, each fold is judged by chances learnt from the other four, and the errors (ECE
    over ten bins of equal mass) are averaged.

    `blocks` says within which range of scores the reference vouches for the chances: the blocks of
    equal chance of the isotonic regression, or the ten bins of equal mass where none is used.

Example
    >>> learn(np.array([[4, 1], [1, 4]])).method
    'none'

Source
    Zadrozny and Elkan (2002), KDD, on isotonic calibration; Best and Chakravarti (1990),
    Mathematical Programming 47:425, on pooling; Naeini et al. (2015), AAAI, on ECE.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import isotonic_regression

from monitoring.stats.columns import Counts, Floats

FOLDS = 5
BINS = 10
ISOTONIC, AS_LOGGED = "isotonic", "none"


@dataclass(frozen=True)
class Chances:
    """The chance of every score bin, shape (bins,), and how far the reference vouches for it.

    `blocks` is the block of each bin, shape (bins,), `rows` the reference rows of each block.
    `ece` is the cross-validated calibration error as logged and after isotonic regression.
    """

    method: str
    values: Floats
    blocks: Counts
    rows: Counts
    ece: tuple[float, float]

    def spread(self) -> Floats:
        """Return chance x (1 - chance) of every bin, half a row of each outcome added, so > 0."""
        rows = self.rows[self.blocks]
        kept = (self.values * rows + 0.5) / (rows + 1)
        product: Floats = kept * (1 - kept)
        return product

    def variance(self, pull: Floats) -> float:
        """Return the variance, by the reference's size, of a function of the chances.

        `pull` is its derivative by the chance of every bin, shape (bins,).
        """
        size = self.rows.size
        by_block = np.bincount(self.blocks, weights=pull, minlength=size)
        widths = np.maximum(np.bincount(self.blocks, minlength=size), 1)
        spread = np.bincount(self.blocks, weights=self.spread(), minlength=size) / widths
        return float((by_block**2 * spread / np.maximum(self.rows, 1)).sum())


def learn(histogram: Counts, *, seed: int = 0) -> Chances:
    """Return the chances of scores by outcome, shape (2, bins); as logged where none are."""
    before, after = cross_validated(histogram, seed=seed)
    rows = histogram.sum(axis=0)
    if after < before:
        values = isotonic(histogram)
        steps = np.flatnonzero(np.diff(_nearest(values, rows)) > 0) + 1
        blocks = np.searchsorted(steps, np.arange(rows.size), side="right")
        method = ISOTONIC
    else:
        values, blocks, method = centres(rows.size), _equal_mass(rows), AS_LOGGED
    held = np.bincount(blocks, weights=rows, minlength=int(blocks.max()) + 1)
    return Chances(method, values, blocks, held.astype(np.int64), (before, after))


def isotonic(histogram: Counts) -> Floats:
    """Return the isotonic chances of scores by outcome, shape (2, bins); half where no rows are."""
    rows = histogram.sum(axis=0)
    filled = np.flatnonzero(rows)
    if not filled.size:
        return np.full(rows.size, 0.5)
    observed = histogram[1, filled] / rows[filled]
    fitted = isotonic_regression(observed, weights=rows[filled].astype(np.float64)).x
    values: Floats = np.interp(np.arange(rows.size), filled, fitted)
    return values


def cross_validated(histogram: Counts, *, seed: int = 0) -> tuple[float, float]:
    """Return the calibration error on rows held out: as logged, and after isotonic regression."""
    rng = np.random.default_rng(seed)
    dealt = np.moveaxis(rng.multinomial(histogram, [1 / FOLDS] * FOLDS), -1, 0)
    places = _equal_mass(histogram.sum(axis=0))
    logged = centres(histogram.shape[1])
    kept = [fold for fold in dealt if fold.any()]
    if not kept:
        return 0.0, 0.0
    before = [_error(fold, logged, places) for fold in kept]
    after = [_error(fold, isotonic(histogram - fold), places) for fold in kept]
    return float(np.mean(before)), float(np.mean(after))


def centres(size: int) -> Floats:
    """Return the centres of equally wide score bins over [0, 1], shape (size,)."""
    middle: Floats = (np.arange(size) + 0.5) / size
    return middle


def _error(histogram: Counts, values: Floats, places: Counts) -> float:
    gaps = histogram[1] - histogram.sum(axis=0) * values
    return float(np.abs(np.bincount(places, weights=gaps)).sum() / histogram.sum())


def _equal_mass(rows: Counts) -> Counts:
    middle = 2 * (np.cumsum(rows) - rows) + rows
    places: Counts = np.minimum(BINS * middle // max(2 * int(rows.sum()), 1), BINS - 1)
    return places


def _nearest(values: Floats, rows: Counts) -> Floats:
    """Return the chances with those of empty bins replaced by the filled bin before them."""
    filled = np.flatnonzero(rows)
    before = np.searchsorted(filled, np.arange(rows.size), side="right") - 1
    held: Floats = values[filled[np.maximum(before, 0)]]
    return held
