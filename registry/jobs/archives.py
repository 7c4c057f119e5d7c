"""Writes an archive so that it is there whole or not at all.

Every attempt builds a folder of its own, named after its claim's token, so a worker that was taken
for dead cannot touch what another one has sealed. The archive counts from the moment its row says
`sealed`, which is after copying, hashing, syncing, renaming and reading back.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.module_loading import import_string

from audit.chain import canonical
from audit.record import SYSTEM, record
from ledger import claims
from registry.events import RegistryEvent
from registry.gateways import folders, mlflow_runs, object_locks
from registry.gateways.mlflow import MlflowRefused, UnsafeArtifactPath
from registry.gateways.store import StoreError
from registry.jobs.bundle import LOCK_FILE, README_FILE, lock_of, readme
from registry.jobs.contents import REFERENCE_FILE, SCHEMA_FILE, metadata, schema_of
from registry.jobs.drills import ask_for_drill
from registry.jobs.golden import golden_files
from registry.jobs.restoring import restore_archive
from registry.jobs.verification import MANIFEST, ArchiveBroken, verify
from registry.manifests import ENVIRONMENT_FILES, HashedFile
from registry.models import Archive, Model, Reference, Version
from registry.reads.retention import rule_in_force, years_after
from registry.reads.versions import files_of
from registry.states import ArchiveState, move
from sandbox.folders import own

__all__ = ["fail_archive", "restore_archive", "write_archive"]

FORMAT = "ombud-archive/1"
# Read by whoever opens the archive when there is no Ombud any more.
VERIFIERS = ("ombud_archive.py", "ombud_verify.py")


class ArchiveImpossible(Exception):
    """Trying again would not help: the bytes are not those that were registered."""


@dataclass
class _Work:
    """What one attempt has on its table; what it left half is gone when it ends."""

    claim: claims.Claim
    archive: Archive
    left_over: ExitStack
    folder: Path = field(default_factory=Path)
    # Whole folders of earlier attempts that the store has locked already.
    locked: list[str] = field(default_factory=list)
    files: list[HashedFile] = field(default_factory=list)
    kept_back: dict[str, Any] = field(default_factory=dict)

    @property
    def parent(self) -> str:
        return f"archives/{self.archive.version.model.slug}/{self.archive.version.number}"

    @property
    def own(self) -> str:
        """The folder of this attempt alone."""
        return f"{self.archive.pk}-{self.claim.token}"


def write_archive(claim: claims.Claim) -> None:
    """Copy, hash, sync, rename, read back, seal; a mismatch fails the archive and says where.

    Raises:
        MlflowUnavailable: the ledger tries again.
    """
    archive = Archive.objects.select_related("version__model").get(pk=claim.subject_id)
    if archive.state != ArchiveState.REQUESTED:
        with transaction.atomic():
            claims.finish(claim=claim)
        return
    with ExitStack() as left_over:
        work = _Work(claim, archive, left_over)
        try:
            for step in STEPS.values():
                step(work)
        except (ArchiveImpossible, ArchiveBroken, MlflowRefused, UnsafeArtifactPath) as error:
            if claims.keep(claim=claim):
                folders.sweep(work.parent, finished=[work.own])
            _fail(claim, archive, str(error))


def _sweep(work: _Work) -> None:
    """Remove what earlier attempts left, never what a later one builds; begin a folder."""
    earlier = [
        name
        for name in folders.names(work.parent)
        if name.rpartition("-")[2].isdigit() and int(name.rpartition("-")[2]) < work.claim.token
    ]
    if object_locks.wanted():
        work.locked = [one for one in earlier if object_locks.any_locked(f"{work.parent}/{one}")]
    folders.sweep(work.parent, finished=[one for one in earlier if one not in work.locked])
    work.folder = work.left_over.enter_context(folders.staged(f"{work.parent}/{work.own}"))


def _copy(work: _Work) -> None:
    found = _contents(work.archive.version, work.archive)
    work.files = [_put(work.folder, path, pieces) for path, pieces in found]


def _compare(work: _Work) -> None:
    compare_files(work.archive.version, work.files)


def _answer(work: _Work) -> None:
    """What the version answers to its golden inputs, computed from the files that were copied."""
    version = work.archive.version
    with own() as place:
        found = golden_files(version, work.folder / "artifacts", place)
        work.files += [_put(work.folder, path, [raw]) for path, raw in found]


def _list(work: _Work) -> None:
    manifest = _manifest(work.archive, work.files)
    folders.write(work.folder / MANIFEST, [manifest])
    work.archive.digest = hashlib.sha256(manifest).hexdigest()


def _publish(work: _Work) -> None:
    if not claims.keep(claim=work.claim):
        raise claims.Fenced(f"archive {work.archive.pk} is written by another worker")
    if any(_same(work, name) for name in work.locked):
        return
    # What is locked cannot be removed; it is hidden, and the trail tells of it.
    folders.sweep(work.parent, finished=work.locked)
    work.archive.path = f"{work.parent}/{work.own}"
    folders.publish(work.folder, work.archive.path, last=MANIFEST)


def _same(work: _Work, name: str) -> bool:
    """Whether an earlier attempt has locked the very same bytes: then they are the archive."""
    work.archive.path = f"{work.parent}/{name}"
    try:
        verify(work.archive)
    except ArchiveBroken:
        return False
    return True


def _read_back(work: _Work) -> None:
    verify(work.archive)


def _contents(version: Version, archive: Archive) -> Iterator[tuple[str, Iterable[bytes]]]:
    """Everything that goes into the archive: path and pieces."""
    described: dict[str, bytes] = {}
    for listed in mlflow_runs.list_at(version.artifact_uri):
        yield f"artifacts/{listed.path}", _artifact(version, listed.path)
        if listed.path in ENVIRONMENT_FILES:
            described[listed.path] = b"".join(_artifact(version, listed.path))
            yield f"environment/{listed.path}", [described[listed.path]]
    yield README_FILE, [readme(version)]
    yield LOCK_FILE, [canonical(lock_of(described))]
    yield "metadata/version.json", [canonical(metadata(version))]
    schema = schema_of(version)
    if schema is not None:
        yield SCHEMA_FILE, [schema]
    reference = Reference.objects.filter(version=version).first()
    if reference is not None:
        yield REFERENCE_FILE, _reference(reference)
        about = {"kind": reference.kind, "digest": reference.digest, "rows": reference.rows}
        yield "reference/reference.json", [canonical(about)]
    yield from _handed_in(version, archive)


def _handed_in(version: Version, archive: Archive) -> Iterator[tuple[str, Iterable[bytes]]]:
    """What the applications above know of the version, and the programs that check it all."""
    for file_name, text in sorted(archive.documents.items()):
        yield f"documents/{file_name}", [text.encode()]
    for place in settings.ARCHIVE_PARTS:
        for path, content in import_string(place)(version.pk):
            yield path, [content]
    for name in VERIFIERS:
        yield f"verify/{name}", [(Path(settings.ROOT) / "clients" / name).read_bytes()]


def _artifact(version: Version, path: str) -> Iterator[bytes]:
    return mlflow_runs.read_at(version.artifact_uri, path)


def _reference(reference: Reference) -> Iterator[bytes]:
    digest = hashlib.sha256()
    try:
        for piece in folders.pieces(reference.path):
            digest.update(piece)
            yield piece
    except StoreError as error:
        raise ArchiveImpossible(f"The reference is gone: {error}") from error
    if digest.hexdigest() != reference.digest:
        raise ArchiveImpossible("The reference is not the file that was registered.")


def _put(folder: Path, path: str, pieces: Iterable[bytes]) -> HashedFile:
    digest = hashlib.sha256()
    size = 0

    def counted() -> Iterator[bytes]:
        nonlocal size
        for piece in pieces:
            digest.update(piece)
            size += len(piece)
            yield piece

    folders.write(folder / path, counted())
    return HashedFile(path, size, digest.hexdigest())


def compare_files(version: Version, files: Iterable[HashedFile]) -> None:
    """The bytes are those that were hashed at registration, no file more and none less."""
    copied = {
        file.path.removeprefix("artifacts/"): file
        for file in files
        if file.path.startswith("artifacts/")
    }
    registered = {file.path: file for file in files_of(version.pk)}
    for path in sorted(copied.keys() | registered.keys()):
        if path not in copied:
            raise ArchiveImpossible(f"{path} was registered and is not in MLflow any more.")
        if path not in registered:
            raise ArchiveImpossible(f"{path} is in MLflow and was not there at registration.")
        if copied[path].sha256 != registered[path].sha256:
            raise ArchiveImpossible(f"{path} was changed in MLflow after its registration.")


def _manifest(archive: Archive, files: Iterable[HashedFile]) -> bytes:
    return canonical(_manifest_facts(archive, files))


def _manifest_facts(archive: Archive, files: Iterable[HashedFile]) -> dict[str, Any]:
    version = archive.version
    return {
        "format": FORMAT,
        "model": version.model.slug,
        "version": version.number,
        "artifact_digest": version.artifact_digest,
        "files": [file.as_json() for file in sorted(files, key=lambda file: file.path)],
    }


def _keep(work: _Work) -> None:
    """The last day by the rule in force; and of the store's lock, where sealed files are locked."""
    archive = work.archive
    tier = archive.version.model.risk_tier
    archive.kept_until = years_after(timezone.now().date(), rule_in_force().years[tier])
    if object_locks.wanted():
        names = [f"{archive.path}/{file.path}" for file in work.files]
        names.append(f"{archive.path}/{MANIFEST}")
        archive.locked_until = object_locks.lock(names, archive.kept_until)
    left = folders.locked_back(work.parent, but=archive.path.rpartition("/")[2])
    work.kept_back = {"locked_leftovers": left} if left else {}


@transaction.atomic
def _seal(work: _Work) -> None:
    claim, archive, files = work.claim, work.archive, work.files
    # The model before its jobs, as the services that enqueue them do: no deadlock.
    model = Model.objects.select_for_update(no_key=True).get(pk=archive.version.model_id)
    claims.finish(claim=claim)
    version = Version.objects.select_for_update(no_key=True).get(pk=archive.version_id)
    stage = move(version.stage, "archive")
    Version.objects.filter(pk=version.pk).update(stage=stage, stage_since=Now())
    Archive.objects.filter(pk=archive.pk).update(
        state=ArchiveState.SEALED,
        path=archive.path,
        manifest=_manifest_facts(archive, files),
        digest=archive.digest,
        size=sum(file.size for file in files),
        sealed_at=Now(),
        verified_at=Now(),
        kept_until=archive.kept_until,
        locked_until=archive.locked_until,
        error="",
    )
    ask_for_drill(archive_id=archive.pk, asked_by_id=None)
    if model.mlflow_name:
        claims.again(kind="registry.push", key=str(model.pk), subject_id=model.pk)
    record(
        SYSTEM,
        RegistryEvent.ARCHIVE_SEALED,
        archive,
        digest=archive.digest,
        artifact_digest=version.artifact_digest,
        files=len(files),
        path=archive.path,
        **work.kept_back,
    )


@transaction.atomic
def _fail(claim: claims.Claim, archive: Archive, reason: str) -> None:
    claims.finish(claim=claim)
    fail_archive(archive_id=archive.pk, reason=reason)


@transaction.atomic
def fail_archive(*, archive_id: int, reason: str) -> None:
    """The archive could not be written; a new request tries again."""
    archive = Archive.objects.select_for_update(no_key=True).get(pk=archive_id)
    archive.state, archive.error = ArchiveState.FAILED, reason[:500]
    archive.save(update_fields=["state", "error"])
    record(SYSTEM, RegistryEvent.ARCHIVE_FAILED, archive, reason=reason[:500])


# In this order; a worker may die within each, and the next one begins anew in a folder of its own,
# after it has swept away what was left.
STEPS: dict[str, Callable[[_Work], None]] = {
    "sweep": _sweep,
    "copy": _copy,
    "compare": _compare,
    "answer": _answer,
    "list": _list,
    "publish": _publish,
    "read_back": _read_back,
    "keep": _keep,
    "seal": _seal,
}
