"""What pages and the API show of people, as frozen dataclasses."""

from dataclasses import dataclass
from datetime import date, datetime

from django.db.models import Q
from django.utils import timezone

from accounts.models import ApiToken, Delegation, Membership, User, UserKind
from accounts.roles import EXCLUSIVE_ROLES, SIGNING_ROLES


@dataclass(frozen=True)
class HeldRole:
    role: str
    label: str
    team_slug: str | None
    team_name: str


@dataclass(frozen=True)
class TokenRow:
    pk: int
    name: str
    prefix: str
    scopes: list[str]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


def memberships_of(user: User) -> list[HeldRole]:
    """The roles a person holds, with the team's name; one query."""
    rows = (
        Membership.objects.filter(user=user).select_related("team").order_by("team__name", "role")
    )
    return [
        HeldRole(
            role=row.role,
            label=row.get_role_display(),
            team_slug=row.team.slug if row.team else None,
            team_name=row.team.name if row.team else "the whole organisation",
        )
        for row in rows
    ]


def tokens_of(user: User) -> list[TokenRow]:
    """A person's hundred newest tokens, without their hashes; one query."""
    rows = ApiToken.objects.visible_to(user).order_by("-created_at")[:100]
    return [
        TokenRow(
            pk=row.pk,
            name=row.name,
            prefix=row.prefix,
            scopes=row.scopes,
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            revoked_at=row.revoked_at,
        )
        for row in rows
    ]


@dataclass(frozen=True)
class DelegationRow:
    """What was lent, seen by one person; `mine` where they gave it."""

    pk: int
    giver: str
    taker: str
    role: str
    team_name: str
    begins_on: date
    ends_on: date
    reason: str
    mine: bool
    state: str

    @property
    def ends(self) -> bool:
        """Whether it can still be ended."""
        return self.state in {"active", "coming"}


def delegations_of(user: User) -> list[DelegationRow]:
    """What the person lent and was lent, newest first, at most a hundred; two queries."""
    mine = Delegation.objects.filter(Q(giver=user) | Q(taker=user))
    rows = list(mine.select_related("giver", "taker", "team")[:100])
    active = set(mine.in_force().values_list("pk", flat=True))
    today = timezone.now().date()
    return [_delegation(row, user, active=row.pk in active, today=today) for row in rows]


def _delegation(row: Delegation, user: User, *, active: bool, today: date) -> DelegationRow:
    return DelegationRow(
        pk=row.pk,
        giver=row.giver.name,
        taker=row.taker.name,
        role=row.get_role_display(),
        team_name=row.team.name if row.team else "the whole organisation",
        begins_on=row.begins_on,
        ends_on=row.ends_on,
        reason=row.reason,
        mine=row.giver_id == user.pk,
        state=_state(row, active=active, today=today),
    )


def _state(row: Delegation, *, active: bool, today: date) -> str:
    if row.ended_at is not None or row.ends_on < today:
        return "ended"
    if row.begins_on > today:
        return "coming"
    return "active" if active else "lapsed"


def lendable_by(user: User) -> list[tuple[str, str]]:
    """The signing roles that a person holds: `role:team` and the words for it; one query."""
    rows = Membership.objects.filter(user=user, role__in=SIGNING_ROLES).select_related("team")
    return [
        (
            f"{row.role}:{row.team_id or ''}",
            f"{row.get_role_display()}, {row.team.name if row.team else 'the whole organisation'}",
        )
        for row in rows.order_by("team__name", "role")
    ]


def colleagues_of(user: User) -> list[tuple[int, str]]:
    """People who work where the person signs, by name; at most five hundred. One query."""
    where = {team for team, role in user.held if role in SIGNING_ROLES}
    there = Q() if None in where else Q(team__in=where) | Q(team__isnull=True)
    works = Membership.objects.filter(there).exclude(role__in=EXCLUSIVE_ROLES)
    rows = User.objects.filter(memberships__in=works, is_active=True, kind=UserKind.PERSON)
    found = rows.exclude(pk=user.pk).distinct().order_by("name")
    return list(found.values_list("pk", "name")[:500])
