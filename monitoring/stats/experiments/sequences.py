"""Sequences: intervals and p-values that hold at every look, so that looking early is allowed.

Definition
    For one arm with k hits in n rows, the evidence against a share p is

        E(p) = B(k + 1/2, n - k + 1/2) / B(1/2, 1/2) / (p^k (1 - p)^(n - k)),

    a martingale with mean 1 if p is the share, so that P(E(p) >= 1/alpha at any look) <= alpha.
    The product over two arms, made smallest over all equal shares, tests "no difference"; pairs
    of shares whose product stays below 1/alpha give the interval. The same holds for means of
    values within declared bounds (k is then their scaled sum), exactly and for every n; the price
    is width. Means without bounds, and shares where narrower intervals are wanted and samples are
    large, use the normal mixture, with squared error V and t = n m / (n + m),

        radius^2 = V (1 + r t) / (r t) (ln(1 + r t) + 2 ln(1 / alpha)),

    which holds in large samples only; r is set by the planned size, before the data are seen.

Example
    >>> found = difference_sequence(120, 1_000, 100, 1_000)
    >>> found.low < 0 < found.high
    True

Source
    Robbins (1970), Annals of Mathematical Statistics 41:1397; Howard, Ramdas, McAuliffe and Sekhon
    (2021), Annals of Statistics 49:1055; Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024),
    Time-uniform central limit theory and asymptotic confidence sequences, Annals of Statistics.
    A bounded value may stand for a hit because (q/p)^x ((1-q)/(1-p))^(1-x) is convex in x.
"""

import math
from collections.abc import Callable

import numpy as np
from scipy import optimize, special

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.experiments.arms import UNIT, Moments, bad_moments, bad_shares
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import CONFIDENCE

FIRST_LOOK = 50
TINY = 1e-12


def share_sequence(
    total: float, n: int, *, bounds: tuple[float, float] = UNIT, confidence: float = CONFIDENCE
) -> Finding:
    """Return a share, or the mean of bounded values, with an interval valid at every look.

    `total` is the number of hits, or the sum of the values.
    """
    measure = "always_valid_share" if bounds == UNIT else "always_valid_mean"
    if problem := bad_shares(total, n, total, n, bounds):
        return undefined(measure, n=n, reason=problem)
    low, width = bounds[0], bounds[1] - bounds[0]
    k = min(max((total - n * low) / width, 0.0), float(n))
    edge = -math.log(1 - confidence)

    def gap(p: float) -> float:
        return float(log_evidence(k, n, p)) - edge

    return Finding(
        measure,
        total / n,
        n,
        low=low + width * _crossing(gap, k / n, 0.0),
        high=low + width * _crossing(gap, k / n, 1.0),
        parameters={"confidence": confidence, "looks": "any"},
    )


def difference_sequence(
    total: float,
    n: int,
    champion_total: float,
    champion_n: int,
    *,
    bounds: tuple[float, float] = UNIT,
    confidence: float = CONFIDENCE,
) -> Finding:
    """Return the difference of two shares, or of two means of bounded values, at any look."""
    measure = "always_valid_difference"
    if problem := bad_shares(total, n, champion_total, champion_n, bounds):
        return undefined(measure, n=n, reason=problem)
    low, width = bounds[0], bounds[1] - bounds[0]
    k = min(max((total - n * low) / width, 0.0), float(n))
    usual = min(max((champion_total - champion_n * low) / width, 0.0), float(champion_n))
    edge = -math.log(1 - confidence)

    def gap(shift: float) -> float:
        return _smallest_evidence(shift, (k, n), (usual, champion_n)) - edge

    difference = k / n - usual / champion_n
    evidence = float(equality_evidence(k, n, usual, champion_n))
    return Finding(
        measure,
        width * difference,
        n,
        low=width * _crossing(gap, difference, -1.0),
        high=width * _crossing(gap, difference, 1.0),
        p_value=float(np.exp(-max(evidence, 0.0))),
        baseline=champion_total / champion_n,
        effect=width * difference,
        parameters={"confidence": confidence, "champion_n": champion_n, "looks": "any"},
    )


def mean_difference_sequence(
    challenger: Moments, champion: Moments, *, planned: int, confidence: float = CONFIDENCE
) -> Finding:
    """Return the difference of two means at any look after 50 rows per arm; for large samples.

    `planned` is the number of rows of both arms together at which the interval shall be tightest;
    it must not depend on the data.
    """
    measure = "always_valid_mean_difference"
    if problem := bad_moments(challenger, champion, smallest=FIRST_LOOK):
        return undefined(measure, n=challenger.n, reason=problem)
    if planned < 1:
        return undefined(measure, n=challenger.n, reason="the planned number of rows is not given")
    error = (challenger.variance / challenger.n + champion.variance / champion.n) ** 0.5
    time = challenger.n * champion.n / (challenger.n + champion.n)
    growth = mixing(planned, confidence) * time
    difference = challenger.mean - champion.mean
    evidence = float(mixture_evidence(difference / error, growth))
    reach = (1 + growth) / growth * (np.log1p(growth) - 2 * np.log(1 - confidence))
    return Finding(
        measure,
        difference,
        challenger.n,
        low=difference - error * float(reach**0.5),
        high=difference + error * float(reach**0.5),
        p_value=float(np.exp(-max(evidence, 0.0))),
        baseline=champion.mean,
        effect=difference,
        standard_error=error,
        parameters={
            "confidence": confidence,
            "champion_n": champion.n,
            "planned": planned,
            "looks": f"any from {FIRST_LOOK} rows per arm",
        },
    )


def log_evidence(total: Floats | float, n: Counts | int, p: Floats | float) -> Floats:
    """Return ln E(p) of one arm; arrays broadcast."""
    mixture = special.betaln(total + 0.5, n - total + 0.5) - special.betaln(0.5, 0.5)
    evidence: Floats = mixture - special.xlogy(total, p) - special.xlog1py(n - total, -p)
    return evidence


def equality_evidence(
    total: Floats | float, n: Counts | int, champion: Floats | float, champion_n: Counts | int
) -> Floats:
    """Return the log evidence against "both shares are equal"; arrays broadcast."""
    pooled = (total + champion) / (n + champion_n)
    return log_evidence(total, n, pooled) + log_evidence(champion, champion_n, pooled)


def mixture_evidence(z: Floats | float, growth: Floats | float) -> Floats:
    """Return the log evidence of a standardised difference z at r t = `growth`."""
    evidence: Floats = (z**2 * growth / (1 + growth) - np.log1p(growth)) / 2
    return evidence


def mixing(planned: int, confidence: float = CONFIDENCE) -> float:
    """Return r of the normal mixture that is tightest at `planned` rows of two equal arms."""
    level = -2 * np.log(1 - confidence)
    return float((level + np.log1p(level)) / (planned / 4))


def _smallest_evidence(shift: float, arm: tuple[float, int], champion: tuple[float, int]) -> float:
    """Return the evidence against "the shares differ by shift", smallest over all such pairs."""
    (k, n), (usual, m) = arm, champion
    low, high = max(0.0, -shift) + TINY, min(1.0, 1 - shift) - TINY

    def slope(p: float) -> float:
        q = min(max(p + shift, TINY), 1 - TINY)
        return (n - k) / (1 - q) - k / q + (m - usual) / (1 - p) - usual / p

    if high <= low:
        p = max(0.0, -shift)
    elif slope(low) >= 0:
        p = low
    elif slope(high) <= 0:
        p = high
    else:
        p = float(optimize.brentq(slope, low, high, xtol=1e-15))
    q = min(max(p + shift, 0.0), 1.0)
    return float(log_evidence(k, n, q) + log_evidence(usual, m, min(max(p, 0.0), 1.0)))


def _crossing(gap: Callable[[float], float], inside: float, end: float) -> float:
    """Return where the evidence reaches its limit between the estimate and the end of the scale."""
    near = end - TINY * np.sign(end - inside)
    if abs(end - inside) <= TINY or gap(near) <= 0:
        return end
    return float(optimize.brentq(gap, inside, near, xtol=1e-13))
