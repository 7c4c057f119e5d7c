"""Paired: two versions that answered the same rows, compared row by row.

Definitions
    Classes: agreement and Cohen's kappa of the answers; disagreement of each segment against the
    rest; the difference of the error rates on rows with an outcome, and McNemar's test of it, which
    counts every row as its own; where both score the positive class, the difference of the squared
    errors of the scores (the Brier scores). Numbers: the differences of the answers, and of the
    sizes of the errors. Differences are shadow - champion; rows of one day count as a cluster.

Example
    >>> two = Pairs(pa.array(["a", "b"]), pa.array(["a", "a"]), days=np.array([0, 0]))
    >>> found = paired_classes(two, planned=9, confidence=0.95)
    >>> found["agreement_share"].value
    0.5

Source
    The modules `shadow` and `clusters`, with theirs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.experiments.clusters import clustered
from monitoring.stats.experiments.shadow import (
    agreement,
    agreement_table,
    disagreement_by_segment,
    mcnemar,
)
from monitoring.stats.findings import Finding, undefined

MOST_LEVELS = 50
NOT_ALL_ROWS = "a sample of the rows has no interval that holds at every look"


@dataclass(frozen=True)
class Pairs:
    """Answers of both to the same rows, the days of the rows, the outcome where known, segments.

    Arrays of equal length; scores are those of the class `positive`; `whole` says that no row of
    the time was left out.
    """

    champion: pa.Array
    shadow: pa.Array
    days: Counts
    outcome: pa.Array | None = None
    segments: Mapping[str, pa.Array] = field(default_factory=dict)
    whole: bool = True
    scores: tuple[pa.Array, pa.Array] | None = None
    positive: str = ""


def paired_classes(pairs: Pairs, *, planned: int, confidence: float) -> dict[str, Finding]:
    """Return agreement, kappa and the differences of errors, once and at every look."""
    _, table = agreement_table(pairs.champion, pairs.shadow)
    usual, new = _wrong(pairs.champion, pairs), _wrong(pairs.shadow, pairs)
    gaps = new - usual
    usual_only, new_only = (int((gaps == side).sum()) for side in (-1, 1))
    return {
        **agreement(table),
        **_both_looks("error_rate_difference", gaps, pairs, planned, confidence),
        "mcnemar": mcnemar(usual_only, new_only, int(np.isfinite(gaps).sum())),
        **_brier(pairs, planned, confidence),
        **_score_gap(pairs, planned, confidence),
    }


def paired_numbers(pairs: Pairs, *, planned: int, confidence: float) -> dict[str, Finding]:
    """Return the differences of answers and of error sizes, once and at every look."""
    usual, new = _floats(pairs.champion), _floats(pairs.shadow)
    truth = np.full(usual.size, np.nan) if pairs.outcome is None else _floats(pairs.outcome)
    gaps = np.abs(new - truth) - np.abs(usual - truth)
    return {
        **_both_looks("answer_difference", new - usual, pairs, planned, confidence),
        **_both_looks("absolute_error_difference", gaps, pairs, planned, confidence),
    }


def _both_looks(
    name: str, gaps: Floats, pairs: Pairs, planned: int, confidence: float
) -> dict[str, Finding]:
    one, every = clustered(gaps, pairs.days, planned=planned, confidence=confidence)
    return {name: one, f"{name}_any_look": _if_whole(every, pairs)}


def _brier(pairs: Pairs, planned: int, confidence: float) -> dict[str, Finding]:
    if pairs.scores is None or pairs.outcome is None:
        return {}
    usual, new = (_floats(scores) for scores in pairs.scores)
    truth = _floats(pc.cast(pc.equal(pairs.outcome, pairs.positive), pa.int8()))
    gaps = (new - truth) ** 2 - (usual - truth) ** 2
    return _both_looks("brier_difference", gaps, pairs, planned, confidence)


def _score_gap(pairs: Pairs, planned: int, confidence: float) -> dict[str, Finding]:
    if pairs.scores is None:
        return {}
    usual, new = (_floats(scores) for scores in pairs.scores)
    return _both_looks("score_difference", new - usual, pairs, planned, confidence)


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


def _wrong(answers: pa.Array, pairs: Pairs) -> Floats:
    """1 where an answer differs from the outcome, 0 where not; NaN where either is not known."""
    if pairs.outcome is None:
        return np.full(len(answers), np.nan)
    return _floats(pc.cast(pc.not_equal(answers, pairs.outcome), pa.int8()))


def _if_whole(found: Finding, pairs: Pairs) -> Finding:
    if pairs.whole or found.value is None:
        return found
    return undefined(found.measure, n=found.n, reason=NOT_ALL_ROWS)


def _floats(values: pa.Array) -> Floats:
    numbers = pc.cast(values, pa.float64()).to_numpy(zero_copy_only=False)
    return np.asarray(numbers, np.float64)
