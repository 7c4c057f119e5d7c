"""On whom a change request waits: people with a missing role, or who has something to mend."""

from collections.abc import Mapping

from django.db.models import Q

from accounts.models import Delegation, Membership, User, UserKind
from governance.models import ChangeRequest
from governance.reads.discussion import unsettled
from governance.reads.evidence import what_changed
from governance.reads.signatures import counting, missing
from registry.models import Contribution


def able_to_sign(request: ChangeRequest, needed: Mapping[str, int]) -> list[tuple[int, str, str]]:
    """People (id, name, role) with a missing role and no hand in the version, who have not signed
    the evidence in force. Two queries."""
    signed = [s for s in request.signoffs.all() if s.signed_digest == request.digest]
    out = {request.requested_by_id} | {s.person_id for s in signed}
    out |= {s.on_behalf_of_id for s in signed if s.on_behalf_of_id}
    hands = Contribution.objects.filter(version=request.version_id).values("person")
    found = (
        Membership.objects.filter(Q(team=request.model.team_id) | Q(team__isnull=True))
        .filter(role__in=needed, user__is_active=True, user__kind=UserKind.PERSON)
        .exclude(user__in=out)
        .exclude(user__in=hands)
        .order_by("user__name")
    )
    return sorted(set(found.values_list("user_id", "user__name", "role")), key=lambda one: one[1])


def waiting_on(request: ChangeRequest) -> tuple[list[User], str]:
    """Who has to do something next, and what, in words."""
    if what_changed(request):
        return [_asker(request)], "its evidence is stale and has to be refreshed"
    if asked := unsettled(request):
        answered = {one.pk for one in asked if one.replies.filter(kind="answer").exists()}
        if len(answered) < len(asked):
            return [_asker(request)], "a signer asked for a change that has no answer"
        people = {one.person_id for one in asked}
        return list(User.objects.filter(pk__in=people, is_active=True)), (
            "a change that you asked for is answered: settle it, or say what is missing"
        )
    needed = missing(request, counting(request))
    ids = {pk for pk, _, _ in able_to_sign(request, needed)}
    takers = Delegation.objects.in_force().filter(giver__in=ids, role__in=needed)
    everybody = ids | set(takers.values_list("taker_id", flat=True))
    everybody -= {request.requested_by_id}
    return list(User.objects.filter(pk__in=everybody).order_by("pk")), "it needs your signature"


def _asker(request: ChangeRequest) -> User:
    """Who asked; where a machine did (a policy, a serving system), the model's owner."""
    asked = request.requested_by
    return asked if asked.kind == UserKind.PERSON else request.model.owner


def answer_for(request: ChangeRequest) -> list[User]:
    """Whom an overdue request is brought to: the model's owner and the team's risk officers."""
    officers = Membership.objects.filter(
        Q(team=request.model.team_id) | Q(team__isnull=True), role="risk_officer"
    )
    people = User.objects.filter(is_active=True, kind=UserKind.PERSON)
    found = people.filter(Q(pk=request.model.owner_id) | Q(memberships__in=officers))
    return list(found.distinct().order_by("pk"))
