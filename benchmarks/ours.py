"""Our side of the benchmarks, one job in a process of its own: `python -m benchmarks.ours JOB …`.

The last line of output is JSON: CPU seconds of the work, from the Parquet file to the verdict, and
what was found. Imports are not part of the work, on either side.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas  # noqa: F401 - pyarrow imports it at first use, which is no work of ours
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import stats

from benchmarks import counted
from benchmarks.datasets import DAY, GROUPS, features, numeric_names
from monitoring.stats import raw, stability, storage
from monitoring.stats.building import profile_outcomes, profile_predictions
from monitoring.stats.estimation import expected_auc
from monitoring.stats.fairness import overview
from monitoring.stats.profiles import Profile, merge
from monitoring.stats.recalibration import recalibration
from monitoring.stats.reference import Bins, freeze
from monitoring.stats.verdict import DEFAULT_THRESHOLDS, Threshold, judge_run

ALPHA = 0.01
REPEATS = 9
HOURS = 24
Said = dict[str, Any]


def prepare(folder: Path) -> Said:
    """Freeze and count the reference."""
    began = time.process_time()
    counted.store_features(folder)
    return {"work": time.process_time() - began}


def drift(folder: Path, measures: str) -> Said:
    """The drift report: stored reference, streamed current rows, verdicts of all fields."""
    began = time.process_time()
    bins, reference = counted.stored(folder, "features")
    current = profile_predictions(bins, counted.batches(folder / "features-current.parquet"))
    verdicts = judged(bins, reference, current, measures.split(","))
    return {"work": time.process_time() - began, "verdicts": verdicts, "rows": current.rows}


def judged(
    bins: Bins, reference: Profile, current: Profile, measures: Sequence[str]
) -> dict[str, str]:
    """The verdict on every field and measure, corrected for all of them together."""
    found = [
        (f"{name} {measure}", finding)
        for name in (*bins.numeric, *bins.categorical)
        for measure, finding in stability.drift(
            bins, reference, current, name, measures=measures
        ).items()
    ]
    pairs = [(one, DEFAULT_THRESHOLDS.get(one.measure, Threshold(breach=0.1))) for _, one in found]
    verdicts = judge_run(pairs, alpha=ALPHA)
    return {name: str(one.verdict) for (name, _), one in zip(found, verdicts, strict=True)}


def ks(folder: Path, whose: str) -> Said:
    """Exact two-sample KS of the numeric fields, both sides raw; `whose` is ours or scipy."""
    names = numeric_names()
    sides = [
        pq.read_table(folder / f"features-{side}.parquet", columns=names)
        for side in ("reference", "current")
    ]
    began = time.process_time()
    found = _ks_ours(*sides) if whose == "ours" else _ks_scipy(*sides)
    return {"work": time.process_time() - began, "found": found}


def _ks_ours(reference: pa.Table, current: pa.Table) -> dict[str, list[float | None]]:
    made = raw.ks_many(reference, current, numeric_names())
    return {name: [one.value, one.p_value] for name, one in made.items()}


def _ks_scipy(reference: pa.Table, current: pa.Table) -> dict[str, list[float | None]]:
    found: dict[str, list[float | None]] = {}
    for name in numeric_names():
        result = stats.ks_2samp(reference[name].to_numpy(), current[name].to_numpy())
        found[name] = [float(result.statistic), float(result.pvalue)]
    return found


def window(folder: Path, rows: str) -> Said:
    """24 stored hours of 25 fields that `rows` rows were counted in: merge, drift and verdicts."""
    bins, reference = counted.stored(folder, "features")
    chunk = next(features(100_000, side="current"))
    each = int(rows) // HOURS
    held = [storage.to_bytes(_hour(bins, chunk, number, each)) for number in range(HOURS)]
    hours = [storage.from_bytes(one) for one in held]
    return {
        "work": _median(lambda: judged(bins, reference, merge(hours), ("psi",))),
        "decode": _median(lambda: [storage.from_bytes(one) for one in held]),
        "merge": _median(lambda: merge(hours)),
        "bytes": sum(map(len, held)),
    }


def _hour(bins: Bins, chunk: pa.Table, number: int, rows: int) -> Profile:
    start = number * 997 % (chunk.num_rows - min(rows, chunk.num_rows) + 1)
    pieces = -(-rows // chunk.num_rows)
    return merge([profile_predictions(bins, chunk.slice(start, rows))] * pieces)


def _median(action: Callable[[], object]) -> float:
    """CPU seconds of an action in a process that has done it before."""
    taken = []
    for _ in range(REPEATS + 1):
        began = time.process_time()
        action()
        taken.append(time.process_time() - began)
    return statistics.median(taken[1:])


def fairness(folder: Path) -> Said:
    """Every rate of ten groups and every gap between them, with intervals, from the rows."""
    path, columns = folder / "decisions-current.parquet", ["prediction", "outcome", "group"]
    began = time.process_time()
    schema = counted.decision_schema()
    declared = {"prediction": ["0", "1"], "outcome": ["0", "1"], "group": list(GROUPS)}
    bins = freeze(schema, pa.table(_padded(declared)))
    profile = merge(
        part
        for rows in counted.batches(path, columns)
        for part in (profile_predictions(bins, [rows]), profile_outcomes(bins, [rows]))
    )
    counted_at = time.process_time()
    gaps = overview.fairness(bins, profile, "group")
    rates = overview.by_group(bins, profile, "group")
    ended = time.process_time()
    return {
        "work": ended - began,
        "gaps_and_intervals": ended - counted_at,
        "gaps": {name: [one.value, one.low, one.high] for name, one in gaps.items()},
        "rates": {f"{name} {group}": one.value for (name, group), one in rates.items()},
    }


def _padded(columns: dict[str, list[str]]) -> dict[str, list[str]]:
    longest = max(map(len, columns.values()))
    return {key: [*value, *[value[-1]] * (longest - len(value))] for key, value in columns.items()}


def estimate(folder: Path) -> Said:
    """Labelled reference scores counted, then ROC AUC estimated by day without outcomes."""
    began = time.process_time()
    paths = [folder / f"decisions-{side}.parquet" for side in ("reference", "current")]
    bins = freeze(counted.score_schema(), pa.table({"score": [0.0, 1.0], "outcome": ["0", "1"]}))
    columns = ["score", "outcome"]
    reference = profile_outcomes(bins, counted.batches(paths[0], columns))
    fit = recalibration(reference.counts["score"])
    fitted = time.process_time()
    days: dict[int, list[Profile]] = {}
    for batch in counted.batches(paths[1], ["at", "score"]):
        for day, rows in _by_day(batch):
            days.setdefault(day, []).append(profile_predictions(bins, rows))
    counted_at = time.process_time()
    found = [expected_auc(merge(days[day]).counts["scores"]).value for day in sorted(days)]
    ended = time.process_time()
    slope = fit["calibration_slope"].value
    return {
        "work": ended - began,
        "fit": fitted - began,
        "judge": ended - counted_at,
        "roc_auc": found,
        "slope": slope,
    }


def _by_day(batch: pa.RecordBatch) -> list[tuple[int, pa.RecordBatch]]:
    """The days of a batch sorted by time, each with its rows."""
    days, starts = np.unique(batch.column("at").cast("int64").to_numpy() // DAY, return_index=True)
    ends = [*starts[1:], batch.num_rows]
    cut = zip(days.tolist(), starts.tolist(), ends, strict=True)
    return [(day, batch.slice(start, end - start)) for day, start, end in cut]


JOBS: dict[str, Callable[..., Said]] = {
    "prepare": prepare,
    "drift": drift,
    "ks": ks,
    "window": window,
    "fairness": fairness,
    "estimate": estimate,
}


def main(job: str, folder: str, *rest: str) -> int:
    said = JOBS[job](Path(folder), *rest)
    sys.stdout.write(f"{json.dumps(said)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
