"""Means of row-wise quantities, from their exact sum and sum of squares.

Definition
    mean = sum / n, standard error = sqrt((sum of squares / n - mean^2) / (n - 1)), interval normal.
"""

import numpy as np

from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import normal_finding
from monitoring.stats.profiles import Profile

NO_OUTCOMES = "no outcome has arrived"
NOT_KEPT = "the profile does not hold the sum"


def mean_finding(
    measure: str,
    profile: Profile,
    total: str,
    squares: str,
    n: int,
    bounds: tuple[float, float] = (-np.inf, np.inf),
) -> Finding:
    """Return a mean from its sum and sum of squares, with the normal interval.

    Undefined where the profile does not hold the sum, without interval where it lacks the squares.
    """
    if not n:
        return undefined(measure, n=0, reason=NO_OUTCOMES)
    if f"labelled/{total}" not in profile.sums:
        return undefined(measure, n=n, reason=NOT_KEPT)
    mean = labelled(profile, total) / n
    if f"labelled/{squares}" not in profile.sums:
        return Finding(measure, mean, n, parameters={"interval": "squares were not kept"})
    variance = max(labelled(profile, squares) / n - mean * mean, 0.0)
    error = (variance / max(n - 1, 1)) ** 0.5
    return normal_finding(measure, mean, error, n, bounds=bounds)


def labelled(profile: Profile, name: str) -> float:
    return float(profile.sums[f"labelled/{name}"])
