"""Is an archive still what was sealed? Every byte is read again and compared.

After sealing, before restoring, when somebody asks, and one archive a day in turn.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from audit.record import SYSTEM, record
from ledger import claims
from ledger.models import Job, JobState
from registry.events import RegistryEvent
from registry.gateways import folders, store
from registry.gateways.store import StoreError
from registry.models import Archive
from registry.states import ArchiveState

MANIFEST = "manifest.json"
KIND = "registry.verify"
EVERY = timedelta(days=1)


class ArchiveBroken(Exception):
    """A byte differs, a file is missing or one is too many; the message names it."""


@dataclass(frozen=True)
class Verified:
    """How much was looked at: a verifier that checked nothing has failed."""

    files: int
    bytes: int


def verify(archive: Archive) -> Verified:
    """Read the whole archive and compare it with the digest that the database keeps.

    Raises:
        ArchiveBroken: naming the first file that is not what it was.
    """
    files = sealed_files(archive)
    expected = {f"{archive.path}/{file['path']}" for file in files}
    found = {name for name, _ in store.listed(archive.path)} - {f"{archive.path}/{MANIFEST}"}
    if missing := sorted(expected - found):
        raise ArchiveBroken(f"{missing[0]} is missing.")
    if extra := sorted(found - expected):
        raise ArchiveBroken(f"{extra[0]} is not in the manifest.")
    for file in files:
        for _ in checked(archive.path, file):
            pass
    if not files:
        raise ArchiveBroken("The manifest names no files: nothing was checked.")
    return Verified(len(files), sum(file["size"] for file in files))


def sealed_files(archive: Archive) -> list[dict[str, Any]]:
    """The files that the manifest names, if it is the one that was sealed."""
    name = f"{archive.path}/{MANIFEST}"
    try:
        raw = store.read(name)
    except StoreError as error:
        raise ArchiveBroken(f"{name} is missing.") from error
    if hashlib.sha256(raw).hexdigest() != archive.digest:
        raise ArchiveBroken(f"{name} is not the manifest that was sealed.")
    files: list[dict[str, Any]] = json.loads(raw)["files"]
    return files


def checked(folder: str, file: dict[str, Any]) -> Iterator[bytes]:
    """The bytes of one file, as they are read; broken at the end if they are not the sealed ones.

    Whoever uses the pieces must not trust them before the last one has come.
    """
    name = f"{folder}/{file['path']}"
    digest = hashlib.sha256()
    size = 0
    try:
        for piece in folders.pieces(name):
            digest.update(piece)
            size += len(piece)
            yield piece
    except StoreError as error:
        raise ArchiveBroken(f"{name} is missing.") from error
    if size != file["size"] or digest.hexdigest() != file["sha256"]:
        raise ArchiveBroken(f"{name} is not what was sealed: its bytes have changed.")


def enqueue_verification(*, archive_id: int) -> bool:
    """Have an archive verified, unless it waits for that or is being read; whether it was new.

    The caller holds the archive's lock, so that it is asked for once.
    """
    jobs = Job.objects.filter(kind=KIND, key=str(archive_id))
    if jobs.filter(state__in=[JobState.DUE, JobState.RUNNING]).exists():
        return False
    claims.again(kind=KIND, key=str(archive_id), subject_id=archive_id)
    return True


@transaction.atomic
def verify_oldest() -> bool:
    """Once a day, the archive not verified for longest; any number of beats is harmless."""
    sealed = Archive.objects.filter(state=ArchiveState.SEALED).order_by(
        F("verified_at").asc(nulls_first=True), "pk"
    )
    oldest = sealed.select_for_update(no_key=True, skip_locked=True).defer("documents").first()
    lately = Job.objects.filter(kind=KIND, finished_at__gt=Now() - EVERY)
    if oldest is None or lately.exists():
        return False
    return enqueue_verification(archive_id=oldest.pk)


def verify_archive(claim: claims.Claim) -> None:
    """Verify one archive; what is found is on the trail, and a broken one counts as not verified.

    Raises:
        OSError: the store does not answer; the ledger tries again.
    """
    archive = Archive.objects.select_related("version__model").get(pk=claim.subject_id)
    if archive.state != ArchiveState.SEALED:
        with transaction.atomic():
            claims.finish(claim=claim)
        return
    try:
        seen = verify(archive)
    except ArchiveBroken as error:
        _found(claim, archive, None, str(error))
        return
    _found(claim, archive, seen, "")


@transaction.atomic
def _found(claim: claims.Claim, archive: Archive, seen: Verified | None, broken: str) -> None:
    # The archive before its job, as the service that asks for it: no deadlock.
    held = Archive.objects.select_for_update(no_key=True).filter(pk=archive.pk)
    held.get()
    claims.finish(claim=claim)
    held.update(verified_at=None if broken else Now(), error=broken[:500])
    if seen is None:
        record(SYSTEM, RegistryEvent.ARCHIVE_BROKEN, archive, reason=broken[:500])
    else:
        facts = {"files": seen.files, "bytes": seen.bytes, "digest": archive.digest}
        record(SYSTEM, RegistryEvent.ARCHIVE_VERIFIED, archive, **facts)
