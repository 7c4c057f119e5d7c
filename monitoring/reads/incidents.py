"""Incidents for pages: a list, and one with its timeline and alerts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitoring.models import Alert, Incident, IncidentEntry
from monitoring.states import IncidentState

MOST = 200


@dataclass(frozen=True)
class IncidentRow:
    """One incident in a list."""

    id: int
    model: str
    model_slug: str
    version: int
    kind: str
    title: str
    state: str
    severity: str
    owner: str
    began_at: datetime
    opened_at: datetime
    resolved_at: datetime | None


@dataclass(frozen=True)
class TimelineEntry:
    """One line of a timeline; the machine's lines have no person."""

    at: datetime
    person: str
    text: str


@dataclass(frozen=True)
class AlertRow:
    """One alert of an incident."""

    id: int
    message: str
    severity: str
    raised_at: datetime
    run_id: int
    monitor: str
    metric: str
    field: str
    segment: str
    window_start: datetime
    window_end: datetime


@dataclass(frozen=True)
class IncidentDetail:
    """An incident with everything a page shows of it; alerts of the newest windows first."""

    row: IncidentRow
    root_cause: str
    resolution: str
    acknowledged_at: datetime | None
    calm_since: datetime | None
    timeline: tuple[TimelineEntry, ...]
    alerts: tuple[AlertRow, ...]
    alert_count: int


def incidents_for(
    user: Any, *, model_id: int | None = None, unresolved: bool = False, limit: int = 100
) -> list[IncidentRow]:
    """Incidents that the user may see, newest first. One query."""
    rows = Incident.objects.visible_to(user).select_related("model", "version", "owner")
    if model_id is not None:
        rows = rows.filter(model_id=model_id)
    if unresolved:
        rows = rows.exclude(state=IncidentState.RESOLVED)
    return [_row(one) for one in rows[: min(limit, MOST)]]


def incident_detail(user: Any, incident_id: int) -> IncidentDetail | None:
    """One incident, None if the user may not see it or it is not there. At most four queries."""
    found = Incident.objects.visible_to(user).select_related("model", "version", "owner")
    incident = found.filter(pk=incident_id).first()
    if incident is None:
        return None
    entries = IncidentEntry.objects.filter(incident=incident).select_related("person")
    newest_entries = entries.order_by("-at", "-pk")[:MOST]
    alerts = Alert.objects.filter(incident=incident, run__latest=True)
    newest = alerts.select_related("run", "measurement", "run__monitor").order_by(
        "-run__window_end", "-pk"
    )
    return IncidentDetail(
        _row(incident),
        incident.root_cause,
        incident.get_resolution_display(),
        incident.acknowledged_at,
        incident.calm_since,
        tuple(_entry(one) for one in reversed(newest_entries)),
        tuple(_alert(one) for one in newest[:MOST]),
        alerts.count(),
    )


def _row(one: Incident) -> IncidentRow:
    return IncidentRow(
        one.pk,
        one.model.name,
        one.model.slug,
        one.version.number,
        one.kind,
        one.title,
        one.state,
        one.severity,
        one.owner.name if one.owner else "",
        one.began_at,
        one.opened_at,
        one.resolved_at,
    )


def _entry(one: IncidentEntry) -> TimelineEntry:
    return TimelineEntry(one.at, one.person.name if one.person else "", one.text)


def _alert(one: Alert) -> AlertRow:
    return AlertRow(
        one.pk,
        one.message,
        one.severity,
        one.raised_at,
        one.run_id,
        one.run.monitor.name,
        one.measurement.metric,
        one.measurement.field,
        one.measurement.segment,
        one.run.window_start,
        one.run.window_end,
    )
