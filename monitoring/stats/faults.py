"""Faults: which rows have a fault in a field, by kind, so that their part in a loss can be told.

Definition
    is missing          null or NaN
    is out of range     infinite, or outside the declared limits
    is a new category   a text that the reference does not have
    breaks its pattern  a text that does not match the declared regular expression as a whole
    is V                numeric: the one value V that takes at least 1 % of the current rows and at
                        least five times its share of the reference's; a sentinel such as -999

Example
    >>> from monitoring.stats.reference import Role
    >>> age = FieldSpec("age", Role.FEATURE, Kind.NUMERIC)
    >>> usual = pa.table({"age": pa.array([1.0, 2.0, 3.0, 4.0])})
    >>> rows = pa.table({"age": pa.array([None, -999.0, -999.0])})
    >>> [fault.name for fault in faults(age, usual, rows)]
    ['is missing', 'is -999']

Source
    Siddiqi (2006), Credit Risk Scorecards, on special values.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from monitoring.stats import columns
from monitoring.stats.columns import Batch, Floats
from monitoring.stats.reference import FieldSpec, Kind

COMMON, MORE_OFTEN = 0.01, 5.0
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Fault:
    """A kind of fault, and which rows have it, before and now; shapes (m,) and (n,)."""

    name: str
    before: Flags
    now: Flags


def faults(spec: FieldSpec, reference: Batch, current: Batch) -> list[Fault]:
    """Return the faults that current rows have in one field; ValueError for a type that is wrong.

    A row may have several kinds at once, such as a sentinel that is also out of range.
    """
    kinds = _of_numbers if spec.kind is Kind.NUMERIC else _of_texts
    return [one for one in kinds(spec, reference, current) if one.now.any()]


def _of_numbers(spec: FieldSpec, reference: Batch, current: Batch) -> Iterator[Fault]:
    before, now = (columns.with_nan(side, spec.name) for side in (reference, current))
    yield Fault("is missing", np.isnan(before), np.isnan(now))
    low = -np.inf if spec.low is None else spec.low
    high = np.inf if spec.high is None else spec.high
    yield Fault("is out of range", _beyond(before, low, high), _beyond(now, low, high))
    value = _sentinel(before, now)
    if value is not None:
        yield Fault(f"is {value:g}", before == value, now == value)


def _of_texts(spec: FieldSpec, reference: Batch, current: Batch) -> Iterator[Fault]:
    before, now = (columns.labels(side, spec.name) for side in (reference, current))
    yield Fault("is missing", _flags(before.is_null()), _flags(now.is_null()))
    listed = pa.array(spec.categories, pa.string())
    known = pa.concat_arrays([before.unique().drop_null(), listed])
    new = pc.and_(pc.invert(pc.is_in(now, value_set=known)), now.is_valid())
    yield Fault("is a new category", np.zeros(len(before), np.bool_), _flags(new))
    if spec.pattern:
        yield Fault("breaks its pattern", _off(before, spec.pattern), _off(now, spec.pattern))


def _beyond(values: Floats, low: float, high: float) -> Flags:
    flags: Flags = np.isinf(values) | (values < low) | (values > high)
    return flags


def _sentinel(before: Floats, now: Floats) -> float | None:
    """Return the value whose share grew most, if it is one that nobody would overlook."""
    known = now[np.isfinite(now)]
    if not known.size or not before.size:
        return None
    values, counts = np.unique(known, return_counts=True)
    often = np.flatnonzero(counts >= COMMON * now.size)
    shares = counts[often] / now.size
    usual = np.array([np.mean(before == values[place]) for place in often])
    grown = shares - usual
    stand_out = shares >= MORE_OFTEN * usual
    if not stand_out.any():
        return None
    return float(values[often][int(np.argmax(np.where(stand_out, grown, -1.0)))])


def _off(text: pa.Array, pattern: str) -> Flags:
    fits = pc.match_substring_regex(text, f"^(?:{pattern})$")
    return _flags(pc.and_(pc.invert(fits), text.is_valid()))


def _flags(mask: pa.Array) -> Flags:
    filled = pc.fill_null(mask, fill_value=False)
    return np.asarray(filled.to_numpy(zero_copy_only=False), np.bool_)
