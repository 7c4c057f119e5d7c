"""People, service accounts, teams and roles."""

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import transaction

from accounts.events import AccountEvent
from accounts.models import Membership, Team, User, UserKind
from accounts.policies import require
from accounts.roles import EXCLUSIVE_ROLES, ORGANISATION_ROLES, Role
from accounts.services.administrators import (
    lock_administrators,
    require_administrator,
    require_another,
)
from audit.record import SYSTEM, record

NOT_ONESELF = "Nobody gives themselves a role: another administrator does it."


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
    """Make a person, or a service account.

    Raises:
        Refused: no administrator.
        ValueError: no name, no address, or somebody has the address.
    """
    require_administrator(actor)
    _check_person(email, name)
    user = User.objects.create_user(email.strip(), name.strip(), password, kind=kind)
    record(actor, AccountEvent.USER_CREATED, user, email=user.email, kind=kind)
    return user


def _check_person(email: str, name: str) -> None:
    if not name.strip() or len(name.strip()) > 120 or "\0" in name:
        raise ValueError("Say the name in 1 to 120 characters.")
    try:
        validate_email(email.strip())
    except ValidationError as error:
        raise ValueError("Say an e-mail address.") from error
    if User.objects.filter(email__iexact=email.strip()).exists():
        raise ValueError("Somebody has this address already.")


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
def grant_role(
    *, actor: User, user_id: int, role: str, team_id: int | None, reason: str = ""
) -> Membership:
    """Give a person a role in a team, or (team None) in the whole organisation.

    Raises:
        Refused: no administrator, or oneself.
        ValueError: an auditor would hold another role beside, or the role does not fit there.
    """
    user = locked(user_id)
    require_administrator(actor)
    require(actor.pk != user.pk, NOT_ONESELF)
    _refuse_misplaced(user, role, team_id)
    refuse_mixing(user, role)
    team = Team.objects.get(pk=team_id) if team_id is not None else None
    membership, created = Membership.objects.get_or_create(user=user, role=role, team=team)
    if created:
        why = {"reason": reason} if reason else {}
        record(actor, AccountEvent.ROLE_GRANTED, membership, person=user.name, role=role, **why)
    return membership


@transaction.atomic
def withdraw_role(*, actor: User, membership_id: int, reason: str = "") -> None:
    """Take a role away; the next thing that its person does is done without it.

    Raises:
        Refused: no administrator, or the last administrator would go.
    """
    lock_administrators()
    membership = Membership.objects.select_for_update(no_key=True).get(pk=membership_id)
    require_administrator(actor)
    if membership.role == Role.ADMINISTRATOR:
        require_another(membership.user)
    why = {"reason": reason} if reason else {}
    record(
        actor,
        AccountEvent.ROLE_WITHDRAWN,
        membership,
        person=membership.user.name,
        role=membership.role,
        **why,
    )
    membership.delete()


def _refuse_misplaced(user: User, role: str, team_id: int | None) -> None:
    if role not in Role.values:
        raise ValueError("There is no such role.")
    if not user.is_active:
        raise ValueError("The account is closed: reopen it first.")
    if role in ORGANISATION_ROLES and team_id is not None:
        raise ValueError("Auditors and administrators are that for the whole organisation.")
    if (role == Role.SERVICE_ACCOUNT) != (user.kind == UserKind.SERVICE):
        raise ValueError("Service accounts hold their own role and no other, people any other.")


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


def locked(user_id: int) -> User:
    return User.objects.select_for_update(no_key=True).get(pk=user_id)


def said(reason: str) -> str:
    """Why, in a person's words.

    Raises:
        ValueError: nothing is said, or too much.
    """
    if not reason.strip() or len(reason) > 1000 or "\0" in reason:
        raise ValueError("Say why, in 1 to 1,000 characters.")
    return reason.strip()
