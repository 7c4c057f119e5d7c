"""Fold: a batch of predictions is added to the hourly profiles of its version, once.

A row that was sent before carries the same id and the same time, so it is found in a batch that
overlaps in time; it is counted as a duplicate. Outcomes that came before their predictions are
joined here: of a prediction batch and an outcome batch, whichever is folded second counts the pair.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pyarrow as pa
from django.db import transaction
from django.db.models.functions import Now

from ledger import claims
from monitoring.gateways import duckdb
from monitoring.jobs import logs, shelves
from monitoring.jobs.counting import Cell, by_hour
from monitoring.jobs.labels import (
    ID,
    Counted,
    labelled_counts,
    places,
    together,
    with_outcomes,
)
from monitoring.models import Batch, BatchKind, OutcomeKind, ParkedOutcome
from monitoring.stats.building import FAILED_COMPONENT, profile_predictions
from monitoring.stats.profiles import Profile


@dataclass(frozen=True)
class Folded:
    """What one batch adds."""

    rows: Mapping[Cell, Profile]
    labels: Counted
    labelled_ids: Mapping[str, list[str]]
    duplicates: int


@dataclass(frozen=True)
class Around:
    """The batches that matter to one: earlier predictions, and outcomes."""

    predictions: tuple[logs.Neighbour, ...]
    outcomes: tuple[logs.Neighbour, ...]


def fold_batch(claim: claims.Claim) -> None:
    """Add one batch of predictions to the profiles; a second time changes nothing.

    A version without reference waits: counting its reference makes the job due again.
    """
    batch = Batch.objects.get(pk=claim.subject_id)
    log = logs.log_of(batch.version_id or 0)
    if batch.folded_at is not None or log is None:
        with transaction.atomic():
            claims.finish(claim=claim)
        return
    for _ in range(logs.TRIES):
        around = _around(batch)
        folded = _count(batch, log, around)
        try:
            _store(claim, batch, around, folded)
        except logs.Moved:
            continue
        return
    _count_and_store(claim, batch, log)


def _around(batch: Batch) -> Around:
    predictions = logs.neighbours(batch, BatchKind.PREDICTIONS)
    same = tuple(other for other in predictions if other.version_id == batch.version_id)
    return Around(same, logs.neighbours(batch, BatchKind.OUTCOMES))


def _count(batch: Batch, log: logs.Log, around: Around) -> Folded:
    sent = logs.table_of(batch.path)
    table = _new_rows(sent, log, around)
    labelled = _labelled(table, log, around)
    rows = by_hour(table, log.at, log.segments(table), profile_predictions, log.baseline.bins)
    ids = {kind: found.column(log.schema.id.name).to_pylist() for kind, found in labelled.items()}
    return Folded(rows, _labels(log, labelled, around), ids, sent.num_rows - table.num_rows)


def _new_rows(table: pa.Table, log: logs.Log, around: Around) -> pa.Table:
    """The rows that no earlier batch holds."""
    if not around.predictions:
        return table
    name = log.schema.id.name
    rows = pa.table(
        {
            "place": pa.array(range(table.num_rows), pa.int64()),
            "id": table.column(name),
            "at": table.column(log.at),
        }
    )
    paths = [other.path for other in around.predictions]
    known = set(duckdb.places_known(rows, paths, name, log.at))
    kept = [place for place in range(table.num_rows) if place not in known]
    return table.take(pa.array(kept, pa.int64()))


def _labelled(table: pa.Table, log: logs.Log, around: Around) -> dict[str, pa.Table]:
    """The rows whose outcome has come already, with it, by the kind of outcome."""
    found: dict[str, pa.Table] = {}
    if log.outcome is None or not table.num_rows:
        return found
    ids = places(table.column(log.schema.id.name))
    for kind in OutcomeKind.values:
        paths = [other.path for other in around.outcomes if other.outcome_kind == kind]
        at, sent = duckdb.joined(ids, paths, ID, ["outcome", FAILED_COMPONENT])
        if at:
            found[kind] = with_outcomes(table, at, log.outcome, sent)
    return found


def _labels(log: logs.Log, found: dict[str, pa.Table], around: Around) -> Counted:
    """Other kinds are counted first, so that agreement is counted once, with the true ones."""
    parts = [
        labelled_counts(log, rows, kind, around.outcomes if kind == OutcomeKind.TRUE else ())
        for kind, rows in found.items()
    ]
    return together(*parts)


@transaction.atomic
def _count_and_store(claim: claims.Claim, batch: Batch, log: logs.Log) -> None:
    """Where the neighbours keep changing, hold them off while counting."""
    shelves.locked_model(batch.model_id)
    claims.finish(claim=claim)
    if Batch.objects.filter(pk=batch.pk, folded_at__isnull=True).exists():
        around = _around(batch)
        _add(batch, around, _count(batch, log, around))


@transaction.atomic
def _store(claim: claims.Claim, batch: Batch, around: Around, folded: Folded) -> None:
    # The model before the job: a reference that is counted makes fold jobs due under this lock.
    shelves.locked_model(batch.model_id)
    claims.finish(claim=claim)
    _add(batch, around, folded)


def _add(batch: Batch, around: Around, folded: Folded) -> None:
    """Add what was counted, unless it is there; Moved where it was counted beside other batches."""
    fresh = Batch.objects.filter(pk=batch.pk, folded_at__isnull=True)
    if not fresh.update(folded_at=Now(), duplicates=folded.duplicates):
        return
    before = _around(batch)
    mine = tuple(other for other in before.predictions if other.batch_id != batch.pk)
    if Around(mine, before.outcomes) != around:
        raise logs.Moved
    shelves.add_rows(batch.version_id or 0, folded.rows)
    if folded.labels:
        shelves.add_labels(batch.version_id or 0, folded.labels)
    parked = ParkedOutcome.objects.filter(model_id=batch.model_id)
    for kind, ids in folded.labelled_ids.items():
        parked.filter(outcome_kind=kind, prediction_id__in=ids).delete()
