"""Ordered: changes of numeric fields that use the order and size of values.

Definitions
    KS             largest distance of the distribution functions at the frozen cuts, with the bound
                   on what could hide inside bins (`parameters["upper_bound"]`)
    Wasserstein    area between the distribution functions / reference standard deviation
    mean change    (current mean - reference mean) / reference standard deviation, Welch's error
    sd change      ln(current sd / reference sd); its standard error
                   sqrt((kurtosis - 1) / 4 * (1/n + 1/m)) takes the larger kurtosis of both sides,
                   at least 3, read from the bins
    The last two are shown with intervals and never tested: the tails of their normal statistics are
    wrong for heavy-tailed fields. The level and spread shifts of `shifts` test the same by ranks.

Example
    >>> edges = NumericEdges((0.0, 1.0))
    >>> nothing = {"null": 0, "nan": 0}
    >>> view = NumericView(np.array([5, 5, 5]), nothing, 0.5, 1.0, -1.0, 2.0)
    >>> ks(edges, view, view).value
    0.0

Source
    Hodges (1958), Arkiv för Matematik 3:469, on the two-sample KS distribution, its tail as in
    `raw`; Welch (1947), Biometrika 34:28; O'Brien (1981), on the variance of a log standard
    deviation by kurtosis.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from monitoring.stats.columns import Floats, shares
from monitoring.stats.edges import NumericEdges
from monitoring.stats.exact import LARGEST
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import CONFIDENCE, z_of
from monitoring.stats.profiles import NumericView
from monitoring.stats.raw import tail

MEASURES = ("ks", "wasserstein", "mean_change", "sd_change")


def measured(
    edges: NumericEdges, reference: NumericView, current: NumericView, measures: Sequence[str]
) -> dict[str, Finding]:
    """Return those of the named measures that are ordered ones."""
    functions = {
        "ks": ks,
        "wasserstein": wasserstein,
        "mean_change": mean_change,
        "sd_change": sd_change,
    }
    return {
        measure: function(edges, reference, current)
        for measure, function in functions.items()
        if measure in measures
    }


def ks(edges: NumericEdges, reference: NumericView, current: NumericView) -> Finding:
    """Return the two-sample KS distance at the frozen cuts, and its asymptotic p-value.

    The distance of the raw values lies between the value and `parameters["upper_bound"]`: inside a
    bin that is no mass point the functions may differ more. The p-value is that of the value, so it
    errs to the side of no alarm.
    """
    n, m = current.n, reference.n
    if not n or not m:
        return undefined("ks", n=n, reason="no values in range on one side")
    p, q = shares(reference.counts), shares(current.counts)
    gap = np.cumsum(p) - np.cumsum(q)
    value = float(np.abs(gap).max())
    upper = max(value, _hidden(edges, p, q, gap))
    effective = n * m / (n + m)
    p_value = tail(value, max(1, round(effective))) if value else 1.0
    return Finding(
        "ks",
        value,
        n,
        low=max(0.0, value - _dkw(effective)),
        high=min(1.0, upper + _dkw(effective)),
        p_value=p_value,
        baseline=0.0,
        effect=value,
        parameters={"confidence": CONFIDENCE, "upper_bound": upper, "reference_n": m},
    )


def wasserstein(edges: NumericEdges, reference: NumericView, current: NumericView) -> Finding:
    """Return the first Wasserstein distance in reference standard deviations.

    Inside a bin the values are taken as evenly spread; the open bins end at the smallest and
    largest value seen. No p-value: test with KS or PSI.
    """
    if not current.n or not reference.n:
        return undefined("wasserstein", n=current.n, reason="no values in range on one side")
    if not reference.sd:
        return undefined("wasserstein", n=current.n, reason="the reference is constant")
    gap = np.cumsum(shares(reference.counts)) - np.cumsum(shares(current.counts))
    left = np.concatenate([[0.0], gap[:-1]])
    area = float(
        _areas(left, gap) @ np.diff(np.clip(edges.edges, *_ends(edges, reference, current)))
    )
    value = area / reference.sd
    error = (1 / current.n + 1 / reference.n) ** 0.5
    half = z_of(CONFIDENCE) * error * max(current.sd or 0.0, reference.sd) / reference.sd
    found = Finding("wasserstein", value, current.n, baseline=0.0, effect=value)
    return replace(
        found,
        low=max(0.0, value - half),
        high=value + half,
        parameters={"confidence": CONFIDENCE, "reference_n": reference.n},
    )


def mean_change(edges: NumericEdges, reference: NumericView, current: NumericView) -> Finding:
    """Return the change of the mean in reference standard deviations; no p-value."""
    del edges
    reason = _why_not(reference, current)
    if reason or not reference.sd or reference.mean is None or current.mean is None:
        return undefined("mean_change", n=current.n, reason=reason)
    value = (current.mean - reference.mean) / reference.sd
    spread = ((current.sd or 0.0) / reference.sd) ** 2
    error = (spread / current.n + 1 / reference.n) ** 0.5
    return _change("mean_change", value, error, reference, current)


def sd_change(edges: NumericEdges, reference: NumericView, current: NumericView) -> Finding:
    """Return the logarithm of the ratio of standard deviations; no p-value."""
    reason = _why_not(reference, current) or ("" if current.sd else "the window is constant")
    if reason or not reference.sd or not current.sd:
        return undefined("sd_change", n=current.n, reason=reason)
    value = float(np.log(current.sd / reference.sd))
    kurtosis = max(3.0, *(_kurtosis(edges, view) for view in (reference, current)))
    error = ((kurtosis - 1) / 4 * (1 / current.n + 1 / reference.n)) ** 0.5
    return _change("sd_change", value, error, reference, current)


def _change(
    measure: str, value: float, error: float, reference: NumericView, current: NumericView
) -> Finding:
    half = z_of(CONFIDENCE) * error
    return Finding(
        measure,
        value,
        current.n,
        low=value - half,
        high=value + half,
        baseline=0.0,
        effect=value,
        standard_error=error,
        parameters={"confidence": CONFIDENCE, "reference_n": reference.n},
    )


def _why_not(reference: NumericView, current: NumericView) -> str:
    """Return why nothing can be compared; an empty text where it can."""
    if min(current.n, reference.n) < 2:
        return "fewer than two values in range on one side"
    return "" if reference.sd else "the reference is constant"


def _kurtosis(edges: NumericEdges, view: NumericView) -> float:
    """Return the kurtosis with every value at the middle of its bin."""
    low, high = _ends(edges, view)
    bounds = np.clip(edges.edges, low, high)
    middles = bounds[:-1] + np.diff(bounds) / 2
    centred = (middles - (view.mean or 0.0)) / (view.sd or 1.0)
    p = view.counts / view.n
    variance = float(p @ centred**2)
    return float(p @ centred**4) / variance**2 if variance > 0 else 3.0


def _hidden(edges: NumericEdges, p: Floats, q: Floats, gap: Floats) -> float:
    """Return how far the functions could be apart inside a bin, at the worst."""
    open_bins = ~edges.is_mass
    left = np.concatenate([[0.0], gap[:-1]])
    worst = np.maximum(left + p, q - left)[open_bins]
    return float(min(1.0, worst.max(initial=0.0)))


def _dkw(effective: float) -> float:
    return float((np.log(2 / (1 - CONFIDENCE)) / (2 * effective)) ** 0.5)


def _areas(left: Floats, right: Floats) -> Floats:
    """Return the mean of |line from left to right| over a bin; the line may cross zero."""
    spread = np.abs(right - left)
    crossing = (left * right < 0) & (spread > 0)
    plain = (np.abs(left) + np.abs(right)) / 2
    crossed = (left**2 + right**2) / np.where(crossing, 2 * spread, 1.0)
    return np.where(crossing, crossed, plain)


def _ends(edges: NumericEdges, *views: NumericView) -> tuple[float, float]:
    """Return the smallest and largest value in range that any view may hold."""
    seen = [end for view in views for end in (view.minimum, view.maximum) if end is not None]
    low = max(min(seen), -LARGEST if edges.low is None else edges.low)
    high = min(max(seen), LARGEST if edges.high is None else edges.high)
    return low, high
