"""Whether a version's archive was proved to be restorable: the one place that says what counts.

The latest drill counts, which fetches every byte, rebuilds the environment, opens the model in the
sandbox and compares what it answers; and the archive must not have been found broken since.
"""

from dataclasses import dataclass
from datetime import datetime

from registry.models import DrillState, RestoreDrill
from registry.states import ArchiveState


@dataclass(frozen=True)
class Passed:
    """When it was proved, and by what."""

    at: datetime
    by: str
    digest: str


def drill_passed(version_id: int) -> Passed | None:
    """The proof that holds now; None where there is none, or where the last one failed."""
    drill = _latest(version_id)
    if drill is None or drill.state != DrillState.PASSED or drill.archive.error:
        return None
    if drill.finished_at is None:
        return None
    return Passed(drill.finished_at, _told(drill), drill.archive.digest)


def drill_failed(version_id: int) -> str:
    """Why the last one failed, in a sentence; empty if it did not, or is tried again now."""
    drill = _latest(version_id)
    if drill is None or _again(drill):
        return ""
    return drill.archive.error or drill.error


def _latest(version_id: int) -> RestoreDrill | None:
    """The latest drill that is over, of an archive that is sealed."""
    rows = RestoreDrill.objects.filter(
        archive__version=version_id, archive__state=ArchiveState.SEALED, finished_at__isnull=False
    )
    return rows.select_related("archive").order_by("-pk").first()


def _again(drill: RestoreDrill) -> bool:
    running = RestoreDrill.objects.filter(archive=drill.archive_id, state=DrillState.RUNNING)
    return running.filter(pk__gt=drill.pk).exists()


def _told(drill: RestoreDrill) -> str:
    looked_at = {step["name"]: step["looked_at"] for step in drill.steps}
    return (
        f"a drill: {looked_at.get('fetch', 0)} files fetched and compared, "
        f"{looked_at.get('replay', 0)} answers compared"
    )
