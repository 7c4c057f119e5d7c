"""What is changed by approval is signed into force, or taken back, in one way whatever it is.

A kind of proposal says which rows it has, what its signatures mean, what is put in the audit log,
and how the signed proposal becomes what is in force.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from accounts.models import User
from accounts.policies import require
from accounts.proofs import Proof
from audit.jobs.checkpoint import checkpoint_after
from audit.record import record
from governance.events import GovernanceEvent
from governance.models import Decision, Proposal, ProposalSignature, ProposalState
from governance.policies import can_sign_policy, can_withdraw_policy, policy_roles
from governance.reads.signatures import missing_of
from governance.refusals import (
    AlreadyRequested,
    AlreadySigned,
    EvidenceChanged,
    Incomplete,
    NotOpen,
)
from governance.services.proofs import prove, words

ONLY_OTHERS = (
    "An administrator, or a risk officer of the whole organisation, who did not propose it signs."
)
ONLY_PROPOSER = "Who proposed it, or an administrator, takes it back."


@dataclass(frozen=True)
class Kind:
    """A kind of proposal. `put_in_force(actor, change)` makes the rows and tells the audit log."""

    rows: type[Proposal]
    signatures: type[ProposalSignature]
    meaning: Callable[[Any, str], str]
    signed: GovernanceEvent
    rejected: GovernanceEvent
    withdrawn: GovernanceEvent
    put_in_force: Callable[[User, Any], None]


@transaction.atomic
def withdraw(*, actor: User, kind: Kind, change_id: int, reason: str) -> Any:
    """Take a proposal back before it is decided.

    Raises:
        Refused, NotOpen, Incomplete: as they say; nothing changed.
    """
    change = _locked(kind, change_id)
    require(can_withdraw_policy(actor, change), ONLY_PROPOSER)
    _must_be_open(change)
    said = words("reason", reason)
    decide(change, ProposalState.WITHDRAWN)
    record(actor, kind.withdrawn, change, reason=said)
    return change


def sign(
    *,
    actor: User,
    kind: Kind,
    change_id: int,
    decision: str,
    reason: str,
    digest: str,
    password: str | Proof,
) -> Any:
    """Sign for or against a proposal; the last signature that is needed puts it in force.

    Raises:
        Refused: no role that signs policies, or the person proposed it.
        EvidenceChanged: it is not what the person read.
        NotOpen, AlreadySigned, Incomplete: as they say.
        WrongPassword, TooManyAttempts: the person did not prove who they are.
    """
    if decision not in Decision.values:
        raise Incomplete("decision", f"One of {', '.join(Decision.values)}.")
    said = words("reason", reason)
    change = _manager(kind).get(pk=change_id)
    require(can_sign_policy(actor, change), ONLY_OTHERS)
    method = prove(actor=actor, subject=change, password=password, digest=digest)
    return _sign(actor, kind, change_id, decision, said, digest, method)


@transaction.atomic
def _sign(
    actor: User, kind: Kind, change_id: int, decision: str, reason: str, digest: str, method: str
) -> Any:
    change = _locked(kind, change_id)
    require(can_sign_policy(actor, change), ONLY_OTHERS)
    role = _role_to_fill(actor, change, decision, digest)
    signature = change.signatures.create(
        person=actor,
        printed_name=actor.name,
        role=role,
        decision=decision,
        meaning=kind.meaning(change, decision),
        reason=reason,
        signed_digest=change.digest,
        method=method,
    )
    signature.refresh_from_db(fields=["signed_at"])
    signed = record(
        actor,
        kind.signed,
        signature,
        change=change.pk,
        role=role,
        decision=decision,
        meaning=signature.meaning,
        reason=reason,
        digest=change.digest,
        method=method,
    )
    _follow(actor, kind, change, decision)
    checkpoint_after(signed)
    return signature


def _role_to_fill(actor: User, change: Proposal, decision: str, digest: str) -> str:
    _must_be_open(change)
    if digest != change.digest:
        raise EvidenceChanged("The proposal is not the one that you read. Read it again.")
    if change.signatures.filter(person=actor).exists():
        raise AlreadySigned("You have signed this proposal already.")
    roles = policy_roles(actor)
    if decision == Decision.REJECT:
        return roles[0]
    fitting = [role for role in roles if role in missing_of(change)]
    if not fitting:
        raise AlreadySigned("Your role has signed already; another role's signature is needed.")
    return fitting[0]


def _follow(actor: User, kind: Kind, change: Any, decision: str) -> None:
    if decision == Decision.REJECT:
        decide(change, ProposalState.REJECTED)
        record(actor, kind.rejected, change, digest=change.digest)
    elif not missing_of(change):
        kind.put_in_force(actor, change)


def decide(change: Proposal, state: ProposalState, **made: Any) -> None:
    """Ends a proposal; `made` are the rows that it came into force as."""
    for name, row in {"state": state, **made}.items():
        setattr(change, name, row)
    type(change)._default_manager.filter(pk=change.pk).update(state=state, decided_at=Now(), **made)
    change.refresh_from_db(fields=["decided_at"])


def refuse_second(others: QuerySet[Any]) -> None:
    """One proposal at a time waits for a policy or table."""
    waiting: Proposal | None = others.filter(state=ProposalState.OPEN).first()
    if waiting is not None:
        raise AlreadyRequested(f"{waiting.name} waits already: decide it or take it back first.")


def _manager(kind: Kind) -> Any:
    return kind.rows._default_manager


def _locked(kind: Kind, change_id: int) -> Any:
    return _manager(kind).select_for_update(no_key=True).get(pk=change_id)


def _must_be_open(change: Proposal) -> None:
    if not change.is_open:
        said = ProposalState(change.state).label
        raise NotOpen(f"The proposal is {said}; nothing is left to decide.")
