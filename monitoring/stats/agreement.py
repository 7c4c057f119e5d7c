"""Agreement: do natural outcomes and stand-ins say what true outcomes say?

Definitions
    Classes: share of rows with both on which they agree, and Cohen's kappa, the agreement beyond
    what two independent judges with the same margins reach. Numbers: Pearson's correlation, and the
    mean difference other - true.

Example
    >>> found = agreement(Profile("d", {"agreement": np.array([[40, 10], [10, 40]])}))
    >>> round(found["cohen_kappa"].value, 12)
    0.6

Source
    Cohen (1960), Educational and Psychological Measurement 20:37; Fleiss, Cohen and Everitt (1969),
    Psychological Bulletin 72:323, on the standard error of kappa; Fisher (1921), Metron 1:3.
"""

from dataclasses import replace

import numpy as np

from monitoring.stats.columns import Counts
from monitoring.stats.experiments import shadow
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import CONFIDENCE, normal_finding, z_of
from monitoring.stats.profiles import Profile

NOTHING_IN_COMMON = "no row has both kinds of outcome"


def agreement(profile: Profile) -> dict[str, Finding]:
    """Return how well a kind of outcome agrees with the true one."""
    counts = profile.counts.get("agreement", np.zeros(1, np.int64))
    return _of_classes(counts) if counts.ndim == 2 else _of_numbers(profile, int(counts[0]))


def _of_classes(table: Counts) -> dict[str, Finding]:
    found = shadow.agreement(table)
    if table.any():
        return found
    return {name: replace(one, reason=NOTHING_IN_COMMON) for name, one in found.items()}


def _of_numbers(profile: Profile, n: int) -> dict[str, Finding]:
    if n < 2:
        return {
            name: undefined(name, n=n, reason=NOTHING_IN_COMMON)
            for name in ("agreement_correlation", "agreement_difference")
        }
    sums = {
        name: float(profile.sums[f"agreement/{name}"]) / n
        for name in ("true", "other", "true^2", "other^2", "product", "difference", "difference^2")
    }
    spread = max(sums["difference^2"] - sums["difference"] ** 2, 0.0)
    error = (spread / n) ** 0.5
    return {
        "agreement_correlation": _correlation(sums, n),
        "agreement_difference": normal_finding(
            "agreement_difference", sums["difference"], error, n
        ),
    }


def _correlation(sums: dict[str, float], n: int) -> Finding:
    variances = [max(sums[f"{name}^2"] - sums[name] ** 2, 0.0) for name in ("true", "other")]
    if min(variances) <= 0 or n < 4:
        reason = "one of them is constant, or fewer than four rows have both"
        return undefined("agreement_correlation", n=n, reason=reason)
    covariance = sums["product"] - sums["true"] * sums["other"]
    r = max(-1.0, min(1.0, covariance / (variances[0] * variances[1]) ** 0.5))
    middle = np.arctanh(max(-1 + 1e-12, min(1 - 1e-12, r)))
    half = z_of(CONFIDENCE) / (n - 3) ** 0.5
    return Finding(
        "agreement_correlation",
        r,
        n,
        low=float(np.tanh(middle - half)),
        high=float(np.tanh(middle + half)),
        parameters={"confidence": CONFIDENCE},
    )
