"""Sampling: what chance alone does to a gap between groups.

Definition
    A gap is the range of the groups' numbers (a ratio: of their logarithms). Numbers are drawn
    again by a bootstrap of the counts, multinomial over all cells of the cube. No gap can be wrong
    by more than the range of the groups' deviations, so the 95 % quantile of that range bounds the
    gap on either side; a quantile of the drawn gaps would not, as the largest of several estimates
    is biased. "All groups are alike" is tested by a chi-square test of homogeneity, by Fisher's
    exact test or from draws where cells are sparse; Welch's test for means. The effect is the gap
    less what sampling gives on average where groups are alike.

    Smallest detectable gap: how far the group that is known worst must lie from all others to be
    found with power 0.8 at alpha 0.05, by the noncentral chi-square distribution.

Example
    >>> round(smallest_detectable(np.array([400.0, 400.0])), 3)
    0.198

Source
    Davison and Hinkley (1997), Bootstrap Methods and their Application, chapter 5; Welch (1951),
    Biometrika 38:330; Cohen (1988), Statistical Power Analysis, chapter 7.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy import special, stats

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.intervals import drawn_tail

RESAMPLES = 2_000
ALPHA = 0.05
POWER = 0.8
SPARSE = 5.0
FISHER_BELOW = 20

Scale = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Sample:
    """The groups' numbers, shape (groups,), drawn again as they are, and as if alike.

    `again` and `null` have shape (resamples, groups); `n` is the rows of each group, `precision`
    the inverse variance of each number if all groups are alike.
    """

    name: str
    labels: tuple[str, ...]
    values: Floats
    n: Counts
    again: Floats
    null: Floats
    precision: Floats
    p_value: float

    @cached_property
    def detectable(self) -> float | None:
        """The smallest detectable gap of these groups."""
        return smallest_detectable(self.precision) if self.values.size > 1 else None


def bootstrapped(counts: Counts, seed: int) -> Counts:
    """Return 2,000 multinomial draws of a table of counts, shape (resamples, *counts.shape)."""
    n = int(counts.sum())
    shares = counts.ravel() / max(n, 1)
    if not n:
        return np.zeros((RESAMPLES, *counts.shape), np.int64)
    drawn = np.random.default_rng(seed).multinomial(n, shares, size=RESAMPLES)
    return drawn.reshape(RESAMPLES, *counts.shape)


def rates_again(hits: Counts, totals: Counts) -> Floats:
    """Return hits / totals; NaN where a resample has no such row."""
    rates: Floats = np.where(totals > 0, hits / np.maximum(totals, 1), np.nan)
    return rates


def of_shares(
    name: str,
    labels: tuple[str, ...],
    hits: Counts | Floats,
    totals: Counts,
    again: Floats,
    *,
    seed: int,
) -> Sample:
    """Return the sample of groups' shares hits / totals, each of `totals` at least 1."""
    pooled = float(hits.sum() / totals.sum()) if totals.size else 0.0
    drawn = np.random.default_rng([seed, 1]).binomial(totals, pooled, size=(RESAMPLES, totals.size))
    smooth = float((hits.sum() + 2) / (totals.sum() + 4))
    return Sample(
        name,
        labels,
        hits / totals,
        totals,
        again,
        drawn / totals,
        totals / (smooth * (1 - smooth)),
        _homogeneity(hits, totals, drawn) if totals.size > 1 else 1.0,
    )


def of_means(
    name: str, labels: tuple[str, ...], means: Floats, errors: Floats, n: Counts, *, seed: int
) -> Sample:
    """Return the sample of groups' means with their standard errors, drawn as normal."""
    tiny = 1e-12 * max(float(np.abs(means).max(initial=0.0)), 1e-300)
    safe = np.maximum(errors, tiny)
    noise = np.random.default_rng(seed).standard_normal((RESAMPLES, means.size)) * safe
    precision = 1 / safe**2
    p_value = _welch(means, precision, n) if means.size > 1 else 1.0
    return Sample(name, labels, means, n, means + noise, noise, precision, p_value)


def smallest_detectable(precision: Floats, *, alpha: float = ALPHA, power: float = POWER) -> float:
    """Return the gap of the least precise group from the others that is found with this power.

    `precision` is the inverse variance of each group's number, shape (groups,), two or more.
    """
    freedom = precision.size - 1
    critical = special.chdtri(freedom, alpha)
    needed = float(special.chndtrinc(critical, freedom, 1 - power))
    least, whole = float(precision.min()), float(precision.sum())
    return float((needed / (least * (1 - least / whole))) ** 0.5)


def spread(values: Floats) -> Floats:
    """Return the largest minus the smallest along the last axis, NaN left out."""
    gap: Floats = np.fmax.reduce(values, axis=-1) - np.fmin.reduce(values, axis=-1)
    return gap


def deviations(sample: Sample, scale: Scale) -> Floats:
    """Return how far each draw of each group lies from its value, shape (resamples, groups)."""
    return scale(sample.again) - scale(sample.values)


def logarithm(sample: Sample) -> Scale:
    """Return the logarithm for these groups' shares, a share of 0 taken as half a row."""
    least = 0.5 / np.maximum(sample.n, 1)

    def of(shares: Floats) -> Floats:
        found: Floats = np.log(np.fmax(shares, least))
        return found

    return of


def plain(values: Floats) -> Floats:
    """Return the values as they are."""
    return values


def odds_of(shares: Floats) -> Floats:
    """Return share / (1 - share); NaN where the share is 1."""
    below = shares < 1
    return np.where(below, shares / np.where(below, 1 - shares, 1.0), np.nan)


def _homogeneity(hits: Counts | Floats, totals: Counts, drawn: Counts) -> float:
    """Return the p-value of "all groups have one share"; 1 where every decision is the same."""
    pooled = float(hits.sum() / totals.sum())
    if pooled in {0.0, 1.0}:
        return 1.0
    if totals.size == 2 and min(hits.min(), (totals - hits).min()) < FISHER_BELOW:
        table = np.rint([hits, totals - hits]).astype(np.int64)
        return min(1.0, float(stats.fisher_exact(table).pvalue))
    observed = float(_chi_square(np.asarray(hits, np.float64), totals))
    if totals.min() * min(pooled, 1 - pooled) >= SPARSE:
        return float(special.chdtrc(totals.size - 1, observed))
    return drawn_tail(_chi_square(drawn.astype(np.float64), totals), observed)


def _chi_square(hits: Floats, totals: Counts) -> Floats:
    pooled = hits.sum(axis=-1, keepdims=True) / totals.sum()
    spread = totals * pooled * (1 - pooled)
    terms = np.where(spread > 0, (hits - totals * pooled) ** 2 / np.where(spread > 0, spread, 1), 0)
    total: Floats = terms.sum(axis=-1)
    return total


def _welch(means: Floats, precision: Floats, n: Counts) -> float:
    """Return the p-value of Welch's test of equal means."""
    groups, whole = means.size, precision.sum()
    middle = precision @ means / whole
    between = precision @ (means - middle) ** 2 / (groups - 1)
    if between == 0:
        return 1.0
    slack = float(((1 - precision / whole) ** 2 / np.maximum(n - 1, 1)).sum())
    statistic = between / (1 + 2 * (groups - 2) / (groups**2 - 1) * slack)
    return float(special.fdtrc(groups - 1, (groups**2 - 1) / (3 * slack), statistic))
