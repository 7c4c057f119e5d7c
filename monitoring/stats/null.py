"""Null: how large a distance between two samples is when nothing has changed.

Definition
    Reference (m rows) and current window (n rows) are both samples. With B cells of which none is
    sparse, under "no change"

        PSI ≈ (1/n + 1/m) * chi2(B - 1),

    and the other divergences are the same up to a factor: KL 1/2, squared JS distance (base 2)
    1/(8 ln 2), squared Hellinger 1/8. With sparse cells the distance's mean, standard deviation
    and 95 % quantile come from drawing both samples again from the pooled shares, with a seed.

    The p-value of all of them is that of the contingency chi-square, to which they agree to second
    order, because a few thousand draws say nothing about a tail of 1e-5 and logarithms of nearly
    empty cells have rough tails. Its mean and variance given all totals are exact, its skewness is
    that of Poisson cells, its tail a Pearson type III curve through the three. Cells that expect
    less than one row in the smaller sample are tested as one, and cells that are empty only because
    the reference chose the cells join those that it hardly saw. In simulation p-values below 1e-3
    came up to three times too often where cells expect fewer than twenty rows; there p is raised to
    the power 0.9, which errs to the side of no alarm. What is left: hundreds of sparse cells and a
    window a hundred times larger than the reference, three times too often at 1e-4.

Example
    >>> closed_form("psi", np.array([500, 500]), np.array([520, 480])).mean
    0.002

Source
    Yurdakul and Naranjo (2020), Statistical properties of the population stability index, Journal
    of Risk Model Validation 14(4); Csiszár f-divergences by second-order expansion; Haldane (1940),
    Biometrika 31:346, and Dawson (1954), Biometrika 41:554, on the moments of chi-square.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from monitoring.stats.columns import Counts, Floats

RESAMPLES = 500
CELLS_DRAWN = 50_000
TRUSTED_EXCEEDANCES = 20
DENSE = 50.0
RARE = 1.0
CAREFUL_BELOW = 20.0
CARE = 0.9
GAP = 4
FACTORS = {"psi": 1.0, "kl": 0.5, "js_distance": 0.125 / float(np.log(2)), "hellinger": 0.125}
ROOTS = frozenset({"js_distance", "hellinger"})

Distance = Callable[[Counts | Floats, Counts | Floats], Floats]


@dataclass(frozen=True)
class Null:
    """The null distribution: its mean, standard deviation and 95 % quantile, and how it was made.

    `p_value` gives the probability of a change at least as large as the one observed.
    """

    mean: float
    sd: float
    quantile: float
    p_value: float
    method: str


def null_of(
    measure: str, distance: Distance, reference: Counts, current: Counts, *, seed: int
) -> Null:
    """Return the null of a distance at both samples' actual sizes: closed form where it holds."""
    if measure in FACTORS and smallest_expectation(reference, current) >= DENSE:
        return closed_form(measure, reference, current)
    return resampled(distance, reference, current, seed=seed)


def smallest_expectation(reference: Counts, current: Counts) -> float:
    """Return the smallest expected count of the smaller sample, over cells that occur at all."""
    pooled = (reference + current)[(reference + current) > 0]
    if not pooled.size:
        return 0.0
    smaller = min(reference.sum(), current.sum())
    return float(pooled.min() / pooled.sum() * smaller)


def closed_form(measure: str, reference: Counts, current: Counts) -> Null:
    """Return the chi-square approximation of the null of an f-divergence."""
    cells = int(np.count_nonzero(reference + current))
    freedom = max(cells - 1, 1)
    scale = FACTORS[measure] * float(1 / current.sum() + 1 / reference.sum())
    quantile = scale * float(special.chdtri(freedom, 0.05))
    p_value = contingency(reference, current)
    if measure not in ROOTS:
        return Null(scale * freedom, scale * (2 * freedom) ** 0.5, quantile, p_value, "closed_form")
    chi = stats.chi(freedom, scale=scale**0.5)
    return Null(float(chi.mean()), float(chi.std()), quantile**0.5, p_value, "closed_form")


def resampled(
    distance: Distance,
    reference: Counts,
    current: Counts,
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> Null:
    """Return the null by drawing both samples again from their pooled shares.

    Many cells take fewer draws, at least 100, so that the work is bounded. Equal inputs and seed
    give equal results.
    """
    pooled = (reference + current) / (reference.sum() + current.sum())
    kept = pooled > 0
    shares = pooled[kept] / pooled[kept].sum()
    draws = max(100, min(resamples, CELLS_DRAWN // max(shares.size, 1)))
    rng = np.random.default_rng(seed)
    left = rng.multinomial(int(reference.sum()), shares, size=draws)
    right = rng.multinomial(int(current.sum()), shares, size=draws)
    values = distance(left, right)
    return Null(
        float(values.mean()),
        float(values.std()),
        float(np.quantile(values, 0.95)),
        contingency(reference, current),
        f"resampled_{draws}",
    )


def contingency(reference: Counts, current: Counts) -> float:
    """Return the p-value of "both samples have the same shares", cells of shape (cells,).

    1 where nothing can be tested: no rows on one side, or one cell after gathering the rare ones.
    """
    n, m = int(current.sum()), int(reference.sum())
    if min(n, m) < 2:
        return 1.0
    left, right = gathered(reference, current, min(n, m) / (n + m))
    totals = (left + right).astype(np.float64)
    if totals.size < 2:
        return 1.0
    expected = totals * (n / (n + m))
    statistic = float(((right - expected) ** 2 / expected).sum() * (n + m) / m)
    p_value = pearson_three(statistic, *_moments(totals, n, m))
    sparse = totals.min() * min(n, m) / (n + m) < CAREFUL_BELOW
    return float(p_value**CARE if sparse else p_value)


def tail(values: Floats, observed: float) -> float:
    """Return the p-value of `observed` among null `values`: counted, or by a Pearson III tail."""
    exceeding = int(np.count_nonzero(values >= observed * (1 - 1e-12)))
    counted = (exceeding + 1) / (values.size + 1)
    if exceeding >= TRUSTED_EXCEEDANCES or values.std() == 0:
        return counted
    ceiling = (TRUSTED_EXCEEDANCES + 1) / (values.size + 1)
    mean, sd = float(values.mean()), float(values.std())
    skewness = float(np.mean(((values - mean) / sd) ** 3))
    if skewness < 1e-3:
        return min(float(special.ndtr((mean - observed) / sd)), ceiling)
    return min(pearson_three(observed, mean, sd**2, skewness), ceiling)


def pearson_three(value: float, mean: float, variance: float, skewness: float) -> float:
    """Return the upper tail of the Pearson type III curve with these moments, skewness > 0."""
    if variance <= 0:
        return float(value <= mean)
    shape = 4 / skewness**2
    standard = (value - mean) / variance**0.5
    return float(special.gammaincc(shape, max(shape + standard * shape**0.5, 0.0)))


def gathered(reference: Counts, current: Counts, smaller: float) -> tuple[Counts, Counts]:
    """Return the cells that occur, the rare ones as one; hundreds would blur the test.

    Where even together they are rare, they join the smallest of the others.
    """
    totals = reference + current
    rare = (totals > 0) & ((totals * smaller < RARE) | chosen_by_reference(reference, current))
    kept = (totals > 0) & ~rare
    if not rare.any():
        return reference[kept], current[kept]
    if totals[rare].sum() * smaller < RARE and kept.any():
        least = np.flatnonzero(kept)[np.argmin(totals[kept])]
        rare[least], kept[least] = True, False
    return _joined(reference, kept, rare), _joined(current, kept, rare)


def chosen_by_reference(reference: Counts, current: Counts) -> NDArray[np.bool_]:
    """Return which cells, shape (cells,), may only be compared together.

    A cell that the reference has no row of may hold all the categories that the reference happened
    not to see: it is empty by choice. Together with all cells of up to c reference rows it is
    comparable where no cell has a few more than c: those that truly have more and were seen less
    would else gain by sampling. c ends at the first gap of more than four counts.
    """
    if not (current[reference == 0] > 0).any():
        return np.zeros(reference.shape, dtype=np.bool_)
    seen = np.unique(reference)
    ends = np.flatnonzero(np.diff(seen) > GAP)
    limit = int(seen[ends[0]]) if ends.size else int(seen[-1])
    together: NDArray[np.bool_] = reference <= limit
    return together


def _joined(counts: Counts, kept: NDArray[np.bool_], rare: NDArray[np.bool_]) -> Counts:
    return np.append(counts[kept], counts[rare].sum())


def _moments(totals: Floats, n: int, m: int) -> tuple[float, float, float]:
    """Return mean, variance (both exact given all totals) and skewness of the statistic."""
    rows, cells = float(n + m), totals.size
    mean = rows * (cells - 1) / (rows - 1)
    if rows <= 3:
        return mean, 2 * mean, (4 / mean) ** 0.5
    sides = (rows - 2) / (rows - 1)
    columns = (rows - cells) * (cells - 1) / (rows - 1)
    uneven = (rows * (1 / n + 1 / m) - 4) / (rows - 2)
    sparse = (rows * float((1 / totals).sum()) - cells**2) / (rows - 2)
    variance = 2 * rows / (rows - 3) * (sides - uneven) * (columns - sparse)
    variance += rows**2 / (rows - 1) * uneven * sparse
    third = max(8 * mean + 22 * (variance - 2 * mean), 0.5 * mean)
    return mean, variance, third / max(variance, 1e-12) ** 1.5
