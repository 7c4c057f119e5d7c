"""Stability: how far a field's distribution has moved from its reference.

Definitions, with reference shares p and current shares q over the same cells
    PSI                  sum (q - p) ln(q / p), shares floored at 1e-4
    KL                   sum p ln(p / q), reference to current, shares floored at 1e-4
    JS distance          square root of the Jensen-Shannon divergence, base 2
    Hellinger            sqrt(sum (sqrt p - sqrt q)^2 / 2)
    total variation      sum |p - q| / 2
    L-infinity           max |p - q|
    chi-square           contingency test of 2 x cells, by `contingency.sparse` where a cell expects
                         fewer than 5 rows; the finding's effect is Cramér's V

Cells
    Numeric: deciles of the reference without its mass points, every mass point, null (with NaN),
    out of range (with infinities). Categorical: categories, other, unseen, null.

Example
    >>> float(psi(np.array([50, 50]), np.array([50, 50])))
    0.0

Source
    Siddiqi (2006), Credit Risk Scorecards, on PSI; Lin (1991), IEEE Trans. Inf. Theory 37:145, on
    JS; Cramér (1946), Mathematical Methods of Statistics, on V.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special, stats

from monitoring.stats import areas, contingency, null, ordered
from monitoring.stats.columns import Counts, Floats, shares
from monitoring.stats.edges import NumericEdges
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import CONFIDENCE, z_of
from monitoring.stats.profiles import NumericView, Profile, categorical_view, numeric_view
from monitoring.stats.reference import Bins

FLOOR = 1e-4
SPARSE = 5.0
DRAWS = 1_000
DECILES = 10


@dataclass(frozen=True)
class Cells:
    """Reference and current counts over the same labelled cells, shape (cells,)."""

    labels: tuple[str, ...]
    reference: Counts
    current: Counts


def psi(reference: Counts | Floats, current: Counts | Floats) -> Floats:
    """Return the population stability index of counts, shape (…, cells) -> (…)."""
    p, q = _floored(reference), _floored(current)
    return _over_cells((q - p) * np.log(q / p))


def kl(reference: Counts | Floats, current: Counts | Floats) -> Floats:
    """Return the Kullback-Leibler divergence, reference to current, in nats."""
    p, q = _floored(reference), _floored(current)
    return _over_cells(p * np.log(p / q))


def js_distance(reference: Counts | Floats, current: Counts | Floats) -> Floats:
    """Return the Jensen-Shannon distance, base 2, between 0 and 1."""
    p, q = shares(reference), shares(current)
    middle = (p + q) / 2
    divergence = _over_cells(special.rel_entr(p, middle) + special.rel_entr(q, middle)) / 2
    distance: Floats = np.sqrt(np.maximum(divergence, 0) / np.log(2))
    return distance


def hellinger(reference: Counts | Floats, current: Counts | Floats) -> Floats:
    """Return the Hellinger distance, between 0 and 1."""
    gap = np.sqrt(shares(reference)) - np.sqrt(shares(current))
    return np.sqrt(_over_cells(gap**2) / 2)


def total_variation(reference: Counts | Floats, current: Counts | Floats) -> Floats:
    """Return the total variation distance, between 0 and 1."""
    return _over_cells(np.abs(shares(reference) - shares(current))) / 2


def l_infinity(reference: Counts | Floats, current: Counts | Floats) -> Floats:
    """Return the largest change of any one cell's share."""
    largest: Floats = np.abs(shares(reference) - shares(current)).max(axis=-1)
    return largest


DISTANCES: dict[str, null.Distance] = {
    "psi": psi,
    "js_distance": js_distance,
    "kl": kl,
    "hellinger": hellinger,
    "total_variation": total_variation,
    "l_infinity": l_infinity,
}
AREAS = {"cramer_von_mises": areas.cramer_von_mises, "energy": areas.energy}
MEASURES = (*DISTANCES, "chi_square", *ordered.MEASURES, *AREAS)


def drift(
    bins: Bins,
    reference: Profile,
    current: Profile,
    name: str,
    *,
    measures: Sequence[str] = MEASURES,
    seed: int = 0,
) -> dict[str, Finding]:
    """Return the chosen measures of one profiled field; the ordered ones for numeric fields only.

    KeyError where the field is not profiled. Too few rows give findings without a value.
    """
    cells = cells_of(bins, reference, current, name)
    found = {
        measure: distance_finding(measure, cells.reference, cells.current, seed=seed)
        for measure in measures
        if measure in DISTANCES
    }
    if "chi_square" in measures:
        found["chi_square"] = chi_square(cells.reference, cells.current, seed=seed)
    if name in bins.numeric:
        left, right = (numeric_view(bins, side, name) for side in (reference, current))
        edges = bins.numeric[name]
        found |= ordered.measured(edges, left, right, measures)
        found |= {key: area(edges, left, right) for key, area in AREAS.items() if key in measures}
    return found


def report(
    bins: Bins,
    reference: Profile,
    current: Profile,
    names: Sequence[str] | None = None,
    *,
    measures: Sequence[str] = ("psi",),
    seed: int = 0,
) -> dict[str, dict[str, Finding]]:
    """Return `drift` of the named fields, of all profiled fields where none are named."""
    chosen = [*bins.numeric, *bins.categorical] if names is None else names
    return {
        name: drift(bins, reference, current, name, measures=measures, seed=seed) for name in chosen
    }


def cells_of(bins: Bins, reference: Profile, current: Profile, name: str) -> Cells:
    """Return the cells on which a field is compared."""
    if name in bins.numeric:
        edges = bins.numeric[name]
        left, right = (numeric_view(bins, side, name) for side in (reference, current))
        labels, place = coarsen(edges, left.counts)
        return Cells(labels, _coarse(left, place), _coarse(right, place))
    one, two = (categorical_view(bins, side, name) for side in (reference, current))
    labels = (*one.values, "(other)", "(unseen)", "(null)")
    return Cells(
        labels,
        np.array([*one.counts, *one.apart.values()], np.int64),
        np.array([*two.counts, *two.apart.values()], np.int64),
    )


def coarsen(edges: NumericEdges, reference: Counts) -> tuple[tuple[str, ...], Counts]:
    """Return the cells of a numeric field: their labels, and the cell of every frozen bin.

    Cells 0 to 9 are the deciles of the reference without its mass points; each mass point follows
    as its own cell; "(null)" and "(out of range)" come last and hold no bin.
    """
    plain = np.where(edges.is_mass, 0, reference)
    total = int(plain.sum())
    middle = 2 * (np.cumsum(plain) - plain) + plain
    decile = np.minimum(DECILES * middle // max(2 * total, 1), DECILES - 1)
    place = np.where(edges.is_mass, DECILES - 1 + np.cumsum(edges.is_mass), decile)
    deciles = [f"decile {number}" for number in range(1, DECILES + 1)]
    masses = [f"= {mass:g}" for mass in edges.masses]
    return (*deciles, *masses, "(null)", "(out of range)"), place.astype(np.int64)


def distance_finding(measure: str, reference: Counts, current: Counts, *, seed: int = 0) -> Finding:
    """Return one distance with its interval and the p-value of "nothing has changed".

    The effect is the distance above what sampling alone is expected to give at these sizes.
    """
    n, m = int(current.sum()), int(reference.sum())
    if not n or not m:
        return undefined(measure, n=n, reason="no rows" if not n else "the reference has no rows")
    distance = DISTANCES[measure]
    value = float(distance(reference, current))
    expected = null.null_of(measure, distance, reference, current, seed=seed)
    half = z_of(CONFIDENCE) * np.hypot(_error(distance, reference, current), expected.sd)
    return Finding(
        measure,
        value,
        n,
        low=max(0.0, value - half),
        high=value + half,
        p_value=expected.p_value,
        baseline=0.0,
        effect=max(0.0, value - expected.mean),
        parameters={
            "confidence": CONFIDENCE,
            "cells": int(np.count_nonzero(reference + current)),
            "reference_n": m,
            "null_mean": expected.mean,
            "null_quantile_95": expected.quantile,
            "null_method": expected.method,
            "seed": seed,
        },
    )


def chi_square(reference: Counts, current: Counts, *, seed: int = 0) -> Finding:
    """Return the contingency chi-square; its effect is Cramér's V.

    Where a cell expects fewer than five rows on either side, cells that expect less than one, or
    that are rare because the reference chose them (`null.gathered`), are one cell, and the test is
    Fisher's or by Monte Carlo (`contingency.sparse`), drawn with the seed.
    """
    n, m = int(current.sum()), int(reference.sum())
    if not n or not m:
        return undefined("chi_square", n=n, reason="no rows on one side")
    if null.smallest_expectation(reference, current) < SPARSE:
        gathered = null.gathered(reference, current, min(n, m) / (n + m))
        return contingency.sparse(*gathered, seed=seed, draws=DRAWS)
    kept = reference + current > 0
    if np.count_nonzero(kept) < 2:
        return undefined("chi_square", n=n, reason="all rows of both sides are in one cell")
    table = np.stack([reference[kept], current[kept]])
    result = stats.chi2_contingency(table, correction=False)
    statistic = float(result.statistic)
    return Finding(
        "chi_square",
        statistic,
        n,
        p_value=float(result.pvalue),
        effect=(statistic / (n + m)) ** 0.5,
        baseline=0.0,
        parameters={
            "cells": table.shape[1],
            "degrees": int(result.dof),
            "reference_n": m,
            "test": "chi_square",
        },
    )


def _floored(counts: Counts | Floats) -> Floats:
    return np.maximum(shares(counts), FLOOR)


def _over_cells(terms: Floats) -> Floats:
    total: Floats = terms.sum(axis=-1)
    return total


def _coarse(view: NumericView, place: Counts) -> Counts:
    masses = int(place.max(initial=0)) + 1
    binned = np.bincount(place, weights=view.counts, minlength=max(masses, DECILES))
    return np.array([*binned.astype(np.int64), view.missing, view.out_of_range], np.int64)


def _error(distance: null.Distance, reference: Counts, current: Counts) -> float:
    """Return the delta-method standard error of a distance, both samples' share in it added."""
    p, q = shares(reference), shares(current)
    step = 1e-7
    bumps = np.eye(p.size) * step
    by_p = (distance(p + bumps, q) - distance(p, q)) / step
    by_q = (distance(p, q + bumps) - distance(p, q)) / step
    spread_p = max(float(p @ by_p**2 - (p @ by_p) ** 2), 0.0) / reference.sum()
    spread_q = max(float(q @ by_q**2 - (q @ by_q) ** 2), 0.0) / current.sum()
    return float((spread_p + spread_q) ** 0.5)
