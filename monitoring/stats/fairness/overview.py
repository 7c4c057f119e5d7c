"""All fairness findings of a profile, for one declared group field or pair."""

import numpy as np

from monitoring.stats.columns import Counts
from monitoring.stats.fairness.gaps import gap, odds, parity, sample_of
from monitoring.stats.fairness.means import (
    calibration_gap,
    calibration_rates,
    error_gaps,
    regression_rates,
)
from monitoring.stats.fairness.rates import (
    MINIMUM_N,
    Share,
    cube_of,
    decisions_of,
    group_rates,
    rate_counts,
)
from monitoring.stats.fairness.ratios import impact_ratios, scored_impact_ratios
from monitoring.stats.fairness.sampling import bootstrapped
from monitoring.stats.findings import Finding
from monitoring.stats.profiles import Profile
from monitoring.stats.reference import Bins, Task, group_key, group_labels

GROUP_SCORE_BINS = 100
ByGroup = dict[tuple[str, str], Finding]


def fairness(
    bins: Bins, profile: Profile, *groups: str, minimum_n: int = MINIMUM_N, seed: int = 0
) -> dict[str, Finding]:
    """Return every gap between the groups that the task has.

    `groups` names one declared group field, or the two of a declared pair; KeyError otherwise.
    Binary: parity and impact ratios over all decisions, gaps of error rates and calibration over
    rows with outcomes. Several classes: accuracy. Regression: MAE, bias and RMSE.
    """
    labels = group_labels(bins, *groups)
    if bins.schema.task is Task.REGRESSION:
        found = regression_rates(bins, profile, *groups, minimum_n=minimum_n)
        return error_gaps(found, minimum_n=minimum_n, seed=seed)
    if bins.schema.task is Task.MULTICLASS:
        right = _right(bins, profile, *groups)
        return {"accuracy_difference": _accuracy(right, labels, minimum_n=minimum_n, seed=seed)}
    decisions, cube = decisions_of(bins, profile, *groups), cube_of(bins, profile, *groups)
    found_gaps = parity(decisions, labels, minimum_n=minimum_n, seed=seed)
    found_gaps |= odds(cube, labels, minimum_n=minimum_n, seed=seed)
    _, labelled = _scores(bins, profile, *groups)
    found_gaps |= calibration_gap(labelled, labels, minimum_n=minimum_n, seed=seed)
    ratios = impact(bins, profile, *groups, minimum_n=minimum_n, seed=seed)
    return found_gaps | {name: one for (name, label), one in ratios.items() if not label}


def by_group(
    bins: Bins, profile: Profile, *groups: str, minimum_n: int = MINIMUM_N, seed: int = 0
) -> ByGroup:
    """Return every number of every group with rows, by (measure, group).

    Groups under the minimum n are marked: `parameters["judged"]` is False and the reason says so.
    """
    labels = group_labels(bins, *groups)
    if bins.schema.task is Task.REGRESSION:
        return regression_rates(bins, profile, *groups, minimum_n=minimum_n)
    if bins.schema.task is Task.MULTICLASS:
        rates = group_rates(
            np.zeros((2, len(labels)), np.int64),
            _right(bins, profile, *groups),
            labels,
            minimum_n=minimum_n,
        )
        return {key: one for key, one in rates.items() if key[0] == "accuracy"}
    decisions, cube = decisions_of(bins, profile, *groups), cube_of(bins, profile, *groups)
    found = group_rates(decisions, cube, labels, minimum_n=minimum_n)
    _, labelled = _scores(bins, profile, *groups)
    found |= calibration_rates(labelled, labels, minimum_n=minimum_n, seed=seed)
    ratios = impact(bins, profile, *groups, minimum_n=minimum_n, seed=seed)
    return found | {key: one for key, one in ratios.items() if key[1]}


def impact(
    bins: Bins, profile: Profile, *groups: str, minimum_n: int = MINIMUM_N, seed: int = 0
) -> ByGroup:
    """Return impact ratios of decisions and scores of a binary model; group "" is the lowest."""
    labels, decisions = group_labels(bins, *groups), decisions_of(bins, profile, *groups)
    scores, _ = _scores(bins, profile, *groups)
    return impact_ratios(decisions, labels, minimum_n=minimum_n, seed=seed) | scored_impact_ratios(
        scores, labels, minimum_n=minimum_n, seed=seed
    )


def _scores(bins: Bins, profile: Profile, *groups: str) -> tuple[Counts, Counts]:
    """Return scores by group, of all rows and by outcome of the labelled."""
    levels, key = len(group_labels(bins, *groups)), group_key(*groups)
    every = np.zeros((levels, GROUP_SCORE_BINS), np.int64)
    labelled = np.zeros((levels, 2, GROUP_SCORE_BINS), np.int64)
    counts = profile.counts
    return counts.get(f"scores/{key}", every), counts.get(f"score/{key}", labelled)


def _right(bins: Bins, profile: Profile, *groups: str) -> Counts:
    """Return wrong (as false positive) and right (as true positive) decisions by group."""
    size, levels = len(bins.schema.classes), len(group_labels(bins, *groups))
    nothing = np.zeros((size + 1, size + 1, levels), np.int64)
    cube = profile.counts.get(f"cube/{group_key(*groups)}", nothing)[:size, :size]
    right: Counts = np.trace(cube)
    table = np.zeros((2, 2, levels), np.int64)
    table[1, 1], table[1, 0] = right, cube.sum(axis=(0, 1)) - right
    return table


def _accuracy(right: Counts, labels: list[str], *, minimum_n: int, seed: int) -> Finding:
    share = rate_counts(right)["accuracy"]
    again: Share = rate_counts(bootstrapped(right, seed))["accuracy"]
    sample = sample_of("accuracy", share, again, labels, minimum_n=minimum_n, seed=seed)
    return gap("accuracy_difference", sample, minimum_n=minimum_n, seed=seed)
