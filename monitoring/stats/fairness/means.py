"""Gaps in means: errors of a regression by group, and whether scores mean the same for all.

Definitions, over the groups that reach the minimum n (difference: largest minus smallest)
    MAE, bias and RMSE difference   of the residual prediction - outcome, exact from sums
    calibration difference          of mean(outcome - score), 0 where scores are right on average;
                                    score from bin centres, see `parameters["bin_bound"]`
    ECE of a group                  as in `calibration`, with what perfect calibration would give

    Tested by Welch's test of equal means; intervals by drawing normal means. RMSE is compared by
    the delta method on mean squares, and has no test where their squares were not kept.

Example
    >>> gaps = calibration_gap(np.array([[[9, 1], [1, 9]]] * 2), ("a", "b"), minimum_n=1)
    >>> gaps["calibration_difference"].value
    0.0

Source
    Welch (1951), Biometrika 38:330; Pleiss et al. (2017), NeurIPS 30, on calibration by group.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from monitoring.stats.calibration import expected_error
from monitoring.stats.columns import Counts
from monitoring.stats.fairness.gaps import gap
from monitoring.stats.fairness.rates import MINIMUM_N, marked
from monitoring.stats.fairness.sampling import of_means
from monitoring.stats.findings import Finding
from monitoring.stats.intervals import normal_finding
from monitoring.stats.performance.residuals import regression_by_group
from monitoring.stats.profiles import Profile
from monitoring.stats.reference import Bins

ERRORS = ("mae", "bias", "rmse")


def regression_rates(
    bins: Bins, profile: Profile, *groups: str, minimum_n: int = MINIMUM_N
) -> dict[tuple[str, str], Finding]:
    """Return error findings by (measure, group), marked where a group is too small."""
    found = regression_by_group(bins, profile, *groups)
    return {key: marked(finding, minimum_n) for key, finding in found.items()}


def error_gaps(
    found: dict[tuple[str, str], Finding], *, minimum_n: int = MINIMUM_N, seed: int = 0
) -> dict[str, Finding]:
    """Return the differences of MAE, bias and RMSE from errors by (measure, group)."""
    return {
        f"{name}_difference": _gap_of(
            name,
            {label: one for (measure, label), one in found.items() if measure == name},
            minimum_n=minimum_n,
            seed=seed,
        )
        for name in ERRORS
    }


def calibration_rates(
    scores: Counts, labels: Sequence[str], *, minimum_n: int = MINIMUM_N, seed: int = 0
) -> dict[tuple[str, str], Finding]:
    """Return ECE and mean(outcome - score) by (measure, group), of groups with rows.

    `scores` is groups x outcome x score bins, shape (groups, 2, bins).
    """
    found: dict[tuple[str, str], Finding] = {}
    for place, label in enumerate(labels):
        if scores[place].any():
            found["ece", label] = marked(expected_error(scores[place], seed=seed), minimum_n)
            found["calibration_gap", label] = marked(_in_the_large(scores[place]), minimum_n)
    return found


def calibration_gap(
    scores: Counts, labels: Sequence[str], *, minimum_n: int = MINIMUM_N, seed: int = 0
) -> dict[str, Finding]:
    """Return the largest difference of mean(outcome - score) between two groups."""
    found = {
        label: _in_the_large(scores[place])
        for place, label in enumerate(labels)
        if scores[place].any()
    }
    one = _gap_of("calibration", found, minimum_n=minimum_n, seed=seed)
    bounded = {**one.parameters, "bin_bound": 1 / scores.shape[2]}
    return {one.measure: replace(one, parameters=bounded)}


def _gap_of(name: str, found: dict[str, Finding], *, minimum_n: int, seed: int) -> Finding:
    judged = {
        label: one
        for label, one in found.items()
        if one.n >= max(minimum_n, 1) and one.value is not None and one.standard_error is not None
    }
    sample = of_means(
        name,
        tuple(judged),
        np.array([one.value for one in judged.values()], np.float64),
        np.array([one.standard_error for one in judged.values()], np.float64),
        np.array([one.n for one in judged.values()], np.int64),
        seed=seed,
    )
    return gap(f"{name}_difference", sample, minimum_n=minimum_n, seed=seed)


def _in_the_large(histogram: Counts) -> Finding:
    """Return mean(outcome - score) of one group, shape (2, bins) with rows."""
    size, n = histogram.shape[1], int(histogram.sum())
    centres = (np.arange(size) + 0.5) / size
    terms = np.stack([-centres, 1 - centres])
    value = float((histogram * terms).sum() / n)
    spread = float((histogram * (terms - value) ** 2).sum() / n)
    # Two rows' worth of the largest variance, so that a few equal rows do not look exact.
    error = ((spread * n + 0.5) / (n + 2) / n) ** 0.5
    bound = 0.5 / size
    return normal_finding("calibration_gap", value, error, n, bounds=(-1, 1), bin_bound=bound)
