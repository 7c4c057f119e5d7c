"""Areas: squared gaps between two distribution functions, from counts over frozen bins.

Definitions, with F and G the distribution functions of reference and window
    Cramér–von Mises   mean of (F - G)^2 over the pooled values; nm/(n+m) times it is T
    energy             sqrt(2 * integral of (F - G)^2 dx / reference standard deviation)

    The gap runs in a straight line across a bin and jumps at a mass point. `lower_bound` and
    `upper_bound` say what the raw values could give at most. p-values are those of the bridge at
    the actual n over at most 64 groups of bins: a Pearson III curve through three moments, or
    Zolotarev's tail of the largest eigenvalues where that is larger.

Source
    Anderson (1962), Annals of Mathematical Statistics 33:1148; Székely and Rizzo (2013), Journal of
    Statistical Planning and Inference 143:1249; Zolotarev (1961), Theory of Probability 6:201.
"""

import numpy as np
from scipy import special

from monitoring.stats.columns import Floats, shares
from monitoring.stats.edges import NumericEdges
from monitoring.stats.exact import LARGEST
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.null import pearson_three
from monitoring.stats.profiles import NumericView

GROUPS = 64


def cramer_von_mises(edges: NumericEdges, reference: NumericView, current: NumericView) -> Finding:
    """Return the mean squared gap; `parameters["criterion"]` is the usual statistic."""
    n, m = current.n, reference.n
    if min(n, m) < 2:
        return undefined("cramer_von_mises", n=n, reason="fewer than two values on one side")
    weights = (reference.counts + current.counts) / (n + m)
    return _measured("cramer_von_mises", edges, reference, current, weights, root=False)


def energy(edges: NumericEdges, reference: NumericView, current: NumericView) -> Finding:
    """Return the energy distance of values in reference standard deviations."""
    n, m = current.n, reference.n
    if min(n, m) < 2:
        return undefined("energy", n=n, reason="fewer than two values on one side")
    if not reference.sd:
        return undefined("energy", n=n, reason="the reference is constant")
    seen = [
        end
        for view in (reference, current)
        for end in (view.minimum, view.maximum)
        if end is not None
    ]
    low = max(min(seen), -LARGEST if edges.low is None else edges.low)
    high = min(max(seen), LARGEST if edges.high is None else edges.high)
    widths = np.diff(np.clip(edges.edges, low, high))
    return _measured("energy", edges, reference, current, 2 * widths / reference.sd, root=True)


def _measured(
    measure: str,
    edges: NumericEdges,
    reference: NumericView,
    current: NumericView,
    weights: Floats,
    *,
    root: bool,
) -> Finding:
    n, m = current.n, reference.n
    p, q = shares(reference.counts), shares(current.counts)
    right = np.cumsum(p) - np.cumsum(q)
    left = np.concatenate([[0.0], right[:-1]])
    flat = (left**2 + left * right + right**2) / 3
    # At a mass point both functions have jumped already; its width is nothing.
    plain = ~edges.is_mass
    lowest, highest = left - q, left + p
    nearest = np.where((lowest < 0) & (highest > 0), 0.0, np.minimum(lowest**2, highest**2))
    furthest = np.maximum(lowest**2, highest**2)
    value, low, high = (
        float(weights @ np.where(plain, squares, right**2)) for squares in (flat, nearest, furthest)
    )
    effective = n * m / (n + m)
    pooled = (reference.counts + current.counts) / (n + m)
    p_value = bridge_tail(effective * value, pooled, weights)
    shown = np.sqrt([value, low, high]) if root else np.array([value, low, high])
    return Finding(
        measure,
        float(shown[0]),
        n,
        p_value=p_value,
        baseline=0.0,
        effect=float(shown[0]),
        parameters={
            "lower_bound": float(shown[1]),
            "upper_bound": float(shown[2]),
            "criterion": effective * value,
            "reference_n": m,
        },
    )


def bridge_tail(statistic: float, pooled: Floats, weights: Floats) -> float:
    """Return P(sum of weights * bridge^2 >= statistic), weights and shares by bin, (bins,)."""
    groups = np.arange(pooled.size) * min(GROUPS, pooled.size) // pooled.size
    heights = np.cumsum(np.bincount(groups, pooled))
    grouped = np.sqrt(np.bincount(groups, weights))
    bridge = np.minimum.outer(heights, heights) - np.outer(heights, heights)
    values = np.maximum(np.linalg.eigvalsh(bridge * np.outer(grouped, grouped))[::-1], 0.0)
    first = float(values[0])
    if first <= 1e-15 or statistic <= 0:
        return 1.0
    # In units of the first, so that cubes of enormous values stay finite.
    values, statistic = values / first, statistic / first
    mean, variance = float(values.sum()), 2 * float((values**2).sum())
    skewness = 8 * float((values**3).sum()) / variance**1.5
    ratio = np.minimum(values[1:], 0.99)
    factor = float(np.exp(-0.5 * np.log1p(-ratio).sum()))
    far = factor * float(special.chdtrc(1, statistic))
    return min(1.0, max(pearson_three(statistic, mean, variance, skewness), min(far, 0.5)))
