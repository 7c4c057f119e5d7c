"""A retired version's copy in MLflow is taken away, after it was archived and the archive proved.

Each step may be done twice: what is gone already is fine, and what is left is counted afterwards.
"""

from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from audit.record import SYSTEM, record
from registry.events import RegistryEvent
from registry.gateways import mlflow, mlflow_artifacts, mlflow_removal
from registry.gateways.mlflow import MlflowRefused
from registry.models import Model, Version

NOT_OURS = frozenset({"ARTIFACTS_NOT_PROXIED", "ARTIFACTS_ELSEWHERE"})


@dataclass(frozen=True)
class Removed:
    """How many files there were, and how large."""

    files: int
    bytes: int


def why_not_in_mlflow(version: Version) -> str:
    """Why there is nothing in MLflow to remove, in a sentence; empty if there may be."""
    if not settings.MLFLOW_TRACKING_URI:
        return "No MLflow server is set up."
    if not version.model.mlflow_name or version.mlflow_version is None:
        return "The version was never in MLflow."
    return ""


@transaction.atomic
def expect_removal(*, version_id: int, because: str) -> None:
    """From now on nobody is alarmed that MLflow lacks the version. Said before it is deleted."""
    model_id = Version.objects.values_list("model_id", flat=True).get(pk=version_id)
    Model.objects.select_for_update(no_key=True).get(pk=model_id)
    rows = Version.objects.select_related("model").filter(pk=version_id)
    if rows.filter(source_removed_at__isnull=True).update(source_removed_at=Now()):
        record(SYSTEM, RegistryEvent.SOURCE_REMOVAL_BEGUN, rows.get(), because=because)


def remove_version(version: Version) -> int:
    """Delete the version in MLflow; returns how many there were (0 or 1).

    Raises:
        MlflowUnavailable, MlflowRefused: it could not be done.
    """
    there = versions_left(version)
    if there:
        mlflow_removal.delete_version(*_name(version))
    return there


def versions_left(version: Version) -> int:
    """How many versions MLflow has under its name and number: 0 or 1."""
    return int(mlflow.get_version(*_name(version)) is not None)


def _name(version: Version) -> tuple[str, int]:
    return version.model.mlflow_name or "", version.mlflow_version or 0


def why_files_stay(version: Version) -> str:
    """Why the artifacts are not ours to delete, in a sentence; empty if they are.

    Raises:
        MlflowUnavailable: MLflow does not say who else uses them.
    """
    if not version.artifact_uri:
        return "It has no artifacts in MLflow."
    try:
        mlflow_artifacts.proxied_root(version.artifact_uri)
    except MlflowRefused as refusal:
        if refusal.code in NOT_OURS:
            return f"MLflow does not serve them, so Ombud cannot delete them. {refusal.message}"
        raise
    return _shared(version)


def _shared(version: Version) -> str:
    """A copied version points to the same files: they stay until the last one is retired."""
    uri = version.artifact_uri
    ours = Version.objects.filter(artifact_uri=uri, source_removed_at__isnull=True)
    other = ours.exclude(pk=version.pk).select_related("model").first()
    if other is not None:
        return f"{other} uses the same files."
    for one in mlflow.search_versions(version.model.mlflow_name or ""):
        if one.version != version.mlflow_version and one.source == uri:
            return f"Version {one.version} in MLflow uses the same files."
    return ""


def remove_files(version: Version) -> Removed:
    """Delete every artifact, file by file: a prefix could reach what is not ours.

    Raises:
        MlflowUnavailable, MlflowRefused: not all could be deleted.
    """
    found = mlflow_artifacts.list_files(version.artifact_uri)
    for file in found:
        mlflow_removal.delete_file(version.artifact_uri, file.path)
    return Removed(len(found), sum(file.size for file in found))


def files_left(version: Version) -> int:
    return len(mlflow_artifacts.list_files(version.artifact_uri))
