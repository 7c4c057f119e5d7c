"""Intervals and tests for shares, and standard errors of functions of counts.

Definition
    Wilson's interval for one share; Fisher's exact test for two shares: given the hits of both
    sides together, those of one side are hypergeometric, and p is the chance of all splits that are
    no likelier than the one seen; the delta method for smooth functions of multinomial counts.

Source
    Wilson (1927), JASA 22:209; Agresti and Coull (1998), The American Statistician 52:119; Fisher
    (1935), JRSS 98:39; Hoeffding (1963), JASA 58:13, section 6, on the bound of the tail;
    Agresti, Categorical Data Analysis, 3rd ed., sections 3.1 and 16.1.
"""

from collections.abc import Callable

import numpy as np
from scipy import special

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.findings import Finding, Parameter, undefined

CONFIDENCE = 0.95
EXACT_BELOW = 20.0
TRUSTED_EXCEEDANCES = 20
TIES = 1e-9  # splits as likely as the one seen differ by rounding only
REACH = 9.0  # deviations beyond which nothing is left to add
SMALLEST = 745.0  # exp(-745) is the smallest positive number


def z_of(confidence: float) -> float:
    """Return the two-sided normal quantile, 1.96 for 0.95."""
    return float(special.ndtri(0.5 + confidence / 2))


def two_sided(z: float) -> float:
    """Return the two-sided p-value of a standard normal statistic."""
    return float(2 * special.ndtr(-abs(z)))


def welch_p(gap: float, one: tuple[float, int], two: tuple[float, int]) -> float:
    """Return the two-sided p-value of Welch's t for a difference of means.

    Each side is its standard error and its rows, at least two (Welch 1947, Biometrika 34:28).
    """
    variances = [error * error for error, _ in (one, two)]
    total = sum(variances)
    if total <= 0:
        return float(gap == 0)
    parts = zip(variances, (one[1], two[1]), strict=True)
    freedom = total * total / sum(v * v / (n - 1) for v, n in parts)
    return 2 * float(special.stdtr(freedom, -abs(gap) / total**0.5))


def wilson(hits: int, n: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return Wilson's score interval of hits / n; (0, 1) where n is 0."""
    if n <= 0:
        return 0.0, 1.0
    z = z_of(confidence)
    share, square = hits / n, z * z / n
    centre = (share + square / 2) / (1 + square)
    half = z / (1 + square) * (share * (1 - share) / n + square / (4 * n)) ** 0.5
    low = 0.0 if hits == 0 else max(0.0, centre - half)
    high = 1.0 if hits == n else min(1.0, centre + half)
    return low, high


def share_error(hits: int, n: int) -> float:
    """Return Agresti and Coull's standard error of a share, never zero."""
    share = (hits + 2) / (n + 4)
    return float((share * (1 - share) / (n + 4)) ** 0.5)


def share_finding(
    measure: str,
    hits: int,
    n: int,
    *,
    reason: str = "no rows",
    confidence: float = CONFIDENCE,
    **parameters: Parameter,
) -> Finding:
    """Return the share hits / n with Wilson's interval; undefined with `reason` where n is 0."""
    if n <= 0:
        return undefined(measure, n=0, reason=reason, **parameters)
    low, high = wilson(hits, n, confidence)
    return Finding(
        measure,
        hits / n,
        n,
        low=low,
        high=high,
        standard_error=share_error(hits, n),
        parameters={"confidence": confidence, "hits": hits, **parameters},
    )


def normal_finding(
    measure: str,
    value: float,
    error: float,
    n: int,
    *,
    bounds: tuple[float, float] = (-np.inf, np.inf),
    confidence: float = CONFIDENCE,
    **parameters: Parameter,
) -> Finding:
    """Return a value with its normal interval, kept inside `bounds`."""
    half = z_of(confidence) * error
    return Finding(
        measure,
        value,
        n,
        low=max(bounds[0], value - half),
        high=min(bounds[1], value + half),
        standard_error=error,
        parameters={"confidence": confidence, **parameters},
    )


def two_shares(hits: int, n: int, reference_hits: int, reference_n: int) -> tuple[float, str]:
    """Return the two-sided p-value of "both shares are equal", and the name of the test.

    The reference is a sample too: taking its share as exact would alarm far too often.
    """
    total = hits + reference_hits
    if total in {0, n + reference_n}:
        return 1.0, "no variation"
    expected = n * total / (n + reference_n)
    # The smallest of four binomial variances bounds the hypergeometric tail (Hoeffding, Bernstein).
    smaller = min(total, n + reference_n - total) * min(n, reference_n) / (n + reference_n)
    distance = abs(hits - expected)
    if distance * distance / 2 > SMALLEST * (smaller + distance / 3):
        return 0.0, "fisher_exact"
    reach = int(distance + REACH * smaller**0.5) + int(REACH) ** 2
    low = max(0, total - reference_n, int(expected) - reach)
    high = min(n, total, int(expected) + reach)
    weights = _splits(low, high, (n, reference_n, total))
    no_likelier = weights <= weights[hits - low] + TIES
    chances = np.exp(weights)
    return min(1.0, float(chances[no_likelier].sum() / chances.sum())), "fisher_exact"


def _splits(low: int, high: int, sizes: tuple[int, int, int]) -> Floats:
    """Return the logarithms of the chances of low to high hits, relative to the likeliest.

    `sizes` are the rows of either side and the hits of both. Chances are gathered from their
    ratios, so that large counts lose no digits; work grows as the square root of the rows.
    """
    n, reference_n, total = sizes
    hits = np.arange(low, high, dtype=np.float64)
    ratios = (total - hits) * (n - hits) / ((hits + 1) * (reference_n - total + hits + 1))
    weights = np.concatenate([[0.0], np.cumsum(np.log(ratios))])
    relative: Floats = weights - weights.max()
    return relative


def delta_error(counts: Counts | Floats, function: Callable[[Floats], float]) -> float:
    """Return the standard error of a smooth function of multinomial counts (delta method).

    `counts` has shape (cells,); `function` takes the cells' shares. Derivatives are central
    differences.
    """
    n = int(counts.sum())
    shares = counts / n
    step = 1e-6
    gradient = np.empty(shares.size)
    for cell in range(shares.size):
        up, down = shares.copy(), shares.copy()
        up[cell] += step
        down[cell] -= step
        gradient[cell] = (function(up) - function(down)) / (2 * step)
    variance = float(shares @ gradient**2 - (shares @ gradient) ** 2)
    return float((max(variance, 0.0) / n) ** 0.5)


def gradient_error(shares: Floats, gradient: Floats, n: int) -> float:
    """Return the standard error of a function of multinomial shares from its exact gradient.

    `gradient` has the shape of `shares`; adding a constant to it changes nothing.
    """
    mean = float((shares * gradient).sum())
    variance = float((shares * (gradient - mean) ** 2).sum())
    return float((max(variance, 0.0) / max(n, 1)) ** 0.5)


def drawn_tail(values: Floats, observed: float) -> float:
    """Return the p-value of `observed` among drawn null `values`, shape (draws,).

    Counted where 20 draws or more exceed it; else by a Pearson type III curve through the first
    three moments, because a counted share cannot be smaller than 1 / draws.
    """
    exceeding = int(np.count_nonzero(values >= observed * (1 - 1e-12)))
    counted = (exceeding + 1) / (values.size + 1)
    if exceeding >= TRUSTED_EXCEEDANCES or values.std() == 0:
        return counted
    ceiling = (TRUSTED_EXCEEDANCES + 1) / (values.size + 1)
    return min(_pearson_three(values, observed), ceiling)


def _pearson_three(values: Floats, observed: float) -> float:
    mean, sd = float(values.mean()), float(values.std())
    skew = float(np.mean(((values - mean) / sd) ** 3))
    standard = (observed - mean) / sd
    if skew < 1e-3:
        return float(special.ndtr(-standard))
    shape = 4 / skew**2
    return float(special.gammaincc(shape, max(shape + standard * shape**0.5, 0.0)))
