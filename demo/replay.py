"""Old rows told as if they happened lately: moved by whole weeks, cut at now, outcomes delayed."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

SOONEST_HOURS = 3.0
MEAN_HOURS = 18.0
LATEST_HOURS = 120.0
HORIZON_HOURS = 168  # an outcome that is not there after a week will not come
WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class Replay:
    """What a serving system would have sent until now."""

    predictions: pa.Table
    outcomes: pa.Table


@dataclass(frozen=True)
class Batch:
    """Rows of some days in a row; the key makes sending them twice harmless."""

    key: str
    table: pa.Table


def shift(last: datetime, now: datetime) -> timedelta:
    """The whole weeks that move `last` to now or up to a week beyond it.

    Whole weeks keep the weekday and the hour; what is then still to come is cut off.
    """
    return -((last - now) // WEEK) * WEEK


def until(now: datetime, rows: pa.Table, column: str) -> pa.Table:
    """The rows that have happened by now."""
    moment = pa.scalar(pd.Timestamp(now), type=rows.schema.field(column).type)
    return rows.filter(pc.less_equal(rows[column], moment))


def outcome_times(events: pd.Series, *, seed: int) -> pd.Series:
    """When the truth was known: hours to days after the event, most of it within a day."""
    drawn = np.random.default_rng(seed).exponential(MEAN_HOURS, len(events))
    hours = np.minimum(SOONEST_HOURS + drawn, LATEST_HOURS)
    return events + pd.to_timedelta((hours * 3600).round(), unit="s")


def outcomes_of(log: pd.DataFrame, outcome: str, *, seed: int) -> pd.DataFrame:
    """One row for every event whose outcome is known, in the order in which they arrive."""
    table = pd.DataFrame(
        {
            "prediction_id": log["prediction_id"],
            "prediction_time": log["event_time"],
            "outcome": log[outcome],
            "outcome_time": outcome_times(log["event_time"], seed=seed),
        }
    )
    return table[table["outcome"].notna()].sort_values(["outcome_time", "prediction_id"])


def table(rows: pd.DataFrame) -> pa.Table:
    """The same rows for Parquet, with plain strings and without pandas' own notes."""
    return pa.table({name: _column(rows[name]) for name in rows.columns})


def _column(values: pd.Series) -> pa.Array:
    plain = values.dt.tz_convert(None) if isinstance(values.dtype, pd.DatetimeTZDtype) else values
    found = pa.Array.from_pandas(plain)
    if plain is not values:
        return found.cast(pa.timestamp("us")).cast(pa.timestamp("us", "UTC"))
    return found.cast(pa.string()) if pa.types.is_large_string(found.type) else found


def batches(rows: pa.Table, column: str, *, days: int = 1, prefix: str = "") -> Iterator[Batch]:
    """The rows in pieces of so many days, in order of time; days without rows send nothing."""
    day = pc.cast(pc.floor_temporal(rows[column], days, "day"), pa.timestamp("us", "UTC"))
    for one in sorted(pc.unique(day).to_pylist()):
        piece = rows.filter(pc.equal(day, pa.scalar(one, pa.timestamp("us", "UTC"))))
        yield Batch(f"{prefix}{one:%Y-%m-%d}", piece.sort_by(column))


def parquet(rows: pa.Table) -> bytes:
    sink = io.BytesIO()
    pq.write_table(rows, sink, compression="zstd")
    return sink.getvalue()
