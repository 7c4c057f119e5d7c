"""Join: a batch of outcomes is added to the hours of the predictions that they belong to, once.

A second outcome for the same prediction is a duplicate: the first one stays. An outcome whose
prediction is not there is parked; it is joined when the prediction is folded.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa
from django.db import transaction
from django.db.models.functions import Now

from ledger import claims
from monitoring.gateways import duckdb
from monitoring.jobs import logs, shelves
from monitoring.jobs.counting import Cell, by_hour
from monitoring.models import Batch, BatchKind, ParkedOutcome
from monitoring.stats.building import profile_outcomes
from monitoring.stats.profiles import Profile

MOST_PARKED = 5_000


@dataclass
class Joined:
    """What one batch of outcomes adds, by version."""

    labels: dict[int, Mapping[Cell, Profile]] = field(default_factory=dict)
    unmatched: list[dict[str, Any]] = field(default_factory=list)
    duplicates: int = 0


@dataclass(frozen=True)
class Around:
    """The batches that matter: predictions of these times, and earlier outcomes for them."""

    predictions: tuple[logs.Neighbour, ...]
    outcomes: tuple[logs.Neighbour, ...]


def join_outcomes(claim: claims.Claim) -> None:
    """Add one batch of outcomes to the labelled counts; a second time changes nothing."""
    batch = Batch.objects.get(pk=claim.subject_id)
    if batch.folded_at is not None:
        with transaction.atomic():
            claims.finish(claim=claim)
        return
    for _ in range(logs.TRIES):
        around = _around(batch)
        joined = _count(batch, around)
        try:
            _store(claim, batch, around, joined)
        except logs.Moved:
            continue
        return
    _count_and_store(claim, batch)


def _around(batch: Batch) -> Around:
    earlier = logs.neighbours(batch, BatchKind.OUTCOMES)
    return Around(
        logs.neighbours(batch, BatchKind.PREDICTIONS),
        tuple(other for other in earlier if other.batch_id != batch.pk),
    )


def _count(batch: Batch, around: Around) -> Joined:
    table = logs.table_of(batch.path)
    sent = table.num_rows
    rows = _places(table)
    known = duckdb.ids_known(rows, [other.path for other in around.outcomes], "prediction_id")
    if known:
        ids = table.column("prediction_id").to_pylist()
        kept = [place for place, name in enumerate(ids) if name not in known]
        table = table.take(pa.array(kept, pa.int64()))
        rows = _places(table)
    labels, matched = _match(table, rows, around)
    left = [place for place in range(table.num_rows) if place not in matched]
    unmatched = table.take(pa.array(left, pa.int64())).to_pylist()
    return Joined(labels, unmatched, sent - table.num_rows)


def _match(
    table: pa.Table, rows: pa.Table, around: Around
) -> tuple[dict[int, Mapping[Cell, Profile]], set[int]]:
    """Labelled counts by version, and which rows found a prediction."""
    paths: dict[int, list[str]] = {}
    for other in around.predictions:
        paths.setdefault(other.version_id or 0, []).append(other.path)
    labels: dict[int, Mapping[Cell, Profile]] = {}
    matched: set[int] = set()
    for version_id, names in sorted(paths.items()):
        log = logs.log_of(version_id)
        if log is None or log.outcome is None:
            continue
        places, found = duckdb.joined(rows, names, log.schema.id.name, log.labelled_columns)
        matched.update(places)
        if places:
            labels[version_id] = _labels(log, log.outcome, table, places, found)
    return labels, matched


def _labels(
    log: logs.Log, outcome: str, table: pa.Table, places: list[int], found: pa.Table
) -> Mapping[Cell, Profile]:
    truth = table.column("outcome").take(pa.array(places, pa.int64()))
    labelled = found.append_column(outcome, truth)
    segments = log.segments(labelled)
    return by_hour(labelled, log.at, segments, profile_outcomes, log.baseline.bins)


def _places(table: pa.Table) -> pa.Table:
    return pa.table(
        {
            "place": pa.array(range(table.num_rows), pa.int64()),
            "id": table.column("prediction_id"),
        }
    )


@transaction.atomic
def _count_and_store(claim: claims.Claim, batch: Batch) -> None:
    """Where the neighbours keep changing, hold them off while counting."""
    claims.finish(claim=claim)
    shelves.locked_model(batch.model_id)
    if Batch.objects.filter(pk=batch.pk, folded_at__isnull=True).exists():
        around = _around(batch)
        _add(batch, around, _count(batch, around))


@transaction.atomic
def _store(claim: claims.Claim, batch: Batch, around: Around, joined: Joined) -> None:
    claims.finish(claim=claim)
    shelves.locked_model(batch.model_id)
    _add(batch, around, joined)


def _add(batch: Batch, around: Around, joined: Joined) -> None:
    """Add what was counted, unless it is there; Moved where it was counted beside other batches."""
    fresh = Batch.objects.filter(pk=batch.pk, folded_at__isnull=True)
    if not fresh.update(
        folded_at=Now(), duplicates=joined.duplicates, unmatched=len(joined.unmatched)
    ):
        return
    if _around(batch) != around:
        raise logs.Moved
    for version_id, counted in joined.labels.items():
        shelves.add_labels(version_id, counted)
    ParkedOutcome.objects.bulk_create(
        [_parked(batch, row) for row in joined.unmatched], batch_size=500, ignore_conflicts=True
    )


def _parked(batch: Batch, row: dict[str, Any]) -> ParkedOutcome:
    plain = {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
    }
    return ParkedOutcome(
        model_id=batch.model_id, batch=batch, prediction_id=row["prediction_id"], row=plain
    )
