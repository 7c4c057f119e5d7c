"""The only door that refuses, and who may administer people and tokens."""

from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied

from accounts.roles import EXCLUSIVE_ROLES, Role

if TYPE_CHECKING:
    from accounts.models import ApiToken, Delegation, User


class Refused(PermissionDenied):
    """Seen, but not allowed: the message says who may."""


def require(allowed: bool, message: str) -> None:  # noqa: FBT001 - reads as a sentence at every call
    """Refuse unless `allowed`.

    Raises:
        Refused: with `message`, which says who may and how to mend it.
    """
    if not allowed:
        raise Refused(message)


def is_auditor(actor: Any) -> bool:
    """Auditors read everything and write nothing, whatever else they are."""
    return bool(EXCLUSIVE_ROLES & actor.roles)


def acts(actor: Any, *roles: str, team_id: int | None) -> bool:
    """Whether the actor may change things in `team_id` by one of `roles`."""
    return not is_auditor(actor) and actor.holds(*roles, team_id=team_id)


def can_administer(actor: Any) -> bool:
    return acts(actor, Role.ADMINISTRATOR, team_id=None)


def can_end_delegation(actor: Any, delegation: "Delegation") -> bool:
    """Who gave it, who has it, or an administrator."""
    concerned = actor.pk in {delegation.giver_id, delegation.taker_id}
    return concerned or can_administer(actor)


def can_hold_token(actor: Any, owner: "User") -> bool:
    """One's own tokens, and administrators for service accounts."""
    return actor.pk == owner.pk or (owner.kind == "service" and can_administer(actor))


def can_revoke(actor: Any, token: "ApiToken") -> bool:
    return actor.pk == token.user_id or can_administer(actor)
