"""Fairness: do groups get the same decisions, and the same errors?

Definitions, per group of a declared field or pair of fields
    selection rate       positive decisions / decisions
    true positive rate   positive decisions / positive outcomes
    false positive rate  positive decisions / negative outcomes

    demographic parity difference = max - min of the selection rates, ratio = min / max (the
    four-fifths rule asks for at least 0.8); equal opportunity difference: the same of the true
    positive rates; equalized odds difference: the larger of both rates' differences.

    Groups under the minimum n are shown and marked, not judged. Intervals come from a multinomial
    bootstrap of the cube with a seed.

Example
    >>> parity(np.array([[50, 80], [50, 20]]), ("a", "b"))["parity_ratio"].value
    0.4

Source
    Hardt et al. (2016), NeurIPS 29; EEOC Uniform Guidelines (1978), 29 CFR 1607.4(D). The
    definitions are Fairlearn's (`between_groups`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import CONFIDENCE, share_finding
from monitoring.stats.profiles import Profile
from monitoring.stats.reference import Bins, Task, group_key, group_labels

MINIMUM_N = 30
RESAMPLES = 2_000
TOO_FEW = "fewer than two groups reach the minimum n"

Gap = Callable[[Floats], Floats]


@dataclass(frozen=True)
class GroupRate:
    """One group's rate; `judged` is False where the group is under the minimum n."""

    group: str
    rate: Finding
    judged: bool


def fairness(
    bins: Bins, profile: Profile, *groups: str, minimum_n: int = MINIMUM_N, seed: int = 0
) -> dict[str, Finding]:
    """Return parity (all decisions) and error-rate gaps (rows with outcomes) of one cube.

    `groups` names one declared group field, or the two of a declared pair; KeyError otherwise.
    Only binary models have these measures: others give findings without a value.
    """
    if bins.schema.task is not Task.BINARY:
        return {"parity_difference": undefined("parity_difference", n=0, reason="not binary")}
    labels, key = group_labels(bins, *groups), group_key(*groups)
    levels = len(labels)
    decisions = profile.counts.get(f"decisions/{key}", np.zeros((3, levels), np.int64))[:2]
    cube = profile.counts.get(f"cube/{key}", np.zeros((3, 3, levels), np.int64))[:2, :2]
    return parity(decisions, labels, minimum_n=minimum_n, seed=seed) | odds(
        cube, labels, minimum_n=minimum_n, seed=seed
    )


def selection_rates(
    decisions: Counts, labels: Sequence[str], *, minimum_n: int = MINIMUM_N
) -> list[GroupRate]:
    """Return the selection rate of every group with rows; `decisions` is (2, groups)."""
    totals = decisions.sum(axis=0)
    return [
        GroupRate(
            label,
            share_finding("selection_rate", int(decisions[1, place]), int(totals[place])),
            judged=bool(totals[place] >= minimum_n),
        )
        for place, label in enumerate(labels)
        if totals[place]
    ]


def parity(
    decisions: Counts, labels: Sequence[str], *, minimum_n: int = MINIMUM_N, seed: int = 0
) -> dict[str, Finding]:
    """Return demographic parity difference and ratio of decisions, shape (2, groups)."""
    judged = decisions.sum(axis=0) >= max(minimum_n, 1)
    table = decisions[:, judged]
    named = [label for label, kept in zip(labels, judged, strict=True) if kept]
    measures: dict[str, Gap] = {"parity_difference": _difference, "parity_ratio": _ratio}
    return {
        measure: _gap(measure, function, table, named, minimum_n=minimum_n, seed=seed)
        for measure, function in measures.items()
    }


def odds(
    cube: Counts, labels: Sequence[str], *, minimum_n: int = MINIMUM_N, seed: int = 0
) -> dict[str, Finding]:
    """Return equal opportunity and equalized odds differences of a cube, shape (2, 2, groups).

    The cube is prediction x outcome x group; a group is judged if both of its outcomes reach the
    minimum n.
    """
    by_outcome = {}
    for outcome, name in ((1, "equal_opportunity_difference"), (0, "false_positive_difference")):
        judged = cube[:, outcome].sum(axis=0) >= max(minimum_n, 1)
        named = [label for label, kept in zip(labels, judged, strict=True) if kept]
        table = cube[:, outcome][:, judged]
        by_outcome[name] = _gap(name, _difference, table, named, minimum_n=minimum_n, seed=seed)
    found = list(by_outcome.values())
    return by_outcome | {"equalized_odds_difference": _larger(found)}


def _larger(found: Sequence[Finding]) -> Finding:
    n = sum(finding.n for finding in found)
    known = [finding for finding in found if finding.value is not None]
    if len(known) < len(found):
        return undefined("equalized_odds_difference", n=n, reason=TOO_FEW)
    worst = max(known, key=lambda finding: finding.value or 0.0)
    tests = [finding.p_value for finding in known if finding.p_value is not None]
    return Finding(
        "equalized_odds_difference",
        worst.value,
        n,
        low=worst.low,
        high=worst.high,
        p_value=min(1.0, len(tests) * min(tests)) if tests else None,
        baseline=0.0,
        effect=worst.effect,
        parameters={**worst.parameters, "rate": worst.measure},
    )


def _gap(
    measure: str, function: Gap, table: Counts, labels: Sequence[str], *, minimum_n: int, seed: int
) -> Finding:
    n = int(table.sum())
    if table.shape[1] < 2:
        return undefined(measure, n=n, reason=TOO_FEW, minimum_n=minimum_n)
    rates = table[1] / table.sum(axis=0)
    value = float(function(rates))
    if not np.isfinite(value):
        return undefined(measure, n=n, reason="nobody was selected", minimum_n=minimum_n)
    again = function(_again(table, seed))
    low, high = np.nanquantile(again, [0.5 - CONFIDENCE / 2, 0.5 + CONFIDENCE / 2])
    return Finding(
        measure,
        value,
        n,
        low=min(value, float(low)),
        high=max(value, float(high)),
        p_value=_homogeneity(table),
        baseline=1.0 if function is _ratio else 0.0,
        effect=value - 1.0 if function is _ratio else value,
        standard_error=float(np.nanstd(again)),
        parameters={
            "confidence": CONFIDENCE,
            "groups": table.shape[1],
            "lowest": labels[int(np.argmin(rates))],
            "highest": labels[int(np.argmax(rates))],
            "minimum_n": minimum_n,
            "resamples": RESAMPLES,
            "seed": seed,
        },
    )


def _again(table: Counts, seed: int) -> Floats:
    """Return the groups' rates in every bootstrap resample, shape (resamples, groups)."""
    rng = np.random.default_rng(seed)
    n = int(table.sum())
    drawn = rng.multinomial(n, table.ravel() / n, size=RESAMPLES).reshape(-1, *table.shape)
    totals = drawn.sum(axis=1)
    rates: Floats = np.where(totals > 0, drawn[:, 1] / np.maximum(totals, 1), np.nan)
    return rates


def _difference(rates: Floats) -> Floats:
    gap: Floats = np.nanmax(rates, axis=-1) - np.nanmin(rates, axis=-1)
    return gap


def _ratio(rates: Floats) -> Floats:
    largest = np.nanmax(rates, axis=-1)
    smallest = np.nanmin(rates, axis=-1)
    return np.where(largest > 0, smallest / np.where(largest > 0, largest, 1.0), np.nan)


def _homogeneity(table: Counts) -> float:
    """Return the p-value of "all groups have one rate"; 1 where every decision is the same."""
    if (table.sum(axis=1) == 0).any():
        return 1.0
    if table.shape[1] == 2 and table.min() < 20:
        return min(1.0, float(stats.fisher_exact(table).pvalue))
    return float(stats.chi2_contingency(table, correction=False).pvalue)
