"""Clusters: the mean of row-wise differences where the rows of one day resemble each other.

Definition
    With S_g the sum of (value - mean) over day g of G days and n rows,

        error^2 = G / (G - 1) sum S_g^2 / n^2,

    never below the error of independent rows. One look: Student's interval with G - 1 degrees of
    freedom. Every look: the normal mixture of `sequences` with this error, widened by the ratio of
    Student's to the normal quantile. Below 8 days the error is not known and nothing is said.
    The design effect is the ratio of the two squared errors: how many rows count as one.

Example
    >>> values = np.tile([1.0, -1.0, 0.5], 30)
    >>> one, every = clustered(values, np.repeat(np.arange(9), 10), planned=90, confidence=0.95)
    >>> one.low < one.value < one.high, every.low < one.low
    (True, True)

Source
    Liang and Zeger (1986), Biometrika 73:13; Cameron, Gelbach and Miller (2008), Review of
    Economics and Statistics 90:414, on few clusters; the sources of `sequences`. That looking early
    keeps its error from 8 days on is shown by simulation in tests/stats/test_endpoints.py.
"""

import numpy as np
from scipy import special

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.experiments.sequences import mixing, mixture_evidence
from monitoring.stats.findings import Finding, undefined

FEWEST_DAYS = 8
TOO_FEW = f"fewer than {FEWEST_DAYS} days: rows of one day resemble each other"


def clustered(
    values: Floats, days: Counts, *, planned: int, confidence: float
) -> tuple[Finding, Finding]:
    """Return the mean of values, shape (n,), for one look and for any number of looks.

    `days` says which day each row belongs to, shape (n,); NaN counts as missing. `planned` is the
    number of rows at which the second interval shall be tightest; it must not depend on the data.
    """
    known = ~np.isnan(values)
    values, days = values[known], days[known]
    names = ("paired_difference", "always_valid_paired_difference")
    if problem := _problem(values, days, planned):
        one, every = (undefined(name, n=values.size, reason=problem) for name in names)
        return one, every
    mean, count = float(values.mean()), int(np.unique(days).size)
    error, effect = _error(values, days)
    shown = {"confidence": confidence, "days": count, "design_effect": effect}
    return (
        _one_look(names[0], mean, error, values.size, count, shown),
        _any_look(names[1], mean, error, values.size, count, {**shown, "planned": planned}),
    )


def _problem(values: Floats, days: Counts, planned: int) -> str:
    if not values.size:
        return "no row was answered by both"
    if not np.isfinite(values).all():
        return "values that are not finite"
    if np.unique(days).size < FEWEST_DAYS:
        return TOO_FEW
    if not np.ptp(values):
        return "the difference is constant"
    return "" if planned >= 1 else "the planned number of rows is not given"


def _error(values: Floats, days: Counts) -> tuple[float, float]:
    """Return the standard error of the mean, and the design effect."""
    n = values.size
    _, places = np.unique(days, return_inverse=True)
    sums = np.bincount(places, weights=values - values.mean())
    among = sums.size / (sums.size - 1) * float((sums**2).sum()) / n**2
    alone = float(values.var(ddof=1)) / n
    return float(max(among, alone) ** 0.5), max(among / alone, 1.0)


def _one_look(
    name: str, mean: float, error: float, n: int, days: int, shown: dict[str, float | int]
) -> Finding:
    half = float(special.stdtrit(days - 1, 0.5 + shown["confidence"] / 2)) * error
    return Finding(
        name,
        mean,
        n,
        low=mean - half,
        high=mean + half,
        p_value=float(2 * special.stdtr(days - 1, -abs(mean / error))),
        baseline=0.0,
        effect=mean,
        standard_error=error,
        parameters=shown,
    )


def _any_look(
    name: str, mean: float, error: float, n: int, days: int, shown: dict[str, float | int]
) -> Finding:
    confidence = float(shown["confidence"])
    upper = 0.5 + confidence / 2
    wide = error * float(special.stdtrit(days - 1, upper) / special.ndtri(upper))
    growth = mixing(4 * int(shown["planned"]), confidence) * n
    reach = (1 + growth) / growth * (np.log1p(growth) - 2 * np.log(1 - confidence))
    half = wide * float(reach**0.5)
    return Finding(
        name,
        mean,
        n,
        low=mean - half,
        high=mean + half,
        p_value=float(np.exp(-max(float(mixture_evidence(mean / wide, growth)), 0.0))),
        baseline=0.0,
        effect=mean,
        standard_error=error,
        parameters={**shown, "looks": f"any from {FEWEST_DAYS} days"},
    )
