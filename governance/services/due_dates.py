"""The day on which a change request has to be decided is moved, with a reason."""

from datetime import date

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.policies import require
from audit.record import record
from governance.due_dates import LONGEST
from governance.events import GovernanceEvent
from governance.jobs.locks import locked_request
from governance.models import ChangeRequest
from governance.policies import can_set_conditions
from governance.refusals import Incomplete, NotOpen
from governance.services.proofs import words
from governance.states import RequestState

ONLY_CONCERNED = "Who may ask for this change, or may sign it, moves its date."


@transaction.atomic
def move_due_date(*, actor: User, request_id: int, due_on: date, reason: str) -> ChangeRequest:
    """Have a request decided on another day; people are reminded anew for that day.

    Raises:
        Refused, NotOpen, Incomplete: as they say; nothing changed.
    """
    request = locked_request(request_id)
    require(can_set_conditions(actor, request), ONLY_CONCERNED)
    if request.state != RequestState.OPEN:
        raise NotOpen(f"The request is {request.state}; its date cannot be moved any more.")
    said, today = words("reason", reason), timezone.now().date()
    if not today <= due_on <= today + LONGEST:
        raise Incomplete("due_on", f"Today or later, and within {LONGEST.days} days.")
    if due_on == request.due_on:
        raise Incomplete("due_on", "It is due on that day already.")
    before, request.due_on = request.due_on, due_on
    request.save(update_fields=["due_on"])
    record(
        actor,
        GovernanceEvent.REQUEST_DUE_MOVED,
        request,
        before=before.isoformat() if before else None,
        due_on=due_on.isoformat(),
        reason=said,
    )
    return request
