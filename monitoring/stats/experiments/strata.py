"""Strata: differences while the challenger's share is raised in steps, valid at every look.

Definition
    While the share changes, pooled arms compare different times. Each step is a stratum with one
    share; strata are combined so that only differences within a step count.

    Shares: the evidence of `sequences` against "the difference is d", summed over strata (the
    product of martingales is one). It is convex in d, so the interval is {d: sum < ln(1/alpha)};
    where steps contradict each other so that no d is left, it is the point where the sum is least.

    Means: with t = n m / (n + m) of each stratum, the difference is sum(t d) / sum(t), its squared
    error sum(t^2 V) / sum(t)^2, and the normal mixture runs on sum(t); in large samples only.

    Traffic: the Dirichlet evidence against each step's share, summed over steps.

Example
    >>> found = stratified_shares([((5, 100), (50, 1_000)), ((9, 200), (40, 800))])
    >>> found.low < 0 < found.high
    True

Source
    Those of `sequences` and `arms`; products of test martingales: Vovk and Wang (2021), Annals of
    Statistics 49:1736; weights: Mantel and Haenszel (1959), JNCI 22:719.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy import optimize

from monitoring.stats.experiments.arms import Moments, ratio_evidence
from monitoring.stats.experiments.sequences import (
    FIRST_LOOK,
    _crossing,
    _smallest_evidence,
    mixing,
    mixture_evidence,
)
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import CONFIDENCE

Tally = tuple[int, int]  # hits, rows


def stratified_shares(
    strata: Sequence[tuple[Tally, Tally]], *, confidence: float = CONFIDENCE
) -> Finding:
    """Return the difference of shares; strata are (challenger, champion), each (hits, rows)."""
    measure = "always_valid_stratified_difference"
    known = [one for one in strata if one[0][1] and one[1][1]]
    n = sum(new[1] for new, _ in known)
    if not known:
        return undefined(measure, n=0, reason="no step in which both versions answered")
    edge = -math.log(1 - confidence)

    def evidence(shift: float) -> float:
        return sum(_smallest_evidence(shift, new, usual) for new, usual in known)

    best = optimize.minimize_scalar(evidence, bounds=(-1.0, 1.0), method="bounded")
    least = float(best.x)
    torn = evidence(least) >= edge
    value = least if torn else _weighted(known)
    usual = sum(two[0] for _, two in known) / sum(two[1] for _, two in known)
    inside = min((least, value), key=evidence)
    return Finding(
        measure,
        value,
        n,
        low=least if torn else _crossing(lambda d: evidence(d) - edge, inside, -1.0),
        high=least if torn else _crossing(lambda d: evidence(d) - edge, inside, 1.0),
        p_value=math.exp(-max(evidence(0.0), 0.0)),
        baseline=usual,
        effect=value,
        parameters={"confidence": confidence, "steps": len(known), "looks": "any"},
    )


def stratified_means(
    strata: Sequence[tuple[Moments, Moments]], *, planned: int, confidence: float = CONFIDENCE
) -> Finding:
    """Return the difference of means; strata are (challenger, champion)."""
    measure = "always_valid_stratified_mean_difference"
    known = [one for one in strata if min(one[0].n, one[1].n) >= 2]
    n, m = (sum(one[side].n for one in known) for side in (0, 1))
    if min(n, m) < FIRST_LOOK:
        return undefined(measure, n=n, reason=f"fewer than {FIRST_LOOK} rows in an arm")
    times = np.array([one.n * two.n / (one.n + two.n) for one, two in known])
    gaps = np.array([one.mean - two.mean for one, two in known])
    noise = np.array([one.variance / one.n + two.variance / two.n for one, two in known])
    error = float(np.sqrt((times**2 * noise).sum())) / float(times.sum())
    if not math.isfinite(error) or error <= 0:
        return undefined(measure, n=n, reason="both arms are constant, or not finite")
    value = float((times * gaps).sum() / times.sum())
    growth = mixing(planned, confidence) * float(times.sum())
    reach = (1 + growth) / growth * (math.log1p(growth) - 2 * math.log(1 - confidence))
    evidence = float(mixture_evidence(value / error, growth))
    return Finding(
        measure,
        value,
        n,
        low=value - error * reach**0.5,
        high=value + error * reach**0.5,
        p_value=math.exp(-max(evidence, 0.0)),
        baseline=sum(two.n * two.mean for _, two in known) / m,
        effect=value,
        standard_error=error,
        parameters={"confidence": confidence, "steps": len(known), "looks": "any"},
    )


def stratified_traffic(steps: Sequence[tuple[int, int, float]]) -> Finding:
    """Return the largest gap of a step's traffic; steps are (champion, challenger rows, share)."""
    measure = "sample_ratio_mismatch"
    known = [one for one in steps if one[0] + one[1] > 0]
    n = sum(one[0] + one[1] for one in known)
    if not known:
        return undefined(measure, n=0, reason="no rows")
    total = sum(
        float(ratio_evidence(np.array([usual, new]), np.array([1 - share, share])))
        for usual, new, share in known
    )
    gaps = [new / (usual + new) - share for usual, new, share in known]
    worst = int(np.abs(gaps).argmax())
    return Finding(
        measure,
        abs(gaps[worst]),
        n,
        p_value=math.exp(-max(total, 0.0)),
        baseline=0.0,
        effect=abs(gaps[worst]),
        parameters={
            "declared": known[worst][2],
            "observed": known[worst][2] + gaps[worst],
            "steps": len(known),
            "always_valid_p": math.exp(-max(total, 0.0)),
        },
    )


def _weighted(known: Sequence[tuple[Tally, Tally]]) -> float:
    times = np.array([n * m / (n + m) for (_, n), (_, m) in known])
    gaps = np.array([hits / n - usual / m for (hits, n), (usual, m) in known])
    return float((times * gaps).sum() / times.sum())
