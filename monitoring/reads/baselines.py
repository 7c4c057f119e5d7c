"""The frozen bins of a version and the counts of its reference: what every window is held against.

The registry keeps a reference's file; its bins and counts are made here on first use, because
numbers are computed in this app only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import combinations
from typing import Any

from monitoring.models import ReferenceStudy
from monitoring.stats import storage
from monitoring.stats.phases import Scheme
from monitoring.stats.profiles import Profile
from monitoring.stats.reference import Bins, FieldSpec, Kind, Role, Schema, Task
from registry.models import Reference, Version
from registry.schemas import Dtype, Field, PredictionSchema

UNCOUNTED = frozenset({Role.ID, Role.TIMESTAMP})
MOST_CROSSED = 3


@dataclass(frozen=True)
class Baseline:
    """Bins and reference counts of one version, and what was learnt from its reference."""

    digest: str
    bins: Bins
    profile: Profile
    rows: int
    kind: str
    scheme: Scheme = Scheme.NONE
    loss: Mapping[str, Any] | None = None


def baseline_of(version_id: int) -> Baseline | None:
    """The baseline of a version whose reference has been counted; None before that."""
    found = Reference.objects.filter(version_id=version_id, frozen_at__isnull=False)
    row = found.values_list("digest", "frozen_at").first()
    return None if row is None else _load(version_id, *row)


def schema_of(version: Version) -> PredictionSchema | None:
    """The declared schema of a version, or None."""
    schema = getattr(version, "schema", None)
    return PredictionSchema.from_json(schema.fields) if schema else None


def stats_schema(declared: PredictionSchema, task: str, components: tuple[str, ...] = ()) -> Schema:
    """The registry's schema as the statistics want it; few groups are crossed with each other."""
    specs = tuple(_spec(field) for field in declared.fields if Role(field.role) not in UNCOUNTED)
    groups = [field.name for field in declared.groups]
    return Schema(
        Task(task),
        specs,
        classes=_classes(declared, task),
        pairs=tuple(combinations(groups, 2)) if len(groups) <= MOST_CROSSED else (),
        components=components,
    )


@lru_cache(maxsize=64)
def _load(version_id: int, digest: str, _frozen_at: datetime) -> Baseline:
    found = Reference.objects.get(version_id=version_id, digest=digest)
    if found.edges is None or found.profile is None:
        raise LookupError(f"The reference of version {version_id} has no bins.")
    study = ReferenceStudy.objects.filter(version_id=version_id, reference_digest=digest).first()
    return Baseline(
        digest,
        Bins.from_json(found.edges),
        storage.from_bytes(found.profile),
        found.rows,
        found.kind,
        Scheme(study.season["scheme"]) if study else Scheme.NONE,
        study.loss if study else None,
    )


def _spec(field: Field) -> FieldSpec:
    kind = Kind.NUMERIC if field.is_numeric else Kind.CATEGORICAL
    categories = () if field.dtype == Dtype.BOOLEAN else field.categories
    return FieldSpec(
        field.name,
        Role(field.role),
        kind,
        field.minimum,
        field.maximum,
        tuple(categories),
        label=field.label,
        component=field.component,
        source=field.source,
        pattern=field.pattern,
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
