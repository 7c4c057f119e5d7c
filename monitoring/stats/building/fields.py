"""One field at a time: bins of numbers, categories of labels, and what is new."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitoring.stats import columns
from monitoring.stats.columns import Batch, Counts, Floats
from monitoring.stats.edges import Categories, NumericEdges
from monitoring.stats.exact import LARGEST, Exact, exact
from monitoring.stats.profiles import NUMERIC_EXTRAS, UNSEEN_LENGTH, Profile, keep_unseen
from monitoring.stats.reference import Bins, FieldSpec, Kind, Role

Flags = NDArray[np.bool_]
BEYOND = slice(2, None)  # of the extras: infinities, below and above the range


def field(bins: Bins, batch: Batch, spec: FieldSpec) -> Profile:
    """Count one field over its frozen bins or categories."""
    if spec.kind is Kind.NUMERIC:
        return _numeric(bins.digest, spec.name, bins.numeric[spec.name], batch)
    found = _categorical(bins.digest, spec.name, bins.categorical[spec.name], batch)
    return found + _off_pattern(bins.digest, batch, spec) if spec.pattern else found


def novel(bins: Bins, batch: Batch, parts: Mapping[str, Profile]) -> int:
    """Return how many rows have an unseen category or a value out of range.

    `parts` holds the counts of every field: rows are looked at only where these tell of any.
    """
    rows = np.zeros(batch.num_rows, np.bool_)
    for spec in bins.schema.profiled:
        if spec.role is Role.FEATURE:
            tallies = parts[spec.name].counts[f"field/{spec.name}"]
            rows |= _new_rows(bins, batch, spec, tallies)
    return int(rows.sum())


def total(values: Floats) -> Exact:
    """Return the sum of a batch as an exact number, so that sums of batches add in any order."""
    return exact(float(_tame(values).sum()))


def total_of_squares(values: Floats) -> Exact:
    """Return the sum of squares of a batch as an exact number."""
    # Not np.dot: BLAS adds in an order that depends on its threads, and wakes them for little work.
    return exact(float(np.square(_tame(values)).sum()))


def _off_pattern(digest: str, batch: Batch, spec: FieldSpec) -> Profile:
    """Count texts, and those that do not match the declared pattern as a whole."""
    text = columns.labels(batch, spec.name).drop_null()
    fits = pc.sum(pc.match_substring_regex(text, f"^(?:{spec.pattern})$")).as_py() or 0
    return Profile(digest, {f"pattern/{spec.name}": np.array([len(text), len(text) - fits])})


def _new_rows(bins: Bins, batch: Batch, spec: FieldSpec, tallies: Counts) -> Flags | np.bool_:
    if spec.kind is Kind.NUMERIC:
        if not tallies[-len(NUMERIC_EXTRAS) :][BEYOND].any():
            return np.False_
        values, edges = columns.with_nan(batch, spec.name), bins.numeric[spec.name]
        low = -np.inf if edges.low is None else edges.low
        high = np.inf if edges.high is None else edges.high
        beyond: Flags = np.isinf(values) | (values < low) | (values > high)
        return beyond
    if not tallies[-2]:
        return np.False_
    known = bins.categorical[spec.name]
    text = columns.labels(batch, spec.name)
    seen = pc.is_in(text, value_set=pa.array([*known.values, *known.others], pa.string()))
    unseen: Flags = pc.and_(pc.invert(seen), pc.is_valid(text)).to_numpy(zero_copy_only=False)
    return unseen


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
    sums = {f"total/{name}": total(centred), f"squares/{name}": total_of_squares(centred)}
    return Profile(digest, {f"field/{name}": tallies}, sums, extremes)


def _split(values: Floats) -> tuple[Floats, int, int, int]:
    """Return the finite values, and how many are NaN, +inf and -inf."""
    finite = np.isfinite(values)
    if finite.all():
        return values, 0, 0, 0
    positive, negative = int((values == np.inf).sum()), int((values == -np.inf).sum())
    nans = int(values.size - finite.sum()) - positive - negative
    return values[finite], nans, positive, negative


def _tame(values: Floats) -> Floats:
    if values.size and max(values.max(), -values.min()) > LARGEST:
        return np.clip(values, -LARGEST, LARGEST)
    return values


def _categorical(digest: str, name: str, known: Categories, batch: Batch) -> Profile:
    tallies = np.zeros(known.size + 3, np.int64)
    unseen: dict[str, int] = {}
    for value, count in columns.tallied(batch, name):
        place = None if value is None else known.places.get(value)
        if value is None:
            tallies[-1] += count
        elif place is not None:
            tallies[place] += count
        elif value in known.known_others or not known.complete:
            tallies[-3] += count
        else:
            tallies[-2] += count
            short = value[:UNSEEN_LENGTH]
            unseen[short] = unseen.get(short, 0) + count
    kept = {name: keep_unseen(unseen)} if unseen else {}
    return Profile(digest, {f"field/{name}": tallies}, unseen=kept)
