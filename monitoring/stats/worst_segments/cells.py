"""Cells: a raw column cut into the few cells that segments are made of.

Definition
    Numbers: one cell per value where there are at most eight, else fifths of the known values.
    Categories and flags: the 12 most frequent values, and any other. Null (with NaN) is a cell.

Example
    >>> table = pyarrow.table({"late": [True, False, None]})
    >>> [one.label for one in cut(table, "late").conditions]
    ['= 0', '= 1', 'is null']
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitoring.stats import columns
from monitoring.stats.columns import Batch, Counts, Floats

FEW_VALUES = 8
CELLS = 5
MOST_CATEGORIES = 12
LOOKED_AT = 1_000


@dataclass(frozen=True)
class Condition:
    """A field in one cell: `low` < value <= `high`, or `value`; neither means null."""

    field: str
    label: str
    low: float | None = None
    high: float | None = None
    value: str | None = None


@dataclass(frozen=True)
class Cells:
    """One field as codes, shape (rows,), and the condition of every code."""

    codes: Counts
    conditions: tuple[Condition, ...]


def cut_all(table: Batch, names: Sequence[str]) -> tuple[list[Cells], dict[str, str]]:
    """Return the cells of every field that can be cut, and why the others cannot."""
    cells, skipped = [], {}
    for name in dict.fromkeys(names):
        found = cut(table, name)
        if isinstance(found, str):
            skipped[name] = found
        else:
            cells.append(found)
    return cells, skipped


def cut(table: Batch, name: str) -> Cells | str:
    """Return the cells of a field, or why it has none."""
    if table.schema.get_field_index(name) < 0:
        return "the field is not in the table"
    kind = table.schema.field(name).type
    value_type = kind.value_type if pa.types.is_dictionary(kind) else kind
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        found = _cut_numbers(columns.with_nan(table, name), name)
    elif pa.types.is_boolean(kind) or _is_text(value_type):
        found = _cut_labels(columns.labels(table, name), name)
    else:
        return f"values of type {kind} are not searched"
    return found if len(found.conditions) > 1 else "the field is constant"


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _cut_numbers(values: Floats, name: str) -> Cells:
    known = values[~np.isnan(values)]
    cuts = _cuts(known)
    codes = np.searchsorted(cuts, values, side="left")
    codes[np.isnan(values)] = cuts.size + 1
    ends = [-np.inf, *cuts.tolist(), np.inf]
    ranges = [_range(name, low, high, known) for low, high in itertools.pairwise(ends)]
    return _compact(codes, [*ranges, Condition(name, "is null")])


def _cuts(known: Floats) -> Floats:
    """Return the inner cuts: between few values, else fifths."""
    if not known.size:
        return known
    head = np.unique(known[:LOOKED_AT])
    if head.size <= FEW_VALUES:
        distinct = np.unique(known)
        if distinct.size <= FEW_VALUES:
            return distinct[:-1]
    places = np.arange(1, CELLS) * known.size // CELLS
    return np.unique(np.partition(known, places)[places])


def _range(name: str, low: float, high: float, known: Floats) -> Condition:
    """Return the cell as people say it: its one value where it holds only one."""
    inside = known[(known > low) & (known <= high)]
    ends = (low if np.isfinite(low) else None, high if np.isfinite(high) else None)
    if ends == (None, None):
        return Condition(name, "is known", -np.inf, np.inf)
    if inside.size and inside.min() == inside.max():
        return Condition(name, f"= {inside[0]:g}", *ends)
    if ends[0] is None:
        return Condition(name, f"at most {high:.4g}", *ends)
    label = f"above {low:.4g}" if ends[1] is None else f"above {low:.4g}, at most {high:.4g}"
    return Condition(name, label, *ends)


def _cut_labels(text: pa.Array, name: str) -> Cells:
    counted = pc.value_counts(text.drop_null())
    pairs = zip(
        counted.field("counts").to_pylist(), counted.field("values").to_pylist(), strict=True
    )
    ranked = [value for _, value in sorted(pairs, key=lambda pair: (-pair[0], pair[1]))]
    often = tuple(ranked[:MOST_CATEGORIES])
    places = columns.codes(text, often)
    codes = np.where(places == -1, len(often), np.where(places == -2, len(often) + 1, places))
    named = [Condition(name, f"= {value}", value=value) for value in often]
    rest = Condition(name, "= (any other)", value="(any other)")
    return _compact(codes, [*named, rest, Condition(name, "is null")])


def _compact(codes: Counts, conditions: Sequence[Condition]) -> Cells:
    """Return the cells that occur."""
    used = np.flatnonzero(np.bincount(codes, minlength=len(conditions)))
    place = np.zeros(len(conditions), np.int64)
    place[used] = np.arange(used.size)
    return Cells(place[codes], tuple(conditions[index] for index in used.tolist()))
