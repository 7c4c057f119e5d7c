"""Erasure requests: asked for by compliance, checked and signed by another person, or refused."""

import calendar
from collections.abc import Sequence
from datetime import date

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import User
from accounts.policies import require
from accounts.proofs import Proof
from audit.jobs.checkpoint import checkpoint_after
from audit.record import record
from governance.events import GovernanceEvent
from governance.jobs.locks import lock_models
from governance.policies import can_check_erasure, can_erase
from governance.refusals import EvidenceChanged, Incomplete, NotOpen
from governance.services.proofs import digest_of, prove, words
from ledger import claims
from monitoring.models import Erasure, ErasureState
from monitoring.reads.baselines import schema_of
from registry.models import Model, Version
from registry.schemas import FieldRole

ONLY_COMPLIANCE = "A risk officer of the team or an administrator asks for an erasure."
ONLY_ANOTHER = "Another risk officer or administrator than who asked checks it."
MOST_IDS = 10_000
LONGEST_ID = 100
ERASABLE = (FieldRole.ID, FieldRole.GROUP)


@transaction.atomic
def ask_to_erase(
    *,
    actor: User,
    model_id: int,
    reference: str,
    basis: str,
    received_on: date,
    values: Sequence[str],
    by: str = "",
) -> Erasure:
    """Ask to erase predictions by their ids, or by the value of an `id` or `group` field.

    Raises:
        Refused: the actor does not answer for compliance here.
        Incomplete: a field makes no sense.
    """
    model = Model.objects.select_related("team").get(pk=model_id)
    require(can_erase(actor, model), ONLY_COMPLIANCE)
    named = _named(values)
    if by and by not in fields_of(model):
        raise Incomplete("by", "It is no field with the role id or group in a schema of the model.")
    if received_on > timezone.now().date():
        raise Incomplete("received_on", "It cannot have come in the future.")
    content = {
        "model": model.slug,
        "reference": words("reference", reference, 120),
        "basis": words("basis", basis, 300),
        "received_on": received_on,
        "due_on": month_after(received_on),
        "by": by,
        "selected": len(named),
    }
    row = Erasure.objects.create(
        **{**content, "model": model},
        selection=named,
        digest=digest_of({**content, "values": named}),
        asked_by=actor,
        printed_name=actor.name,
    )
    record(actor, GovernanceEvent.ERASURE_ASKED, row, **{k: str(v) for k, v in content.items()})
    return row


def check_erasure(
    *, actor: User, erasure_id: int, reason: str, digest: str, password: str | Proof
) -> Erasure:
    """Sign that the request is founded; the rows are erased by a job, or once holds are lifted.

    Raises:
        Refused: the actor asked for it, or does not answer for compliance here.
        NotOpen, EvidenceChanged, Incomplete, WrongPassword: as they say; nothing was signed.
    """
    said = words("reason", reason)
    row = Erasure.objects.select_related("model").get(pk=erasure_id)
    require(can_check_erasure(actor, row), ONLY_ANOTHER)
    method = prove(actor=actor, subject=row, password=password, digest=digest)
    return _checked(actor, erasure_id, said, digest, method)


@transaction.atomic
def _checked(actor: User, erasure_id: int, reason: str, digest: str, method: str) -> Erasure:
    row = _open(erasure_id)
    require(can_check_erasure(actor, row), ONLY_ANOTHER)
    if digest != row.digest:
        raise EvidenceChanged("The request is not the one that you read. Read it again.")
    Erasure.objects.filter(pk=row.pk).update(
        state=ErasureState.CHECKED,
        checked_by=actor,
        checked_name=actor.name,
        checked_at=Now(),
        method=method,
        reason=reason,
    )
    claims.enqueue(kind="monitoring.erase", key=str(row.pk), subject_id=row.pk)
    signed = record(
        actor,
        GovernanceEvent.ERASURE_CHECKED,
        row,
        reason=reason,
        digest=digest,
        method=method,
    )
    checkpoint_after(signed)
    row.refresh_from_db()
    return row


@transaction.atomic
def refuse_erasure(*, actor: User, erasure_id: int, reason: str) -> Erasure:
    """Say why it is not erased; the ids that were named are forgotten."""
    row = _open(erasure_id)
    require(can_check_erasure(actor, row), ONLY_ANOTHER)
    said = words("reason", reason)
    Erasure.objects.filter(pk=row.pk).update(
        state=ErasureState.REFUSED,
        selection=None,
        checked_by=actor,
        checked_name=actor.name,
        checked_at=Now(),
        finished_at=Now(),
        reason=said,
    )
    record(actor, GovernanceEvent.ERASURE_REFUSED, row, reason=said)
    row.refresh_from_db()
    return row


def _open(erasure_id: int) -> Erasure:
    model_id = Erasure.objects.values_list("model_id", flat=True).get(pk=erasure_id)
    lock_models([model_id])
    rows = Erasure.objects.select_for_update(no_key=True, of=("self",)).select_related("model")
    row = rows.get(pk=erasure_id)
    if row.state != ErasureState.ASKED:
        raise NotOpen(f"The erasure is {row.get_state_display()}; nothing is left to decide.")
    return row


def fields_of(model: Model) -> list[str]:
    """Fields by whose value a subject's rows can be named."""
    versions = Version.objects.filter(model=model, schema__isnull=False).select_related("schema")
    found: dict[str, None] = {}
    for version in versions.order_by("-number")[:20]:
        if (schema := schema_of(version)) is not None:
            found |= dict.fromkeys(field.name for field in schema.having(*ERASABLE))
    return list(found)


def _named(values: Sequence[str]) -> list[str]:
    named = sorted({value.strip() for value in values if value.strip()})
    if not named or len(named) > MOST_IDS or any(len(one) > LONGEST_ID for one in named):
        raise Incomplete("values", f"1 to {MOST_IDS:,} ids or values of up to {LONGEST_ID} signs.")
    return named


def month_after(day: date) -> date:
    """One month later (GDPR Art. 12(3)); the last day where the month is shorter."""
    year, month = (day.year + 1, 1) if day.month == 12 else (day.year, day.month + 1)
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
