"""Shifts: small real changes of one field, tested without assuming any shape.

Definitions, from reference and current counts over the same frozen bins or cells
    level shift    linear rank test of the midranks (Wilcoxon, Mann, Whitney). The effect is
                   sqrt(2) * normal quantile of P(reference < current) + P(equal) / 2: the shift, in
                   standard deviations, that a normal field would need for the same
    spread shift   linear rank test of squared distances from the middle rank (Mood). The effect is
                   ln of the ratio of standard deviations that a normal field would need for the
                   same. A large shift of the level adds to it
    cell shift     the one cell whose share changed, out of all: a rare category that halves.
                   Conditional (hypergeometric) test of each cell, corrected for the number of
                   cells. Cells below 0.2 % are one cell
    value shift    the same over the fine bins of a numeric field, with its mass points, null and
                   out of range: a sentinel that appears in one row of a hundred; it must also
                   stand out among the hours of the window (`over_time`)

    Rank tests are exact up to the approximation of their tail (Pearson type III through three exact
    permutation moments), whatever the tails or mass points of the field, where Welch's test of a
    heavy-tailed mean is not. They need no sums, only counts.

Example
    >>> level_shift(np.array([50, 50, 0]), np.array([0, 50, 50])).p_value < 1e-9
    True

Source
    Mann and Whitney (1947), Annals of Mathematical Statistics 18:50; Mood (1954), ibid. 25:514;
    Hájek, Šidák and Sen, Theory of Rank Tests, 2nd ed., chapter 3; Wise (1954), Biometrika 41:317,
    on the hypergeometric tail.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from monitoring.stats.columns import Counts, Floats, shares
from monitoring.stats.edges import NumericEdges
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import CONFIDENCE, share_error, wilson, z_of
from monitoring.stats.null import chosen_by_reference
from monitoring.stats.over_time import chances_over_time
from monitoring.stats.profiles import (
    NumericView,
    Profile,
    categorical_view,
    numeric_view,
)
from monitoring.stats.reference import Bins

MEASURES = ("level_shift", "spread_shift", "cell_shift", "value_shift")
RARE_SHARE = 0.002
SURE = 1e-5
BESIDE = 3
USUAL, MOST = 0.2, 0.5
MANY = 6
GAINED = 1.2
SMALL = 1e-6
Flags = NDArray[np.bool_]
NO_ROWS = "no rows on one side"


@dataclass(frozen=True)
class Ranked:
    """Where the mid-cells of two samples lie in the other's distribution, shape (bins,)."""

    reference: Floats
    current: Floats
    p: Floats
    q: Floats


def drift(
    bins: Bins,
    reference: Profile,
    current: Profile,
    name: str,
    *,
    measures: Sequence[str] = MEASURES,
    parts: Sequence[Profile] = (),
) -> dict[str, Finding]:
    """Return those of the named measures that suit a profiled field; KeyError where it is not one.

    Level, spread and value shift are for numeric fields, the cell shift for categorical ones.
    `parts` are the counts of consecutive times that make up the current ones, for value shifts.
    """
    if name not in bins.numeric:
        one, two = (categorical_view(bins, side, name) for side in (reference, current))
        labels = (*one.values, "(other)", "(unseen)", "(null)")
        left, right = (np.array([*side.counts, *side.apart.values()]) for side in (one, two))
        return {"cell_shift": cell_shift(left, right, labels)} if "cell_shift" in measures else {}
    before, now = (numeric_view(bins, side, name) for side in (reference, current))
    found = {
        measure: function(before.counts, now.counts)
        for measure, function in {"level_shift": level_shift, "spread_shift": spread_shift}.items()
        if measure in measures
    }
    if "value_shift" in measures:
        left, right = (_with_missing(side) for side in (before, now))
        over_time = [_with_missing(numeric_view(bins, part, name)) for part in parts]
        edges = bins.numeric[name]
        # Nulls and values out of range have measures of their own.
        standing = np.append(_standing(edges.is_mass, before.counts, now.counts), [False, False])
        found["value_shift"] = value_shift(
            left,
            right,
            _bin_labels(edges),
            standing=standing,
            parts=np.array(over_time) if len(over_time) > 1 else None,
        )
    return found


def _with_missing(view: NumericView) -> Counts:
    return np.array([*view.counts, view.missing, view.out_of_range])


def level_shift(reference: Counts, current: Counts) -> Finding:
    """Return the shift of the level of ordered counts, shape (bins,), in normal deviations."""
    n, m = int(current.sum()), int(reference.sum())
    if not n or not m:
        return undefined("level_shift", n=n, reason=NO_ROWS)
    ranked = _ranked(reference, current)
    above = float(ranked.q @ ranked.reference)
    value = float(2**0.5 * special.ndtri(min(max(above, 1e-6), 1 - 1e-6)))
    spread = _variance(ranked.q, ranked.reference) / n + _variance(ranked.p, ranked.current) / m
    slope = 2**0.5 / _density(value / 2**0.5)
    p_value = float(rank_p_values("level_shift", reference, current))
    return _finding("level_shift", value, slope * spread**0.5, p_value, n, m, superiority=above)


def spread_shift(reference: Counts, current: Counts) -> Finding:
    """Return the change of the spread of ordered counts, shape (bins,), as ln of a ratio."""
    n, m = int(current.sum()), int(reference.sum())
    if not n or not m:
        return undefined("spread_shift", n=n, reason=NO_ROWS)
    ranked = _ranked(reference, current)
    scores = (2 * ranked.reference - 1) ** 2
    usual = float(ranked.p @ scores)
    if usual <= 0:
        return undefined("spread_shift", n=n, reason="the reference is constant")
    now = float(ranked.q @ scores)
    value = _log_ratio(now / usual)
    spread = (_variance(ranked.q, scores) / n + _variance(ranked.p, scores) / m) / usual**2
    slope = (_log_ratio(now / usual + 1e-4) - _log_ratio(now / usual - 1e-4)) / 2e-4
    p_value = float(rank_p_values("spread_shift", reference, current))
    return _finding("spread_shift", value, abs(slope) * spread**0.5, p_value, n, m)


def cell_shift(reference: Counts, current: Counts, labels: Sequence[str]) -> Finding:
    """Return the change of the share of one category, shape (cells,), and which one it was.

    Of the cells that changed beyond doubt (corrected p up to 1e-5) that with the largest relative
    change, so that a frequent cell's small change does not hide a rare one's halving; else that
    with the smallest p-value. `effect` is the difference of the shares, `baseline` the reference's.
    """
    return _one_cell("cell_shift", *_frequent(reference, current, labels))


def value_shift(
    reference: Counts,
    current: Counts,
    labels: Sequence[str],
    *,
    standing: Flags | None = None,
    parts: Counts | None = None,
) -> Finding:
    """Return the change of the share of one bin of a numeric field, and which one it was.

    As `cell_shift`, but no bins are gathered: they were cut on the reference to hold equal counts,
    so that choosing the small ones by what the window holds would find a change in them. Bins that
    are not `standing`, shape (bins,), changed as their neighbours did: a field that moved as a
    whole has no single value to blame. Where the counts of consecutive parts of the window are
    given, shape (parts, bins), a value must also stand out among them: see `over_time`.
    """
    chances = None if parts is None else chances_over_time(reference, parts)
    return _one_cell("value_shift", labels, reference, current, standing, chances)


def _standing(is_mass: Flags, reference: Counts, current: Counts) -> Flags:
    """Return which bins stand out from the bins beside them, shape (bins,).

    An inner bin stands out that gained twice as much as the three bins on either side. An open bin
    at an end stands out only while the tenth of the reference beside it did not gain: beyond the
    reference's last quantile a sentinel and a moved field look the same. Single mass points always
    stand out; where most of the reference lies on several of them, the field is a discrete one, and
    they are each other's neighbours. A value that a fifth of the reference has is what is usual,
    and an open bin that holds most rows says that the field moved there.
    """
    discrete = is_mass.sum() >= MANY and reference[is_mass].sum() > reference.sum() / 2
    chosen = np.flatnonzero(reference + current > 0) if discrete else np.flatnonzero(~is_mass)
    p, q = shares(reference[chosen]), shares(current[chosen])
    kept = np.ones(reference.shape, np.bool_)
    if chosen.size < 2 * BESIDE:
        return kept & (shares(reference) <= USUAL)
    ratio = (q + SMALL) / (p + SMALL)
    padded = np.concatenate([[0.0] * BESIDE, ratio, [0.0] * BESIDE])
    windows = np.lib.stride_tricks.sliding_window_view(padded, BESIDE)
    left, right = windows[: chosen.size], windows[BESIDE + 1 :][: chosen.size]
    beside = np.maximum(np.maximum(left.max(axis=1), right.max(axis=1)), 1.0)
    kept[chosen] = ratio > 2 * beside
    tenth = max(1, chosen.size // 10)
    for end, inner in ((0, slice(1, 1 + tenth)), (-1, slice(-1 - tenth, -1))):
        kept[chosen[end]] = q[inner].sum() < GAINED * p[inner].sum() and q[end] <= MOST
    return kept & (shares(reference) <= USUAL)


def _one_cell(
    measure: str,
    names: Sequence[str],
    left: Counts,
    right: Counts,
    standing: Flags | None = None,
    over_time: Floats | None = None,
) -> Finding:
    n, m = int(right.sum()), int(left.sum())
    if not n or not m:
        return undefined(measure, n=n, reason=NO_ROWS)
    p_values = cell_p_values(left, right, m, n)
    if over_time is not None:
        p_values = np.maximum(p_values, over_time)
    p_values = np.minimum(1.0, p_values * left.size)
    if standing is not None:
        p_values = np.where(standing, p_values, 1.0)
    place = _chosen(p_values, left / m, right / n)
    hits, usual = int(right[place]), int(left[place])
    low, high = wilson(hits, n)
    return Finding(
        measure,
        hits / n,
        n,
        low=low,
        high=high,
        p_value=float(p_values[place]),
        baseline=usual / m,
        effect=hits / n - usual / m,
        standard_error=share_error(hits, n),
        parameters={
            "confidence": CONFIDENCE,
            "cell": names[place],
            "cells": int(left.size),
            "reference_n": m,
            "test": "conditional_hypergeometric",
        },
    )


def rank_p_values(measure: str, reference: Counts, current: Counts) -> Floats:
    """Return two-sided p-values of a rank test, shape (…, bins) -> (…); 1 where all is tied."""
    totals = (reference + current).astype(np.float64)
    rows = totals.sum(axis=-1)
    m, n = reference.sum(axis=-1), current.sum(axis=-1)
    ranks = (np.cumsum(totals, axis=-1) - totals / 2) / np.maximum(rows, 1)[..., None]
    scores = ranks if measure == "level_shift" else (2 * ranks - 1) ** 2
    centred = scores - ((totals * scores).sum(axis=-1) / np.maximum(rows, 1))[..., None]
    statistic = (current * centred).sum(axis=-1)
    second, third = (
        (totals * centred**power).sum(axis=-1) / np.maximum(rows, 1) for power in (2, 3)
    )
    safe = np.maximum(rows, 3)
    variance = n * (m / (safe - 1)) * second
    skewed = n * (m / (safe - 1)) * ((m - n) / (safe - 2)) * third
    usable = variance > 1e-12
    spread = np.where(usable, variance, 1.0) ** 0.5
    return np.where(usable, _two_sided(statistic / spread, skewed / spread**3), 1.0)


def cell_p_values(reference: Counts, current: Counts, m: int, n: int) -> Floats:
    """Return each cell's two-sided p-value given its total, by Wise's binomial approximation.

    `m` and `n` are the rows of either side; the cells need not add up to them. The smaller tail is
    doubled. Within 5 % of the hypergeometric tail for shares up to a tenth, above it beyond.
    """
    totals = reference + current
    trials, other = np.minimum(totals, n), np.maximum(totals, n)
    upper = _at_least(current, trials, other, m + n)
    lower = 1 - _at_least(current + 1, trials, other, m + n)
    lower = np.where(lower > 1e-3, lower, _at_most(current, trials, other, m + n))
    p_values: Floats = np.minimum(1.0, 2 * np.minimum(upper, lower))
    return p_values


def _at_least(hits: Counts, trials: Counts, other: Counts, rows: int) -> Floats:
    chance = np.clip((2 * other - (hits - 1)) / (2 * rows - trials + 1), 0.0, 1.0)
    tail = special.betainc(np.maximum(hits, 1), np.maximum(trials - hits + 1, 1), chance)
    return np.where(hits <= 0, 1.0, np.where(hits > trials, 0.0, tail))


def _at_most(hits: Counts, trials: Counts, other: Counts, rows: int) -> Floats:
    """Return the lower tail directly, without the rounding of 1 - upper."""
    chance = np.clip((2 * other - hits) / (2 * rows - trials + 1), 0.0, 1.0)
    tail = special.betainc(np.maximum(trials - hits, 1), hits + 1, 1 - chance)
    return np.where(hits >= trials, 1.0, tail)


def _two_sided(z: Floats, skewness: Floats) -> Floats:
    """Return twice the tail of the Pearson type III curve on the side of z."""
    mirrored = np.where(z < 0, -skewness, skewness)
    size = np.abs(z)
    shape = 4 / np.maximum(np.abs(mirrored), 1e-4) ** 2
    reach = shape + np.where(mirrored > 0, 1, -1) * size * shape**0.5
    upper = special.gammaincc(shape, np.maximum(reach, 0.0))
    lower = special.gammainc(shape, np.maximum(reach, 0.0))
    tail = np.where(mirrored > 0, upper, lower)
    flat = np.abs(mirrored) < 1e-3
    p_values: Floats = np.minimum(1.0, 2 * np.where(flat, special.ndtr(-size), tail))
    return p_values


def _bin_labels(edges: NumericEdges) -> tuple[str, ...]:
    ends = edges.edges
    plain = [f"{low:.6g} to {high:.6g}" for low, high in itertools.pairwise(ends)]
    named = [
        f"= {ends[place]:.6g}" if is_mass else plain[place]
        for place, is_mass in enumerate(edges.is_mass)
    ]
    return (*named, "(null)", "(out of range)")


def _ranked(reference: Counts, current: Counts) -> Ranked:
    p, q = shares(reference), shares(current)
    return Ranked(np.cumsum(p) - p / 2, np.cumsum(q) - q / 2, p, q)


def _variance(weights: Floats, values: Floats) -> float:
    return max(float(weights @ values**2 - (weights @ values) ** 2), 0.0)


def _density(z: float) -> float:
    return float(np.exp(-z * z / 2) / (2 * np.pi) ** 0.5)


def _log_ratio(relative: float) -> float:
    """Return ln of the ratio of normal deviations whose mean squared distance is `relative`.

    Of a normal field with ratio s this distance is (2 / pi) arcsin(s^2 / (1 + s^2)), a third at 1.
    """
    sine = float(np.sin(np.pi / 2 * min(max(relative / 3, 1e-6), 1 - 1e-6)))
    return 0.5 * float(np.log(sine / (1 - sine)))


def _frequent(
    reference: Counts, current: Counts, labels: Sequence[str]
) -> tuple[list[str], Counts, Counts]:
    """Return labels and counts with the cells below 0.2 % of all rows as one."""
    totals = reference + current
    rare = (totals < RARE_SHARE * totals.sum()) | chosen_by_reference(reference, current)
    names = [label for label, is_rare in zip(labels, rare, strict=True) if not is_rare]
    if int(rare.sum()) < 2:
        return list(labels), reference, current
    left, right = (np.append(side[~rare], side[rare].sum()) for side in (reference, current))
    return [*names, "(rare)"], left, right


def _chosen(p_values: Floats, before: Floats, now: Floats) -> int:
    sure = p_values <= SURE
    if not sure.any():
        return int(np.argmin(p_values))
    small = 1e-6
    change = np.abs(np.log((now + small) / (before + small)))
    return int(np.argmax(np.where(sure, change, -1.0)))


def _finding(
    measure: str, value: float, error: float, p_value: float, n: int, m: int, **more: float
) -> Finding:
    half = z_of(CONFIDENCE) * error
    return Finding(
        measure,
        value,
        n,
        low=value - half,
        high=value + half,
        p_value=p_value,
        baseline=0.0,
        effect=value,
        standard_error=error,
        parameters={"confidence": CONFIDENCE, "reference_n": m, "test": "rank", **more},
    )
