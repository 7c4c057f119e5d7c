"""Rates of one group: how often it is selected, and how often wrongly.

Definitions, per group of a declared field or pair of fields
    selection rate        positive decisions / decisions (all rows; the others: rows with outcomes)
    base rate             positive outcomes / outcomes
    true positive rate    positive decisions / positive outcomes, false negative rate 1 - it
    false positive rate   positive decisions / negative outcomes
    precision, accuracy   as in `performance`
    treatment ratio       false negatives / false positives

    A rate whose denominator is under the minimum n is shown and marked
    (`parameters["judged"]` False, with the reason), and is left out of every gap.

Example
    >>> rate_counts(np.ones((2, 2, 1), np.int64))["base_rate"].hits.tolist()
    [2]

Source
    Hardt et al. (2016), NeurIPS 29; Berk et al. (2021), Sociological Methods & Research 50:3, on
    treatment equality. The definitions are Fairlearn's where it has them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from monitoring.stats.columns import Counts
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import normal_finding, share_finding, z_of
from monitoring.stats.profiles import Profile
from monitoring.stats.reference import Bins, group_key, group_labels

MINIMUM_N = 30

# Of each rate: which cells [prediction][outcome] are hits, and of which cells it is a share.
ALL = ((1, 1), (1, 1))
RATES = {
    "base_rate": (((0, 1), (0, 1)), ALL),
    "true_positive_rate": (((0, 0), (0, 1)), ((0, 1), (0, 1))),
    "false_positive_rate": (((0, 0), (1, 0)), ((1, 0), (1, 0))),
    "false_negative_rate": (((0, 1), (0, 0)), ((0, 1), (0, 1))),
    "precision": (((0, 0), (0, 1)), ((0, 0), (1, 1))),
    "accuracy": (((1, 0), (0, 1)), ALL),
    "treatment": (((0, 1), (0, 0)), ((0, 1), (1, 0))),
}


@dataclass(frozen=True)
class GroupRate:
    """One group's rate; `judged` is False where the group is under the minimum n."""

    group: str
    rate: Finding
    judged: bool


@dataclass(frozen=True)
class Share:
    """A rate's hits and denominators by group, both of shape (…, groups)."""

    hits: Counts
    totals: Counts


def decisions_of(bins: Bins, profile: Profile, *groups: str) -> Counts:
    """Return decisions (negative, positive) by group, shape (2, groups); KeyError if undeclared."""
    levels = len(group_labels(bins, *groups))
    nothing = np.zeros((3, levels), np.int64)
    return profile.counts.get(f"decisions/{group_key(*groups)}", nothing)[:2]


def cube_of(bins: Bins, profile: Profile, *groups: str) -> Counts:
    """Return prediction x outcome x group, shape (2, 2, groups); KeyError if undeclared."""
    levels = len(group_labels(bins, *groups))
    nothing = np.zeros((3, 3, levels), np.int64)
    return profile.counts.get(f"cube/{group_key(*groups)}", nothing)[:2, :2]


def rate_counts(cube: Counts) -> dict[str, Share]:
    """Return hits and denominators of every rate of a cube, shape (…, 2, 2, groups)."""
    return {name: Share(_cells(cube, hits), _cells(cube, of)) for name, (hits, of) in RATES.items()}


def _cells(cube: Counts, kept: tuple[tuple[int, int], tuple[int, int]]) -> Counts:
    """Return the sum over the kept cells; adding whole slices is faster than a matrix product."""
    places = [(row, column) for row in (0, 1) for column in (0, 1) if kept[row][column]]
    total: Counts = cube[..., places[0][0], places[0][1], :]
    for row, column in places[1:]:
        total = total + cube[..., row, column, :]
    return total


def selection_rates(
    decisions: Counts, labels: Sequence[str], *, minimum_n: int = MINIMUM_N
) -> list[GroupRate]:
    """Return the selection rate of every group with rows; `decisions` is (2, groups)."""
    totals = decisions.sum(axis=0)
    return [
        GroupRate(
            label,
            _rate("selection_rate", int(decisions[1, place]), int(totals[place]), minimum_n),
            judged=bool(totals[place] >= minimum_n),
        )
        for place, label in enumerate(labels)
        if totals[place]
    ]


def group_rates(
    decisions: Counts, cube: Counts, labels: Sequence[str], *, minimum_n: int = MINIMUM_N
) -> dict[tuple[str, str], Finding]:
    """Return every rate by (measure, group), of groups with rows.

    `decisions` is (2, groups), `cube` (2, 2, groups), prediction x outcome x group.
    """
    found = {
        ("selection_rate", one.group): one.rate
        for one in selection_rates(decisions, labels, minimum_n=minimum_n)
    }
    counted = rate_counts(cube)
    ratios = counted.pop("treatment")
    present = np.flatnonzero(decisions.sum(axis=0) + cube.sum(axis=(0, 1)))
    for place in present.tolist():
        label = labels[place]
        for name, share in counted.items():
            hits, total = int(share.hits[place]), int(share.totals[place])
            found[name, label] = _rate(name, hits, total, minimum_n)
        missed, wrong = int(ratios.hits[place]), int(ratios.totals[place])
        found["treatment_ratio", label] = _treatment(missed, wrong - missed, minimum_n)
    return found


def marked(finding: Finding, minimum_n: int) -> Finding:
    """Return the finding, saying whether its group is large enough to be judged."""
    judged = finding.n >= max(minimum_n, 1)
    reason = finding.reason if judged or finding.value is None else too_small(minimum_n)
    parameters = {**finding.parameters, "judged": judged, "minimum_n": minimum_n}
    return replace(finding, reason=reason, parameters=parameters)


def too_small(minimum_n: int) -> str:
    """Return why a group is not judged."""
    return f"shown, not judged: fewer than {minimum_n} rows"


def _rate(measure: str, hits: int, n: int, minimum_n: int) -> Finding:
    return marked(share_finding(measure, hits, n, reason="no such row in this group"), minimum_n)


def _treatment(missed: int, alarms: int, minimum_n: int) -> Finding:
    """Return FN / FP; its interval is normal on the log scale."""
    n = missed + alarms
    if not alarms:
        reason = "no false positive in this group"
        return marked(undefined("treatment_ratio", n=n, reason=reason), minimum_n)
    value = missed / alarms
    spread = (1 / max(missed, 0.5) + 1 / alarms) ** 0.5
    found = normal_finding("treatment_ratio", value, value * spread, n, false_positives=alarms)
    reach = float(np.exp(z_of(0.95) * spread))
    upper = max(missed, 0.5) / alarms * reach
    return marked(replace(found, low=value / reach, high=upper), minimum_n)
