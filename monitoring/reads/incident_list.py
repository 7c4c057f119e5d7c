"""Incidents by state, model and severity, in pages."""

from dataclasses import dataclass
from typing import Any

from monitoring.models import Incident, Severity
from monitoring.states import IncidentState
from registry.models import Model

PAGE = 25
UNRESOLVED = "unresolved"
STATES = (UNRESOLVED, *IncidentState)


@dataclass(frozen=True)
class Wanted:
    """Filters; empty: all. Unknown words are taken as empty."""

    state: str = ""
    model: str = ""
    severity: str = ""
    before: int | None = None


@dataclass(frozen=True)
class IncidentList:
    """One page of incidents, the newest first."""

    incidents: tuple[Incident, ...]
    total: int
    older: int | None
    models: tuple[tuple[str, str], ...]


def incident_list(user: Any, wanted: Wanted) -> IncidentList:
    """Incidents that the user may see. Three queries."""
    rows = _filtered(user, wanted)
    page = rows.select_related("model", "version", "owner").order_by("-pk")
    if wanted.before is not None:
        page = page.filter(pk__lt=wanted.before)
    found = list(page[: PAGE + 1])
    older = found[PAGE - 1].pk if len(found) > PAGE else None
    models = Model.objects.visible_to(user).filter(incidents__isnull=False).distinct()
    return IncidentList(
        incidents=tuple(found[:PAGE]),
        total=rows.count(),
        older=older,
        models=tuple(models.values_list("slug", "name")),
    )


def _filtered(user: Any, wanted: Wanted) -> Any:
    rows = Incident.objects.visible_to(user)
    if wanted.state == UNRESOLVED:
        rows = rows.exclude(state=IncidentState.RESOLVED)
    elif wanted.state in set(IncidentState):
        rows = rows.filter(state=wanted.state)
    if wanted.model:
        rows = rows.filter(model__slug=wanted.model)
    if wanted.severity in set(Severity):
        rows = rows.filter(severity=wanted.severity)
    return rows
