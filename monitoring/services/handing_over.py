"""Incidents of somebody who leaves get another owner: governance calls this."""

from accounts.models import User
from audit.record import record
from monitoring.events import MonitoringEvent
from monitoring.models import Incident
from monitoring.states import IncidentState


def hand_incidents_over(
    *, actor: User, before: User, after: User, team_id: int, reason: str
) -> list[Incident]:
    """Give what `before` has in hand in a team to `after`. Inside the caller's transaction."""
    rows = Incident.objects.select_for_update(no_key=True, of=("self",)).order_by("pk")
    rows = rows.filter(owner=before, model__team_id=team_id)
    found = list(rows.exclude(state=IncidentState.RESOLVED))
    for incident in found:
        incident.owner = after
        incident.save(update_fields=["owner"])
        names = {"before": before.name, "after": after.name}
        record(actor, MonitoringEvent.INCIDENT_HANDED_OVER, incident, **names, reason=reason)
    return found
