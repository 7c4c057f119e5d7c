"""One version with everything that is known of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.shortcuts import get_object_or_404

from registry.manifests import HashedFile
from registry.models import Archive, ArtifactFile, Contribution, Reference, Schema, Version
from registry.reads.deployments import Period, periods_of


@dataclass(frozen=True)
class ReferenceFacts:
    """The reference without its bins; not frozen yet: nothing is compared with it yet."""

    kind: str
    digest: str
    rows: int
    set_at: datetime
    frozen_at: datetime | None
    error: str


@dataclass(frozen=True)
class Hand:
    """A person had a hand in the version."""

    person_id: int
    name: str
    kind: str
    at: datetime


@dataclass(frozen=True)
class VersionDetail:
    """One version: life, bytes, lineage, schema, reference, people, periods, archive."""

    id: int
    model_id: int
    model_slug: str
    model_name: str
    task: str
    number: int
    stage: str
    stage_since: datetime
    summary: str
    mlflow_name: str | None
    mlflow_version: int | None
    mlflow_run_id: str
    artifact_uri: str
    artifact_digest: str
    inspected_at: datetime | None
    inspect_error: str
    lineage: Mapping[str, Any]
    parent: int | None
    registered_by: str
    created_at: datetime
    first_prediction_at: datetime | None
    files: tuple[HashedFile, ...]
    schema: Sequence[Mapping[str, Any]]
    schema_digest: str
    reference: ReferenceFacts | None
    hands: tuple[Hand, ...]
    periods: tuple[Period, ...]
    archive_id: int | None
    archive_state: str

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def pickled(self) -> Sequence[str]:
        """What would run code when loaded; empty means "no known pattern", never "safe"."""
        found: Sequence[str] = self.lineage.get("pickled", [])
        return found


def version_detail(user: Any, slug: str, number: int) -> VersionDetail:
    """One version. Seven queries.

    Raises:
        Http404: there is none of this number that the user may see.
    """
    version = get_object_or_404(
        Version.objects.visible_to(user).select_related("model", "parent", "registered_by"),
        model__slug=slug,
        number=number,
    )
    return detail_of(version)


def detail_of(version: Version) -> VersionDetail:
    schema = Schema.objects.filter(version=version).first()
    archive = Archive.objects.filter(version=version).first()
    periods = (one for one in periods_of(version.model_id) if one.version_id == version.pk)
    return VersionDetail(
        id=version.pk,
        model_id=version.model_id,
        model_slug=version.model.slug,
        model_name=version.model.name,
        task=version.model.task,
        number=version.number,
        stage=version.stage,
        stage_since=version.stage_since,
        summary=version.summary,
        mlflow_name=version.model.mlflow_name,
        mlflow_version=version.mlflow_version,
        mlflow_run_id=version.mlflow_run_id,
        artifact_uri=version.artifact_uri,
        artifact_digest=version.artifact_digest,
        inspected_at=version.inspected_at,
        inspect_error=version.inspect_error,
        lineage=version.lineage,
        parent=version.parent.number if version.parent else None,
        registered_by=version.registered_by.name if version.registered_by else "Ombud",
        created_at=version.created_at,
        first_prediction_at=version.first_prediction_at,
        files=files_of(version.pk),
        schema=schema.fields if schema else [],
        schema_digest=schema.digest if schema else "",
        reference=_reference(version),
        hands=_hands(version),
        periods=tuple(periods),
        archive_id=archive.pk if archive else None,
        archive_state=archive.state if archive else "",
    )


def files_of(version_id: int) -> tuple[HashedFile, ...]:
    """The files as hashed at registration, by path."""
    rows = ArtifactFile.objects.filter(version_id=version_id).order_by("path")
    return tuple(HashedFile(*row) for row in rows.values_list("path", "size", "sha256"))


def _reference(version: Version) -> ReferenceFacts | None:
    found = Reference.objects.filter(version=version).defer("edges", "profile").first()
    if found is None:
        return None
    return ReferenceFacts(
        found.kind, found.digest, found.rows, found.set_at, found.frozen_at, found.freeze_error
    )


def _hands(version: Version) -> tuple[Hand, ...]:
    found = Contribution.objects.filter(version=version).select_related("person").order_by("at")
    return tuple(
        Hand(one.person_id, one.person.name, one.get_kind_display(), one.at) for one in found
    )
