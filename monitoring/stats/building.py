"""Building: count batches of rows over frozen bins.

Definition
    `profile_predictions` counts what is known when a prediction is made: fields, decisions by
    group, operations. `profile_outcomes` counts rows joined with their outcome: the cube of
    prediction x outcome x group, scores by outcome, residuals. Both stream: pass any iterable of
    Arrow record batches or tables; only one batch is in memory at a time. The profiles of both
    kinds are added with `profiles.merge`.

Units
    Latency is in milliseconds. Scores are probabilities in [0, 1]; others are left out of the score
    histogram, never moved into it.
"""

from collections.abc import Iterable
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitoring.stats import columns
from monitoring.stats.columns import Batch, Counts, Floats
from monitoring.stats.edges import Categories, NumericEdges
from monitoring.stats.exact import LARGEST, Exact, exact
from monitoring.stats.profiles import (
    LATENCY_EDGES,
    SCORE_BINS,
    UNSEEN_LENGTH,
    Profile,
    empty,
    keep_unseen,
    merge,
)
from monitoring.stats.reference import Bins, FieldSpec, Kind, Role, Task, cube_groups, group_key

Batches: TypeAlias = Batch | Iterable[Batch]
SMALLEST_PROBABILITY = float(np.finfo(np.float64).eps)


def profile_predictions(bins: Bins, batches: Batches) -> Profile:
    """Count prediction rows: fields, decisions by group, operations."""
    return merge([empty(bins), *(_predictions(bins, batch) for batch in _each(batches))])


def profile_outcomes(bins: Bins, batches: Batches) -> Profile:
    """Count rows that carry an outcome; rows whose outcome is null are passed over.

    The batches need the outcome and, as the task asks, prediction, score and group fields.
    """
    return merge([empty(bins), *(_outcomes(bins, batch) for batch in _each(batches))])


def _each(batches: Batches) -> Iterable[Batch]:
    return [batches] if isinstance(batches, pa.RecordBatch | pa.Table) else batches


def _predictions(bins: Bins, batch: Batch) -> Profile:
    parts = [_field(bins, batch, spec) for spec in bins.schema.profiled]
    rest = {"operations": _operations(bins, batch), **_decisions(bins, batch)}
    return merge([Profile(bins.digest, rest), *parts])


def _field(bins: Bins, batch: Batch, spec: FieldSpec) -> Profile:
    if spec.kind is Kind.NUMERIC:
        return _numeric(bins.digest, spec.name, bins.numeric[spec.name], batch)
    return _categorical(bins.digest, spec.name, bins.categorical[spec.name], batch)


def _numeric(digest: str, name: str, edges: NumericEdges, batch: Batch) -> Profile:
    column = columns.numbers(batch, name)
    finite, nans, positive, negative = _split(column.values)
    low = -np.inf if edges.low is None else edges.low
    high = np.inf if edges.high is None else edges.high
    extremes = {name: (float(finite.min()), float(finite.max()))} if finite.size else {}
    below = above = 0
    if finite.size and (finite.min() < low or finite.max() > high):
        below, above = int((finite < low).sum()), int((finite > high).sum())
        finite = finite[(finite >= low) & (finite <= high)]
    counts = np.histogram(finite, bins=edges.edges)[0]
    apart = [column.nulls, nans, positive, negative, below, above]
    tallies = np.concatenate([counts, apart]).astype(np.int64)
    centred = _tame(finite) - edges.centre
    sums = {f"total/{name}": _sum(centred), f"squares/{name}": _sum_squares(centred)}
    return Profile(digest, {f"field/{name}": tallies}, sums, extremes)


def _split(values: Floats) -> tuple[Floats, int, int, int]:
    """Return the finite values, and how many are NaN, +inf and -inf."""
    finite = np.isfinite(values)
    if finite.all():
        return values, 0, 0, 0
    positive, negative = int((values == np.inf).sum()), int((values == -np.inf).sum())
    nans = int(values.size - finite.sum()) - positive - negative
    return values[finite], nans, positive, negative


def _sum(values: Floats) -> Exact:
    return exact(float(_tame(values).sum()))


def _sum_squares(values: Floats) -> Exact:
    # Not np.dot: BLAS adds in an order that depends on its threads, and wakes them for little work.
    return exact(float(np.square(_tame(values)).sum()))


def _tame(values: Floats) -> Floats:
    if values.size and max(values.max(), -values.min()) > LARGEST:
        return np.clip(values, -LARGEST, LARGEST)
    return values


def _categorical(digest: str, name: str, known: Categories, batch: Batch) -> Profile:
    text = columns.labels(batch, name)
    counted = pc.value_counts(text.drop_null())
    tallies = np.zeros(known.size + 3, np.int64)
    tallies[-1] = text.null_count
    unseen: dict[str, int] = {}
    pairs = zip(
        counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True
    )
    for value, count in pairs:
        place = known.places.get(value)
        if place is not None:
            tallies[place] += count
        elif value in known.known_others or not known.complete:
            tallies[-3] += count
        else:
            tallies[-2] += count
            short = value[:UNSEEN_LENGTH]
            unseen[short] = unseen.get(short, 0) + count
    kept = {name: keep_unseen(unseen)} if unseen else {}
    return Profile(digest, {f"field/{name}": tallies}, unseen=kept)


def _operations(bins: Bins, batch: Batch) -> Counts:
    error, latency = bins.schema.name_of(Role.ERROR), bins.schema.name_of(Role.LATENCY)
    errors = columns.flags(batch, error) if error else 0
    times = columns.numbers(batch, latency).values if latency else np.empty(0)
    times = times[np.isfinite(times)]
    histogram = np.histogram(times, bins=LATENCY_EDGES)[0]
    return np.concatenate([[batch.num_rows, errors, times.size], histogram]).astype(np.int64)


def _decisions(bins: Bins, batch: Batch) -> dict[str, Counts]:
    if bins.schema.task is Task.REGRESSION:
        return {}
    made, size = _decided(bins, batch), len(bins.schema.classes) + 1
    cubes = {}
    for names in cube_groups(bins):
        group, levels = _grouped(bins, batch, names)
        flat = np.bincount(made * levels + group, minlength=size * levels)
        cubes[f"decisions/{group_key(*names)}"] = flat.astype(np.int64).reshape(size, levels)
    return cubes


def _decided(bins: Bins, batch: Batch) -> Counts:
    """Return the class index of each row's prediction; the last index is "none of them"."""
    name = bins.schema.name_of(Role.PREDICTION)
    if name is not None:
        return _classed(bins, batch, name)
    score = bins.schema.name_of(Role.SCORE)
    if bins.schema.threshold is None or score is None or bins.schema.task is not Task.BINARY:
        return np.full(batch.num_rows, len(bins.schema.classes), np.int64)
    scores = columns.with_nan(batch, score)
    decided = (scores >= bins.schema.threshold).astype(np.int64)
    return np.where(np.isnan(scores), 2, decided)


def _classed(bins: Bins, batch: Batch, name: str) -> Counts:
    found = columns.codes(columns.labels(batch, name), bins.schema.classes)
    return np.where(found < 0, len(bins.schema.classes), found)


def _grouped(bins: Bins, batch: Batch, names: tuple[str, ...]) -> tuple[Counts, int]:
    """Return the index of each row on the (flattened) group axis, and that axis' length."""
    index, length = np.zeros(batch.num_rows, np.int64), 1
    for name in names:
        levels = bins.levels[name]
        found = columns.codes(columns.labels(batch, name), levels)
        place = np.where(found == -1, len(levels), np.where(found == -2, len(levels) + 1, found))
        index, length = index * (len(levels) + 2) + place, length * (len(levels) + 2)
    return index, length


def _outcomes(bins: Bins, batch: Batch) -> Profile:
    outcome = bins.schema.name_of(Role.OUTCOME)
    if outcome is None:
        raise ValueError("The schema has no field with the role outcome; declare one.")
    batch = batch.filter(pc.is_valid(columns.column(batch, outcome)))
    if bins.schema.task is Task.REGRESSION:
        return _residuals(bins, batch, outcome)
    return _classified(bins, batch, outcome)


def _classified(bins: Bins, batch: Batch, outcome: str) -> Profile:
    size = len(bins.schema.classes) + 1
    pair = _decided(bins, batch) * size + _classed(bins, batch, outcome)
    counts: dict[str, Counts] = {"labelled": np.array([batch.num_rows], np.int64)}
    for names in cube_groups(bins):
        group, levels = _grouped(bins, batch, names)
        flat = np.bincount(pair * levels + group, minlength=size * size * levels)
        cube = flat.astype(np.int64).reshape(size, size, levels)
        counts[f"cube/{group_key(*names)}"] = cube
    scored = _scored(bins, batch, outcome)
    return merge([Profile(bins.digest, counts), scored])


def _scored(bins: Bins, batch: Batch, outcome: str) -> Profile:
    """Count scores by outcome, and the losses of each row exactly as they are (not binned)."""
    name = bins.schema.name_of(Role.SCORE)
    if name is None or bins.schema.task is not Task.BINARY or len(bins.schema.classes) != 2:
        return empty(bins)
    scores, truth = columns.with_nan(batch, name), _classed(bins, batch, outcome)
    usable = (scores >= 0) & (scores <= 1) & (truth < 2)
    scores, truth = scores[usable], truth[usable]
    place = np.minimum((scores * SCORE_BINS).astype(np.int64), SCORE_BINS - 1)
    flat = np.bincount(truth * SCORE_BINS + place, minlength=2 * SCORE_BINS)
    histogram = flat.astype(np.int64).reshape(2, SCORE_BINS)
    safe = np.clip(scores, SMALLEST_PROBABILITY, 1 - SMALLEST_PROBABILITY)
    log_loss = -np.where(truth == 1, np.log(safe), np.log1p(-safe))
    brier = (scores - truth) ** 2
    return Profile(bins.digest, {"score": histogram}, _pairs(log_loss=log_loss, brier=brier))


def _pairs(**terms: Floats) -> dict[str, Exact]:
    """Return the exact sum and sum of squares of each row-wise quantity."""
    sums = {f"labelled/{name}": _sum(values) for name, values in terms.items()}
    return sums | {f"labelled/{name}^2": _sum_squares(values) for name, values in terms.items()}


def _residuals(bins: Bins, batch: Batch, outcome: str) -> Profile:
    name = bins.schema.name_of(Role.PREDICTION)
    if name is None:
        raise ValueError("The schema has no field with the role prediction; declare one.")
    truth, answer = columns.with_nan(batch, outcome), columns.with_nan(batch, name)
    usable = np.isfinite(truth) & np.isfinite(answer)
    truth, residual = truth[usable], (answer - truth)[usable]
    histogram = np.histogram(residual, bins=bins.residual_edges)[0].astype(np.int64)
    tame = np.clip(residual, -(LARGEST**0.5), LARGEST**0.5)
    sums = _pairs(residual=tame, squared=tame * tame, outcome=truth)
    sums["labelled/absolute"] = _sum(np.abs(tame))
    counts = {"labelled": np.array([batch.num_rows], np.int64), "residual": histogram}
    return Profile(bins.digest, counts, sums)
