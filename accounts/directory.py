"""Who there is, as administrators see it: the list, one person, the teams. Frozen dataclasses."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from django.conf import settings
from django.core.paginator import Page, Paginator
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.events import AccountEvent
from accounts.factors import Factors, factors_of
from accounts.models import ApiToken, Invitation, Membership, Team, User
from audit.models import Event

PAGE = 50
HISTORY = 20
EVERYWHERE = "the whole organisation"
WORDS: dict[str, str] = {
    str(AccountEvent.USER_CREATED): "Added",
    str(AccountEvent.USER_CLOSED): "Account closed",
    str(AccountEvent.USER_REOPENED): "Account opened again",
    str(AccountEvent.INVITATION_MADE): "Link to choose a password made",
    str(AccountEvent.INVITATION_USED): "Password chosen by link",
    str(AccountEvent.PASSWORD_CHANGED): "Password changed",
    str(AccountEvent.TOTP_ACTIVATED): "Authenticator app set up",
    str(AccountEvent.TOTP_REMOVED): "Authenticator app removed",
    str(AccountEvent.CODE_REFUSED): "Wrong code after the right password",
    str(AccountEvent.RECOVERY_CODES_MADE): "Recovery codes made",
    str(AccountEvent.RECOVERY_CODE_USED): "Recovery code used",
    str(AccountEvent.PASSKEY_ADDED): "Passkey added",
    str(AccountEvent.PASSKEY_REMOVED): "Passkey removed",
    str(AccountEvent.PASSKEY_REFUSED): "Passkey refused",
    str(AccountEvent.FACTORS_FORGOTTEN): "Second factors taken away",
    str(AccountEvent.IDENTITY_LINKED): "Linked to single sign-on",
}
STATES = ("open", "closed", "invited", "all")


@dataclass(frozen=True)
class PersonLine:
    """`shut_out`: there is neither a password nor a link to single sign-on yet."""

    pk: int
    name: str
    email: str
    service: bool
    active: bool
    invited: bool
    shut_out: bool
    second_factor: bool
    last_sign_in: datetime | None
    roles: tuple[str, ...]


@dataclass(frozen=True)
class GivenRole:
    """A role with since when, by whom and why; `only_one`: nobody else holds it there."""

    pk: int
    role: str
    label: str
    team_slug: str | None
    team_name: str
    since: datetime
    by: str
    reason: str
    only_one: bool


@dataclass(frozen=True)
class Told:
    """Something that was done to an account, in words."""

    at: datetime
    what: str
    by: str
    reason: str


@dataclass(frozen=True)
class PersonFacts:
    person: User
    roles: tuple[GivenRole, ...]
    factors: Factors
    single_sign_on: bool
    invited_until: datetime | None
    live_tokens: int
    history: tuple[Told, ...]

    @property
    def shut_out(self) -> bool:
        return not (self.factors.password or self.single_sign_on)


@dataclass(frozen=True)
class TeamLine:
    pk: int
    slug: str
    name: str
    people: int
    created_at: datetime


@dataclass(frozen=True)
class Member:
    pk: int
    name: str
    email: str
    active: bool
    roles: tuple[str, ...]


def people_page(*, words: str, state: str, team: str, role: str, page: Any) -> Page[Any]:
    """Fifty people by name, as lines. Six queries at the most."""
    rows = people_found(words=words, state=state, team=team, role=role)
    shown: Page[Any] = Paginator(rows.order_by("name", "pk"), PAGE).get_page(page)
    shown.object_list = lines_of(list(shown.object_list))
    return shown


def people_found(*, words: str, state: str, team: str, role: str) -> "QuerySet[User]":
    """People by part of a name or address, kind of account, team and role."""
    rows = User.objects.all()
    if words.strip():
        rows = rows.filter(Q(name__icontains=words.strip()) | Q(email__icontains=words.strip()))
    if state not in {"all", "invited"}:
        rows = rows.filter(is_active=state != "closed")
    if state == "invited":
        rows = rows.filter(_invited())
    held = Membership.objects.filter(user=OuterRef("pk"))
    if team:
        held = held.filter(team__slug=team)
    if role:
        held = held.filter(role=role)
    return rows.filter(Exists(held)) if team or role else rows


def _invited() -> Exists:
    return Exists(
        Invitation.objects.filter(
            person=OuterRef("pk"), ended_at__isnull=True, expires_at__gt=timezone.now()
        )
    )


def lines_of(people: list[User]) -> list[PersonLine]:
    keys = [person.pk for person in people]
    roles = _roles_of(Membership.objects.filter(user__in=keys))
    second = Authenticator.objects.exclude(type=Authenticator.Type.RECOVERY_CODES)
    proving = set(second.filter(user__in=keys).values_list("user_id", flat=True))
    links = SocialAccount.objects.filter(provider=settings.OIDC_PROVIDER, user__in=keys)
    linked = set(links.values_list("user_id", flat=True))
    invited = set(User.objects.filter(_invited(), pk__in=keys).values_list("pk", flat=True))
    return [
        PersonLine(
            pk=person.pk,
            name=person.name,
            email=person.email,
            service=person.kind == "service",
            active=person.is_active,
            invited=person.pk in invited,
            shut_out=not (person.has_usable_password() or person.pk in linked),
            second_factor=person.pk in proving,
            last_sign_in=person.last_login,
            roles=roles[person.pk],
        )
        for person in people
    ]


def _roles_of(rows: "QuerySet[Membership]", *, with_team: bool = True) -> Any:
    found: dict[int, tuple[str, ...]] = defaultdict(tuple)
    for row in rows.select_related("team").order_by("team__name", "role"):
        place = f", {row.team.name if row.team else EVERYWHERE}" if with_team else ""
        found[row.user_id] += (f"{row.get_role_display()}{place}",)
    return found


def person_facts(person: User) -> PersonFacts:
    """Everything that accounts know of somebody. Eight queries."""
    live = Invitation.objects.filter(
        person=person, ended_at__isnull=True, expires_at__gt=timezone.now()
    ).first()
    links = SocialAccount.objects.filter(user=person, provider=settings.OIDC_PROVIDER)
    return PersonFacts(
        person=person,
        roles=tuple(_given(person)),
        factors=factors_of(person),
        single_sign_on=links.exists(),
        invited_until=live.expires_at if live else None,
        live_tokens=ApiToken.objects.live().filter(user=person).count(),
        history=tuple(_history(person)),
    )


def _given(person: User) -> Iterable[GivenRole]:
    others = Membership.objects.filter(
        team_id=OuterRef("team_id"), role=OuterRef("role"), user__is_active=True
    ).exclude(user=person)
    everywhere = Membership.objects.filter(
        team__isnull=True, role=OuterRef("role"), user__is_active=True
    ).exclude(user=person)
    rows = Membership.objects.filter(user=person).select_related("team")
    rows = rows.annotate(shared=Exists(others) | Exists(everywhere))
    found = list(rows.order_by("team__name", "role"))
    told = _granting({str(row.pk) for row in found})
    for row in found:
        event = told.get(str(row.pk))
        yield GivenRole(
            pk=row.pk,
            role=row.role,
            label=row.get_role_display(),
            team_slug=row.team.slug if row.team else None,
            team_name=row.team.name if row.team else EVERYWHERE,
            since=row.created_at,
            by=_who(event),
            reason=str(event.data.get("reason", "")) if event else "",
            only_one=not row.shared,
        )


def _granting(keys: set[str]) -> dict[str, Event]:
    """The event that gave each membership; a membership's key is never used twice."""
    rows = Event.objects.filter(
        event=str(AccountEvent.ROLE_GRANTED),
        subject_type=Membership._meta.label_lower,
        subject_id__in=keys,
    )
    return {row.subject_id: row for row in rows}


def _who(event: Event | None) -> str:
    if event is None:
        return ""
    return str(event.data.get("by") or event.actor_name)


def _history(person: User) -> Iterable[Told]:
    """What was done to the account, newest first; not each time that it was signed in to."""
    mine = Event.objects.filter(subject_type=User._meta.label_lower, subject_id=str(person.pk))
    rows = mine.filter(event__in=WORDS).order_by("-sequence")[:HISTORY]
    for row in rows:
        why = str(row.data.get("reason", ""))
        yield Told(at=row.at, what=WORDS[row.event], by=row.actor_name, reason=why)


def team_lines() -> list[TeamLine]:
    """Every team with how many people who may sign in are in it. One query."""
    active = Count("memberships__user", filter=Q(memberships__user__is_active=True), distinct=True)
    rows = Team.objects.annotate(people=active).order_by("name")[:1000]
    return [TeamLine(row.pk, row.slug, row.name, row.people, row.created_at) for row in rows]


def members_of(team: Team) -> list[Member]:
    """Who is in a team, with their roles there; a thousand at the most. Two queries."""
    people = list(User.objects.filter(memberships__team=team).distinct().order_by("name")[:1000])
    held = Membership.objects.filter(team=team, user__in=people)
    roles = _roles_of(held, with_team=False)
    return [Member(one.pk, one.name, one.email, one.is_active, roles[one.pk]) for one in people]


def told_since_last_sign_in(person: User) -> list[Event]:
    """What others did to the account between the last two times that its person came in."""
    mine = Event.objects.filter(
        subject_type=User._meta.label_lower, subject_id=str(person.pk)
    ).order_by("-sequence")
    came = mine.filter(event=str(AccountEvent.USER_SIGNED_IN))
    before = list(came.values_list("sequence", flat=True)[1:2])
    told = mine.filter(event__in=[str(AccountEvent.FACTORS_FORGOTTEN)])
    return list(told.filter(sequence__gt=before[0] if before else 0)[:5])
