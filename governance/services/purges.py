"""Purges: asked for by one person, confirmed and signed by another, or refused."""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from accounts.policies import require
from accounts.proofs import Proof
from audit.jobs.checkpoint import checkpoint_after
from audit.record import record
from governance.events import GovernanceEvent
from governance.jobs.locks import lock_models
from governance.policies import can_purge
from governance.refusals import EvidenceChanged, NotOpen, Unable
from governance.services.proofs import digest_of, prove, words
from ledger import claims
from registry.models import Archive, Purge, PurgeState
from registry.reads.purges import last_day, why_not

ONLY_COMPLIANCE = "A risk officer of the team or an administrator asks for a purge."
ONLY_ANOTHER = "Another risk officer or administrator than who asked confirms a purge."
KIND = "registry.purge"


class KeptYet(Unable):
    """A hold, the retention rule or something under way stands against it."""

    code = "kept_yet"


@transaction.atomic
def ask_to_purge(*, actor: User, archive_id: int, reason: str) -> Purge:
    """Ask that an archive whose retention is over is removed; another person confirms it.

    Raises:
        Refused: the actor does not answer for compliance here.
        KeptYet: a legal hold or the retention rule keeps it, or it is asked for already.
        Incomplete: no reason is given.
    """
    archive = _locked(archive_id)
    require(can_purge(actor, archive.version.model), ONLY_COMPLIANCE)
    said = words("reason", reason, 1000)
    _refuse_kept(archive)
    if archive.purges.running().exists():
        raise KeptYet("Its purge is asked for already.")
    content = _content(archive)
    row = Purge.objects.create(
        archive=archive,
        reason=said,
        kept_until=content["kept_until"],
        digest=digest_of({**content, "reason": said}),
        asked_by=actor,
        asked_name=actor.name,
    )
    record(actor, GovernanceEvent.PURGE_ASKED, row, **content, reason=said, digest=row.digest)
    return row


def confirm_purge(
    *, actor: User, purge_id: int, reason: str, digest: str, password: str | Proof
) -> Purge:
    """Sign that the archive is removed for good; a job does it.

    Raises:
        Refused: the actor asked for it, or does not answer for compliance here.
        NotOpen, EvidenceChanged, KeptYet, Incomplete, WrongPassword: nothing was signed.
    """
    said = words("reason", reason, 1000)
    row = Purge.objects.select_related("archive__version__model").get(pk=purge_id)
    require(_another(actor, row), ONLY_ANOTHER)
    method = prove(actor=actor, subject=row, password=password, digest=digest)
    return _confirmed(actor, purge_id, said, digest, method)


@transaction.atomic
def _confirmed(actor: User, purge_id: int, reason: str, digest: str, method: str) -> Purge:
    row = _open(purge_id)
    require(_another(actor, row), ONLY_ANOTHER)
    if digest != row.digest:
        raise EvidenceChanged("The request is not the one that you read. Read it again.")
    _refuse_kept(row.archive)
    _decide(row, PurgeState.CONFIRMED, actor, reason, method=method)
    claims.enqueue(kind=KIND, key=str(row.pk), subject_id=row.pk)
    facts = {"digest": digest, "method": method, "reason": reason}
    checkpoint_after(record(actor, GovernanceEvent.PURGE_CONFIRMED, row, **facts))
    row.refresh_from_db()
    return row


@transaction.atomic
def refuse_purge(*, actor: User, purge_id: int, reason: str) -> Purge:
    """The archive stays; who asked takes it back in the same way."""
    row = _open(purge_id)
    require(can_purge(actor, row.archive.version.model), ONLY_COMPLIANCE)
    said = words("reason", reason, 1000)
    _decide(row, PurgeState.REFUSED, actor, said, finished_at=Now())
    record(actor, GovernanceEvent.PURGE_REFUSED, row, reason=said)
    row.refresh_from_db()
    return row


def _another(actor: User, row: Purge) -> bool:
    return actor.pk != row.asked_by_id and can_purge(actor, row.archive.version.model)


def _decide(row: Purge, state: PurgeState, actor: User, reason: str, **more: Any) -> None:
    Purge.objects.filter(pk=row.pk).update(
        state=state,
        decided_by=actor,
        decided_name=actor.name,
        decided_at=Now(),
        decided_because=reason,
        **more,
    )


def _refuse_kept(archive: Archive) -> None:
    if why := why_not(archive):
        raise KeptYet(why)


def _content(archive: Archive) -> dict[str, Any]:
    """What is signed: which bytes, by their manifest's digest, and when their years are over."""
    return {
        "model": archive.version.model.slug,
        "version": archive.version.number,
        "manifest": archive.digest,
        "bytes": archive.size,
        "kept_until": last_day(archive),
    }


def _locked(archive_id: int) -> Archive:
    model_id = Archive.objects.values_list("version__model_id", flat=True).get(pk=archive_id)
    lock_models([model_id])
    rows = Archive.objects.select_for_update(no_key=True, of=("self",)).defer("documents")
    return rows.select_related("version__model").get(pk=archive_id)


def _open(purge_id: int) -> Purge:
    archive = _locked(Purge.objects.values_list("archive_id", flat=True).get(pk=purge_id))
    rows = Purge.objects.select_for_update(no_key=True, of=("self",))
    row = rows.select_related("archive__version__model").get(pk=purge_id)
    if row.state != PurgeState.ASKED:
        raise NotOpen(f"The purge is {row.get_state_display()}; nothing is left to decide.")
    row.archive = archive
    return row
