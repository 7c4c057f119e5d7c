"""The data of the benchmarks: seeded, written as Parquet, the same for every library.

`features` are 20 numeric fields (normal, heavy-tailed, bounded, with mass points, whole numbers)
and 5 categorical ones; the current side drifts in a few of them. `decisions` are a month of scored,
labelled decisions about ten groups, for estimates and fairness. Rows are drawn chunk by chunk, each
from its own seed, so that ten million rows need no more memory than a hundred thousand.
"""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

VERSION = 1  # of what is drawn; raise it with every change, or old files stay in use
CHUNK = 100_000
NUMERIC = 20
LEVELS = (2, 5, 20, 50, 200)
GROUPS = tuple(f"group {letter}" for letter in "ABCDEFGHIJ")
DAYS = 30
BEGIN = np.datetime64(datetime(2026, 4, 1), "us")  # noqa: DTZ001 - NumPy's times have no zone
DAY = 86_400_000_000
SIDES = ("reference", "current")


def numeric_names(count: int = NUMERIC) -> list[str]:
    return [f"number_{place}" for place in range(count)]


def category_names() -> list[str]:
    return [f"category_{place}" for place in range(len(LEVELS))]


def features(rows: int, *, side: str, numeric: int = NUMERIC) -> Iterator[pa.Table]:
    """Chunks of the drift report's fields."""
    for number, size in enumerate(_sizes(rows)):
        draw = np.random.default_rng([SIDES.index(side), number, 1])
        drifted = side == "current"
        columns = {
            name: _numbers(draw, place, size, drifted=drifted)
            for place, name in enumerate(numeric_names(numeric))
        }
        labels = {
            name: _labels(draw, levels, size, drifted=drifted)
            for name, levels in zip(category_names(), LEVELS, strict=True)
        }
        yield pa.table(columns | labels)


def decisions(rows: int, *, side: str) -> Iterator[pa.Table]:
    """Chunks of scored decisions in the order of time; the outcome follows the score."""
    done = 0
    for number, size in enumerate(_sizes(rows)):
        draw = np.random.default_rng([SIDES.index(side), number, 2])
        score = draw.beta(2, 3 if side == "reference" else 2.5, size)
        group = draw.integers(0, len(GROUPS), size)
        offset = (done + np.arange(size)) * (DAYS * DAY) // rows
        yield pa.table(
            {
                "at": pa.array(BEGIN + offset.astype("timedelta64[us]")),
                "group": pa.array(GROUPS).take(pa.array(group)),
                "score": score,
                "prediction": (score >= 0.5 + 0.01 * group).astype(np.int64),
                "outcome": (draw.random(size) < score).astype(np.int64),
            }
        )
        done += size


def write(path: Path, tables: Iterator[pa.Table]) -> Path:
    """Write chunks as one Parquet file, a row group each."""
    first = next(tables)
    with pq.ParquetWriter(path, first.schema) as file:
        file.write_table(first)
        for table in tables:
            file.write_table(table)
    return path


def _sizes(rows: int) -> list[int]:
    return [min(CHUNK, rows - done) for done in range(0, rows, CHUNK)]


def _numbers(
    draw: np.random.Generator, place: int, size: int, *, drifted: bool
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    shift = 0.15 if drifted and place in {1, 7} else 0.0
    kind = place % 5
    if kind == 0:
        return draw.normal(size=size) + shift
    if kind == 1:
        return draw.lognormal(shift, 1, size)
    if kind == 2:
        return draw.beta(2, 5, size)
    if kind == 3:
        values = draw.gamma(2, 30, size)
        return np.where(draw.random(size) < 0.2, 0.0, values)
    return draw.poisson(40, size).astype(np.float64)


def _labels(draw: np.random.Generator, levels: int, size: int, *, drifted: bool) -> pa.Array:
    weights = 1.0 / np.arange(1, levels + 1)
    if drifted and levels == LEVELS[1]:
        weights[-1] *= 2
    codes = draw.choice(levels, size, p=weights / weights.sum())
    names = pa.array([f"level {number}" for number in range(levels)])
    return names.take(pa.array(codes))
