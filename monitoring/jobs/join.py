"""Join: a batch of outcomes is added to the hours of the predictions that they belong to, once.

A second outcome for the same prediction is a duplicate: the first one stays. An outcome whose
prediction is not there is parked; it is joined when the prediction is folded.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import pyarrow as pa
from django.db import transaction
from django.db.models.functions import Now

from ledger import claims
from monitoring.gateways import duckdb
from monitoring.jobs import logs, shelves
from monitoring.jobs.labels import ID, Counted, labelled_counts, places, with_outcomes
from monitoring.models import Batch, BatchKind, ParkedOutcome

MOST_PARKED = 5_000


@dataclass
class Joined:
    """What one batch of outcomes adds, by version."""

    labels: dict[int, Counted] = field(default_factory=dict)
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
    sent = logs.table_of(batch.path)
    table = _new_rows(sent, batch.outcome_kind, around)
    labelled, matched = _match(table, around)
    labels = {
        version_id: labelled_counts(log, rows, batch.outcome_kind, around.outcomes)
        for version_id, (log, rows) in labelled.items()
    }
    left = [place for place in range(table.num_rows) if place not in matched]
    unmatched = table.take(pa.array(left, pa.int64())).to_pylist()
    return Joined(labels, unmatched, sent.num_rows - table.num_rows)


def _new_rows(sent: pa.Table, kind: str, around: Around) -> pa.Table:
    """The rows whose prediction has no outcome of this kind yet."""
    ids = sent.column(ID)
    paths = [other.path for other in around.outcomes if other.outcome_kind == kind]
    known = duckdb.ids_known(places(ids), paths, ID)
    if not known:
        return sent
    kept = [place for place, name in enumerate(ids.to_pylist()) if name not in known]
    return sent.take(pa.array(kept, pa.int64()))


def _match(
    table: pa.Table, around: Around
) -> tuple[dict[int, tuple[logs.Log, pa.Table]], set[int]]:
    """Labelled rows by version, and which rows found a prediction."""
    paths: dict[int, list[str]] = {}
    for other in around.predictions:
        paths.setdefault(other.version_id or 0, []).append(other.path)
    labelled: dict[int, tuple[logs.Log, pa.Table]] = {}
    matched: set[int] = set()
    rows = places(table.column(ID))
    for version_id, names in sorted(paths.items()):
        log = logs.log_of(version_id)
        if log is None or log.outcome is None:
            continue
        found_at, found = duckdb.joined(rows, names, log.schema.id.name, log.labelled_columns)
        matched.update(found_at)
        if found_at:
            sent = table.take(pa.array(found_at, pa.int64()))
            everything = list(range(len(found_at)))
            labelled[version_id] = (log, with_outcomes(found, everything, log.outcome, sent))
    return labelled, matched


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
        model_id=batch.model_id,
        batch=batch,
        prediction_id=row["prediction_id"],
        outcome_kind=batch.outcome_kind,
        row=plain,
    )
