"""Drills of an archive, as pages and the API show them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from registry.models import DrillState, RestoreDrill

SHOWN = 20
LABELS = {
    "fetch": "Fetched from the store",
    "verify": "Every byte compared",
    "environment": "Environment",
    "open": "Opened in the sandbox",
    "replay": "Golden answers compared",
}


@dataclass(frozen=True)
class DrillStep:
    name: str
    label: str
    state: str
    said: str
    looked_at: int
    seconds: float


@dataclass(frozen=True)
class DrillRow:
    """One drill and each of its steps."""

    id: int
    state: str
    asked_by: str
    asked_at: datetime
    finished_at: datetime | None
    seconds: float | None
    tolerance: float
    error: str
    steps: tuple[DrillStep, ...]


def drills_of(archive_id: int) -> tuple[DrillRow, ...]:
    """The latest drills of an archive, the latest first. One query.

    The caller has made sure that the archive may be seen.
    """
    rows = RestoreDrill.objects.filter(archive_id=archive_id).select_related("asked_by")
    return tuple(row_of(row) for row in rows[:SHOWN])


def row_of(row: RestoreDrill) -> DrillRow:
    return DrillRow(
        id=row.pk,
        state=row.state,
        asked_by=row.asked_by.name if row.asked_by else "Ombud",
        asked_at=row.asked_at,
        finished_at=row.finished_at,
        seconds=row.seconds,
        tolerance=row.tolerance,
        error=row.error,
        steps=_steps(row.steps),
    )


def passed_since(archive_id: int, moment: datetime | None) -> bool:
    """Whether a drill of this archive that was asked for since then has passed."""
    rows = RestoreDrill.objects.filter(archive_id=archive_id, state=DrillState.PASSED)
    return (rows.filter(asked_at__gte=moment) if moment else rows).exists()


def _steps(steps: Sequence[Mapping[str, Any]]) -> tuple[DrillStep, ...]:
    return tuple(
        DrillStep(
            name=step["name"],
            label=LABELS.get(step["name"], step["name"]),
            state=step["state"],
            said=step["said"],
            looked_at=step["looked_at"],
            seconds=step["seconds"],
        )
        for step in steps
    )
