"""Restores an archive: verified byte by byte, put into MLflow, registered as a new candidate.

The bytes are compared three times: when the archive is verified, when they are copied out of it,
and when MLflow gives them back. Nothing is registered unless all three agree.
"""

import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from audit.record import SYSTEM, record
from ledger import claims
from registry.events import RegistryEvent
from registry.gateways import folders, mlflow, mlflow_runs, store
from registry.gateways.mlflow import MlflowRefused, MlflowVersion, UnsafeArtifactPath
from registry.jobs.contents import REFERENCE_FILE, SCHEMA_FILE
from registry.jobs.inspection import hash_files, origin_of
from registry.jobs.verification import ArchiveBroken, Verified, checked, sealed_files, verify
from registry.manifests import HashedFile, digest_of
from registry.models import (
    Archive,
    ArtifactFile,
    Contribution,
    ContributionKind,
    Model,
    Reference,
    Restore,
    RestoreState,
    Schema,
    Version,
)
from registry.schemas import PredictionSchema

RESTORE_TAG = "ombud.restore"


class RestoreImpossible(Exception):
    """Trying again would not help; the message says why."""


@dataclass
class _Work:
    """What one attempt has on its table; each step leaves there what the next ones need."""

    claim: claims.Claim
    restore: Restore
    seen: Verified = field(default_factory=lambda: Verified(0, 0))
    run: tuple[str, str] = ("", "")
    made: MlflowVersion | None = None
    location: str = ""
    files: tuple[HashedFile, ...] = ()
    reference: str = ""

    @property
    def archive(self) -> Archive:
        return self.restore.archive

    @property
    def version(self) -> MlflowVersion:
        """The one in MLflow; the steps make it before anybody asks for it."""
        if self.made is None:
            raise RestoreImpossible("There is no version in MLflow.")
        return self.made


def restore_archive(claim: claims.Claim) -> None:
    """Verify, upload, read back, register; a mismatch fails the restoration and names the file.

    Raises:
        MlflowUnavailable: the ledger tries again.
    """
    restore = Restore.objects.select_related("archive__version__model").get(pk=claim.subject_id)
    if restore.state != RestoreState.REQUESTED:
        with transaction.atomic():
            claims.finish(claim=claim)
        return
    work = _Work(claim, restore)
    try:
        for step in STEPS.values():
            step(work)
    except (ArchiveBroken, RestoreImpossible, MlflowRefused, UnsafeArtifactPath) as error:
        with transaction.atomic():
            claims.finish(claim=claim)
            fail_restore(restore_id=restore.pk, reason=str(error))


def _verify(work: _Work) -> None:
    work.seen = verify(work.archive)


def _upload(work: _Work) -> None:
    """The files in a run of MLflow; what an interrupted attempt has made is taken up again."""
    work.made = _made_before(work)
    if work.made is not None:
        return
    name = work.archive.version.model.mlflow_name or ""
    with tempfile.TemporaryDirectory(prefix="ombud-") as folder:
        files = _copy_out(work.archive, Path(folder))
        work.run = mlflow.upload_files(name, files, marks=_marks(work))


def _made_before(work: _Work) -> MlflowVersion | None:
    name = work.archive.version.model.mlflow_name or ""
    for there in mlflow.search_versions(name) if mlflow.get_model(name) else []:
        if there.tags.get(RESTORE_TAG) == str(work.restore.pk) and there.status == "READY":
            return there
    return None


def _marks(work: _Work) -> dict[str, str]:
    return {RESTORE_TAG: str(work.restore.pk), "ombud.archive": work.archive.digest}


def _make_version(work: _Work) -> None:
    """The next version in MLflow, of these files; not by a worker that was taken for dead."""
    if work.made is not None:
        return
    if not claims.keep(claim=work.claim):
        raise claims.Fenced(f"restore {work.restore.pk} is done by another worker")
    number = str(work.archive.version.number)
    run_id, source = work.run
    work.made = mlflow.create_version(
        work.archive.version.model.mlflow_name or "",
        source=source,
        run_id=run_id,
        description=f"Restored from the archive of version {number}.",
        tags={**_marks(work), "ombud.restored_from": number},
    )


def _copy_out(archive: Archive, folder: Path) -> dict[str, Path]:
    """Artifact path -> local file; what is uploaded is what was compared."""
    found: dict[str, Path] = {}
    for place, file in enumerate(_artifacts(archive)):
        local = folder / str(place)
        folders.write(local, checked(archive.path, file))
        found[file["path"].removeprefix("artifacts/")] = local
    if not found:
        raise RestoreImpossible("The archive holds no artifacts.")
    return found


def _artifacts(archive: Archive) -> list[dict[str, Any]]:
    return [file for file in sealed_files(archive) if file["path"].startswith("artifacts/")]


def _read_back(work: _Work) -> None:
    """Hash what MLflow gives back; it must be what was archived."""
    archive, made = work.archive, work.version
    location = mlflow_runs.location_of_version(made.name, made.version)
    files, _ = hash_files(location)
    archived = [
        HashedFile(file["path"].removeprefix("artifacts/"), file["size"], file["sha256"])
        for file in _artifacts(archive)
    ]
    if digest_of(files) != digest_of(archived):
        raise RestoreImpossible(
            f"Version {made.version} in MLflow does not have the bytes that were archived."
        )
    if digest_of(files) != archive.version.artifact_digest:
        raise RestoreImpossible("The archive does not hold the bytes that were registered.")
    work.location, work.files = location, files


def archived_schema(archive: Archive) -> PredictionSchema | None:
    """The schema out of the archive, None if the version had none."""
    for file in sealed_files(archive):
        if file["path"] == SCHEMA_FILE:
            raw = b"".join(checked(archive.path, file))
            return PredictionSchema.from_json(json.loads(raw)["fields"])
    return None


def _copy_reference(work: _Work) -> None:
    """The reference out of the archive, back into the store, if there is one."""
    for file in sealed_files(work.archive):
        if file["path"] == REFERENCE_FILE:
            raw = b"".join(checked(work.archive.path, file))
            work.reference = f"{_copied(work.restore.pk)}/{file['sha256']}.parquet"
            store.put_bytes(work.reference, raw)


def _copied(restore_id: int) -> str:
    """Where the reference of a restored version lies."""
    return f"references/restored-{restore_id}"


@transaction.atomic
def _register(work: _Work) -> None:
    restore, made = work.restore, work.version
    old = restore.archive.version
    # The model before its jobs, as the services that enqueue them do: no deadlock.
    model = Model.objects.select_for_update(no_key=True).get(pk=old.model_id)
    claims.finish(claim=work.claim)
    if Version.objects.filter(model=model, number=made.version).exists():
        reason = f"{model.slug} has a version {made.version} already, as MLflow has numbered it."
        fail_restore(restore_id=restore.pk, reason=reason)
        return
    version = _new_version(work)
    _carry_over(restore, version, work.reference)
    Archive.objects.filter(pk=restore.archive_id).update(verified_at=Now())
    Restore.objects.filter(pk=restore.pk).update(
        state=RestoreState.RESTORED,
        version=version,
        finished_at=Now(),
        checked_files=work.seen.files,
        error="",
    )
    claims.again(kind="registry.push", key=str(model.pk), subject_id=model.pk)
    record(
        SYSTEM,
        RegistryEvent.ARCHIVE_RESTORED,
        restore,
        from_version=old.number,
        version=version.number,
        digest=version.artifact_digest,
        checked_files=work.seen.files,
        checked_bytes=work.seen.bytes,
    )


def _new_version(work: _Work) -> Version:
    restore, made, files = work.restore, work.version, work.files
    old = restore.archive.version
    version = Version.objects.create(
        model=old.model,
        number=made.version,
        summary=f"Restored from the archive of version {old.number}"[:300],
        mlflow_version=made.version,
        mlflow_run_id=made.run_id,
        artifact_uri=work.location,
        artifact_digest=digest_of(files),
        inspected_at=Now(),
        lineage={
            **old.lineage,
            # The old one's address is not where the new one is: MLflow would seem to have another.
            "mlflow": origin_of(made),
            "restored": {"from": old.number, "archive": restore.archive.digest},
        },
        parent=old,
        registered_by_id=restore.requested_by_id,
    )
    ArtifactFile.objects.bulk_create(
        ArtifactFile(version=version, path=file.path, size=file.size, sha256=file.sha256)
        for file in files
    )
    return version


def _carry_over(restore: Restore, version: Version, reference: str) -> None:
    """Schema and reference as archived, and everybody who had a hand in the old version."""
    old = restore.archive.version
    schema = archived_schema(restore.archive)
    if schema is not None:
        Schema.objects.create(version=version, fields=schema.as_json(), digest=schema.digest)
    before = Reference.objects.filter(version=old).first()
    if before is not None and reference:
        Reference.objects.create(
            version=version,
            kind=before.kind,
            path=reference,
            digest=before.digest,
            rows=before.rows,
        )
    hands = set(
        Contribution.objects.filter(version=old)
        .exclude(kind=ContributionKind.REQUESTED)
        .values_list("person_id", "kind")
    )
    if restore.requested_by_id is not None:
        hands.add((restore.requested_by_id, ContributionKind.REGISTERED.value))
    Contribution.objects.bulk_create(
        Contribution(version=version, person_id=person, kind=kind) for person, kind in hands
    )


@transaction.atomic
def fail_restore(*, restore_id: int, reason: str) -> None:
    """The restoration is refused; nothing was registered here, and no file of it stays."""
    restore = Restore.objects.select_for_update(no_key=True).get(pk=restore_id)
    for name, _ in store.listed(_copied(restore_id)):
        store.delete(name)
    restore.state, restore.error = RestoreState.FAILED, reason[:500]
    restore.finished_at = Now()
    restore.save(update_fields=["state", "error", "finished_at"])
    record(SYSTEM, RegistryEvent.RESTORE_FAILED, restore, reason=reason[:500])


# In this order; a worker may die within each, and the next one begins anew and takes up what there
# is: the run and the version in MLflow by their tags, the reference's copy by its name.
STEPS: dict[str, Callable[[_Work], None]] = {
    "verify": _verify,
    "upload": _upload,
    "make_version": _make_version,
    "read_back": _read_back,
    "copy_reference": _copy_reference,
    "register": _register,
}
