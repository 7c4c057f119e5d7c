"""Splitting: one batch of rows into hours and segments, which profiles belong to.

Definition
    An hour is the event time floored to full hours; a segment is one spelling of a segment field's
    value (see `columns.labels`), null as "". Rows keep their order inside each part, and the parts
    of a split hold every row exactly once; a row without event time is refused, it has no hour.

Example
    >>> from datetime import datetime
    >>> table = pyarrow.table({"at": [datetime(2013, 1, 1, 5, 59), datetime(2013, 1, 1, 6, 0)]})
    >>> [(hour.hour, part.num_rows) for hour, part in by_hour(table, "at")]
    [(5, 1), (6, 1)]
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitoring.stats import columns
from monitoring.stats.columns import Batch


def by_hour(batch: Batch, timestamp: str) -> Iterator[tuple[datetime, Batch]]:
    """Yield (hour, rows), earliest first; ValueError where an event time is missing or no time."""
    times = columns.column(batch, timestamp)
    if not pa.types.is_timestamp(times.type):
        raise ValueError(f"Field {timestamp!r} has type {times.type}; event times are timestamps.")
    if times.null_count:
        raise ValueError(f"Field {timestamp!r} is null in {times.null_count} rows; all need it.")
    yield from _parts(batch, pc.floor_temporal(times, unit="hour"))


def by_segment(batch: Batch, name: str) -> Iterator[tuple[str, Batch]]:
    """Yield (segment, rows) in alphabetic order of the segments."""
    yield from _parts(batch, pc.fill_null(columns.labels(batch, name), ""))


def _parts(batch: Batch, keys: pa.Array) -> Iterator[tuple[Any, Batch]]:
    """Yield (key, rows) in order of the keys; sorted once, then sliced."""
    encoded = keys.dictionary_encode()
    names = encoded.dictionary.to_pylist()
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(names)))
    rows = batch.take(pa.array(order))
    for place in sorted(range(len(names)), key=names.__getitem__):
        start = int(ends[place - 1]) if place else 0
        yield names[place], rows.slice(start, int(ends[place]) - start)
