"""Predictions and outcomes come in: checked, written durably, answered only after the commit."""

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from accounts.policies import require
from audit.record import record_volume
from ledger import claims
from monitoring.events import MonitoringEvent
from monitoring.gateways import uploads
from monitoring.gateways.columns import MOMENT
from monitoring.gateways.parquet import written
from monitoring.gateways.refusals import Reasons, UploadRefused
from monitoring.gateways.uploads import Upload
from monitoring.models import Batch, BatchKind, OutcomeKind
from monitoring.policies import can_send
from monitoring.reads.baselines import schema_of
from monitoring.reads.erased import erased_among, hold_for_taking, newest
from monitoring.services import earlier
from monitoring.stats.building import FAILED_COMPONENT
from registry.gateways import store
from registry.models import Model, Version
from registry.schemas import Dtype, Field, FieldRole, PredictionSchema

FLAGGED_AHEAD = timedelta(minutes=10)
MODES = ("whole", "partial")
LONGEST_KEY = 100
ONLY_SENDERS = "Only service accounts and developers of the model's team send data."


class ErasedMeanwhile(Exception):
    """An erasure began after the batch was checked for erased ids."""


@dataclass(frozen=True)
class Sent:
    """What arrived: the bytes and what was said about them."""

    key: str
    body: bytes
    content_type: str
    encoding: str = ""
    mode: str = "whole"
    outcome_kind: str = OutcomeKind.TRUE

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


@dataclass(frozen=True)
class Accepted:
    """The answer to a batch; `repeated` says that it had been answered before."""

    answer: dict[str, Any]
    repeated: bool = False


@dataclass(frozen=True)
class Place:
    """Where a batch belongs."""

    kind: BatchKind
    model: Model
    version: Version | None = None

    @property
    def folder(self) -> str:
        if self.version is not None:
            return f"predictions/{self.version.pk}"
        return f"outcomes/{self.model.pk}"

    @property
    def job(self) -> str:
        return "monitoring.fold" if self.version is not None else "monitoring.join"


def accept_predictions(
    *,
    actor: User,
    version_id: int,
    key: str,
    body: bytes,
    content_type: str,
    encoding: str = "",
    mode: str = "whole",
) -> Accepted:
    """Take a batch of a version's prediction log.

    `key` is the sender's idempotency key (empty: the body's digest): the same key with the same
    bytes gets the same answer again. A batch with any bad row is refused whole; `mode="partial"`
    stores the good rows. A row whose id was sent before with other values is a bad one (409).

    Raises:
        Refused: the actor may not send for this model.
        UploadRefused: the batch is not taken (400, 409, 413, 415, 422); nothing was stored.
    """
    version = Version.objects.select_related("model", "schema").get(pk=version_id)
    require(can_send(actor, version.model), ONLY_SENDERS)
    place = Place(BatchKind.PREDICTIONS, version.model, version)
    declared = schema_of(version)
    if declared is None:
        raise UploadRefused(
            409, "no_schema", f"{version} has no schema yet; declare it with PUT …/schema."
        )
    sent = _checked(Sent(key, body, content_type, encoding, mode))
    return _answered(place, sent) or _take(actor, place, sent, declared.logged, declared)


def accept_outcomes(
    *,
    actor: User,
    model_id: int,
    key: str,
    body: bytes,
    content_type: str,
    encoding: str = "",
    mode: str = "whole",
    outcome_kind: str = OutcomeKind.TRUE,
) -> Accepted:
    """Take outcomes: `prediction_id`, `outcome`, and where known `prediction_time`, `outcome_time`.

    They are joined with the predictions of every version of the model; keys, modes and refusals are
    those of `accept_predictions`. Natural and proxy outcomes are counted apart from true ones. Of a
    staged pipeline, `failed_component` may name the stage that failed.
    """
    model = Model.objects.get(pk=model_id)
    require(can_send(actor, model), ONLY_SENDERS)
    place = Place(BatchKind.OUTCOMES, model)
    sent = _checked(Sent(key, body, content_type, encoding, mode, outcome_kind))
    fields = outcome_fields(model)
    return _answered(place, sent) or _take(actor, place, sent, fields)


def outcome_fields(model: Model) -> tuple[Field, ...]:
    """The columns of an outcome upload; the outcome has the type that the newest schema declares.

    Raises:
        UploadRefused: 409 while no version of the model has a schema with an outcome.
    """
    versions = Version.objects.filter(model=model, schema__isnull=False).select_related("schema")
    for version in versions.order_by("-number"):
        declared = schema_of(version)
        if declared is not None and declared.outcome is not None:
            return _outcome_columns(declared.outcome, tuple(model.components))
    raise UploadRefused(
        409,
        "no_schema",
        f"No version of {model} has a schema with an outcome; declare it with PUT …/schema.",
    )


def _outcome_columns(outcome: Field, components: tuple[str, ...]) -> tuple[Field, ...]:
    return (
        Field("prediction_id", Dtype.STRING, FieldRole.ID, nullable=False),
        Field(
            "outcome",
            outcome.dtype,
            FieldRole.OUTCOME,
            outcome.minimum,
            outcome.maximum,
            outcome.categories,
            nullable=False,
        ),
        Field("prediction_time", Dtype.TIMESTAMP, FieldRole.TIMESTAMP),
        Field("outcome_time", Dtype.TIMESTAMP, FieldRole.TIMESTAMP),
        Field(FAILED_COMPONENT, Dtype.STRING, FieldRole.OUTCOME, categories=components),
    )


def _checked(sent: Sent) -> Sent:
    if sent.mode not in MODES:
        raise UploadRefused(400, "mode", "mode is 'whole' (as if not given) or 'partial'.")
    if len(sent.key) > LONGEST_KEY or not sent.key.isprintable():
        raise UploadRefused(
            400, "key", f"An Idempotency-Key has at most {LONGEST_KEY} printable signs."
        )
    if sent.outcome_kind not in OutcomeKind.values:
        known = ", ".join(OutcomeKind.values)
        raise UploadRefused(400, "outcome_kind", f"outcome_kind is one of {known}.")
    return replace(sent, key=sent.key or sent.digest)


def _answered(place: Place, sent: Sent) -> Accepted | None:
    """The earlier answer to this key, if there is one."""
    before = Batch.objects.filter(
        kind=place.kind, model=place.model, version=place.version, key=sent.key
    ).first()
    if before is None:
        return None
    if before.body_digest != sent.digest:
        raise UploadRefused(
            409,
            "key_used",
            f"Key {sent.key!r} was used for other bytes (batch {before.pk}); use a new key.",
        )
    return Accepted(before.answer, repeated=True)


def _take(
    actor: User,
    place: Place,
    sent: Sent,
    fields: tuple[Field, ...],
    declared: PredictionSchema | None = None,
) -> Accepted:
    now = timezone.now()
    upload = uploads.parse(
        sent.body,
        content_type=sent.content_type,
        encoding=sent.encoding,
        fields=fields,
        now=now,
    )
    ids = declared.id.name if declared else "prediction_id"
    table = _one_row_per_id(upload, ids)
    checked, table = newest(place.model.pk), _not_erased(upload, table, place, ids)
    _refuse_or_go_on(upload, table, sent.mode)
    if place.version is not None and declared is not None:
        table = _first_stays(upload, table, place.version, declared, sent.mode)
    first, last = _times(place, table, declared, now)
    table = table.take(pc.sort_indices(first))
    content = written(table)
    first_at, last_at = pc.min(first).as_py(), pc.max(last).as_py()
    name = f"{place.folder}/{first_at:%Y-%m-%d}/{uuid4().hex}.parquet"
    file_digest = store.put_bytes(name, content)
    batch = Batch(
        kind=place.kind,
        model=place.model,
        version=place.version,
        outcome_kind=sent.outcome_kind,
        key=sent.key,
        body_digest=sent.digest,
        path=name,
        file_digest=file_digest,
        rows=table.num_rows,
        rejected=upload.sent - table.num_rows,
        bytes=len(content),
        first_at=first_at,
        last_at=last_at,
        sent_by=actor,
        received_at=now,
    )
    return _committed(place, sent, batch, upload.reasons, checked)


def _not_erased(upload: Upload, table: pa.Table, place: Place, name: str) -> pa.Table:
    """The table without rows of predictions that were erased; the ids are not told again."""
    ids = table.column(name)
    gone = erased_among(place.model.pk, ids.to_pylist())
    if not gone:
        return table
    for one in gone:
        row = pc.index(upload.table.column(name), pa.scalar(one, ids.type)).as_py()
        said = "The rows of this prediction were erased at its subject's request."
        upload.reasons.add(row, name, "erased", said)
    return table.filter(pc.invert(pc.is_in(ids, pa.array(sorted(gone, key=str), ids.type))))


def _refuse_or_go_on(upload: Upload, table: pa.Table, mode: str) -> None:
    wrong = upload.reasons
    if wrong and (mode == "whole" or wrong.whole or not table.num_rows):
        raise wrong.refusal(upload.sent)


def _one_row_per_id(upload: Upload, name: str) -> pa.Table:
    """The table without equal rows of one id; different rows of one id are a fault."""
    table = upload.table
    ids = table.column(name)
    if len(ids.unique()) == table.num_rows:
        return table
    first: dict[Any, tuple[int, dict[str, Any]]] = {}
    kept = []
    for place, row in enumerate(table.to_pylist()):
        earlier = first.setdefault(row[name], (place, row))
        if earlier[0] == place:
            kept.append(place)
        elif earlier[1] != row:
            message = f"{row[name][:60]!r} is in the batch twice with different values."
            upload.reasons.add(place, name, "conflict", message)
    return table.take(pa.array(kept, pa.int64()))


def _first_stays(
    upload: Upload, table: pa.Table, version: Version, declared: PredictionSchema, mode: str
) -> pa.Table:
    """The table without rows whose id was stored with other values; `whole` refuses them."""
    name = declared.id.name
    ids, made = table.column(name), table.column(declared.timestamp.name)
    other = earlier.contradicted(
        version_id=version.pk,
        table=table,
        id_column=name,
        first_at=pc.min(made).as_py(),
        last_at=pc.max(made).as_py(),
    )
    if not other:
        return table
    for one in other:
        message = f"{one[:60]!r} was sent before with other values; the first ones stay."
        upload.reasons.add(
            pc.index(upload.table.column(name), one).as_py(), name, "conflict", message
        )
    if mode == "whole" or len(other) == table.num_rows:
        raise UploadRefused(
            409,
            "conflict",
            f"{len(other)} of {upload.sent} rows have the id of an earlier prediction and other "
            "values. The earlier ones stay, nothing was stored. Give a new prediction an id of its "
            "own, or ask for mode=partial to store the other rows.",
            errors=upload.reasons.first,
            counts=dict(upload.reasons.counts),
        )
    return table.filter(pc.invert(pc.is_in(ids, pa.array(other, ids.type))))


def _times(
    place: Place, table: pa.Table, declared: PredictionSchema | None, now: datetime
) -> tuple[pa.ChunkedArray, pa.ChunkedArray]:
    """When each prediction was made, at the earliest and at the latest.

    An outcome may not say it: then its prediction is as old as the model's horizon allows.
    """
    if declared is not None:
        made = table.column(declared.timestamp.name)
        return made, made
    horizon = pa.scalar(timedelta(hours=place.model.outcome_horizon_hours), pa.duration("us"))
    known = pc.coalesce(table.column("outcome_time"), pa.scalar(now, MOMENT))
    said = table.column("prediction_time")
    return pc.coalesce(said, pc.subtract(known, horizon)), pc.coalesce(said, known)


def _committed(place: Place, sent: Sent, batch: Batch, reasons: Reasons, checked: int) -> Accepted:
    """Manifest row and ledger job in one transaction; a lost race gives the winner's answer."""
    try:
        with transaction.atomic():
            hold_for_taking(place.model.pk)
            if newest(place.model.pk) != checked:
                raise ErasedMeanwhile
            batch.answer = {}
            batch.save(force_insert=True)
            batch.answer = _answer(batch, reasons)
            batch.save(update_fields=["answer"])
            _fix_schema(place.version)
            claims.enqueue(kind=place.job, key=str(batch.pk), subject_id=batch.pk)
            _record(batch)
    except ErasedMeanwhile as erased:
        store.delete(batch.path)
        said = "Rows of this model were erased in the same moment; send the batch again."
        raise UploadRefused(409, "erased_meanwhile", said) from erased
    except IntegrityError:
        store.delete(batch.path)
        before = _answered(place, sent)
        if before is None:
            raise
        return before
    return Accepted(batch.answer)


def _record(batch: Batch) -> None:
    """In the volume lane: thousands of batches do not queue up for the chain's lock."""
    record_volume(
        batch.sent_by,
        MonitoringEvent.BATCH_RECEIVED,
        batch,
        kind=batch.kind,
        version=batch.version.number if batch.version else None,
        key=batch.key,
        rows=batch.rows,
        rejected=batch.rejected,
        body_digest=batch.body_digest,
        file_digest=batch.file_digest,
    )


def _fix_schema(version: Version | None) -> None:
    """From a version's first batch on its schema stays: what is stored was checked against it."""
    if version is not None and version.first_prediction_at is None:
        unused = Version.objects.filter(pk=version.pk, first_prediction_at__isnull=True)
        unused.update(first_prediction_at=Now())


def _answer(batch: Batch, reasons: Reasons) -> dict[str, Any]:
    found: dict[str, Any] = {
        "batch": batch.pk,
        "rows": batch.rows,
        "rejected": batch.rejected,
        "first_at": batch.first_at.isoformat(),
        "last_at": batch.last_at.isoformat(),
        "digest": batch.file_digest,
    }
    if batch.last_at > batch.received_at + FLAGGED_AHEAD:
        found["warnings"] = ["Some rows are more than ten minutes ahead of this server's clock."]
    if reasons:
        found["reasons"], found["counts"] = reasons.first, dict(reasons.counts)
    return found
