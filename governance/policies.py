"""Who may do what: cards, change requests, signatures, clearance."""

from typing import TYPE_CHECKING, Any

from accounts.models import UserKind
from accounts.policies import acts, can_administer
from accounts.roles import Role
from registry.models import Contribution

if TYPE_CHECKING:
    from governance.models import ChangeRequest
    from registry.models import Model, Version

SIGNERS = (Role.VALIDATOR, Role.REVIEWER, Role.RISK_OFFICER)
BUILDERS = (Role.DEVELOPER, Role.VALIDATOR)


def can_edit_card(actor: Any, version: "Version") -> bool:
    return acts(actor, *BUILDERS, team_id=version.model.team_id)


def can_submit(actor: Any, model: "Model") -> bool:
    return acts(actor, *BUILDERS, Role.SERVICE_ACCOUNT, team_id=model.team_id)


def can_withdraw(actor: Any, request: "ChangeRequest") -> bool:
    """Who asked takes it back, or a developer of the team who is there when they are not."""
    team_id = request.model.team_id
    return acts(actor, Role.DEVELOPER, team_id=team_id) or (
        actor.pk == request.requested_by_id and can_submit(actor, request.model)
    )


def can_decide_clearance(actor: Any, model: "Model") -> bool:
    """A person who reviews or answers for risk, never a machine."""
    person = actor.kind == UserKind.PERSON
    return person and acts(actor, Role.REVIEWER, Role.RISK_OFFICER, team_id=model.team_id)


def can_set_policy(actor: Any) -> bool:
    return can_administer(actor)


def signing_roles(actor: Any, request: "ChangeRequest") -> list[str]:
    """The roles of the quorum that the actor holds, in the order of a review."""
    if actor.kind != UserKind.PERSON:
        return []
    team_id = request.model.team_id
    asked = (role.value for role in SIGNERS if role in request.quorum)
    return [role for role in asked if acts(actor, role, team_id=team_id)]


def had_a_hand(actor: Any, request: "ChangeRequest") -> str:
    """What keeps the actor from signing although they hold the role; empty if nothing does."""
    if actor.pk == request.requested_by_id:
        return "You asked for this change."
    hand = Contribution.objects.filter(version=request.version_id, person=actor.pk)
    kinds = sorted(contribution.get_kind_display() for contribution in hand)
    return f"You had a hand in this version: you {', '.join(kinds)}." if kinds else ""


def can_sign(actor: Any, request: "ChangeRequest") -> bool:
    """A role of the quorum, and no hand in what is signed (a database trigger says so too)."""
    return bool(signing_roles(actor, request)) and not had_a_hand(actor, request)
