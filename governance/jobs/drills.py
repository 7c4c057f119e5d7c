"""What cannot be restored any more is a finding: a damaged archive, a failed restore or drill."""

from collections.abc import Iterator

from django.db.models import CharField, Exists, OuterRef, QuerySet, Value
from django.db.models.functions import Cast, Concat

from audit.record import SYSTEM
from governance.jobs.findings import Found, raise_finding
from governance.models import Finding, FindingKind, FindingSeverity
from registry.models import Archive, DrillState, Restore, RestoreDrill, RestoreState, Version
from registry.states import ArchiveState

AT_ONCE = 100


def follow_drills() -> int:
    """Raise a finding for whatever failed and has none that is open; returns how many."""
    found = [*_damaged(), *_failed(), *_drilled()]
    for version, finding in found:
        raise_finding(actor=SYSTEM, model=version.model, version=version, found=finding)
    return len(found)


def _damaged() -> Iterator[tuple[Version, Found]]:
    """Archives whose bytes are not those that were sealed."""
    rows = Archive.objects.filter(state=ArchiveState.SEALED, verified_at__isnull=True)
    broken = rows.exclude(error="").exclude(Exists(_open_as("archive", OuterRef("pk"))))
    for row in broken.select_related("version__model").defer("documents")[:AT_ONCE]:
        yield (
            row.version,
            Found(
                FindingKind.DRILL,
                FindingSeverity.HIGH,
                f"The archive of version {row.version.number} is damaged",
                f"{row.error} Restore its files from a copy, then verify it again.",
                key=f"archive-{row.pk}",
            ),
        )


def _failed() -> Iterator[tuple[Version, Found]]:
    """Restores that failed and that none has made good since."""
    later = Restore.objects.filter(
        archive=OuterRef("archive"), state=RestoreState.RESTORED, pk__gt=OuterRef("pk")
    )
    rows = Restore.objects.filter(state=RestoreState.FAILED).exclude(Exists(later))
    failed = rows.exclude(Exists(_open_as("restore", OuterRef("pk"), closed_too=True)))
    for row in failed.select_related("archive__version__model")[:AT_ONCE]:
        version = row.archive.version
        yield (
            version,
            Found(
                FindingKind.DRILL,
                FindingSeverity.HIGH,
                f"Version {version.number} could not be restored from its archive",
                row.error or "The restore failed without a reason.",
                key=f"restore-{row.pk}",
            ),
        )


def _drilled() -> Iterator[tuple[Version, Found]]:
    """Drills that failed, and that no later one has made good."""
    later = RestoreDrill.objects.filter(
        archive=OuterRef("archive"), state=DrillState.PASSED, pk__gt=OuterRef("pk")
    )
    rows = RestoreDrill.objects.filter(state=DrillState.FAILED).exclude(Exists(later))
    failed = rows.exclude(Exists(_open_as("drill", OuterRef("archive_id"))))
    latest = failed.order_by("archive_id", "-pk").distinct("archive_id")
    for row in latest.select_related("archive__version__model")[:AT_ONCE]:
        version = row.archive.version
        yield (
            version,
            Found(
                FindingKind.DRILL,
                FindingSeverity.HIGH,
                f"The archive of version {version.number} failed its drill",
                f"{row.error} Mend what the step says, then drill it again.",
                key=f"drill-{row.archive_id}",
            ),
        )


def _open_as(kind: str, pk: OuterRef, *, closed_too: bool = False) -> QuerySet[Finding]:
    """Findings under the key of one archive or restore. A failed restore stays as it is: once its
    finding is closed, it is not found again."""
    rows = Finding.objects.all() if closed_too else Finding.objects.unclosed()
    text = Cast(pk, output_field=CharField())
    return rows.filter(key=Concat(Value(f"{kind}-"), text, output_field=CharField()))
