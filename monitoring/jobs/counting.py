"""Rows of a log counted by hour and segment. No database here."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from monitoring.stats import columns
from monitoring.stats.profiles import Profile
from monitoring.stats.reference import Bins

HOUR = timedelta(hours=1)
MICROSECONDS = 3_600_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_SEGMENTS = 50
LONGEST_VALUE = 78

Counter = Callable[[Bins, pa.Table], Profile]
Cell = tuple[datetime, str]


def by_hour(
    table: pa.Table, at: str, segments: Mapping[str, tuple[str, ...]], count: Counter, bins: Bins
) -> dict[Cell, Profile]:
    """A profile of every hour and segment that occurs; segment "" is all rows.

    `segments` gives the values of each segment field that are counted apart.
    """
    if not table.num_rows:
        return {}
    rows = _plain(bins, table.sort_by(at))
    found: dict[Cell, Profile] = {}
    for hour, start, stop in _hours(rows.column(at)):
        found[hour, ""] = count(bins, rows.slice(start, stop - start))
    for name, values in segments.items():
        codes = columns.coded(rows, name, values)
        for place in np.unique(codes[codes >= 0]).tolist():
            # Still in order of time, so that hours are slices here too.
            part = rows.take(pa.array(np.flatnonzero(codes == place)))
            for hour, start, stop in _hours(part.column(at)):
                piece = part.slice(start, stop - start)
                found[hour, f"{name}={values[place]}"] = count(bins, piece)
    return found


def _plain(bins: Bins, table: pa.Table) -> pa.RecordBatch:
    """One batch with the types that counting wants, so that not every piece is cast anew."""
    batch = table.combine_chunks().to_batches()[0]
    for place, name in enumerate(batch.schema.names):
        if name in bins.categorical:
            batch = batch.set_column(place, name, columns.labels(batch, name))
        elif name in bins.numeric:
            batch = batch.set_column(
                place, name, batch.column(place).cast(pa.float64(), safe=False)
            )
    return batch


def values_apart(
    table: pa.Table, name: str, declared: tuple[str, ...], known: list[str]
) -> tuple[str, ...]:
    """The values of a segment field that get profiles of their own: at most fifty.

    Declared ones first; else those that have profiles already, then those met here.
    """
    if declared:
        return tuple(value for value in declared if len(value) <= LONGEST_VALUE)[:MOST_SEGMENTS]
    met = sorted(value for value in pc.unique(columns.labels(table, name)).to_pylist() if value)
    short = [value for value in met if len(value) <= LONGEST_VALUE]
    return tuple(dict.fromkeys([*known, *short]))[:MOST_SEGMENTS]


def hours_of(first: datetime, last: datetime) -> tuple[datetime, datetime]:
    """The whole hours around two moments: start of the first, end of the last."""
    start = EPOCH + (first - EPOCH) // HOUR * HOUR
    return start, EPOCH + (last - EPOCH) // HOUR * HOUR + HOUR


def _hours(times: pa.Array) -> Iterator[tuple[datetime, int, int]]:
    """(hour, first row, row after the last) of sorted times."""
    micros = times.cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_numpy()
    numbers, starts = np.unique(micros // MICROSECONDS, return_index=True)
    stops = [*starts[1:], len(micros)]
    for number, start, stop in zip(numbers.tolist(), starts, stops, strict=True):
        yield EPOCH + number * HOUR, int(start), int(stop)
