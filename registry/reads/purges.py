"""Whether an archive may be purged, and what became of those that were."""

from datetime import date

from django.utils import timezone

from registry.models import Archive, DrillState, RestoreState
from registry.reads.holds import held_by
from registry.reads.retention import kept_until, rule_in_force
from registry.states import ArchiveState


def why_not(archive: Archive) -> str:
    """Why its bytes stay, in a sentence; empty if nothing stands against a purge."""
    if archive.state != ArchiveState.SEALED:
        return f"The archive is {archive.state}; only a sealed one is purged."
    if cases := held_by(archive.version.model_id):
        return f"A legal hold ({cases}) keeps it until it is lifted."
    until = last_day(archive)
    if until is None or until >= timezone.now().date():
        return f"It is kept until {until:%-d %b %Y} by the retention rule."
    if archive.restores.filter(state=RestoreState.REQUESTED).exists():
        return "It is being restored."
    if archive.drills.filter(state=DrillState.RUNNING).exists():
        return "It is being brought back on trial."
    return ""


def last_day(archive: Archive) -> date | None:
    """The last day of its retention."""
    return kept_until(archive, rule_in_force())
