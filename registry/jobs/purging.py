"""Purges an archive: its bytes are removed, and a tombstone with the digest of its manifest stays.

Each step may be killed and done again: it is begun in one transaction, in which hold and retention
are looked at a last time; then the files go (`STEPS`), the manifest first, so that half a folder is
no archive; and when nothing is left, everything is written down in one transaction.

The reference goes too: it is the version's data, and the archive held a copy of it.
"""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from audit.chain import plain, sha256_of
from audit.jobs.checkpoint import checkpoint_after
from audit.record import SYSTEM, record
from ledger import claims
from registry.events import RegistryEvent
from registry.gateways import folders
from registry.jobs.verification import MANIFEST
from registry.models import Archive, Model, Purge, PurgeState, Reference, Version
from registry.reads.purges import why_not
from registry.states import ArchiveState, move

KIND = "registry.purge"
FORMAT = "ombud-purge/2"
STAYS = (
    "What is written about the version: card, requests, signatures, findings, the audit trail.",
    "Its measurements and profiles, also those of its reference.",
    "Its prediction logs, until their own retention ends, and what retrainings kept of them.",
    "Copies that somebody downloaded, and backups of the store.",
)
IN_MLFLOW = "Its version in MLflow: no retirement removed it there."


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
    for step in STEPS.values():
        step(purge.archive)
    _finish(claim, purge, stays(purge.archive))


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


def _remove_archive(archive: Archive) -> None:
    """The manifest first: what is left afterwards is no archive to anybody."""
    folders.remove(archive.path, first=MANIFEST)


def _remove_attempts(archive: Archive) -> None:
    """What killed workers had built and a store had locked before the archive was sealed."""
    parent, _, own = archive.path.rpartition("/")
    names = {*folders.names(parent), *folders.locked_back(parent, but=own)} - {own}
    mine = [name for name in sorted(names) if name.startswith(f"{archive.pk}-")]
    folders.sweep(parent, finished=mine)


def _remove_reference(archive: Archive) -> None:
    """Every file that was given as the version's reference, unless another version uses one."""
    if not used_by(archive.version):
        for name in _reference_files(archive.version):
            folders.remove_file(name)
        folders.remove(_reference_folder(archive.version), first="")


def used_by(version: Version) -> str:
    """Another version whose reference is one of this one's files; empty if there is none."""
    row = Reference.objects.filter(version=version).first()
    mine = Q(path__startswith=f"{_reference_folder(version)}/")
    mine |= Q(path=row.path) if row else Q()
    others = Reference.objects.exclude(version=version).filter(mine)
    other = others.select_related("version__model").order_by("version").first()
    return str(other.version) if other else ""


def _reference_folder(version: Version) -> str:
    return f"references/{version.pk}"


def _reference_files(version: Version) -> list[str]:
    """The row's own file: that of a restored version lies in another folder."""
    return list(Reference.objects.filter(version=version).values_list("path", flat=True))


def _look(archive: Archive) -> None:
    """Nothing is written down before the store says that nothing is left."""
    left = folders.left(archive.path)
    if not used_by(archive.version):
        left += folders.left(_reference_folder(archive.version))
        left += sum(folders.file_left(name) for name in _reference_files(archive.version))
    if left:
        raise StillThere(f"{left} files of {archive} are still in the store.")


# In this order, when it has begun; each may be done twice.
STEPS: dict[str, Callable[[Archive], None]] = {
    "archive": _remove_archive,
    "attempts": _remove_attempts,
    "reference": _remove_reference,
    "look": _look,
}


@transaction.atomic
def _finish(claim: claims.Claim, purge: Purge, left: list[str]) -> None:
    purge = _locked(purge.pk)
    claims.finish(claim=claim)
    archive, version = purge.archive, purge.archive.version
    stone = tombstone_of(purge, left)
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


def tombstone_of(purge: Purge, left: list[str]) -> dict[str, Any]:
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
            "reference": _reference_told(version),
            "stays": left,
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


def _reference_told(version: Version) -> dict[str, Any] | None:
    """The reference by its digest, and whether its file is gone; None if there was none."""
    row = Reference.objects.filter(version=version).first()
    if row is None:
        return None
    user = used_by(version)
    told = {"digest": row.digest, "rows": row.rows, "removed": not user}
    return told | ({"used_by": user} if user else {})


def stays(archive: Archive) -> list[str]:
    """What a purge leaves, in sentences."""
    parent, _, own = archive.path.rpartition("/")
    version, mine = archive.version, f"{archive.pk}-"
    held = folders.locked_back(parent, but=own).items()
    locked = sum(files for name, files in held if name.startswith(mine))
    return [
        *STAYS,
        *([IN_MLFLOW] if version.mlflow_version and not version.source_removed_at else []),
        *([f"Files that the store has locked for longer: {locked}."] if locked else []),
    ]


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
