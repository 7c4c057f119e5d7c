"""Null: how large a distance between two samples is when nothing has changed.

Definition
    Reference (m rows) and current window (n rows) are both samples. With B cells of which none is
    sparse, under "no change"

        PSI ≈ (1/n + 1/m) * chi2(B - 1),

    and the other divergences are the same up to a factor: KL 1/2, squared JS distance (base 2)
    1/(8 ln 2), squared Hellinger 1/8. With sparse cells both samples are drawn again from the
    pooled shares with a seed, and the tail is a Pearson type III curve through the first three
    moments, because a Monte Carlo share cannot be smaller than 1 / resamples.

Example
    >>> closed_form("psi", np.array([500, 500]), np.array([520, 480])).mean
    0.002

Source
    Yurdakul and Naranjo (2020), Statistical properties of the population stability index, Journal
    of Risk Model Validation 14(4); Csiszár f-divergences by second-order expansion.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from monitoring.stats.columns import Counts, Floats

RESAMPLES = 2_000
DENSE = 50.0
RARE = 1.0
TRUSTED_EXCEEDANCES = 20
FACTORS = {"psi": 1.0, "kl": 0.5, "js_distance": 0.125 / float(np.log(2)), "hellinger": 0.125}
ROOTS = frozenset({"js_distance", "hellinger"})

Distance = Callable[[Counts | Floats, Counts | Floats], Floats]


@dataclass(frozen=True)
class Null:
    """The null distribution: its mean, standard deviation and 95 % quantile, and how it was made.

    `p_value` gives the probability of a distance at least as large as the one observed.
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
        return closed_form(measure, reference, current, observed=distance(reference, current))
    return resampled(distance, reference, current, seed=seed)


def smallest_expectation(reference: Counts, current: Counts) -> float:
    """Return the smallest expected count of the smaller sample, over cells that occur at all."""
    pooled = (reference + current)[(reference + current) > 0]
    if not pooled.size:
        return 0.0
    smaller = min(reference.sum(), current.sum())
    return float(pooled.min() / pooled.sum() * smaller)


def closed_form(
    measure: str, reference: Counts, current: Counts, observed: Floats | float = 0.0
) -> Null:
    """Return the chi-square approximation of the null of an f-divergence."""
    cells = int(np.count_nonzero(reference + current))
    freedom = max(cells - 1, 1)
    scale = FACTORS[measure] * float(1 / current.sum() + 1 / reference.sum())
    quantile = scale * float(special.chdtri(freedom, 0.05))
    if measure not in ROOTS:
        p_value = float(special.chdtrc(freedom, float(observed) / scale))
        return Null(scale * freedom, scale * (2 * freedom) ** 0.5, quantile, p_value, "closed_form")
    p_value = float(special.chdtrc(freedom, float(observed) ** 2 / scale))
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

    Cells that expect less than one row in the smaller sample are tested as one cell; the mean,
    standard deviation and quantile are those of the distance over all cells.
    Many cells take fewer draws, at least 200, so that the work is bounded. Equal inputs and seed
    give equal results.
    """
    pooled = (reference + current) / (reference.sum() + current.sum())
    kept = pooled > 0
    shares = pooled[kept] / pooled[kept].sum()
    draws = max(200, min(resamples, 100_000 // max(shares.size, 1)))
    rng = np.random.default_rng(seed)
    left = rng.multinomial(int(reference.sum()), shares, size=draws)
    right = rng.multinomial(int(current.sum()), shares, size=draws)
    values = distance(left, right)
    rare = shares * min(reference.sum(), current.sum()) < RARE
    tested = distance(_gather(left, rare), _gather(right, rare))
    observed = distance(_gather(reference[kept], rare), _gather(current[kept], rare))
    return Null(
        float(values.mean()),
        float(values.std()),
        float(np.quantile(values, 0.95)),
        tail(tested, float(observed)),
        f"resampled_{draws}",
    )


def _gather(counts: Counts, rare: NDArray[np.bool_]) -> Counts:
    """Return the counts with all rare cells as one; hundreds of them would blur the test."""
    pooled = counts[..., rare].sum(axis=-1, keepdims=True)
    return np.concatenate([counts[..., ~rare], pooled], axis=-1)


def tail(values: Floats, observed: float) -> float:
    """Return the p-value of `observed` among null `values`: counted, or by a Pearson III tail."""
    exceeding = int(np.count_nonzero(values >= observed * (1 - 1e-12)))
    counted = (exceeding + 1) / (values.size + 1)
    if exceeding >= TRUSTED_EXCEEDANCES or values.std() == 0:
        return counted
    ceiling = (TRUSTED_EXCEEDANCES + 1) / (values.size + 1)
    return min(_pearson_three(values, observed), ceiling)


def _pearson_three(values: Floats, observed: float) -> float:
    mean, sd = values.mean(), values.std()
    skew = float(np.mean(((values - mean) / sd) ** 3))
    standard = (observed - mean) / sd
    if skew < 1e-3:
        return float(special.ndtr(-standard))
    shape = 4 / skew**2
    return float(special.gammaincc(shape, max(shape + standard * shape**0.5, 0.0)))
