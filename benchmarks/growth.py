"""Growth: where cost is flat and where it is linear, by rows, fields, windows and models.

CPU seconds in one process that has done the work before. "Count" reads rows, once, when they
come in. "Judge" is what a monitor does afterwards: it takes stored profiles, so rows do not matter.
"""

import json
import math
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas  # noqa: F401 - pyarrow imports it at first use, which is no work of ours
import pyarrow as pa

from benchmarks import counted
from benchmarks.datasets import features, numeric_names, write
from benchmarks.ours import judged
from monitoring.stats import storage
from monitoring.stats.building import profile_predictions
from monitoring.stats.profiles import Profile, merge
from monitoring.stats.reference import Bins, freeze

ROWS = (10_000, 100_000, 1_000_000, 10_000_000)
FIELDS = (5, 50, 200, 500)
WINDOWS = (1, 24, 168, 720, 8_760)
MODELS = (1, 10, 100)
FEW = 5
TRIES = 3
Point = dict[str, Any]


def by_rows(folder: Path, largest: int) -> list[Point]:
    """Five fields, more and more rows on disk."""
    bins, reference = _frozen(FEW, 100_000)
    found: list[Point] = []
    for rows in (rows for rows in ROWS if rows <= largest):
        path = write(folder / "growth.parquet", _plain(rows))
        count = _once(partial(_counted, bins, path))
        judge = _median(partial(judged, bins, reference, _counted(bins, path), ("psi",)))
        found.append({"of": "rows", "size": rows, "count": count, "judge": judge})
        path.unlink()
    return found


def by_fields() -> list[Point]:
    """Ten thousand rows, more and more fields."""
    found = []
    for fields in FIELDS:
        bins, reference = _frozen(fields, 10_000)
        table = next(features(10_000, side="current", numeric=fields))
        count = _median(partial(profile_predictions, bins, table))
        current = profile_predictions(bins, table)
        judge = _median(partial(judged, bins, reference, current, ("psi",)))
        found.append({"of": "fields", "size": fields, "count": count, "judge": judge})
    return found


def by_windows() -> list[Point]:
    """Five fields, hours of up to a year, decoded and merged."""
    bins, reference = _frozen(FEW, 10_000)
    hour = storage.to_bytes(_hour(bins))
    found = []
    for hours in WINDOWS:
        judge = _median(partial(_merged_and_judged, bins, reference, [hour] * hours))
        found.append({"of": "hours", "size": hours, "count": None, "judge": judge})
    return found


def by_models() -> list[Point]:
    """A day of five fields of more and more models, one after the other."""
    bins, reference = _frozen(FEW, 10_000)
    hours = [storage.to_bytes(_hour(bins))] * 24
    found = []
    for models in MODELS:
        judge = _once(partial(_each_judged, models, bins, reference, hours))
        found.append({"of": "models", "size": models, "count": None, "judge": judge})
    return found


def _frozen(fields: int, rows: int) -> tuple[Bins, Profile]:
    names = numeric_names(fields)
    table = pa.concat_tables(features(rows, side="reference", numeric=fields)).select(names)
    bins = freeze(counted.feature_schema(names, ()), table)
    return bins, profile_predictions(bins, table)


def _plain(rows: int) -> Iterator[pa.Table]:
    names = numeric_names(FEW)
    return (chunk.select(names) for chunk in features(rows, side="current", numeric=FEW))


def _hour(bins: Bins) -> Profile:
    return profile_predictions(bins, next(features(1_000, side="current", numeric=FEW)))


def _counted(bins: Bins, path: Path) -> Profile:
    return profile_predictions(bins, counted.batches(path, numeric_names(FEW)))


def _each_judged(models: int, bins: Bins, reference: Profile, hours: list[bytes]) -> None:
    for _ in range(models):
        _merged_and_judged(bins, reference, hours)


def _merged_and_judged(bins: Bins, reference: Profile, hours: list[bytes]) -> dict[str, str]:
    current = merge([storage.from_bytes(one) for one in hours])
    return judged(bins, reference, current, ("psi",))


def _median(action: Callable[[], object]) -> float:
    action()
    return statistics.median(_once(action) for _ in range(TRIES))


def _once(action: Callable[[], object]) -> float:
    began = time.process_time()
    action()
    return time.process_time() - began


def slope(before: Mapping[str, Any], after: Mapping[str, Any], what: str) -> float:
    """The power of the size with which a cost grew: 0 is flat, 1 linear."""
    return math.log(after[what] / before[what]) / math.log(after["size"] / before["size"])


def main(folder: str, largest: str) -> int:
    began = time.process_time()
    found = {
        "rows": by_rows(Path(folder), int(largest)),
        "fields": by_fields(),
        "windows": by_windows(),
        "models": by_models(),
    }
    said = {"work": time.process_time() - began, "found": found}
    sys.stdout.write(f"{json.dumps(said)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
