"""What our side of the benchmarks keeps: frozen bins and stored profiles, as the platform does.

The bins are JSON and the profiles the bytes that the database holds, here as files beside the data.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.datasets import category_names, numeric_names
from monitoring.stats import storage
from monitoring.stats.building import profile_predictions
from monitoring.stats.profiles import Profile
from monitoring.stats.reference import Bins, FieldSpec, Kind, Role, Schema, Task, freeze

BATCH = 65_536


def feature_schema(numeric: Sequence[str], categorical: Sequence[str]) -> Schema:
    """Nothing but features, as the peers' drift reports see them."""
    kinds = [(name, Kind.NUMERIC) for name in numeric]
    kinds += [(name, Kind.CATEGORICAL) for name in categorical]
    fields = tuple(FieldSpec(name, Role.FEATURE, kind) for name, kind in kinds)
    return Schema(Task.REGRESSION, fields)


def decision_schema() -> Schema:
    """Binary decisions by group."""
    fields = (
        FieldSpec("prediction", Role.PREDICTION, Kind.CATEGORICAL),
        FieldSpec("outcome", Role.OUTCOME, Kind.CATEGORICAL),
        FieldSpec("group", Role.GROUP, Kind.CATEGORICAL),
    )
    return Schema(Task.BINARY, fields, ("0", "1"))


def score_schema() -> Schema:
    """A score and the outcome that it is about."""
    fields = (
        FieldSpec("score", Role.SCORE, Kind.NUMERIC, 0.0, 1.0),
        FieldSpec("outcome", Role.OUTCOME, Kind.CATEGORICAL),
    )
    return Schema(Task.BINARY, fields, ("0", "1"))


def batches(path: Path, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
    """A Parquet file piece by piece; never the whole of it.

    Each row group is asked for by itself: asked for all, the reader buffers all ahead.
    """
    file = pq.ParquetFile(path)
    for group in range(file.num_row_groups):
        yield from file.iter_batches(
            batch_size=BATCH, row_groups=[group], columns=columns, use_threads=False
        )


def store_features(folder: Path) -> None:
    """Freeze and count the reference once, as the registration of a version does."""
    schema = feature_schema(numeric_names(), category_names())
    path = folder / "features-reference.parquet"
    bins = freeze(schema, pq.read_table(path))
    store(folder, "features", bins, profile_predictions(bins, batches(path)))


def store(folder: Path, name: str, bins: Bins, profile: Profile) -> None:
    (folder / f"{name}-bins.json").write_text(json.dumps(bins.as_json()))
    (folder / f"{name}-profile.bin").write_bytes(storage.to_bytes(profile))


def stored(folder: Path, name: str) -> tuple[Bins, Profile]:
    bins = Bins.from_json(json.loads((folder / f"{name}-bins.json").read_text()))
    return bins, storage.from_bytes((folder / f"{name}-profile.bin").read_bytes())
