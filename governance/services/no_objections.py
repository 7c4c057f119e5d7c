"""Who was told of a retirement says that they do not object; objecting later takes it back."""

from django.db import transaction

from accounts.models import User
from accounts.policies import require
from audit.record import record
from governance.events import GovernanceEvent
from governance.jobs.retirement_early import look_at_once
from governance.models import NoObjection
from governance.policies import can_object
from governance.reads.retirement_silence import standing, was_told
from governance.refusals import AlreadySigned
from governance.services.retirements import locked_retirement, must_run

ONLY_TOLD = "Only people who were told, or who work with the team's models, answer the notice."


@transaction.atomic
def say_no_objection(*, actor: User, retirement_id: int) -> NoObjection:
    """Say within the notice that one does not object, and so is waited for no more.

    Raises:
        Refused: neither told nor of the team.
        NotOpen: the notice is over.
        AlreadySigned: they have said so, or their objection has no answer yet.
    """
    row = locked_retirement(retirement_id)
    asked = was_told(row, actor.pk) and actor.kind == "person"
    require(asked or can_object(actor, row.model), ONLY_TOLD)
    must_run(row)
    if row.objections.filter(person=actor, answer="").exists():
        raise AlreadySigned("You have objected; that waits for an answer.")
    if standing(row).filter(person=actor).exists():
        raise AlreadySigned("You have said already that you do not object.")
    found = NoObjection.objects.create(retirement=row, person=actor, printed_name=actor.name)
    last = look_at_once(row)
    record(actor, GovernanceEvent.NO_OBJECTION_SAID, found, last=last)
    return found
