"""Columns: Arrow columns as the plain arrays that are counted.

Definition
    `numbers` gives the non-null values of a column as float64, `labels` gives a column as text with
    one spelling per value: 1, 1.0 and True are all "1". A column that a batch does not have is all
    null; whether a column must be there is the schema's question, asked before.
"""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]
Batch: TypeAlias = pa.RecordBatch | pa.Table


@dataclass(frozen=True)
class Numbers:
    """The non-null values of a numeric column and how many were null."""

    values: Floats
    nulls: int


def shares(counts: Counts | Floats) -> Floats:
    """Return counts / total along the last axis; all zero where the total is zero."""
    total = np.asarray(counts, dtype=np.float64).sum(axis=-1, keepdims=True)
    parts: Floats = counts / np.where(total > 0, total, 1.0)
    return parts


def column(batch: Batch, name: str) -> pa.Array:
    """Return one column as a single Arrow array, all null where the batch does not have it."""
    index = batch.schema.get_field_index(name)
    if index < 0:
        return pa.nulls(batch.num_rows)
    found = batch.column(index)
    if not isinstance(found, pa.ChunkedArray):
        return found
    return found.combine_chunks() if found.num_chunks != 1 else found.chunk(0)


def numbers(batch: Batch, name: str) -> Numbers:
    """Return a column as float64 without its nulls; ValueError if its type is not numeric."""
    dense = column(batch, name)
    kept = dense.drop_null()
    return Numbers(_as_float(kept, name).to_numpy(zero_copy_only=False), dense.null_count)


def with_nan(batch: Batch, name: str) -> Floats:
    """Return a column as float64 of the batch's length, nulls as NaN."""
    floats: Floats = _as_float(column(batch, name), name).to_numpy(zero_copy_only=False)
    return floats.astype(np.float64, copy=False)


def labels(batch: Batch, name: str) -> pa.Array:
    """Return a column as text, one spelling per value: True, 1 and 1.0 are "1"; NaN is null."""
    found = column(batch, name)
    if pa.types.is_dictionary(found.type):
        found = found.dictionary_decode()
    return _as_text(found)


def coded(batch: Batch, name: str, values: tuple[str, ...]) -> Counts:
    """Return the `codes` of a column's `labels`; each distinct number is written as text once."""
    found = column(batch, name)
    if pa.types.is_string(found.type) or pa.types.is_null(found.type):
        return codes(_as_text(found), values)
    if not pa.types.is_dictionary(found.type):
        found = found.dictionary_encode()
    known = np.append(codes(_as_text(found.dictionary), values), -2)
    places = pc.fill_null(found.indices, len(found.dictionary))
    coded_rows: Counts = known[places.to_numpy(zero_copy_only=False)]
    return coded_rows


def tallied(batch: Batch, name: str) -> list[tuple[str | None, int]]:
    """Return how often each of a column's `labels` occurs; None is null."""
    found = column(batch, name)
    if pa.types.is_dictionary(found.type):
        found = found.dictionary_decode()
    counted = pc.value_counts(found)
    texts = _as_text(counted.field("values")).to_pylist()
    return list(zip(texts, counted.field("counts").to_pylist(), strict=True))


def _as_text(values: pa.Array) -> pa.Array:
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), pa.scalar(None, values.type), values)
    return values.cast(pa.string())


def codes(text: pa.Array, values: tuple[str, ...]) -> Counts:
    """Return the place of each label in `values`, -1 where it is absent, -2 where it is null."""
    known = pc.index_in(text, value_set=pa.array(values, pa.string()))
    missing = pc.if_else(pc.is_null(text), pa.scalar(-2, pa.int32()), pa.scalar(-1, pa.int32()))
    placed: Counts = pc.coalesce(known, missing).to_numpy(zero_copy_only=False)
    return placed.astype(np.int64)


def flags(batch: Batch, name: str) -> int:
    """Return how many values are set: true, a non-zero number, or a text that is not empty."""
    found = column(batch, name)
    if pa.types.is_boolean(found.type) or pa.types.is_primitive(found.type):
        return int(np.count_nonzero(numbers(batch, name).values))
    return int(pc.sum(pc.greater(pc.utf8_length(labels(batch, name)), 0)).as_py() or 0)


def _as_float(values: pa.Array, name: str) -> pa.Array:
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    try:
        return values.cast(pa.float64(), safe=False)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise ValueError(
            f"Field {name!r} is numeric, but its values have type {values.type} "
            "and are not numbers; send numbers or declare the field categorical."
        ) from error
