"""A signer lends their role to a colleague for some days, and takes it back."""

from datetime import date, timedelta

from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.models import Delegation, Membership, User, UserKind
from accounts.policies import can_end_delegation, require
from accounts.roles import EXCLUSIVE_ROLES, SIGNING_ROLES
from audit.record import record

LONGEST = timedelta(days=90)
LONGEST_REASON = 2000
ONLY_OWN = "You lend only a role of a signer that you hold yourself, in that team."
ONLY_CONCERNED = "Who gave it, who has it, or an administrator ends it."


class CannotLend(ValueError):
    """It makes no sense; `field` is what to mend."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@transaction.atomic
def lend(
    *,
    actor: User,
    taker_id: int,
    role: str,
    team_id: int | None,
    begins_on: date,
    ends_on: date,
    reason: str,
) -> Delegation:
    """Let a colleague sign in one's role on some days. What was lent cannot be lent on.

    Raises:
        Refused: the actor does not hold the role there themselves.
        CannotLend: to nobody who could take it, for days that make no sense, or twice.
    """
    # The lock makes two at once queue up: the second sees the first.
    giver = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
    person = giver.kind == UserKind.PERSON and giver.is_active
    held = role in SIGNING_ROLES and (team_id, role) in giver.held
    require(person and held, ONLY_OWN)
    _check_days(begins_on, ends_on)
    if not reason.strip() or len(reason) > LONGEST_REASON or "\0" in reason:
        raise CannotLend("reason", f"Say why, in at most {LONGEST_REASON:,} characters.")
    taker = _taker(giver, taker_id, role, team_id)
    _refuse_twice(giver, role, team_id, begins_on, ends_on)
    found = Delegation.objects.create(
        giver=giver,
        taker=taker,
        team_id=team_id,
        role=role,
        begins_on=begins_on,
        ends_on=ends_on,
        reason=reason.strip(),
    )
    record(
        giver,
        AccountEvent.ROLE_LENT,
        found,
        to=taker.name,
        role=role,
        begins_on=begins_on.isoformat(),
        ends_on=ends_on.isoformat(),
        reason=found.reason,
    )
    return found


@transaction.atomic
def end_delegation(*, actor: User, delegation_id: int, reason: str) -> Delegation:
    """End it at once; what was signed by it stays signed.

    Raises:
        Refused: it is not the actor's.
        CannotLend: it has ended, or no reason was given.
    """
    found = Delegation.objects.select_for_update(no_key=True).get(pk=delegation_id)
    require(can_end_delegation(actor, found), ONLY_CONCERNED)
    if not reason.strip() or len(reason) > LONGEST_REASON or "\0" in reason:
        raise CannotLend("reason", f"Say why, in at most {LONGEST_REASON:,} characters.")
    if found.ended_at is not None or found.ends_on < timezone.now().date():
        raise CannotLend("reason", "It has ended already.")
    Delegation.objects.filter(pk=found.pk).update(ended_at=Now())
    found.refresh_from_db(fields=["ended_at"])
    record(actor, AccountEvent.ROLE_TAKEN_BACK, found, role=found.role, reason=reason.strip())
    return found


def _check_days(begins_on: date, ends_on: date) -> None:
    if begins_on < timezone.now().date():
        raise CannotLend("begins_on", "It begins today or later: nothing is lent for the past.")
    if ends_on < begins_on:
        raise CannotLend("ends_on", "Its last day is not before its first.")
    if ends_on - begins_on >= LONGEST:
        raise CannotLend("ends_on", f"At most {LONGEST.days} days: then it is a role of their own.")


def _taker(giver: User, taker_id: int, role: str, team_id: int | None) -> User:
    there = Q(team=team_id) | Q(team__isnull=True)
    works = Membership.objects.filter(there).exclude(role__in=EXCLUSIVE_ROLES)
    rows = User.objects.filter(kind=UserKind.PERSON, is_active=True, memberships__in=works)
    taker = rows.filter(pk=taker_id).exclude(pk=giver.pk).distinct().first()
    if taker is None:
        raise CannotLend("taker", "A colleague who works in that team, and is no auditor.")
    if taker.holds(role, team_id=team_id):
        raise CannotLend("taker", f"{taker.name} holds that role already.")
    return taker


def _refuse_twice(
    giver: User, role: str, team_id: int | None, begins_on: date, ends_on: date
) -> None:
    other = Delegation.objects.untaken().filter(
        giver=giver, role=role, team=team_id, begins_on__lte=ends_on, ends_on__gte=begins_on
    )
    if found := other.select_related("taker").first():
        raise CannotLend(
            "begins_on", f"{found.taker.name} has it on some of these days: take it back first."
        )
