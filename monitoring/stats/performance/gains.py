"""Lift: how much denser positives are among the rows with the highest scores.

Definitions
    Of the share k of rows with the highest scores, with P positives in all,

        gain at k = positives among them / P,      lift at k = gain / k.

    Where the cut falls inside a score bin its rows are taken as ties: the share of the bin that is
    needed brings the same share of its positives. `parameters["bin_bound"]` is how far the raw
    scores' result may be. The variance counts that the cut itself is estimated: with p the share
    of positives at the cut, the influence of a row is [top](y - p) + k p - gain y, over P / n.

Example
    >>> lift(np.array([[90, 0], [0, 10]]), share=0.1).value
    10.0

Source
    Vuk and Curk (2006), Metodološki zvezki 3:89, on lift charts; the variance by the influence
    function of the estimated quantile.
"""

from dataclasses import dataclass, replace

import numpy as np

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import normal_finding
from monitoring.stats.performance.scores import which_missing

TOP = 0.1
WINDOW = 0.05


@dataclass(frozen=True)
class GainCurve:
    """Cumulative gain: share of positives found, by share of rows taken from the top.

    Both have shape (filled bins + 1,) and run from 0 to 1.
    """

    rows: Floats
    positives: Floats


def gain_curve(histogram: Counts) -> GainCurve:
    """Return the cumulative gain of scores by outcome, shape (2, bins); one 0 if no positives."""
    taken = histogram[:, ::-1]
    rows, positives = np.cumsum(taken.sum(axis=0)), np.cumsum(taken[1])
    if not positives[-1]:
        return GainCurve(np.zeros(1), np.zeros(1))
    kept = taken.sum(axis=0) > 0
    return GainCurve(
        np.concatenate([[0.0], rows[kept] / rows[-1]]),
        np.concatenate([[0.0], positives[kept] / positives[-1]]),
    )


def lift(histogram: Counts, *, share: float = TOP) -> Finding:
    """Return the lift at `share` of scores by outcome, shape (2, bins)."""
    found = gain(histogram, share=share)
    if found.value is None or found.low is None or found.high is None:
        return undefined("lift", n=found.n, reason=found.reason, share=share)
    bound = float(found.parameters["bin_bound"] or 0.0)
    return replace(
        found,
        measure="lift",
        value=found.value / share,
        low=found.low / share,
        high=found.high / share,
        standard_error=(found.standard_error or 0.0) / share,
        parameters={**found.parameters, "bin_bound": bound / share},
    )


def gain(histogram: Counts, *, share: float = TOP) -> Finding:
    """Return the cumulative gain at `share` of scores by outcome, shape (2, bins).

    ValueError where the share is not above 0 and at most 1.
    """
    if not 0 < share <= 1:
        raise ValueError(f"The share of top scores lies above 0 and at most at 1, not at {share}.")
    n, n_pos = int(histogram.sum()), int(histogram[1].sum())
    if not n_pos:
        return undefined("gain", n=n, reason=which_missing(n, 0), share=share)
    rows, positives = _from_top(histogram)
    needed = share * n
    cut = int(np.searchsorted(np.cumsum(rows), needed * (1 - 1e-12)))
    above = float(positives[:cut].sum())
    part = needed - float(rows[:cut].sum())
    hits = above + part * positives[cut] / rows[cut]
    most = above + min(part, float(positives[cut]))
    least = above + max(0.0, part - float(rows[cut] - positives[cut]))
    return normal_finding(
        "gain",
        hits / n_pos,
        _error(hits, n_pos, n, share, _at_cut(rows, positives, cut)),
        n,
        bounds=(0, 1),
        share=share,
        positives=n_pos,
        bin_bound=max(most - hits, hits - least) / n_pos,
    )


def _from_top(histogram: Counts) -> tuple[Counts, Counts]:
    """Return rows and positives of the filled bins, highest scores first."""
    rows = histogram.sum(axis=0)[::-1]
    return rows[rows > 0], histogram[1, ::-1][rows > 0]


def _at_cut(rows: Counts, positives: Counts, cut: int) -> float:
    """Return the share of positives near the cut: of the bins that hold the nearest rows."""
    middle = np.cumsum(rows) - rows / 2
    near = np.abs(middle - middle[cut]) <= WINDOW * rows.sum()
    return float(positives[near].sum() / rows[near].sum())


def _error(hits: float, n_pos: int, n: int, share: float, near: float) -> float:
    """Return the standard error of the gain by the influence of the four kinds of rows."""
    gain_, base = hits / n_pos, n_pos / n
    kinds = np.array(
        [
            [hits, 1 - near - gain_],
            [share * n - hits, -near],
            [n_pos - hits, -gain_],
            [n - share * n - n_pos + hits, 0.0],
        ]
    )
    weights = np.maximum(kinds[:, 0], 0.0) / n
    influence = kinds[:, 1] + share * near
    variance = float(weights @ influence**2 - (weights @ influence) ** 2)
    return float((max(variance, 0.0) / n) ** 0.5 / base)
