"""Paired: two versions that answered the same rows, compared row by row.

Definitions
    Classes: agreement and Cohen's kappa of the answers; disagreement of each segment against the
    rest; the difference of the error rates on rows with an outcome (McNemar); where both score the
    positive class, the mean difference of the squared errors of the scores (the Brier scores).
    Numbers: the mean difference of the answers, and of the sizes of the errors. Differences are
    shadow - champion.

    At every look, the share p of the shadow's errors among the rows that only one of the two gets
    wrong has an exact interval; times the share d of such rows it is that of the difference of the
    error rates, (2p - 1) d. So its sign is exact, its size is given d. The interval of numbers is
    the normal mixture's, for large samples.

Example
    >>> two = Pairs(pa.array(["a", "b"]), pa.array(["a", "a"]))
    >>> found = paired_classes(two, planned=9, confidence=0.95)
    >>> found["agreement_share"].value
    0.5

Source
    The modules `shadow` and `sequences`, with theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitoring.stats.columns import Floats
from monitoring.stats.experiments.arms import moments
from monitoring.stats.experiments.sequences import (
    log_evidence,
    mean_sequence,
    share_sequence,
)
from monitoring.stats.experiments.shadow import (
    agreement,
    agreement_table,
    disagreement_by_segment,
    mcnemar,
    paired_difference,
)
from monitoring.stats.findings import Finding, undefined

MOST_LEVELS = 50
NOT_ALL_ROWS = "a sample of the rows has no interval that holds at every look"


@dataclass(frozen=True)
class Pairs:
    """Answers of both to the same rows, the outcome where known, and the rows' segments.

    Arrays of equal length; scores are those of the class `positive`; `whole` says that no row of
    the time was left out.
    """

    champion: pa.Array
    shadow: pa.Array
    outcome: pa.Array | None = None
    segments: Mapping[str, pa.Array] = field(default_factory=dict)
    whole: bool = True
    scores: tuple[pa.Array, pa.Array] | None = None
    positive: str = ""


def paired_classes(pairs: Pairs, *, planned: int, confidence: float) -> dict[str, Finding]:
    """Return agreement, kappa and the differences of errors, once and at every look."""
    _, table = agreement_table(pairs.champion, pairs.shadow)
    usual_wrong, new_wrong = _wrong(pairs.champion, pairs), _wrong(pairs.shadow, pairs)
    n = usual_wrong.size
    one = int((usual_wrong & ~new_wrong).sum())
    two = int((new_wrong & ~usual_wrong).sum())
    looks = _errors_at_any_look(one, two, n, confidence)
    return {
        **agreement(table),
        "error_rate_difference": mcnemar(one, two, n),
        "error_rate_difference_any_look": _if_whole(looks, pairs),
        **_brier(pairs, planned, confidence),
    }


def _brier(pairs: Pairs, planned: int, confidence: float) -> dict[str, Finding]:
    if pairs.scores is None or pairs.outcome is None:
        return {}
    usual, new = (_floats(scores) for scores in pairs.scores)
    truth = _floats(pc.cast(pc.equal(pairs.outcome, pairs.positive), pa.int8()))
    gaps = moments((new - truth) ** 2 - (usual - truth) ** 2)
    looks = mean_sequence(gaps, planned=planned, confidence=confidence)
    return {
        "brier_difference": paired_difference(gaps, confidence=confidence),
        "brier_difference_any_look": _if_whole(looks, pairs),
    }


def paired_numbers(pairs: Pairs, *, planned: int, confidence: float) -> dict[str, Finding]:
    """Return the differences of answers and of error sizes, once and at every look."""
    usual, new = _floats(pairs.champion), _floats(pairs.shadow)
    answers = moments(new - usual)
    truth = np.full(usual.size, np.nan) if pairs.outcome is None else _floats(pairs.outcome)
    errors = moments(np.abs(new - truth) - np.abs(usual - truth))
    looks = mean_sequence(errors, planned=planned, confidence=confidence)
    return {
        "answer_difference": paired_difference(answers, confidence=confidence),
        "absolute_error_difference": paired_difference(errors, confidence=confidence),
        "absolute_error_difference_any_look": _if_whole(looks, pairs),
    }


def disagreements(pairs: Pairs) -> dict[str, dict[str, Finding]]:
    """Return the share of unequal answers by field and level, the 50 most frequent levels."""
    unequal = pc.fill_null(pc.not_equal(pairs.champion, pairs.shadow), fill_value=False)
    both = pc.and_(pc.is_valid(pairs.champion), pc.is_valid(pairs.shadow))
    found = {}
    for name, levels in pairs.segments.items():
        counted = _by_level(levels.filter(both), unequal.filter(both))
        if len(counted) > 1:
            found[name] = disagreement_by_segment(counted)
    return found


def _errors_at_any_look(champion: int, shadow: int, n: int, confidence: float) -> Finding:
    """Return the difference of error rates; its sign is that of the unequal rows' share - 1/2."""
    unequal = champion + shadow
    found = share_sequence(shadow, unequal, confidence=confidence)
    measure = "always_valid_error_difference"
    if found.low is None or found.high is None:
        return undefined(measure, n=n, reason="no row that only one of the two gets wrong")
    share = unequal / n
    value = (shadow - champion) / n
    return Finding(
        measure,
        value,
        n,
        low=(2 * found.low - 1) * share,
        high=(2 * found.high - 1) * share,
        p_value=float(np.exp(-max(float(log_evidence(shadow, unequal, 0.5)), 0.0))),
        baseline=0.0,
        effect=value,
        parameters={"confidence": confidence, "unequal": unequal, "looks": "any"},
    )


def _by_level(levels: pa.Array, unequal: pa.Array) -> dict[str, tuple[int, int]]:
    table = pa.table({"level": pc.cast(levels, pa.string()), "hit": pc.cast(unequal, pa.int64())})
    grouped = table.group_by("level").aggregate([("hit", "sum"), ("hit", "count")])
    rows = sorted(
        ((level, hits, n) for level, hits, n in zip(*_columns(grouped), strict=True) if level),
        key=lambda row: (-row[2], row[0]),
    )
    return {level: (hits, n) for level, hits, n in rows[:MOST_LEVELS]}


def _columns(grouped: pa.Table) -> list[list[object]]:
    return [grouped.column(name).to_pylist() for name in ("level", "hit_sum", "hit_count")]


def _wrong(answers: pa.Array, pairs: Pairs) -> "np.ndarray[tuple[int], np.dtype[np.bool_]]":
    """Whether an answer differs from the outcome, on rows where both answers and it are known."""
    if pairs.outcome is None:
        return np.zeros(0, bool)
    known = pc.and_(pc.is_valid(pairs.champion), pc.is_valid(pairs.shadow))
    known = pc.and_(known, pc.is_valid(pairs.outcome))
    unequal = pc.not_equal(answers.filter(known), pairs.outcome.filter(known))
    return np.asarray(unequal.to_numpy(zero_copy_only=False), bool)


def _if_whole(found: Finding, pairs: Pairs) -> Finding:
    if pairs.whole or found.value is None:
        return found
    return undefined(found.measure, n=found.n, reason=NOT_ALL_ROWS)


def _floats(values: pa.Array) -> Floats:
    numbers = pc.cast(values, pa.float64()).to_numpy(zero_copy_only=False)
    return np.asarray(numbers, np.float64)
