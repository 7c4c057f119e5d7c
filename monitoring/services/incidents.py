"""Incidents as people handle them: acknowledge, note, resolve."""

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from accounts.policies import require
from audit.record import record
from monitoring.events import MonitoringEvent
from monitoring.models import Incident, IncidentEntry, Resolution
from monitoring.policies import can_handle
from monitoring.states import move_incident

ONLY_THE_TEAM = "People of the model's team handle its incidents."
LONGEST_TEXT = 5_000


class IncidentInvalid(ValueError):
    """What was said about the incident cannot be accepted; `field` says which part."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.field = name


@transaction.atomic
def acknowledge(*, actor: User, incident_id: int, note: str = "") -> Incident:
    """Take an open incident over; the actor owns it from now on.

    Raises:
        Refused: the actor is not of the model's team, or only audits.
        IllegalIncidentMove: it is not open.
    """
    incident = _locked(incident_id)
    require(can_handle(actor, incident), ONLY_THE_TEAM)
    incident.state = move_incident(incident.state, "acknowledge")
    incident.owner = actor
    incident.acknowledged_at = Now()
    incident.save(update_fields=["state", "owner", "acknowledged_at"])
    _tell(incident, actor, f"Acknowledged. {_text('note', note, needed=False)}".strip())
    incident.refresh_from_db()
    record(actor, MonitoringEvent.INCIDENT_ACKNOWLEDGED, incident, note=note)
    return incident


@transaction.atomic
def resolve(*, actor: User, incident_id: int, root_cause: str, resolution: str = "") -> Incident:
    """Close an incident with its root cause, and say what it turned out to be.

    Raises:
        Refused: the actor is not of the model's team, or only audits.
        IllegalIncidentMove: it is resolved already.
        IncidentInvalid: there is no root cause, or the resolution is none that there is.
    """
    incident = _locked(incident_id)
    require(can_handle(actor, incident), ONLY_THE_TEAM)
    cause = _text("root_cause", root_cause, needed=True)
    if resolution not in ("", *Resolution.values):
        known = ", ".join(Resolution.values)
        raise IncidentInvalid("resolution", f"It is one of {known}, or not said.")
    incident.state = move_incident(incident.state, "resolve")
    incident.owner = incident.owner or actor
    incident.root_cause = cause
    incident.resolution = resolution
    incident.resolved_at = Now()
    incident.save(update_fields=["state", "owner", "root_cause", "resolution", "resolved_at"])
    _tell(incident, actor, f"Resolved. Root cause: {cause}")
    incident.refresh_from_db()
    said = {"root_cause": cause, "resolution": resolution}
    record(actor, MonitoringEvent.INCIDENT_RESOLVED, incident, **said)
    return incident


@transaction.atomic
def note(*, actor: User, incident_id: int, text: str) -> IncidentEntry:
    """Add a line to the timeline.

    Raises:
        Refused: the actor is not of the model's team, or only audits.
        IncidentInvalid: the text is empty or too long.
    """
    incident = _locked(incident_id)
    require(can_handle(actor, incident), ONLY_THE_TEAM)
    entry = _tell(incident, actor, _text("text", text, needed=True))
    record(actor, MonitoringEvent.INCIDENT_NOTED, incident, text=entry.text)
    return entry


def _locked(incident_id: int) -> Incident:
    found = Incident.objects.select_for_update(no_key=True, of=("self",)).select_related("model")
    return found.get(pk=incident_id)


def _tell(incident: Incident, actor: User, text: str) -> IncidentEntry:
    return IncidentEntry.objects.create(incident=incident, person=actor, text=text)


def _text(name: str, text: str, *, needed: bool) -> str:
    kept = text.strip()
    if needed and not kept:
        raise IncidentInvalid(name, "Say it in a sentence: it is what others will look for.")
    if len(kept) > LONGEST_TEXT or "\x00" in kept:
        raise IncidentInvalid(name, f"At most {LONGEST_TEXT} signs of text.")
    return kept
