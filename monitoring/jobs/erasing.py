"""Erase: the subject's rows are taken out of every file of the log; twice is once.

Each file: the new one is written and synced, then manifest row, digests and proof are swapped in
one transaction under the fence, then the old file goes. Whoever is killed leaves the old file with
its row or the new one with its row; what no row knows is swept. Profiles are counts and stay. What
retrainings have kept of the log follows (`retraining/erased_rows.py`).
"""

import hashlib
from collections.abc import Collection, Iterator
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.db import transaction
from django.db.models import F, Sum
from django.db.models.functions import Coalesce, Now

from audit.record import SYSTEM, record
from ledger import claims
from monitoring.events import MonitoringEvent
from monitoring.gateways import erasing as files
from monitoring.jobs import shelves
from monitoring.jobs.retraining.erased_rows import AtWork, at_work, take_out
from monitoring.models import (
    Batch,
    BatchKind,
    ErasedFile,
    ErasedId,
    Erasure,
    ErasureSalt,
    ErasureState,
    ParkedOutcome,
)
from monitoring.reads.baselines import schema_of
from monitoring.reads.erased import AT_ONCE, hashed, hold_alone
from monitoring.states import StepName
from registry.gateways import store
from registry.models import Reference, Version
from registry.reads.archives import holds_on

KIND = "monitoring.erase"
PREDICTION_ID = "prediction_id"
MOST_IDS = 200_000
ROUNDS = 5
GONE = "(erased)"


class Held(Exception):
    """A legal hold was placed in the middle: what is not erased yet waits."""


class TooMany(Exception):
    """The field's value has more rows than one erasure takes out."""


def erase(claim: claims.Claim) -> None:
    """Carry out one checked erasure; waits while a legal hold is on the model."""
    erasure = Erasure.objects.select_related("model").get(pk=claim.subject_id)
    if erasure.state not in {ErasureState.CHECKED, ErasureState.WAITING}:
        with transaction.atomic():
            claims.finish(claim=claim)
        return
    if reasons := in_the_way(erasure):
        _wait(claim, erasure, reasons)
        return
    try:
        ids = _ids(erasure) | set(erasure.found or [])
    except TooMany as error:
        _give_up(claim, erasure, str(error))
        return
    try:
        looked = _in_rounds(claim, erasure, ids)
        _remove_old(erasure)
        _finish(claim, erasure, ids, looked)
    except (Held, AtWork) as stop:
        _wait(claim, erasure, in_the_way(erasure) or [str(stop)])


def in_the_way(erasure: Erasure) -> list[str]:
    """What it waits for: legal holds, and a retraining that works with rows of the log."""
    return [*holds_on(erasure.model), *filter(None, [at_work(erasure.model_id)])]


def _in_rounds(claim: claims.Claim, erasure: Erasure, ids: set[str]) -> int:
    """Until no row of the value is left; `ids` grows. Returns how many files were looked at."""
    looked = 0
    for _ in range(ROUNDS):
        # Rows of the field's value that came meanwhile have ids of their own.
        _refuse_from_now(claim, erasure, ids)
        looked = _rewrite(claim, erasure, ids)
        looked += take_out(erasure, ids, lambda: _may_change(claim, erasure))
        more = _ids(erasure)
        if more <= ids:
            break
        ids |= more
    return looked


def resume_waiting() -> int:
    """Erasures that nothing is in the way of any more go on; returns how many."""
    waiting = Erasure.objects.filter(state=ErasureState.WAITING).select_related("model")
    free = [one for one in waiting if not in_the_way(one)]
    for one in free:
        with transaction.atomic():
            claims.again(kind=KIND, key=str(one.pk), subject_id=one.pk)
    return len(free)


@transaction.atomic
def _wait(claim: claims.Claim, erasure: Erasure, holds: list[str]) -> None:
    claims.finish(claim=claim)
    Erasure.objects.filter(pk=erasure.pk).update(state=ErasureState.WAITING, holds=holds)
    if erasure.holds != holds:
        record(SYSTEM, MonitoringEvent.ERASURE_WAITS, erasure, holds=holds)


@transaction.atomic
def _give_up(claim: claims.Claim, erasure: Erasure, why: str) -> None:
    claims.finish(claim=claim)
    Erasure.objects.filter(pk=erasure.pk).update(
        state=ErasureState.REFUSED, selection=None, found=None, reason=why, finished_at=Now()
    )
    record(SYSTEM, MonitoringEvent.ERASURE_FAILED, erasure, why=why)


def _ids(erasure: Erasure) -> set[str]:
    """The prediction ids that go: those that were named, or those of the field's value."""
    named = {str(one) for one in erasure.selection or []}
    if not erasure.by:
        return named
    found: set[str] = set()
    for batch, id_column in _predictions(erasure):
        found |= files.ids_where(batch.path, id_column=id_column, column=erasure.by, values=named)
        if len(found) > MOST_IDS:
            raise TooMany(f"More than {MOST_IDS:,} predictions have this value.")
    return found


def _predictions(erasure: Erasure) -> Iterator[tuple[Batch, str]]:
    """Every prediction file of the model with the column of its ids, one after the other."""
    versions = Version.objects.filter(model=erasure.model_id).select_related("schema", "model")
    for version in versions.order_by("pk"):
        schema = schema_of(version)
        if schema is not None:
            rows = Batch.objects.filter(version=version, kind=BatchKind.PREDICTIONS)
            for batch in rows.order_by("pk").iterator(chunk_size=500):
                yield batch, schema.id.name


def _all_files(erasure: Erasure) -> Iterator[tuple[Batch, str]]:
    yield from _predictions(erasure)
    told = Batch.objects.filter(model=erasure.model_id, kind=BatchKind.OUTCOMES)
    for batch in told.order_by("pk").iterator(chunk_size=500):
        yield batch, PREDICTION_ID


@transaction.atomic
def _refuse_from_now(claim: claims.Claim, erasure: Erasure, ids: Collection[str]) -> None:
    """Takers that have begun are waited for; whoever comes later sees the hashes."""
    _hold(claim)
    hold_alone(erasure.model_id)
    salt, _ = ErasureSalt.objects.get_or_create(
        model_id=erasure.model_id, defaults={"salt": hashlib.sha256(uuid4().bytes).hexdigest()}
    )
    rows = [
        ErasedId(model_id=erasure.model_id, erasure=erasure, hashed=hashed(salt.salt, one))
        for one in sorted(ids)
    ]
    ErasedId.objects.bulk_create(rows, batch_size=AT_ONCE, ignore_conflicts=True)
    # A run after a kill finds no row of the value any more, but outcomes may be left.
    Erasure.objects.filter(pk=erasure.pk).update(
        found=sorted(ids), began_at=Coalesce(F("began_at"), Now())
    )


def _rewrite(claim: claims.Claim, erasure: Erasure, ids: Collection[str]) -> int:
    """Every file that has such rows is written anew; returns how many files were looked at."""
    looked = 0
    for batch, column in _all_files(erasure):
        looked += 1
        rows, hits = files.count(batch.path, column=column, values=ids)
        if hits:
            content, left = files.without(batch.path, column=column, values=ids)
            name = f"{batch.path.rsplit('/', 1)[0]}/{uuid4().hex}.parquet"
            digest = store.put_bytes(name, content)
            _swap(claim, erasure, batch, (name, digest, left, len(content)), rows)
            store.delete(batch.path)
    return looked


@transaction.atomic
def _swap(
    claim: claims.Claim,
    erasure: Erasure,
    batch: Batch,
    new: tuple[str, str, int, int],
    rows: int,
) -> None:
    name, digest, left, size = new
    _may_change(claim, erasure)
    mine = Batch.objects.filter(pk=batch.pk, path=batch.path)
    if not mine.update(path=name, file_digest=digest, rows=left, bytes=size):
        raise claims.Fenced(f"file of batch {batch.pk} was written anew by another")
    ErasedFile.objects.create(
        erasure=erasure,
        batch=batch,
        rows_before=rows,
        removed=rows - left,
        digest_before=batch.file_digest,
        digest_after=digest,
        old_path=batch.path,
    )


def _may_change(claim: claims.Claim, erasure: Erasure) -> None:
    _locked_and_free(erasure)
    _hold(claim)


def _locked_and_free(erasure: Erasure) -> None:
    """Whoever places a legal hold locks the model too: it is seen here, or comes afterwards."""
    shelves.locked_model(erasure.model_id)
    if holds_on(erasure.model):
        raise Held


def _hold(claim: claims.Claim) -> None:
    if not claims.keep(claim=claim):
        raise claims.Fenced(f"job {claim.job_id} was taken over")


def _remove_old(erasure: Erasure) -> None:
    """Also those of a run that was killed between its swap and its removal."""
    for path in erasure.files.values_list("old_path", flat=True):
        store.delete(path)


def _parked(erasure: Erasure, ids: Collection[str]) -> int:
    removed, keys = 0, sorted(ids)
    for place in range(0, len(keys), AT_ONCE):
        rows = ParkedOutcome.objects.filter(
            model=erasure.model_id, prediction_id__in=keys[place : place + AT_ONCE]
        )
        removed += rows.delete()[0]
    return removed


def _scrub_answers(erasure: Erasure, ids: Collection[str]) -> int:
    """What was answered about rejected rows may quote an id: the quote goes, the answer stays."""
    scrubbed = 0
    told = Batch.objects.filter(model=erasure.model_id, answer__has_key="reasons")
    for batch in told.order_by("pk").iterator(chunk_size=500):
        reasons = [_scrubbed(one, ids) for one in batch.answer["reasons"]]
        if reasons != batch.answer["reasons"]:
            answer = {**batch.answer, "reasons": reasons}
            Batch.objects.filter(pk=batch.pk).update(answer=answer)
            scrubbed += 1
    return scrubbed


def _scrubbed(reason: dict[str, Any], ids: Collection[str]) -> dict[str, Any]:
    message = str(reason.get("message", ""))
    quoted = next((one for one in ids if repr(one[:60]) in message), None)
    return {**reason, "message": GONE} if quoted is not None else reason


def erase_explanations(model_id: int, ids: Collection[str]) -> dict[str, int]:
    """The seam for stored explanations: by prediction id, where there is such a table."""
    table = apps.all_models["monitoring"].get("explanation")
    if table is None:
        return {"kept": 0, "removed": 0}
    rows = table._default_manager.filter(version__model=model_id)
    removed, keys = 0, sorted(ids)
    for place in range(0, len(keys), AT_ONCE):
        removed += rows.filter(prediction_id__in=keys[place : place + AT_ONCE]).delete()[0]
    return {"kept": rows.count(), "removed": removed}


@transaction.atomic
def _finish(claim: claims.Claim, erasure: Erasure, ids: Collection[str], looked: int) -> None:
    _locked_and_free(erasure)
    claims.finish(claim=claim)
    parked, scrubbed = _parked(erasure, ids), _scrub_answers(erasure, ids)
    explained = erase_explanations(erasure.model_id, ids)
    salt = ErasureSalt.objects.get(model=erasure.model_id).salt
    hashes = sorted(hashed(salt, one) for one in ids)
    proof = {
        "files_looked_at": looked,
        "files_written_anew": erasure.files.count(),
        "predictions": _removed(erasure, BatchKind.PREDICTIONS),
        "outcomes": _removed(erasure, BatchKind.OUTCOMES),
        "parked_outcomes": parked,
        "answers_scrubbed": scrubbed,
        "explanations": explained["removed"],
        "retrainings": erasure.files.filter(step__name=StepName.COLLECT).count(),
        "references": references_with(erasure.model_id, ids),
        "ids": len(hashes),
        "ids_digest": hashlib.sha256("".join(hashes).encode()).hexdigest(),
    }
    Erasure.objects.filter(pk=erasure.pk).update(
        state=ErasureState.DONE,
        selection=None,
        found=None,
        holds=[],
        proof=proof,
        finished_at=Now(),
    )
    record(SYSTEM, MonitoringEvent.ROWS_ERASED, erasure, **proof)


def references_with(model_id: int, ids: Collection[str]) -> list[dict[str, int]]:
    """Versions whose reference has such rows: what monitors are judged by is not changed."""
    rows = Reference.objects.filter(version__model=model_id).select_related("version__schema")
    found = []
    for one in rows.order_by("version__number"):
        schema = schema_of(one.version)
        if schema is not None and store.exists(one.path):
            there = files.positions(one.path, column=schema.id.name, values=ids)
            found += [{"version": one.version.number, "rows": len(there)}] if len(there) else []
    return found


def _removed(erasure: Erasure, kind: str) -> int:
    found = erasure.files.filter(batch__kind=kind).aggregate(total=Sum("removed"))
    return found["total"] or 0
