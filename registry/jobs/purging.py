"""Purges an archive: its bytes are removed, and a tombstone with the digest of its manifest stays.

Three steps, each of which may be killed and done again: it is begun in one transaction, in which
hold and retention are looked at a last time; the manifest goes first, so that half a folder is no
archive; and when nothing is left, everything is written down in one transaction.
"""

from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from audit.chain import plain, sha256_of
from audit.jobs.checkpoint import checkpoint_after
from audit.record import SYSTEM, record
from ledger import claims
from registry.events import RegistryEvent
from registry.gateways import folders
from registry.jobs.verification import MANIFEST
from registry.models import Archive, Model, Purge, PurgeState, Version
from registry.reads.purges import why_not
from registry.states import ArchiveState, move

KIND = "registry.purge"
FORMAT = "ombud-purge/1"


class StillThere(Exception):
    """Files of the archive are left in the store; the ledger tries again."""


def purge_archive(claim: claims.Claim) -> None:
    """Remove one archive's bytes, if it was confirmed and nothing has come between.

    Raises:
        StillThere, OSError: the store did not remove everything; the ledger tries again.
    """
    purge = _begin(claim)
    if purge is None:
        return
    _remove(purge.archive)
    if left := folders.left(purge.archive.path):
        raise StillThere(f"{left} files of {purge.archive.path} are still in the store.")
    _finish(claim, purge)


@transaction.atomic
def _begin(claim: claims.Claim) -> Purge | None:
    """From here there is no way back; None if there is nothing to do, or no more reason to."""
    purge = _locked(claim.subject_id)
    if purge.state != PurgeState.CONFIRMED:
        claims.finish(claim=claim)
        return None
    if purge.began_at is not None:
        return purge if _mine(claim) else None
    if why := why_not(purge.archive):
        _stop(claim, purge, why)
        return None
    if not _mine(claim):
        return None
    Archive.objects.filter(pk=purge.archive_id).update(state=ArchiveState.PURGING)
    Purge.objects.filter(pk=purge.pk).update(began_at=Now())
    facts = {"digest": purge.archive.digest, "path": purge.archive.path}
    record(SYSTEM, RegistryEvent.PURGE_BEGUN, purge, **facts)
    return purge


def _mine(claim: claims.Claim) -> bool:
    if not claims.keep(claim=claim):
        raise claims.Fenced(f"job {claim.job_id} was taken over")
    return True


def _stop(claim: claims.Claim, purge: Purge, why: str) -> None:
    """Something came between signature and job: nothing is removed, and it has to be asked anew."""
    claims.finish(claim=claim)
    Purge.objects.filter(pk=purge.pk).update(
        state=PurgeState.REFUSED, finished_at=Now(), decided_because=f"Stopped: {why}"[:1000]
    )
    record(SYSTEM, RegistryEvent.PURGE_STOPPED, purge, reason=why)


def _remove(archive: Archive) -> None:
    """The manifest first: what is left afterwards is no archive to anybody."""
    folders.remove(archive.path, first=MANIFEST)


@transaction.atomic
def _finish(claim: claims.Claim, purge: Purge) -> None:
    purge = _locked(purge.pk)
    claims.finish(claim=claim)
    archive, version = purge.archive, purge.archive.version
    stone = tombstone_of(purge)
    stage = move(version.stage, "purge")
    Version.objects.filter(pk=version.pk).update(stage=stage, stage_since=Now())
    Archive.objects.filter(pk=archive.pk).update(state=ArchiveState.PURGED, documents={}, error="")
    Purge.objects.filter(pk=purge.pk).update(
        state=PurgeState.DONE,
        tombstone=stone,
        tombstone_digest=sha256_of(stone),
        finished_at=stone["purged_at"],
    )
    if version.model.mlflow_name:
        claims.again(kind="registry.push", key=str(version.model_id), subject_id=version.model_id)
    facts = {"digest": archive.digest, "tombstone": sha256_of(stone)}
    counts = {"files": stone["archive"]["files"], "bytes": archive.size}
    checkpoint_after(record(SYSTEM, RegistryEvent.ARCHIVE_PURGED, archive, **facts, **counts))


def tombstone_of(purge: Purge) -> dict[str, Any]:
    """What stays: what it was, by its digests, who ended it and why."""
    archive, version = purge.archive, purge.archive.version
    found: dict[str, Any] = plain(
        {
            "format": FORMAT,
            "model": version.model.slug,
            "version": version.number,
            "artifact_digest": version.artifact_digest,
            "archive": {
                "manifest": archive.digest,
                "files": len(archive.manifest.get("files", [])),
                "bytes": archive.size,
                "path": archive.path,
                "sealed_at": archive.sealed_at,
            },
            "kept_until": purge.kept_until,
            "reason": purge.reason,
            "asked_by": purge.asked_name,
            "asked_at": purge.asked_at,
            "confirmed_by": purge.decided_name,
            "confirmed_at": purge.decided_at,
            "signed_digest": purge.digest,
            "method": purge.method,
            "purged_at": timezone.now(),
        }
    )
    return found


def _locked(purge_id: int) -> Purge:
    """The purge as it is now; the model first, then the archive, as everywhere."""
    rows = Purge.objects.select_related("archive__version")
    found = rows.get(pk=purge_id)
    Model.objects.select_for_update(no_key=True).get(pk=found.archive.version.model_id)
    Archive.objects.select_for_update(no_key=True).defer("documents").get(pk=found.archive_id)
    return (
        Purge.objects.select_for_update(no_key=True, of=("self",))
        .select_related("archive__version__model")
        .get(pk=purge_id)
    )
