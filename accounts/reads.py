"""What pages and the API show of people, as frozen dataclasses."""

from dataclasses import dataclass
from datetime import datetime

from accounts.models import ApiToken, Membership, User


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
