"""Batches as neighbours: which files a job must look at, and whether they are still the same."""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from monitoring.jobs import shelves
from monitoring.jobs.counting import values_apart
from monitoring.models import Batch, BatchKind
from monitoring.querysets import BatchQuerySet
from monitoring.reads.baselines import Baseline, baseline_of, schema_of
from registry.gateways import store
from registry.models import Version
from registry.schemas import FieldRole, PredictionSchema

TRIES = 3


class Moved(Exception):
    """Another job added a neighbour meanwhile: count again."""


@dataclass(frozen=True)
class Neighbour:
    """A folded batch whose rows may have to do with those of another."""

    batch_id: int
    version_id: int | None
    path: str
    outcome_kind: str


@dataclass(frozen=True)
class Log:
    """A version's prediction log: how to read it and what to count it over."""

    version: Version
    schema: PredictionSchema
    baseline: Baseline

    @property
    def at(self) -> str:
        return self.schema.timestamp.name

    @property
    def outcome(self) -> str | None:
        return self.schema.outcome.name if self.schema.outcome else None

    @property
    def labelled_columns(self) -> list[str]:
        """What is needed of a prediction to count it with its outcome."""
        wanted = self.schema.having(
            FieldRole.ID,
            FieldRole.TIMESTAMP,
            FieldRole.PREDICTION,
            FieldRole.SCORE,
            FieldRole.GROUP,
            FieldRole.SEGMENT,
            FieldRole.EXPLORATION,
            FieldRole.VALUE,
        )
        return [field.name for field in wanted]

    def segments(self, table: pa.Table) -> Mapping[str, tuple[str, ...]]:
        """The values of each field whose rows are counted apart; "" stands for all rows."""
        apart = (FieldRole.SEGMENT, FieldRole.GROUP, FieldRole.EXPLORATION)
        found = {}
        for field in self.schema.having(*apart):
            known = [] if field.categories else shelves.segments_known(self.version.pk, field.name)
            found[field.name] = values_apart(table, field.name, field.categories, known)
        return found


def log_of(version_id: int) -> Log | None:
    """The log of a version, None while its schema or the counts of its reference are missing."""
    version = Version.objects.select_related("model", "schema").get(pk=version_id)
    schema, baseline = schema_of(version), baseline_of(version_id)
    return Log(version, schema, baseline) if schema and baseline else None


def table_of(path: str) -> pa.Table:
    return pq.read_table(pa.BufferReader(store.read(path)), page_checksum_verification=True)


def neighbours(batch: Batch, kind: BatchKind) -> tuple[Neighbour, ...]:
    """Folded batches whose rows may be of the same times, in the order of folding."""
    found = Batch.objects.filter(
        model_id=batch.model_id,
        kind=kind,
        folded_at__isnull=False,
        first_at__lte=batch.last_at,
        last_at__gte=batch.first_at,
    ).order_by("folded_at", "pk")
    return _as_neighbours(found)


def outcome_files(model_id: int) -> tuple[Neighbour, ...]:
    """All folded batches of outcomes of a model, in the order of folding."""
    found = Batch.objects.filter(
        model_id=model_id, kind=BatchKind.OUTCOMES, folded_at__isnull=False
    ).order_by("folded_at", "pk")
    return _as_neighbours(found)


def _as_neighbours(found: BatchQuerySet) -> tuple[Neighbour, ...]:
    rows = found.values_list("pk", "version_id", "path", "outcome_kind")
    return tuple(Neighbour(*row) for row in rows)
