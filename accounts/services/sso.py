"""People of the organisation's provider (OpenID Connect): admitted, linked, given their roles.

Nobody is let in whom an administrator did not make, unless a group of theirs is mapped to a role.
"""

import time
from dataclasses import dataclass
from typing import Any

from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.db import models, transaction

from accounts.events import AccountEvent
from accounts.groups import GroupRole
from accounts.id_tokens import LEEWAY
from accounts.models import Membership, Team, User, UserKind
from accounts.proofs import FreshSignIn
from accounts.services.people import refuse_mixing
from audit.record import SYSTEM, record

FRESH = 300
NOT_VERIFIED = "Your organisation has not verified your e-mail address."
UNKNOWN = "Nobody here has your address. Ask an administrator for an account."
CLOSED = "This account is closed. Ask an administrator."
ANOTHER = "This account belongs to another sign-in of your organisation. Ask an administrator."


class NotAdmitted(ValueError):
    """The provider knows the person; Ombud does not let them in, and nothing was changed."""


@dataclass(frozen=True)
class Claims:
    """What the provider says, once its signature and everything about it was checked."""

    subject: str
    email: str
    email_verified: bool
    name: str
    groups: frozenset[str]


def admit(*, claims: Claims) -> User:
    """The person that these claims stand for; linked the first time, roles brought up to date.

    Raises:
        NotAdmitted: deliberately little is said of why.
    """
    with transaction.atomic():
        return _admitted(claims)


def _admitted(claims: Claims) -> User:
    if not (claims.subject and claims.email and claims.email_verified):
        raise NotAdmitted(NOT_VERIFIED)
    linked = _links().filter(uid=claims.subject).first()
    person = _locked(linked.user_id) if linked else _by_address(claims)
    if not person.is_active or person.kind != UserKind.PERSON:
        raise NotAdmitted(CLOSED)
    if linked is None:
        _link(person, claims)
    if settings.OIDC_TEAMS:
        _bring_up_to_date(person, claims.groups)
    return person


def signed_in_anew(*, person: User, proved: FreshSignIn, about: str) -> bool:
    """Whether it was this person, for this signature, within five minutes."""
    if person.has_usable_password():
        return False
    age = time.time() - proved.at
    mine = is_linked(person=person, subject=proved.subject)
    return mine and proved.about == about and -LEEWAY <= age <= FRESH


def may_sign_in_anew(person: User) -> bool:
    """Whether a fresh sign-in may stand for a password: only for who has none."""
    if not settings.OIDC_ISSUER or person.has_usable_password():
        return False
    return bool(_links().filter(user=person).exists())


def is_linked(*, person: User, subject: str) -> bool:
    return bool(_links().filter(user=person, uid=subject).exists())


def unlink(person: User) -> bool:
    """Forget which subject of the provider the person is; whether there was one."""
    gone, _ = _links().filter(user=person).delete()
    return bool(gone)


def _links() -> "models.QuerySet[Any]":
    """Links to this issuer: another issuer's subjects are other people."""
    rows: models.QuerySet[Any] = SocialAccount.objects.filter(provider=settings.OIDC_PROVIDER)
    return rows


def _locked(pk: int) -> User:
    return User.objects.select_for_update(no_key=True).get(pk=pk)


def _by_address(claims: Claims) -> User:
    """The person whom an administrator made, or one made now because a group lets them in."""
    found = User.objects.filter(email__iexact=claims.email).first()
    if found is None:
        return _made(claims)
    if _links().filter(user=found).exists():
        raise NotAdmitted(ANOTHER)
    return _locked(found.pk)


def _made(claims: Claims) -> User:
    if not _wanted(claims.groups):
        raise NotAdmitted(UNKNOWN)
    name = claims.name[:120] or claims.email.partition("@")[0]
    person = User.objects.create_user(claims.email, name)
    record(SYSTEM, AccountEvent.USER_CREATED, person, email=person.email, by="single sign-on")
    return person


def _link(person: User, claims: Claims) -> None:
    SocialAccount.objects.create(
        user=person, provider=settings.OIDC_PROVIDER, uid=claims.subject, extra_data={}
    )
    record(
        person,
        AccountEvent.IDENTITY_LINKED,
        person,
        issuer=settings.OIDC_ISSUER,
        identity=claims.subject,
        email=claims.email,
    )


def _wanted(groups: frozenset[str]) -> set[GroupRole]:
    return {rule for rule in settings.OIDC_TEAMS if rule.group in groups}


def _bring_up_to_date(person: User, groups: frozenset[str]) -> None:
    """The mapped roles are exactly those of the person's groups; roles of no group stay."""
    teams = _teams()
    wanted = {(teams[rule.team], rule.role) for rule in _wanted(groups)}
    mapped = {(teams[rule.team], rule.role) for rule in settings.OIDC_TEAMS}
    for held in Membership.objects.filter(user=person).select_related("team"):
        pair = (held.team_id, held.role)
        if pair in mapped - wanted:
            _record(AccountEvent.ROLE_WITHDRAWN, held)
            held.delete()
        wanted.discard(pair)
    for team_id, role in sorted(wanted, key=str):
        _grant(person, team_id, role)


def _grant(person: User, team_id: int | None, role: str) -> None:
    try:
        refuse_mixing(person, role)
    except ValueError as error:
        raise NotAdmitted(str(error)) from error
    _record(
        AccountEvent.ROLE_GRANTED,
        Membership.objects.create(user=person, team_id=team_id, role=role),
    )


def _record(event: AccountEvent, held: Membership) -> None:
    record(SYSTEM, event, held, person=held.user.name, role=held.role, by="group of single sign-on")


def _teams() -> dict[str, int | None]:
    """Ids of the mapped teams by slug; a team that is not there lets nobody in."""
    slugs = {rule.team for rule in settings.OIDC_TEAMS} - {""}
    found: dict[str, int | None] = dict(
        Team.objects.filter(slug__in=slugs).values_list("slug", "pk")
    )
    if missing := slugs - set(found):
        raise NotAdmitted(f"The team {sorted(missing)[0]} of a group does not exist here.")
    return found | {"": None}
