"""The frozen bins of a version and the counts of its reference: what every window is held against.

The registry keeps a reference's file; its bins and counts are made here on first use, because
numbers are computed in this app only.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import pyarrow as pa
import pyarrow.parquet as pq

from monitoring.stats import building, reference, storage
from monitoring.stats.profiles import Profile, merge
from monitoring.stats.reference import Bins, FieldSpec, Kind, Role, Schema, Task
from registry.gateways import store
from registry.models import Reference, Version
from registry.schemas import Dtype, Field, PredictionSchema

UNCOUNTED = frozenset({Role.ID, Role.TIMESTAMP})


@dataclass(frozen=True)
class Baseline:
    """Bins and reference counts of one version."""

    digest: str
    bins: Bins
    profile: Profile
    rows: int


def baseline_of(version_id: int) -> Baseline | None:
    """The baseline of a version whose reference has been counted; None before that."""
    found = Reference.objects.filter(version_id=version_id, frozen_at__isnull=False)
    row = found.values_list("digest", "frozen_at").first()
    return None if row is None else _load(version_id, *row)


def schema_of(version: Version) -> PredictionSchema | None:
    """The declared schema of a version, or None."""
    schema = getattr(version, "schema", None)
    return PredictionSchema.from_json(schema.fields) if schema else None


def measure(version: Version, file: Reference) -> tuple[Bins, Profile]:
    """Freeze the bins of a reference file and count it over them."""
    declared = schema_of(version)
    if declared is None:
        raise LookupError(f"{version} has a reference but no schema.")
    with store.opened(file.path) as source:
        table = pq.read_table(pa.PythonFile(source, mode="r"))
    bins = reference.freeze(stats_schema(declared, version.model.task), table)
    parts = [building.profile_predictions(bins, table)]
    if declared.outcome is not None and declared.outcome.name in table.column_names:
        parts.append(building.profile_outcomes(bins, table))
    return bins, merge(parts)


def stats_schema(declared: PredictionSchema, task: str) -> Schema:
    """The registry's schema as the statistics want it."""
    specs = tuple(_spec(field) for field in declared.fields if Role(field.role) not in UNCOUNTED)
    return Schema(Task(task), specs, classes=_classes(declared, task))


@lru_cache(maxsize=64)
def _load(version_id: int, digest: str, _frozen_at: datetime) -> Baseline:
    found = Reference.objects.get(version_id=version_id, digest=digest)
    if found.edges is None or found.profile is None:
        raise LookupError(f"The reference of version {version_id} has no bins.")
    bins = Bins.from_json(found.edges)
    return Baseline(digest, bins, storage.from_bytes(found.profile), found.rows)


def _spec(field: Field) -> FieldSpec:
    kind = Kind.NUMERIC if field.is_numeric else Kind.CATEGORICAL
    categories = () if field.dtype == Dtype.BOOLEAN else field.categories
    return FieldSpec(
        field.name, Role(field.role), kind, field.minimum, field.maximum, tuple(categories)
    )


def _classes(declared: PredictionSchema, task: str) -> tuple[str, ...]:
    """The labels of a classification, the positive one last."""
    if task == Task.REGRESSION:
        return ()
    answers = [field for field in (declared.prediction, declared.outcome) if field is not None]
    named = next((field.categories for field in answers if field.categories), ())
    positive = next((field.positive_label for field in answers if field.positive_label), "")
    if not named:
        named = ("0", "1") if task == Task.BINARY else ()
    if positive not in named:
        return tuple(named)
    return (*(label for label in named if label != positive), positive)
