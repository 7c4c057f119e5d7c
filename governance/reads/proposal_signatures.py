"""Who may sign a proposal, and who cannot and why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from accounts.models import Membership, UserKind
from governance.models import Proposal, ProposalSignature, ProposalState
from governance.policies import can_sign_policy, can_withdraw_policy, policy_roles
from governance.reads.signatures import missing_of


@dataclass(frozen=True)
class Signing:
    """How far the signing of a proposal is, for one person."""

    signatures: tuple[ProposalSignature, ...]
    missing: Mapping[str, int]
    signers: tuple[str, ...]
    can_sign: bool
    can_withdraw: bool
    blocked: str
    role: str


def signing_of(user: Any, change: Proposal) -> Signing:
    """Who has signed, who still can, and whether this person may. Two queries."""
    signed = tuple(change.signatures.all())
    missing = missing_of(change) if change.is_open else {}
    blocked = _blocked(user, change, signed)
    roles = policy_roles(user)
    return Signing(
        signatures=signed,
        missing=missing,
        signers=_signers(change, missing, signed),
        can_sign=not blocked,
        can_withdraw=change.is_open and can_withdraw_policy(user, change),
        blocked=blocked,
        role=next((role for role in roles if role in missing), roles[0] if roles else ""),
    )


def _blocked(user: Any, change: Proposal, signed: Sequence[ProposalSignature]) -> str:
    """Why this person cannot sign, in a sentence; empty if they can."""
    if not change.is_open:
        return f"The proposal is {ProposalState(change.state).label}."
    if not policy_roles(user):
        return "An administrator or a risk officer of the whole organisation signs it."
    if not can_sign_policy(user, change):
        return "You proposed it: others sign."
    if any(one.person_id == user.pk for one in signed):
        return "You have signed already."
    return ""


def _signers(
    change: Proposal, missing: Mapping[str, int], signed: Sequence[ProposalSignature]
) -> tuple[str, ...]:
    """Who could give a missing signature. One query."""
    out = {change.proposed_by_id} | {one.person_id for one in signed}
    found = Membership.objects.filter(
        Q(role__in=missing, team__isnull=True),
        user__is_active=True,
        user__kind=UserKind.PERSON,
    ).exclude(user__in=out)
    names = found.order_by("user__name").values_list("user__name", "role")
    return tuple(f"{name}, {role.replace('_', ' ')}" for name, role in names)
