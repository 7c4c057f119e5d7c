"""People, service accounts, teams and roles."""

from django.db import transaction

from accounts.events import AccountEvent
from accounts.models import Membership, Team, User, UserKind
from accounts.policies import can_administer, require
from accounts.roles import EXCLUSIVE_ROLES, Role
from audit.record import SYSTEM, record

ONLY_ADMINISTRATORS = "Only an administrator changes people, teams and roles."


@transaction.atomic
def create_first_administrator(*, email: str, name: str, password: str) -> User:
    """The one person who appears by the command line; refused once anybody is there.

    Raises:
        ValueError: somebody is there already.
    """
    if User.objects.exists():
        raise ValueError("There are people already; an administrator creates more of them.")
    user = User.objects.create_user(email, name, password)
    membership = Membership.objects.create(user=user, role=Role.ADMINISTRATOR)
    record(SYSTEM, AccountEvent.USER_CREATED, user, email=email)
    record(SYSTEM, AccountEvent.ROLE_GRANTED, membership, person=name, role=Role.ADMINISTRATOR)
    return user


@transaction.atomic
def create_user(
    *, actor: User, email: str, name: str, password: str | None, kind: str = UserKind.PERSON
) -> User:
    require(can_administer(actor), ONLY_ADMINISTRATORS)
    user = User.objects.create_user(email, name, password, kind=kind)
    record(actor, AccountEvent.USER_CREATED, user, email=email, kind=kind)
    return user


@transaction.atomic
def note_sign_in(*, actor: User, by: list[str]) -> None:
    """A person has proved who they are at the door, by these ways."""
    record(actor, AccountEvent.USER_SIGNED_IN, actor, by=by)


@transaction.atomic
def change_password(*, actor: User, password: str) -> None:
    actor.set_password(password)
    actor.save(update_fields=["password"])
    record(actor, AccountEvent.PASSWORD_CHANGED, actor)


@transaction.atomic
def create_team(*, actor: User, name: str, slug: str) -> Team:
    require(can_administer(actor), ONLY_ADMINISTRATORS)
    team = Team.objects.create(name=name, slug=slug)
    record(actor, AccountEvent.TEAM_CREATED, team)
    return team


@transaction.atomic
def grant_role(*, actor: User, user_id: int, role: str, team_id: int | None) -> Membership:
    """Give a person a role in a team, or (team None) in the whole organisation.

    Raises:
        ValueError: an auditor would hold another role beside, or the reverse.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=user_id)
    require(can_administer(actor), ONLY_ADMINISTRATORS)
    refuse_mixing(user, role)
    team = Team.objects.get(pk=team_id) if team_id is not None else None
    membership, created = Membership.objects.get_or_create(user=user, role=role, team=team)
    if created:
        record(actor, AccountEvent.ROLE_GRANTED, membership, person=user.name, role=role)
    return membership


@transaction.atomic
def withdraw_role(*, actor: User, membership_id: int) -> None:
    membership = Membership.objects.select_for_update(no_key=True).get(pk=membership_id)
    require(can_administer(actor), ONLY_ADMINISTRATORS)
    record(
        actor,
        AccountEvent.ROLE_WITHDRAWN,
        membership,
        person=membership.user.name,
        role=membership.role,
    )
    membership.delete()


def refuse_mixing(user: User, role: str) -> None:
    """An auditor holds no other role.

    Raises:
        ValueError: the person would.
    """
    held = set(user.memberships.values_list("role", flat=True)) - {role}
    if held and (role in EXCLUSIVE_ROLES or held & EXCLUSIVE_ROLES):
        raise ValueError(
            f"{user.name} is {', '.join(sorted(held))} already: auditors hold no other role, "
            "so that what they examine is not their own work."
        )
