"""Effective challenge: switched per team, and openings of evidence noted where it is on."""

from django.db import transaction

from accounts.models import Team, User
from accounts.policies import require
from audit.record import record
from governance.events import GovernanceEvent
from governance.models import ChallengeSwitch, ChangeRequest, EvidenceKind, EvidenceOpening
from governance.policies import can_switch_challenge, had_a_hand, signing_roles
from governance.reads.switches import counted_since, newest_switches
from governance.refusals import Incomplete, NoSuchStep
from governance.states import RequestState

ONLY_WHO_CHALLENGES = (
    "Validators, reviewers and risk officers see their team's figures; auditors and "
    "administrators those of every team."
)
ONLY_WHO_ANSWERS = "Risk officers of the team and administrators switch effective challenge."


@transaction.atomic
def switch_challenge(*, actor: User, team_id: int, on: bool, reason: str) -> ChallengeSwitch:
    """Count effective challenge of a team from now on, or not any more.

    Raises:
        Refused: the actor neither answers for the team's risk nor administers.
        Incomplete: there is no reason.
        NoSuchStep: it is so already.
    """
    team = Team.objects.select_for_update(no_key=True).get(pk=team_id)
    require(can_switch_challenge(actor, team.pk), ONLY_WHO_ANSWERS)
    if not reason.strip():
        raise Incomplete("reason", "Say why: the people of the team will read it.")
    before = newest_switches([team.pk]).get(team.pk)
    if on is bool(before and before.on):
        raise NoSuchStep(f"It is {'on' if on else 'off'} already.")
    row = ChallengeSwitch.objects.create(
        team=team, on=on, reason=reason.strip()[:400], switched_by=actor, printed_name=actor.name
    )
    record(actor, GovernanceEvent.CHALLENGE_SWITCHED, row, on=on, reason=row.reason)
    row.refresh_from_db()
    return row


def note_opening(*, actor: User, request_id: int, kind: EvidenceKind) -> bool:
    """Note that somebody who may sign opened evidence of an open request, the first time only.

    Nothing is noted of anybody else, nor where the team has it switched off; returns whether it
    is counted.
    """
    request = ChangeRequest.objects.select_related("model").get(pk=request_id)
    if request.state != RequestState.OPEN or not signing_roles(actor, request):
        return False
    if counted_since(request.model.team_id) is None or had_a_hand(actor, request):
        return False
    row = EvidenceOpening(request=request, person=actor, kind=kind)
    EvidenceOpening.objects.bulk_create([row], ignore_conflicts=True)
    return True
