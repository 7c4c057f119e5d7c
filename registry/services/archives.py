"""Archives: asked for by an approved change, written and restored by jobs."""

from collections.abc import Mapping

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from accounts.policies import require
from audit.record import Actor, record
from ledger import claims
from registry.events import RegistryEvent
from registry.jobs.drills import ask_for_drill
from registry.jobs.verification import enqueue_verification
from registry.models import (
    Archive,
    DrillState,
    Model,
    Restore,
    RestoreDrill,
    RestoreState,
    Version,
)
from registry.policies import CHANGES_ONLY, TEAM_ONLY, can_carry_out, can_verify
from registry.refusals import ArchiveInvalid
from registry.states import ArchiveState, move

MAX_DOCUMENTS = 200
MAX_DOCUMENT = 5_000_000


@transaction.atomic
def request_archive(
    *,
    actor: Actor,
    version_id: int,
    documents: Mapping[str, str],
    requested_by_id: int | None,
    because: str,
) -> Archive:
    """Have a retired version's bytes, metadata and these documents (name -> text) archived.

    A failed archive is tried again with the new documents.

    Raises:
        IllegalMove: the version is not retired.
        ArchiveInvalid: it is archived already, was never hashed, or a document's name is no name.
    """
    version = _locked(version_id)
    require(can_carry_out(actor), CHANGES_ONLY)
    move(version.stage, "archive")
    _refuse_if_there(version)
    _check_documents(documents)
    archive, _ = Archive.objects.update_or_create(
        version=version,
        defaults={
            "state": ArchiveState.REQUESTED,
            "documents": dict(documents),
            "requested_by_id": requested_by_id,
            "requested_at": Now(),
            "error": "",
        },
    )
    claims.again(kind="registry.archive", key=str(archive.pk), subject_id=archive.pk)
    archive.refresh_from_db()
    facts = {"documents": sorted(documents), "because": because}
    record(actor, RegistryEvent.ARCHIVE_REQUESTED, archive, **facts)
    return archive


@transaction.atomic
def request_restore(
    *, actor: Actor, archive_id: int, requested_by_id: int | None, because: str
) -> Restore:
    """Have a sealed archive verified and registered in MLflow as a new candidate.

    Raises:
        ArchiveInvalid: it is not sealed, is being restored already, or the model left MLflow.
    """
    archive = Archive.objects.select_for_update(no_key=True).get(pk=archive_id)
    require(can_carry_out(actor), CHANGES_ONLY)
    if archive.state != ArchiveState.SEALED:
        raise ArchiveInvalid(f"The archive is {archive.state}; only a sealed one is restored.")
    if archive.restores.filter(state=RestoreState.REQUESTED).exists():
        raise ArchiveInvalid("This archive is being restored already.")
    if not archive.version.model.mlflow_name:
        raise ArchiveInvalid("The model has no mlflow_name, so there is nowhere to restore to.")
    restore = Restore.objects.create(archive=archive, requested_by_id=requested_by_id)
    claims.enqueue(kind="registry.restore", key=str(restore.pk), subject_id=restore.pk)
    record(actor, RegistryEvent.RESTORE_REQUESTED, restore, because=because)
    return restore


@transaction.atomic
def request_verification(*, actor: User, archive_id: int) -> Archive:
    """Have every byte of a sealed archive read again; one that waits already is not asked twice.

    Raises:
        Refused: nobody of the owning team.
        ArchiveInvalid: it is not sealed.
    """
    archive = (
        Archive.objects.select_for_update(no_key=True, of=("self",))
        .select_related("version__model")
        .get(pk=archive_id)
    )
    require(can_verify(actor, archive.version.model.team_id), TEAM_ONLY)
    if archive.state != ArchiveState.SEALED:
        raise ArchiveInvalid(f"The archive is {archive.state}; only a sealed one is verified.")
    if enqueue_verification(archive_id=archive.pk):
        record(actor, RegistryEvent.VERIFICATION_REQUESTED, archive)
    return archive


@transaction.atomic
def request_drill(*, actor: User, archive_id: int) -> RestoreDrill:
    """Have a sealed archive brought back on trial; one that waits already is not asked twice.

    Raises:
        Refused: nobody of the owning team.
        ArchiveInvalid: it is not sealed.
    """
    archive = (
        Archive.objects.select_for_update(no_key=True, of=("self",))
        .select_related("version__model")
        .get(pk=archive_id)
    )
    require(can_verify(actor, archive.version.model.team_id), TEAM_ONLY)
    if archive.state != ArchiveState.SEALED:
        raise ArchiveInvalid(f"The archive is {archive.state}; only a sealed one is tried.")
    drill = ask_for_drill(archive_id=archive.pk, asked_by_id=actor.pk)
    if drill is None:
        return archive.drills.get(state=DrillState.RUNNING)
    record(actor, RegistryEvent.DRILL_REQUESTED, drill)
    return drill


def _locked(version_id: int) -> Version:
    model_id = Version.objects.values_list("model_id", flat=True).get(pk=version_id)
    Model.objects.select_for_update(no_key=True).get(pk=model_id)
    return (
        Version.objects.select_for_update(no_key=True, of=("self",))
        .select_related("model")
        .get(pk=version_id)
    )


def _refuse_if_there(version: Version) -> None:
    if not version.artifact_digest:
        raise ArchiveInvalid(f"The bytes of {version} were never hashed: nothing to compare with.")
    there = Archive.objects.select_for_update(no_key=True).filter(version=version).first()
    if there is not None and there.state != ArchiveState.FAILED:
        raise ArchiveInvalid(f"An archive of {version} is {there.state} already.")


def _check_documents(documents: Mapping[str, str]) -> None:
    if len(documents) > MAX_DOCUMENTS or sum(map(len, documents.values())) > MAX_DOCUMENT:
        raise ArchiveInvalid(
            f"At most {MAX_DOCUMENTS} documents with {MAX_DOCUMENT} characters in all."
        )
    for name in documents:
        plain = name.replace("-", "").replace("_", "").replace(".", "")
        if not plain.isalnum() or not plain.isascii() or name.startswith(".") or len(name) > 100:
            raise ArchiveInvalid(f"{name[:100]!r} is no plain file name, such as card.md.")
