"""The default monitors on counts: the product's measures, thresholds, correction and budget.

A finding is built in full only where its p-value could matter: a run whose smallest adjusted
p-value is above alpha is quiet whatever its effects are. That changes no verdict.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from benchmarks.calibrate.fields import Field, deciles
from monitoring.stats import null, performance, quality, shifts, stability
from monitoring.stats.columns import Counts
from monitoring.stats.findings import Finding
from monitoring.stats.multiplicity import benjamini_hochberg
from monitoring.stats.verdict import DEFAULT_THRESHOLDS, Verdict, judge

ALARMS = (Verdict.WARNING, Verdict.BREACH)
INPUTS = ("psi", "level_shift", "spread_shift", "cell_shift", "value_shift", "missing_share")
MONITORS = (*INPUTS, "roc_auc")

Contingency = Callable[[Counts, Counts], float]


@dataclass(frozen=True)
class Outcome:
    """What one run said: whether anything was significant, and which fields raised an alarm."""

    significant: bool = False
    alarms: tuple[int, ...] = ()


def watches(measure: str, field: Field) -> bool:
    """Whether a measure is about a field."""
    if measure in {"level_shift", "spread_shift", "value_shift"}:
        return field.numeric
    return measure != "cell_shift" or not field.numeric


def run(
    measure: str,
    fields: Sequence[Field],
    references: Sequence[Counts],
    currents: Sequence[Counts],
    *,
    alpha: float,
    contingency: Contingency = null.contingency,
) -> Outcome:
    """Judge one window of one monitor over all its fields, as the product does."""
    places = [place for place, field in enumerate(fields) if watches(measure, field)]
    if not places or int(currents[0].sum()) < DEFAULT_THRESHOLDS[measure].minimum_n:
        return Outcome()
    p_values = [
        p_value(measure, fields[place], references[place], currents[place], contingency)
        for place in places
    ]
    adjusted = benjamini_hochberg(p_values)
    sure = [
        place for place, q in zip(places, adjusted, strict=True) if q is not None and q <= alpha
    ]
    found = [
        place
        for place in sure
        if verdict(measure, fields[place], references[place], currents[place]) in ALARMS
    ]
    return Outcome(significant=bool(sure), alarms=tuple(found))


def verdict(measure: str, field: Field, reference: Counts, current: Counts) -> Verdict:
    """The verdict of a significant change: the second key."""
    found = finding(measure, field, reference, current)
    return judge(found, DEFAULT_THRESHOLDS[measure], significant=True)


def p_value(
    measure: str, field: Field, reference: Counts, current: Counts, contingency: Contingency
) -> float | None:
    """The p-value of the finding, without what else belongs to a finding where that is slow."""
    if measure == "psi":
        return contingency(*_cells(field, reference, current))
    if measure in {"level_shift", "spread_shift"}:
        return float(shifts.rank_p_values(measure, reference[:-1], current[:-1]))
    return finding(measure, field, reference, current).p_value


def finding(measure: str, field: Field, reference: Counts, current: Counts) -> Finding:
    """One finding of a field, by the product's own function."""
    if measure == "psi":
        return stability.distance_finding("psi", *_cells(field, reference, current))
    if measure == "level_shift":
        return shifts.level_shift(reference[:-1], current[:-1])
    if measure == "spread_shift":
        return shifts.spread_shift(reference[:-1], current[:-1])
    if measure == "missing_share":
        hits, usual = int(current[-1]), int(reference[-1])
        return quality.share_change(measure, hits, int(current.sum()), usual, int(reference.sum()))
    one_cell = shifts.cell_shift if measure == "cell_shift" else shifts.value_shift
    return one_cell(reference, current, field.labels)


def auc_alarm(reference: Counts, current: Counts, *, alpha: float) -> Outcome:
    """Judge the AUC of one window, score histograms by outcome, shape (2, bins)."""
    found = performance.compare(performance.roc_auc(current), performance.roc_auc(reference))
    enough = found.n >= DEFAULT_THRESHOLDS["roc_auc"].minimum_n
    sure = enough and found.p_value is not None and found.p_value <= alpha
    said = judge(found, DEFAULT_THRESHOLDS["roc_auc"], significant=sure)
    return Outcome(significant=sure, alarms=(0,) if said in ALARMS else ())


def one_sample(reference: Counts, current: Counts) -> float:
    """The planted fault: chi-square that takes the reference's shares as exact."""
    kept = reference > 0
    expected = reference[kept] / reference[kept].sum() * current[kept].sum()
    statistic = float(((current[kept] - expected) ** 2 / expected).sum())
    return float(special.chdtrc(max(int(kept.sum()) - 1, 1), statistic))


def _cells(field: Field, reference: Counts, current: Counts) -> tuple[Counts, Counts]:
    if not field.numeric:
        return reference, current
    return deciles(field, reference), deciles(field, current)


def scores(rng: np.random.Generator, n: int, separation: float, *, base: float = 0.2) -> Counts:
    """A score histogram by outcome of n rows: two normals this far apart, 1,000 bins of scores."""
    cuts = np.linspace(-4, 4 + separation, 999)
    positives = int(rng.binomial(n, base))
    below = (np.concatenate([[0.0], special.ndtr(cuts - at), [1.0]]) for at in (0, separation))
    drawn = [
        rng.multinomial(size, np.diff(shares))
        for size, shares in zip((n - positives, positives), below, strict=True)
    ]
    return np.array(drawn, np.int64)
