"""Reads a version's bytes from MLflow once, hashes them file by file, notes where they are from.

Nothing is unpickled or imported: see registry/manifests.py.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import User, UserKind
from audit.record import SYSTEM, record
from ledger import claims
from registry.events import RegistryEvent
from registry.gateways import mlflow, mlflow_runs
from registry.gateways.mlflow import MlflowRefused, MlflowUnavailable, UnsafeArtifactPath
from registry.manifests import (
    HashedFile,
    digest_of,
    environment_files,
    flavors_of,
    pickled,
    read_mlmodel,
)
from registry.models import ArtifactFile, Contribution, ContributionKind, Version

HEAD_BYTES = 16
MAX_PATH = 500
MAX_MLMODEL_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Inspected:
    """Everything one reading of a version's bytes and origin has found."""

    location: str
    run_id: str
    files: tuple[HashedFile, ...]
    lineage: dict[str, Any]
    users: tuple[str, ...]


def inspect_version(claim: claims.Claim) -> None:
    """Hash the version named by the claim; a refusal of MLflow's is kept as the answer."""
    version = Version.objects.select_related("model").get(pk=claim.subject_id)
    if version.artifact_digest:
        with transaction.atomic():
            claims.finish(claim=claim)
        return
    try:
        found = _inspect(version)
    except (MlflowRefused, UnsafeArtifactPath) as refusal:
        _keep_refusal(claim, version, str(refusal))
        return
    _keep(claim, version, found)


def _inspect(version: Version) -> Inspected:
    origin: dict[str, Any] = {}
    users: set[str] = set()
    run_id = version.mlflow_run_id
    if version.mlflow_version is not None:
        told = _told(version)
        run_id = told.run_id
        users.add(told.user_id)
        origin["mlflow"] = origin_of(told)
    run = mlflow_runs.get_run(run_id) if run_id else None
    if run is not None:
        users.update(run.users)
        origin["run"] = _run_facts(run)
    location = _location(version, run)
    files, contents = hash_files(location)
    return Inspected(
        location, run_id, files, _plain(origin | contents), tuple(sorted(users - {""}))
    )


def origin_of(told: mlflow.MlflowVersion) -> dict[str, Any]:
    """What MLflow says of a version, as its lineage keeps it."""
    return {
        "name": told.name,
        "version": told.version,
        "source": told.source,
        "description": told.description[:5000],
        "tags": dict(list(told.tags.items())[:100]),
        "created_ms": told.created_ms,
    }


def _told(version: Version) -> mlflow.MlflowVersion:
    """What MLflow says of the version, if it is there and ready."""
    name, number = version.model.mlflow_name or "", version.mlflow_version or 0
    told = mlflow.get_version(name, number)
    if told is None:
        raise MlflowRefused(404, f"MLflow has no version {number} of {name}.")
    if told.status == "PENDING_REGISTRATION":
        raise MlflowUnavailable(f"Version {number} of {name} is still being registered in MLflow.")
    if told.status != "READY":
        raise MlflowRefused(422, f"Version {number} of {name} is {told.status} in MLflow.")
    return told


def _location(version: Version, run: mlflow_runs.MlflowRun | None) -> str:
    if version.mlflow_version is not None:
        return mlflow_runs.location_of_version(
            version.model.mlflow_name or "", version.mlflow_version
        )
    if run is None:
        raise MlflowRefused(404, "It names neither a version of MLflow nor a run.")
    path = version.artifact_uri.removeprefix(f"runs:/{run.run_id}/")
    return mlflow_runs.location_in_run(run, path)


def _run_facts(run: mlflow_runs.MlflowRun) -> dict[str, Any]:
    return {
        "id": run.run_id,
        "status": run.status,
        "params": dict(run.params),
        "metrics": dict(run.metrics),
        "tags": dict(run.tags),
    }


def hash_files(location: str) -> tuple[tuple[HashedFile, ...], dict[str, Any]]:
    """Every file with size and SHA-256, and what MLmodel and the first bytes say of them."""
    files: list[HashedFile] = []
    heads: dict[str, bytes] = {}
    mlmodel: dict[str, Any] = {}
    for listed in mlflow_runs.list_at(location):
        if len(listed.path) > MAX_PATH:
            raise MlflowRefused(422, f"A path is longer than {MAX_PATH} characters.")
        kept = MAX_MLMODEL_BYTES if listed.path == "MLmodel" else HEAD_BYTES
        file, head = _hash(listed.path, mlflow_runs.read_at(location, listed.path), kept)
        files.append(file)
        heads[file.path] = head[:HEAD_BYTES]
        mlmodel = read_mlmodel(head) if file.path == "MLmodel" else mlmodel
    if not files:
        raise MlflowRefused(404, "The version has no files.")
    return tuple(files), _contents(heads, mlmodel)


def _hash(path: str, pieces: Iterable[bytes], kept: int) -> tuple[HashedFile, bytes]:
    """One pass over the bytes: the hash, the size, and the first `kept` bytes."""
    digest = hashlib.sha256()
    size = 0
    head = b""
    for piece in pieces:
        digest.update(piece)
        size += len(piece)
        head += piece[: max(0, kept - len(head))]
    return HashedFile(path, size, digest.hexdigest()), head


def _contents(heads: dict[str, bytes], mlmodel: dict[str, Any]) -> dict[str, Any]:
    signature = mlmodel.get("signature")
    return {
        "flavors": flavors_of(mlmodel),
        "signature": signature if isinstance(signature, dict) else {},
        "mlflow_version": str(mlmodel.get("mlflow_version") or "")[:40],
        "pickled": pickled(heads, mlmodel),
        "environment": environment_files(heads),
    }


def _plain(value: Any) -> Any:
    """What PostgreSQL's JSON takes: no NUL in texts, no odd types out of YAML."""
    if isinstance(value, dict):
        return {_plain(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool | int):
        return value
    return str(value).replace("\x00", "�").encode("utf-8", "replace").decode()


@transaction.atomic
def _keep(claim: claims.Claim, version: Version, found: Inspected) -> None:
    claims.finish(claim=claim)
    locked = Version.objects.select_for_update(no_key=True).get(pk=version.pk)
    digest = digest_of(found.files)
    ArtifactFile.objects.filter(version=version).delete()
    ArtifactFile.objects.bulk_create(
        ArtifactFile(version=version, path=file.path, size=file.size, sha256=file.sha256)
        for file in found.files
    )
    locked.artifact_digest = digest
    locked.artifact_uri = found.location
    locked.mlflow_run_id = found.run_id
    locked.lineage = found.lineage
    locked.inspect_error = ""
    locked.inspected_at = Now()
    locked.save(
        update_fields=[
            "artifact_digest",
            "artifact_uri",
            "mlflow_run_id",
            "lineage",
            "inspect_error",
            "inspected_at",
        ]
    )
    trainers = _note_trainers(version, found.users)
    if version.model.mlflow_name:
        key = str(version.model_id)
        claims.again(kind="registry.push", key=key, subject_id=version.model_id)
    record(
        SYSTEM,
        RegistryEvent.VERSION_HASHED,
        version,
        digest=digest,
        files=len(found.files),
        bytes=sum(file.size for file in found.files),
        pickled=found.lineage["pickled"],
        trained_by=trainers,
    )


def _note_trainers(version: Version, users: tuple[str, ...]) -> list[str]:
    """People whom MLflow names had a hand in the version, so they may not approve it."""
    named = Q(pk__in=[])
    for user in users:
        named |= Q(email__iexact=user) | Q(name__iexact=user)
    people = list(User.objects.filter(named, kind=UserKind.PERSON))
    for person in people:
        Contribution.objects.get_or_create(
            version=version, person=person, kind=ContributionKind.TRAINED
        )
    return sorted(person.name for person in people)


@transaction.atomic
def _keep_refusal(claim: claims.Claim, version: Version, reason: str) -> None:
    claims.finish(claim=claim)
    Version.objects.filter(pk=version.pk).update(inspect_error=reason[:500], inspected_at=Now())
    record(SYSTEM, RegistryEvent.VERSION_NOT_HASHED, version, reason=reason[:500])
