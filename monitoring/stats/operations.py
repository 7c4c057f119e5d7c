"""Operations: how the service ran.

Definitions
    throughput      rows per hour, against earlier windows of equal length (see `quality.volume`)
    error rate      share of rows that report an error
    uptime          share of the window's hours with traffic; tested against what Poisson traffic of
                    the usual size leaves empty
    latency         mean from exact sums; quantiles from a histogram of 20 bins a decade, linear in
                    the logarithm within a bin. `parameters["bin_bound"]` is the width of that bin.
                    A quantile's interval is that of the binomial order statistics, open at an end
                    that so few rows do not bound; its test
                    compares the shares above the reference's quantile (Mood's test for any
                    quantile)
    gaps            99 % quantile of the time between rows that follow each other, as for latency;
                    longest time between two rows of an hour, in seconds; tested against the
                    reference's share of gaps as long
    resources       mean (and largest) bytes, CPU, memory and disk that the server reports

Example
    >>> undefined("latency_p95", n=0, reason=NO_LATENCY).reason
    'no row reports its latency; declare a field with the role latency'

Source
    David and Nagaraja (2003), Order Statistics, 7.1; Mood (1950), Introduction to the Theory of
    Statistics, 16.3, on the median test.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special, stats

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import CONFIDENCE, normal_finding, welch_p, wilson
from monitoring.stats.profiles import GAP_EDGES, LATENCY_EDGES, OPERATIONS_SIZE, Profile
from monitoring.stats.quality import share_change, volume
from monitoring.stats.reference import RESOURCES, Bins, Role

QUANTILES = {"latency_p50": 0.50, "latency_p95": 0.95, "latency_p99": 0.99}
USUAL = ("usual_low", "usual_high")
NO_HOURS = "the window holds no hour"
NO_GAPS = "fewer than two rows in any hour"
NO_LATENCY = "no row reports its latency; declare a field with the role latency"
LOST_DIGITS = 5e-16
ROUNDING = 1e-9  # relative: constant values of the same size are no change
NO_ERRORS = "no field with the role error is declared"


@dataclass(frozen=True)
class Traffic:
    """Rows of each hour of the window, and of earlier windows of equal length as a whole."""

    by_hour: Sequence[int]
    usual: Sequence[int] = ()


def operations(
    bins: Bins, reference: Profile, current: Profile, traffic: Traffic
) -> dict[str, Finding]:
    """Return all operational findings of a window; measures without data are undefined."""
    found = {
        "error_rate": error_rate(bins, reference, current),
        "throughput": throughput(current.rows, traffic),
        "uptime": uptime(traffic),
        "latency_mean": latency_mean(reference, current),
        "gap_p99": gap_quantile("gap_p99", 0.99, reference, current),
        "longest_gap": longest_gap(reference, current),
    }
    for name, share in QUANTILES.items():
        found[name] = latency_quantile(name, share, reference.latency, current.latency)
    return found | {f"{role.value}_mean": resource(role, reference, current) for role in RESOURCES}


def error_rate(bins: Bins, reference: Profile, current: Profile) -> Finding:
    """Return the share of rows with an error, tested against the reference's."""
    if bins.schema.name_of(Role.ERROR) is None:
        return undefined("error_rate", n=current.rows, reason=NO_ERRORS)
    return share_change(
        "error_rate", current.errors, current.rows, reference.errors, reference.rows
    )


def throughput(rows: int, traffic: Traffic) -> Finding:
    """Return rows per hour; the effect is the change in rows per hour."""
    hours = len(traffic.by_hour)
    if not hours:
        return undefined("throughput", n=rows, reason=NO_HOURS)
    found = volume(rows, traffic.usual)
    baseline = None if found.baseline is None else found.baseline / hours
    return replace(
        found,
        measure="throughput",
        value=rows / hours,
        baseline=baseline,
        effect=None if baseline is None else rows / hours - baseline,
        parameters={
            "hours": hours,
            "windows": len(traffic.usual),
            **{
                name: bound / hours
                for name in USUAL
                if isinstance(bound := found.parameters.get(name), float)
            },
        },
    )


def uptime(traffic: Traffic) -> Finding:
    """Return the share of hours with traffic."""
    n = len(traffic.by_hour)
    if not n:
        return undefined("uptime", n=0, reason=NO_HOURS)
    up = sum(1 for rows in traffic.by_hour if rows)
    low, high = wilson(up, n)
    usual = float(np.mean(traffic.usual)) / n if len(traffic.usual) else None
    if usual is None:
        reason = "no earlier window says how much traffic is usual"
        return Finding("uptime", up / n, n, low=low, high=high, reason=reason)
    silent = float(np.exp(-usual))
    p_value = float(special.bdtrc(n - up - 1, n, silent)) if up < n else 1.0
    return Finding(
        "uptime",
        up / n,
        n,
        low=low,
        high=high,
        p_value=p_value,
        baseline=1 - silent,
        effect=up / n - (1 - silent),
        parameters={"confidence": CONFIDENCE, "usual_rows_per_hour": usual},
    )


def latency_mean(reference: Profile, current: Profile) -> Finding:
    """Return the mean latency in milliseconds, tested against the reference's."""
    return _mean_change("latency_mean", "latency", _timed(reference), _timed(current))


def latency_quantile(measure: str, share: float, reference: Counts, current: Counts) -> Finding:
    """Return a quantile of latency histograms over `LATENCY_EDGES`, in milliseconds."""
    if not current.sum():
        return undefined(measure, n=0, reason=NO_LATENCY)
    return _quantile_change(measure, share, (reference, current), LATENCY_EDGES)


def gap_quantile(measure: str, share: float, reference: Profile, current: Profile) -> Finding:
    """Return a quantile of the time between rows that follow each other, in seconds."""
    nothing = np.zeros(GAP_EDGES.size - 1, np.int64)
    usual, now = (side.counts.get("gaps", nothing) for side in (reference, current))
    if not now.sum():
        return undefined(measure, n=current.rows, reason=NO_GAPS)
    return _quantile_change(measure, share, (usual, now), GAP_EDGES)


def _quantile_change(
    measure: str, share: float, sides: tuple[Counts, Counts], edges: Floats
) -> Finding:
    reference, current = sides
    n, m = int(current.sum()), int(reference.sum())
    value, width = _quantile(current, edges, share)
    low, high = _order_statistics(current, edges, share)
    found = Finding(
        measure,
        value,
        n,
        low=low,
        high=high,
        parameters={"confidence": CONFIDENCE, "bin_bound": width},
    )
    if not m:
        return replace(found, reason="the reference has no such values")
    baseline, _ = _quantile(reference, edges, share)
    cut = int(np.searchsorted(np.cumsum(reference), share * m)) + 1
    above = share_change(measure, int(current[cut:].sum()), n, int(reference[cut:].sum()), m)
    return replace(
        found,
        p_value=above.p_value,
        baseline=baseline,
        effect=value - baseline,
        parameters={**found.parameters, "reference_n": m, "test": "shares above the quantile"},
    )


def _order_statistics(
    histogram: Counts, edges: Floats, share: float
) -> tuple[float | None, float | None]:
    """Return the two values between which a quantile lies, by the binomial distribution of ranks.

    None where not even the smallest or largest value of so few rows bounds it.
    """
    n = int(histogram.sum())
    outside = (1 - CONFIDENCE) / 2
    first, last = (int(stats.binom.ppf(chance, n, share)) for chance in (outside, 1 - outside))
    low = _quantile(histogram, edges, (first - 0.5) / n)[0] if first else None
    high = _quantile(histogram, edges, (last + 0.5) / n)[0] if last < n else None
    return low, high


def longest_gap(reference: Profile, current: Profile) -> Finding:
    """Return the longest time between two rows of an hour, in seconds."""
    gaps = current.counts.get("gaps")
    if gaps is None or "gap" not in current.extremes:
        return undefined("longest_gap", n=current.rows, reason=NO_GAPS)
    value, n = current.extremes["gap"][1], int(gaps.sum())
    usual = reference.counts.get("gaps")
    if usual is None or "gap" not in reference.extremes:
        return Finding("longest_gap", value, n, reason="the reference has no times between rows")
    place = int(np.searchsorted(GAP_EDGES, value, side="right")) - 1
    m = int(usual.sum())
    share = (int(usual[place:].sum()) + 1) / (m + 1)
    return Finding(
        "longest_gap",
        value,
        n,
        p_value=float(-np.expm1(n * np.log1p(-min(share, 1 - 1e-12)))),
        baseline=reference.extremes["gap"][1],
        effect=value - reference.extremes["gap"][1],
        parameters={"reference_n": m},
    )


def resource(role: Role, reference: Profile, current: Profile) -> Finding:
    """Return the mean of what the server reports of one resource; the largest is a parameter."""
    key, measure = f"resource/{role.value}", f"{role.value}_mean"
    found = _mean_change(measure, key, _told(reference, key), _told(current, key))
    if found.value is None:
        return replace(found, reason=f"no row reports it; declare a field with the role {role}")
    largest = current.extremes[key][1]
    return replace(found, parameters={**found.parameters, "largest": largest})


Told = tuple[Profile, int]


def _timed(profile: Profile) -> Told:
    counts = profile.counts.get("operations", np.zeros(OPERATIONS_SIZE, np.int64))
    return profile, int(counts[2])


def _told(profile: Profile, key: str) -> Told:
    return profile, int(profile.counts[key][0]) if key in profile.counts else 0


def _mean_change(measure: str, key: str, reference: Told, current: Told) -> Finding:
    """Return a mean from its exact sums, tested against the reference's by Welch's t.

    One row has no spread of its own: it has a mean, but no interval and no test.
    """
    mean, error, n = _mean(key, *current)
    if mean is None:
        return undefined(measure, n=0, reason=NO_LATENCY)
    if n < 2:
        return Finding(measure, mean, n, reason="one row has no spread to judge it by")
    found = normal_finding(measure, mean, error, n)
    usual, usual_error, m = _mean(key, *reference)
    if usual is None or m < 2:
        return replace(found, reason="the reference has no such values")
    same = math.isclose(mean, usual, rel_tol=ROUNDING)
    return replace(
        found,
        p_value=float(same) if same else welch_p(mean - usual, (error, n), (usual_error, m)),
        baseline=usual,
        effect=mean - usual,
        parameters={**found.parameters, "reference_n": m, "test": "welch"},
    )


def _mean(key: str, profile: Profile, n: int) -> tuple[float | None, float, int]:
    if not n or key not in profile.sums:
        return None, 0.0, 0
    mean = float(profile.sums[key]) / n
    variance = max(float(profile.sums[f"{key}^2"]) / n - mean * mean, 0.0)
    # Squares of values far from zero have lost their last digits: what that may hide is added, so
    # that an interval is never too short.
    variance += LOST_DIGITS * mean * mean
    return mean, float((variance / max(n - 1, 1)) ** 0.5), n


def _quantile(histogram: Counts, edges: Floats, share: float) -> tuple[float, float]:
    """Return the value below which `share` of the rows lie, and the width of its bin."""
    gathered: Floats = np.cumsum(histogram) / histogram.sum()
    place = int(np.searchsorted(gathered, share, side="left"))
    place = min(place, histogram.size - 1)
    low, high = (max(float(edge), 0.0) for edge in edges[place : place + 2])
    if not np.isfinite(high):
        return low, float("inf")
    before = float(gathered[place - 1]) if place else 0.0
    inside = (share - before) / max(float(gathered[place]) - before, 1e-300)
    inside = min(max(inside, 0.0), 1.0)
    if low <= 0:
        return high * inside, high
    return float(low * (high / low) ** inside), high - low
