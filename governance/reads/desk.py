"""What waits for a person beside signatures: incidents without an end, changes that failed."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from accounts.policies import is_auditor
from accounts.roles import Role
from governance.models import ChangeRequest
from governance.reads.model_page import IncidentLine, incident_lines
from governance.reads.requests import RequestLine, lines_of
from governance.states import RequestState
from monitoring.models import Incident
from monitoring.policies import CARETAKERS
from monitoring.states import IncidentState

MOST = 10


@dataclass(frozen=True)
class Desk:
    """Unresolved incidents that are the person's or nobody's, and failed changes to try again."""

    incidents: tuple[IncidentLine, ...]
    failed: tuple[RequestLine, ...]

    def __bool__(self) -> bool:
        return bool(self.incidents or self.failed)


def desk(user: Any) -> Desk:
    """What the person could take up now, the newest first. At most three queries."""
    if is_auditor(user):
        return Desk((), ())
    return Desk(_incidents(user), _failed(user))


def _incidents(user: Any) -> tuple[IncidentLine, ...]:
    mine = Q(owner=user)
    if set(CARETAKERS) & user.roles:
        mine |= Q(owner__isnull=True, model__team__in=user.team_ids)
    found = Incident.objects.visible_to(user).exclude(state=IncidentState.RESOLVED).filter(mine)
    return incident_lines(found)[:MOST]


def _failed(user: Any) -> tuple[RequestLine, ...]:
    if Role.DEVELOPER not in user.roles:
        return ()
    rows = ChangeRequest.objects.visible_to(user).filter(state=RequestState.FAILED)
    return tuple(lines_of(rows.order_by("-pk")[:MOST]))
