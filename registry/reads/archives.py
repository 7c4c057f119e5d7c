"""Archives and their restorations, as pages and the API show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.shortcuts import get_object_or_404

from registry.filters import ArchiveFilter
from registry.models import Archive, Model, Restore
from registry.reads import holds
from registry.reads.archive_keeping import Keeping, keeping_of
from registry.reads.holds import told

PAGE = 50


@dataclass(frozen=True)
class ArchiveRow:
    """One archive; the digest is empty until it is sealed."""

    id: int
    model_slug: str
    model_name: str
    number: int
    stage: str
    state: str
    digest: str
    size: int
    files: int
    requested_by: str
    requested_at: datetime
    sealed_at: datetime | None
    verified_at: datetime | None
    error: str
    keeping: Keeping


@dataclass(frozen=True)
class RestoreRow:
    """One restoration and what it checked."""

    id: int
    state: str
    number: int | None
    requested_by: str
    requested_at: datetime
    finished_at: datetime | None
    checked_files: int
    error: str


@dataclass(frozen=True)
class ArchiveDetail:
    """An archive with every file of its manifest and every restoration, the latest first."""

    row: ArchiveRow
    team_id: int
    path: str
    artifact_digest: str
    files: Sequence[Mapping[str, Any]]
    restores: tuple[RestoreRow, ...]


def rows_of(archives: Sequence[Archive]) -> list[ArchiveRow]:
    keeping = keeping_of(archives)
    return [_row(archive, keeping[archive.pk]) for archive in archives]


@dataclass(frozen=True)
class ArchivePage:
    """Some archives, the latest first; `older` continues after the last one (None: no more)."""

    rows: list[ArchiveRow]
    form: Any
    older: int | None

    @property
    def monthly_cost(self) -> Decimal:
        """What keeping these costs."""
        return sum((row.keeping.monthly_cost for row in self.rows), Decimal(0))


def archive_page(user: Any, query: dict[str, Any], before: int | None) -> ArchivePage:
    """The archives that the user may see and the filter lets through. Five queries."""
    filtered = ArchiveFilter(query, queryset=visible(user))
    chosen = filtered.qs.order_by("-pk")
    chosen = chosen.filter(pk__lt=before) if before else chosen
    found = list(chosen[: PAGE + 1])
    older = found[PAGE - 1].pk if len(found) > PAGE else None
    return ArchivePage(rows_of(found[:PAGE]), filtered.form, older)


def archives_for(user: Any) -> list[ArchiveRow]:
    """Every archive of versions that the user may see, the latest first. Five queries."""
    return rows_of(list(visible(user)))


def visible(user: Any) -> Any:
    return (
        Archive.objects.visible_to(user)
        .select_related("version__model", "requested_by")
        .defer("documents")
    )


def archive_detail(user: Any, archive_id: int) -> ArchiveDetail:
    """One archive. Six queries.

    Raises:
        Http404: there is none that the user may see.
    """
    archive = get_object_or_404(visible(user), pk=archive_id)
    restores = Restore.objects.filter(archive=archive).select_related("version", "requested_by")
    return ArchiveDetail(
        row=rows_of([archive])[0],
        team_id=archive.version.model.team_id,
        path=archive.path,
        artifact_digest=archive.version.artifact_digest,
        files=archive.manifest.get("files", []),
        restores=tuple(_restore(one) for one in restores),
    )


def _row(archive: Archive, keeping: Keeping) -> ArchiveRow:
    version = archive.version
    return ArchiveRow(
        id=archive.pk,
        model_slug=version.model.slug,
        model_name=version.model.name,
        number=version.number,
        stage=version.stage,
        state=archive.state,
        digest=archive.digest,
        size=archive.size,
        files=len(archive.manifest.get("files", [])),
        requested_by=archive.requested_by.name if archive.requested_by else "Ombud",
        requested_at=archive.requested_at,
        sealed_at=archive.sealed_at,
        verified_at=archive.verified_at,
        error=archive.error,
        keeping=keeping,
    )


def _restore(restore: Restore) -> RestoreRow:
    return RestoreRow(
        id=restore.pk,
        state=restore.state,
        number=restore.version.number if restore.version else None,
        requested_by=restore.requested_by.name if restore.requested_by else "Ombud",
        requested_at=restore.requested_at,
        finished_at=restore.finished_at,
        checked_files=restore.checked_files,
        error=restore.error,
    )


def holds_on(model: Model) -> tuple[str, ...]:
    """Legal holds in force on a model, in words: an erasure waits while there are any."""
    return tuple(told(hold) for hold in holds.holds_on(model.pk))
