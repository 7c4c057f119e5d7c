"""What the machine found when an incident opened, sorted for readers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitoring.models import Incident, Investigation
from monitoring.stats.reference import Role
from monitoring.stats.root_cause import CauseKind
from registry.models import TaskType

MOST = 8
PASSED = "No part of the data is clearly worse than the rest."


@dataclass(frozen=True)
class CauseRow:
    """One possible cause; the evidence is as it was stored."""

    name: str
    contribution: float
    evidence: Mapping[str, Any]


@dataclass(frozen=True)
class WorstRow:
    """Rows on which the model does worse than on all others."""

    name: str
    inside: float | None
    others: float | None
    rows: int
    adjusted_p: float | None


@dataclass(frozen=True)
class Investigated:
    """Causes by kind and the worst segments, each at most `MOST`, the gravest first."""

    run_id: int
    window_start: datetime
    window_end: datetime
    made_at: datetime
    features: tuple[CauseRow, ...]
    segments: tuple[CauseRow, ...]
    faults: tuple[CauseRow, ...]
    worst: tuple[WorstRow, ...]
    rows: int
    searched: int
    reason: str
    error_unit: str

    @property
    def has_causes(self) -> bool:
        return bool(self.features or self.segments or self.faults)


def investigation_of(incident: Incident) -> Investigated | None:
    """None until the job has run. One query."""
    found = (
        Investigation.objects.filter(incident=incident)
        .select_related("run", "incident__model", "incident__version__schema")
        .first()
    )
    if found is None:
        return None
    search = found.segments
    worst = tuple(_worst(one) for one in search.get("segments", [])[:MOST])
    return Investigated(
        found.run_id,
        found.run.window_start,
        found.run.window_end,
        found.made_at,
        _causes(found.causes, CauseKind.FEATURE),
        _causes(found.causes, CauseKind.SEGMENT),
        _causes(found.causes, CauseKind.DATA_QUALITY),
        worst,
        search.get("rows", 0),
        search.get("searched", 0),
        "" if worst or not search else _reason(search),
        _error_unit(found.incident),
    )


def _causes(causes: Sequence[Mapping[str, Any]], kind: CauseKind) -> tuple[CauseRow, ...]:
    """Causes of one kind that add something."""
    own = [one for one in causes if one["kind"] == kind and one["contribution"]]
    return tuple(
        CauseRow(one["name"], one["contribution"], one.get("evidence") or {}) for one in own[:MOST]
    )


def _worst(one: Mapping[str, Any]) -> WorstRow:
    adjusted = (one.get("parameters") or {}).get("adjusted_p")
    return WorstRow(one["name"], one["value"], one["baseline"], one["n"], adjusted)


def _reason(search: Mapping[str, Any]) -> str:
    said = search.get("reason") or ""
    return f"Nothing could be searched: {said}." if said else PASSED


def _error_unit(incident: Incident) -> str:
    """Errors are shares of wrong answers, or sizes in the unit of the answer."""
    if incident.model.task != TaskType.REGRESSION:
        return "share"
    schema = getattr(incident.version, "schema", None)
    fields = schema.fields if schema else []
    units = (one.get("unit") for one in fields if one.get("role") == Role.PREDICTION)
    return next(units, None) or ""
