"""Residuals: how far a regression's predictions are from the outcomes that have arrived.

Definitions
    With residual r = prediction - outcome: bias = mean r, MAE = mean |r|, RMSE = sqrt(mean r^2),
    R2 = 1 - sum r^2 / sum (y - mean y)^2, MAPE = mean |r| / |y| over the rows with y != 0. They are
    exact: row-wise sums are kept.
    Quantiles of r and |r| (p5, p50, p95) come from the residual histogram, by linear
    interpolation inside a bin; `parameters["bin_bound"]` is how far the exact one may be. Their
    interval is that of the order statistics.

Example
    >>> error_quantile("error_p50", np.array([0, 2]), np.array([0.0, 1.0, 2.0]), 0.5).value
    1.5

Source
    Cohen et al. (2003), Applied Multiple Regression, on the standard error of R2; David and
    Nagaraja (2003), Order Statistics, section 7.1, on intervals of quantiles.
"""

import numpy as np

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.exact import exact
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import CONFIDENCE, normal_finding, z_of
from monitoring.stats.performance.means import NO_OUTCOMES, labelled, mean_finding
from monitoring.stats.profiles import Profile
from monitoring.stats.reference import Bins, group_key, group_labels

QUANTILES = (0.05, 0.5, 0.95)
SUMMED = ("residual", "absolute", "squared")
BEYOND = "the quantile lies beyond the outermost residual bin"


def regression(profile: Profile) -> dict[str, Finding]:
    """Return bias, MAE, RMSE, R2 and MAPE, from moments of the residual prediction - outcome."""
    found = _errors(profile)
    return found | {"r2": _r2(profile, found["bias"].n), "mape": _mape(profile)}


def _errors(profile: Profile) -> dict[str, Finding]:
    n = int(profile.counts["residual"].sum()) if "residual" in profile.counts else 0
    return {
        "bias": mean_finding("bias", profile, "residual", "residual^2", n),
        "mae": mean_finding("mae", profile, "absolute", "residual^2", n, bounds=(0, np.inf)),
        "rmse": _rmse(profile, n),
    }


def error_quantiles(bins: Bins, histogram: Counts) -> dict[str, Finding]:
    """Return p5, p50 and p95 of the error and of its absolute value.

    `histogram` has one count per residual bin of `bins`.
    """
    edges, half = bins.residual_edges, histogram.size // 2
    folded = histogram[half:] + histogram[:half][::-1]
    found = [
        error_quantile(f"{kind}_p{round(100 * share)}", counts, over, share)
        for kind, counts, over in (
            ("error", histogram, edges),
            ("absolute_error", folded, edges[half:]),
        )
        for share in QUANTILES
    ]
    return {finding.measure: finding for finding in found}


def error_quantile(measure: str, counts: Counts, edges: Floats, share: float) -> Finding:
    """Return the quantile `share` of a histogram, shape (bins,) over (bins + 1,) edges.

    A side of the interval that reaches into an open bin is None.
    """
    n = int(counts.sum())
    if not n:
        return undefined(measure, n=0, reason=NO_OUTCOMES)
    value, place = _quantile(counts, edges, share)
    low_edge, high_edge = float(edges[place]), float(edges[place + 1])
    if not np.isfinite(value):
        return undefined(measure, n=n, reason=BEYOND, low_edge=low_edge, high_edge=high_edge)
    half = z_of(CONFIDENCE) * (share * (1 - share) / n) ** 0.5
    low, _ = _quantile(counts, edges, max(share - half, 0.0))
    high, _ = _quantile(counts, edges, min(share + half, 1.0))
    error = (high - low) / (2 * z_of(CONFIDENCE))
    return Finding(
        measure,
        value,
        n,
        low=min(low, value),
        high=max(high, value),
        standard_error=error,
        parameters={
            "confidence": CONFIDENCE,
            "bin_bound": max(value - low_edge, high_edge - value),
        },
    )


def _quantile(counts: Counts, edges: Floats, share: float) -> tuple[float, int]:
    """Return a quantile and its bin; infinite where it falls into an open bin."""
    cumulative = np.cumsum(counts)
    target = share * cumulative[-1]
    place = int(np.argmax((cumulative >= target) & (counts > 0)))
    low, high = float(edges[place]), float(edges[place + 1])
    if not np.isfinite(low):
        return low, place
    if not np.isfinite(high):
        return high, place
    before = cumulative[place] - counts[place]
    inside = min(max((target - before) / counts[place], 0.0), 1.0)
    return low + float(inside) * (high - low), place


def regression_by_group(
    bins: Bins, profile: Profile, *groups: str
) -> dict[tuple[str, str], Finding]:
    """Return bias, MAE, RMSE and the quantiles of error by (measure, group), of groups with rows.

    `groups` names one declared group field, or the two of a declared pair; KeyError otherwise.
    """
    labels, key = group_labels(bins, *groups), group_key(*groups)
    edges = bins.residual_edges.size - 1
    counts = profile.counts.get(f"residual/{key}", np.zeros((len(labels), edges), np.int64))
    found: dict[tuple[str, str], Finding] = {}
    for place, label in enumerate(labels):
        if counts[place].any():
            one = _errors(_only(bins, profile, counts[place], f"{key}/{label}"))
            one |= error_quantiles(bins, counts[place])
            found |= {(name, label): finding for name, finding in one.items()}
    return found


def _only(bins: Bins, profile: Profile, counts: Counts, key: str) -> Profile:
    """Return one group's rows as a profile of their own, `key` being "<group>/<level>"."""
    kept = {name: profile.sums.get(f"labelled/{name}/{key}") for name in SUMMED}
    sums = {f"labelled/{name}": total for name, total in kept.items() if total is not None}
    if "labelled/squared" in sums:
        sums["labelled/residual^2"] = sums["labelled/squared"]
    sums["labelled/squared^2"] = exact(_fourth_powers(bins, counts))
    return Profile(profile.bins, {"residual": counts}, sums)


def _fourth_powers(bins: Bins, counts: Counts) -> float:
    """Return the sum of r^4 from the middles of the residual bins, the open ones at their edge.

    It is kept of no group, and only the width of RMSE's interval depends on it.
    """
    edges = np.clip(bins.residual_edges, bins.residual_edges[1], bins.residual_edges[-2])
    middles = (edges[:-1] + edges[1:]) / 2
    return float((counts * middles**4).sum())


def _mape(profile: Profile) -> Finding:
    n = int(profile.counts["percentage"][0]) if "percentage" in profile.counts else 0
    if not n:
        seen = "labelled" in profile.counts and profile.labelled_rows
        return undefined("mape", n=0, reason="no outcome differs from 0" if seen else NO_OUTCOMES)
    return mean_finding("mape", profile, "percentage", "percentage^2", n, bounds=(0, np.inf))


def _rmse(profile: Profile, n: int) -> Finding:
    squared = mean_finding("rmse", profile, "squared", "squared^2", n)
    if squared.value is None or squared.low is None or squared.high is None:
        return squared
    value, error = squared.value**0.5, squared.standard_error or 0.0
    return Finding(
        "rmse",
        value,
        n,
        low=max(0.0, squared.low) ** 0.5,
        high=squared.high**0.5,
        standard_error=error / (2 * value) if value else 0.0,
        parameters=squared.parameters,
    )


def _r2(profile: Profile, n: int) -> Finding:
    if n < 3:
        return undefined("r2", n=n, reason=NO_OUTCOMES if not n else "fewer than 3 outcomes")
    mean = labelled(profile, "outcome") / n
    total = labelled(profile, "outcome^2") - n * mean * mean
    if total <= 1e-12 * labelled(profile, "outcome^2"):
        return undefined("r2", n=n, reason="all outcomes are equal")
    value = 1 - labelled(profile, "residual^2") / total
    kept = min(max(value, 0.0), 1.0)
    error = (4 * kept * (1 - kept) ** 2 * (n - 2) ** 2 / ((n * n - 1) * (n + 3))) ** 0.5
    return normal_finding("r2", value, error, n, bounds=(-np.inf, 1.0))
