"""Cells: in which frozen cell of each field a row lies.

Definition
    Every tally of a field's counts (bins and extras of a numeric field, categories and extras of a
    categorical one, see `profiles`) belongs to one cell. Numeric: deciles, mass points, null (with
    NaN), out of range (with infinities). Categorical: the 497 most frequent categories, other,
    unseen, null. All cells of all fields are numbered through, at most 3,000.

Example
    >>> CodedField("sex", (0, 1, 2, 3, 4), 5).size
    5

Source
    One-hot coding; the cells are those of `stability.cells_of`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from monitoring.stats import columns
from monitoring.stats.columns import Batch, Counts
from monitoring.stats.profiles import NUMERIC_EXTRAS
from monitoring.stats.reference import Bins
from monitoring.stats.stability import coarsen

MOST_CELLS = 500
MOST_COLUMNS = 3_000


@dataclass(frozen=True)
class CodedField:
    """A field, the cell of each of its tallies, and how many cells it has."""

    name: str
    place: tuple[int, ...]
    size: int

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        return {"name": self.name, "place": list(self.place), "size": self.size}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> CodedField:
        """Return the field that `as_json` wrote."""
        return cls(plain["name"], tuple(plain["place"]), plain["size"])


def code(bins: Bins, table: Batch, names: Sequence[str]) -> tuple[tuple[CodedField, ...], Counts]:
    """Return the fields that fit into 3,000 cells, and the cell of every row, (rows, fields).

    Where not all fit, fields of few cells are preferred. Deciles are those of these rows.
    """
    tallies = {name: tallies_of(bins, table, name) for name in names}
    fields = _fitting([_coded(bins, name, tallies[name]) for name in names])
    cells = np.empty((table.num_rows, len(fields)), np.int64)
    start = 0
    for column, one in enumerate(fields):
        cells[:, column] = np.array(one.place)[tallies[one.name]] + start
        start += one.size
    return fields, cells


def _fitting(fields: Sequence[CodedField]) -> tuple[CodedField, ...]:
    kept, total = set(), 0
    for one in sorted(fields, key=lambda field: field.size):
        total += one.size
        if total <= MOST_COLUMNS:
            kept.add(one.name)
    return tuple(one for one in fields if one.name in kept)


def _coded(bins: Bins, name: str, tallies: Counts) -> CodedField:
    if name in bins.numeric:
        edges = bins.numeric[name]
        counts = np.bincount(tallies, minlength=edges.size)[: edges.size]
        labels, place = coarsen(edges, counts)
        null, beyond = len(labels) - 2, len(labels) - 1
        extras = [null if extra in {"null", "nan"} else beyond for extra in NUMERIC_EXTRAS]
        return CodedField(name, (*place.tolist(), *extras), len(labels))
    known = bins.categorical[name].size
    kept = min(known, MOST_CELLS - 3)
    own = np.minimum(np.arange(known), kept).tolist()
    return CodedField(name, (*own, kept, kept + 1, kept + 2), kept + 3)


def tallies_of(bins: Bins, table: Batch, name: str) -> Counts:
    """Return which tally of the field's counts each row adds to."""
    return (_numeric if name in bins.numeric else _categorical)(bins, table, name)


def _numeric(bins: Bins, table: Batch, name: str) -> Counts:
    edges = bins.numeric[name]
    values = columns.with_nan(table, name)
    low = -np.inf if edges.low is None else edges.low
    high = np.inf if edges.high is None else edges.high
    extras = (np.isnan(values), values == np.inf, values == -np.inf, values < low, values > high)
    names = ("nan", "positive_infinite", "negative_infinite", "below", "above")
    chosen = [edges.size + NUMERIC_EXTRAS.index(extra) for extra in names]
    inside = np.searchsorted(np.array(edges.cuts), values, side="right")
    return np.select(extras, chosen, inside).astype(np.int64)


def _categorical(bins: Bins, table: Batch, name: str) -> Counts:
    known = bins.categorical[name]
    found = columns.coded(table, name, (*known.values, *known.others))
    beyond = known.size + 1 if known.complete else known.size
    found = np.where(found >= known.size, known.size, found)
    coded: Counts = np.where(found == -2, known.size + 2, np.where(found == -1, beyond, found))
    return coded.astype(np.int64)
