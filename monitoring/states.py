"""The life of an incident as a table. Pure."""

from enum import StrEnum


class IncidentState(StrEnum):
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class IllegalIncidentMove(Exception):
    """The incident has no such step from there."""


INCIDENT_MOVES: dict[tuple[IncidentState, str], IncidentState] = {
    (IncidentState.OPEN, "acknowledge"): IncidentState.ACKNOWLEDGED,
    (IncidentState.OPEN, "resolve"): IncidentState.RESOLVED,
    (IncidentState.ACKNOWLEDGED, "resolve"): IncidentState.RESOLVED,
}


def move_incident(state: str, verb: str) -> IncidentState:
    """The state after `verb`.

    Raises:
        IllegalIncidentMove: the table has no such step.
    """
    found = INCIDENT_MOVES.get((IncidentState(state), verb))
    if found is None:
        raise IllegalIncidentMove(f"An incident that is {state} cannot be {verb}d.")
    return found
