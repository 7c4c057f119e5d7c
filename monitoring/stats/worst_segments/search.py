"""Worst segments: an automatic search for the rows on which a model does worst.

Definition
    A condition is a field in one cell: a fifth of the values (or one value, where there are at most
    eight), a category, or null. Segments have one condition or two of different fields. The effect
    is the mean loss inside minus the mean loss of the other rows; a segment of two conditions must
    also be worse than the rest of either parent, and what counts is the weakest of these contrasts.

    The rows are split in two halves by a seed. One half finds: all segments of at least `minimum`
    rows are scored by Welch's statistic, the best candidates are kept, without those that share
    most rows with a better one. The other half, which the search never saw, measures and tests
    them, one-sided (binary losses: Fisher where sparse, else two proportions; else Welch), and the
    p-values are adjusted by Benjamini and Hochberg. So with no effect, any segment is reported in
    at most a share alpha of searches, and the reported effects are not inflated by the search.
    A segment that is not worse without the rows of graver ones (a parent without its child) is left
    out.

Source
    Cox (1975), Biometrika 62:441, on splitting the data between search and test; Chung, Kraska,
    Polyzotis, Tae and Whang (2019), Slice Finder, ICDE, on the task.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from monitoring.stats import columns
from monitoring.stats.columns import Batch, Floats
from monitoring.stats.findings import Finding
from monitoring.stats.intervals import CONFIDENCE, z_of
from monitoring.stats.multiplicity import benjamini_hochberg
from monitoring.stats.worst_segments.cells import Cells, Condition, cut_all
from monitoring.stats.worst_segments.sums import (
    Sums,
    counted,
    interval,
    statistic,
    sums_of,
    worse_p,
)

CANDIDATES = 12
SCANNED = 60
OVERLAP = 0.75
MINIMUM = 50

Rows = NDArray[np.bool_]


@dataclass(frozen=True)
class Segment:
    """One or two conditions, and what the second half of the rows says of them.

    The finding's value is the mean loss inside, its baseline that of all other rows, its effect and
    interval (`effect_low`, `effect_high` among the parameters) the difference;
    `parameters["adjusted_p"]` is corrected for all candidates.
    """

    conditions: tuple[Condition, ...]
    finding: Finding

    @property
    def name(self) -> str:
        """The conditions as text."""
        return " and ".join(f"{one.field} {one.label}" for one in self.conditions)


@dataclass(frozen=True)
class Search:
    """The worst segments, gravest first, and what was looked at to find them."""

    segments: tuple[Segment, ...]
    rows: int
    unlabelled: int
    searched: int
    tested: int
    alpha: float
    seed: int
    skipped: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class _Candidate:
    """A scored segment: the places of its fields, and its cell in each."""

    score: float
    places: tuple[int, ...]
    cells: tuple[int, ...]


@dataclass(frozen=True)
class _Half:
    """One half of the rows: the codes of every field, and the loss."""

    cells: Sequence[Cells]
    losses: Floats

    def rows(self, places: Sequence[int], cells: Sequence[int]) -> Rows:
        """Return which rows are in these cells."""
        chosen = [
            self.cells[place].codes == cell for place, cell in zip(places, cells, strict=True)
        ]
        inside: Rows = np.logical_and.reduce(chosen)
        return inside

    def sums(self, rows: Rows) -> Sums:
        return sums_of(self.losses[rows])


def worst_segments(
    table: Batch,
    *,
    loss: str,
    fields: Sequence[str],
    minimum: int = MINIMUM,
    alpha: float = 0.05,
    seed: int = 0,
) -> Search:
    """Search raw rows for the segments with the largest mean of the column `loss`.

    `minimum` is the smallest number of rows of a segment in each half. Rows without a finite loss
    are left out and counted. Fields that cannot be cut, and why, are in `skipped`.
    """
    losses = _losses(table, loss)
    known = np.isfinite(losses)
    kept = table.filter(pa.array(known))
    losses = losses[known]
    nothing = Search((), losses.size, int((~known).sum()), 0, 0, alpha, seed)
    cells, skipped = cut_all(kept, [name for name in fields if name != loss])
    nothing = replace(nothing, skipped=skipped)
    if losses.size < 4 * minimum:
        return replace(nothing, reason=f"fewer than {4 * minimum} rows with a loss")
    if losses.min() == losses.max():
        return replace(nothing, reason="the loss is constant")
    if not cells:
        return replace(nothing, reason="no field can be cut into cells")
    first = np.random.default_rng(seed).permutation(losses.size) < losses.size // 2
    one = _half(cells, first, (losses - losses.mean()) / losses.std())
    found, searched = _discover(one, minimum)
    confirmed = _confirm(_half(cells, ~first, losses), found, alpha)
    return replace(nothing, segments=confirmed, searched=searched, tested=len(found))


def _half(cells: Sequence[Cells], rows: Rows, losses: Floats) -> _Half:
    return _Half([Cells(one.codes[rows], one.conditions) for one in cells], losses[rows])


def _losses(table: Batch, loss: str) -> Floats:
    try:
        return columns.with_nan(table, loss)
    except ValueError:
        return np.full(table.num_rows, np.nan)


def _discover(half: _Half, minimum: int) -> tuple[list[_Candidate], int]:
    """Return the best candidates, none much like a better one, and how many were scored."""
    searched, best = 0, []
    for places, scores in _scored(half, minimum):
        usable = np.flatnonzero(np.isfinite(scores))
        searched += usable.size
        top = usable[np.argsort(-scores.ravel()[usable], kind="stable")[:SCANNED]]
        for flat in top[scores.ravel()[top] > 0].tolist():
            cells = tuple(int(cell) for cell in np.unravel_index(flat, scores.shape))
            best.append(_Candidate(float(scores.ravel()[flat]), places, cells))
    best.sort(key=lambda one: (-one.score, one.places, one.cells))
    return _unlike(half, best[:SCANNED]), searched


def _scored(half: _Half, minimum: int) -> Iterator[tuple[tuple[int, ...], Floats]]:
    """Yield the score of every cell of every field and pair; -inf where rows are too few."""
    everything = sums_of(half.losses)
    for place, one in enumerate(half.cells):
        inside = counted(one.codes, half.losses, len(one.conditions))
        yield (place,), _score(inside, [everything - inside], minimum)
    for left, right in itertools.combinations(range(len(half.cells)), 2):
        one, two = half.cells[left], half.cells[right]
        shape = (len(one.conditions), len(two.conditions))
        flat = counted(one.codes * shape[1] + two.codes, half.losses, shape[0] * shape[1])
        inside = Sums(*(part.reshape(shape) for part in (flat.n, flat.total, flat.squares)))
        rests = [everything - inside, inside.along(1) - inside, inside.along(0) - inside]
        yield (left, right), _score(inside, rests, minimum)


def _score(inside: Sums, rests: Sequence[Sums], minimum: int) -> Floats:
    """Return the weakest contrast of every cell with the rest and with its parents' rests."""
    enough = np.logical_and.reduce([part.n >= minimum for part in (inside, *rests)])
    weakest = np.minimum.reduce([statistic(inside, rest) for rest in rests])
    score: Floats = np.where(enough, weakest, -np.inf)
    return score


def _unlike(half: _Half, ranked: Sequence[_Candidate]) -> list[_Candidate]:
    kept: list[_Candidate] = []
    seen: list[Rows] = []
    for one in ranked:
        rows = half.rows(one.places, one.cells)
        if all((rows & other).sum() < OVERLAP * (rows | other).sum() for other in seen):
            kept.append(one)
            seen.append(rows)
        if len(kept) == CANDIDATES:
            break
    return kept


def _confirm(half: _Half, found: Sequence[_Candidate], alpha: float) -> tuple[Segment, ...]:
    """Return the candidates that the unseen half confirms, gravest first."""
    p_values = [_p_value(half, one) for one in found]
    pairs = zip(found, p_values, benjamini_hochberg(p_values), strict=True)
    confirmed = [
        (_segment(half, one, p_value, q_value), half.rows(one.places, one.cells))
        for one, p_value, q_value in pairs
        if q_value is not None and q_value <= alpha
    ]
    confirmed.sort(key=lambda pair: -(pair[0].finding.effect or 0.0))
    return _with_own_share(half, confirmed, alpha)


def _p_value(half: _Half, one: _Candidate) -> float:
    inside = half.rows(one.places, one.cells)
    sets = [~inside]
    if len(one.places) > 1:
        pairs = zip(one.places, one.cells, strict=True)
        sets += [half.rows([place], [cell]) & ~inside for place, cell in pairs]
    return max(_worse(half, inside, rest) for rest in sets)


def _worse(half: _Half, inside: Rows, rest: Rows) -> float:
    binary = bool(np.isin(half.losses, (0.0, 1.0)).all())
    return worse_p(half.sums(inside), half.sums(rest), binary=binary)


def _with_own_share(
    half: _Half, confirmed: Sequence[tuple[Segment, Rows]], alpha: float
) -> tuple[Segment, ...]:
    """Leave out segments that are not worse without the rows of the graver ones."""
    kept: list[Segment] = []
    taken = np.zeros(half.losses.size, np.bool_)
    for segment, rows in confirmed:
        if not kept or _worse(half, rows & ~taken, ~rows & ~taken) <= alpha:
            kept.append(segment)
            taken |= rows
    return tuple(kept)


def _segment(half: _Half, one: _Candidate, p_value: float, q_value: float) -> Segment:
    rows = half.rows(one.places, one.cells)
    inside, rest = half.sums(rows), half.sums(~rows)
    value, baseline = float(inside.mean), float(rest.mean)
    half_width = z_of(CONFIDENCE) * float(inside.error) ** 0.5
    low, high = interval(inside, rest)
    finding = Finding(
        "segment_loss",
        value,
        int(inside.n),
        low=value - half_width,
        high=value + half_width,
        p_value=p_value,
        baseline=baseline,
        effect=value - baseline,
        parameters={
            "confidence": CONFIDENCE,
            "adjusted_p": q_value,
            "effect_low": low,
            "effect_high": high,
            "rest_n": int(rest.n),
        },
    )
    pairs = zip(one.places, one.cells, strict=True)
    conditions = tuple(half.cells[place].conditions[cell] for place, cell in pairs)
    return Segment(conditions, finding)
