"""Approval policies are changed by approval: proposed with a reason, signed by others, in force."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.policies import require
from accounts.proofs import Proof
from audit.record import record
from governance.events import GovernanceEvent
from governance.gate_parameters import BadPolicy, clean_gates
from governance.models import (
    ApprovalPolicy,
    ChangeRequest,
    Decision,
    PolicyChange,
    PolicySignature,
    ProposalState,
)
from governance.policies import (
    SIGNERS,
    can_propose_policy,
)
from governance.policy_differences import differences
from governance.policy_table import NEEDED
from governance.refusals import (
    Incomplete,
)
from governance.rounds import LONGEST_NAME, MOST_ROUNDS
from governance.services.proofs import digest_of, words
from governance.services.proposals import Kind, decide, refuse_second, sign, withdraw
from governance.services.retirement_policies import put_retirement_in_force
from governance.states import RequestKind, RequestState
from registry.models import RiskTier

ONLY_RULERS = "Only an administrator or a risk officer proposes an approval policy."
MEANING = {
    Decision.APPROVE.value: "I put this approval policy in force",
    Decision.REJECT.value: "I reject this approval policy",
}
MOST_OF_A_ROLE = 9
Stored = Sequence[Mapping[str, Any]]


@transaction.atomic
def propose(
    *, actor: User, kind: str, risk_tier: str, rounds: Stored, gates: Stored, reason: str
) -> PolicyChange:
    """Propose who signs and which gates are asked for a kind of change and a risk tier.

    Raises:
        Refused: neither administrator nor risk officer.
        Incomplete: a round, gate or parameter makes no sense, or nothing would be different.
        AlreadyRequested: another change of the same policy waits.
    """
    require(can_propose_policy(actor), ONLY_RULERS)
    said = words("reason", reason)
    _check_place(kind, risk_tier)
    wanted = {"rounds": _clean_rounds(rounds), "gates": _cleaned(gates)}
    refuse_second(PolicyChange.objects.filter(kind=kind, risk_tier=risk_tier))
    base = _locked_policy(kind, risk_tier)
    loosens = _loosens(base, wanted)
    content = {"kind": kind, "risk_tier": risk_tier, "replaces": base and base.number}
    digest = digest_of(content | wanted | {"reason": said})
    change = PolicyChange.objects.create(
        kind=kind,
        risk_tier=risk_tier,
        base=base,
        loosens=loosens,
        needed=NEEDED[loosens],
        reason=said,
        digest=digest,
        proposed_by=actor,
        **wanted,
    )
    record(
        actor,
        GovernanceEvent.POLICY_PROPOSED,
        change,
        **content,
        **wanted,
        loosens=loosens,
        reason=said,
        digest=digest,
    )
    return change


def withdraw_policy(*, actor: User, change_id: int, reason: str) -> PolicyChange:
    """Take a proposal back before it is decided; raises as `proposals.withdraw`."""
    change: PolicyChange = withdraw(actor=actor, kind=POLICIES, change_id=change_id, reason=reason)
    return change


def sign_policy(
    *,
    actor: User,
    change_id: int,
    decision: str,
    reason: str,
    digest: str,
    password: str | Proof,
) -> PolicySignature:
    """Sign for or against a proposal; the last signature that is needed puts it in force.

    Raises as `proposals.sign`.
    """
    signature: PolicySignature = sign(
        actor=actor,
        kind=POLICIES,
        change_id=change_id,
        decision=decision,
        reason=reason,
        digest=digest,
        password=password,
    )
    return signature


def meaning_of(change: PolicyChange, decision: str) -> str:
    kind = "retirement" if change.is_retirement else "approval"
    return MEANING[decision].replace("approval", kind)


def _put_in_force(actor: User, change: PolicyChange) -> None:
    """The proposal becomes the policy; open requests under the old one become stale by that."""
    if change.is_retirement:
        made = put_retirement_in_force(change)
        decide(change, ProposalState.IN_FORCE, retirement_policy=made)
        told = {"change": change.pk, "number": made.number, "terms": made.terms}
        record(actor, GovernanceEvent.POLICY_SET, made, **told)
        return
    policy = _successor(change)
    decide(change, ProposalState.IN_FORCE, policy=policy)
    stale = ChangeRequest.objects.filter(policy=change.base, state=RequestState.OPEN).count()
    record(
        actor,
        GovernanceEvent.POLICY_SET,
        policy,
        change=change.pk,
        number=policy.number,
        rounds=policy.rounds,
        gates=policy.gates,
        requests_stale=stale,
    )


def _successor(change: PolicyChange) -> ApprovalPolicy:
    old = _locked_policy(change.kind, change.risk_tier)
    if old is not None:
        ApprovalPolicy.objects.filter(pk=old.pk).update(current=False)
    return ApprovalPolicy.objects.create(
        kind=change.kind,
        risk_tier=change.risk_tier,
        number=old.number + 1 if old else 1,
        rounds=change.rounds,
        gates=change.gates,
    )


POLICIES = Kind(
    rows=PolicyChange,
    signatures=PolicySignature,
    meaning=meaning_of,
    signed=GovernanceEvent.POLICY_SIGNED,
    rejected=GovernanceEvent.POLICY_REJECTED,
    withdrawn=GovernanceEvent.POLICY_WITHDRAWN,
    put_in_force=_put_in_force,
)


def _locked_policy(kind: str, risk_tier: str) -> ApprovalPolicy | None:
    rows = ApprovalPolicy.objects.select_for_update(no_key=True)
    return rows.filter(kind=kind, risk_tier=risk_tier, current=True).first()


def _loosens(base: ApprovalPolicy | None, wanted: Mapping[str, Any]) -> bool:
    """Whether it asks less than what is in force; the first policy of a kind never does."""
    if base is None:
        return False
    found = differences((base.rounds, wanted["rounds"]), (base.gates, wanted["gates"]))
    if not found:
        raise Incomplete("rounds", "Nothing would be different from the policy in force.")
    return any(one.loosens for one in found)


def _check_place(kind: str, risk_tier: str) -> None:
    if kind not in list(RequestKind):
        raise Incomplete("kind", f"One of {', '.join(RequestKind)}.")
    if risk_tier not in RiskTier.values:
        raise Incomplete("risk_tier", f"One of {', '.join(RiskTier.values)}.")


def _cleaned(gates: Stored) -> list[dict[str, Any]]:
    try:
        return clean_gates(gates)
    except BadPolicy as error:
        raise Incomplete(error.field, str(error)) from error


def _clean_rounds(raw: Stored) -> list[dict[str, Any]]:
    if not 1 <= len(raw) <= MOST_ROUNDS:
        raise Incomplete("rounds", f"One to {MOST_ROUNDS} rounds.")
    rounds = [_clean_round(one, i) for i, one in enumerate(raw)]
    names = [one["name"] for one in rounds]
    if len(set(names)) < len(names):
        raise Incomplete("rounds", "Each round has a name of its own.")
    return rounds


def _clean_round(one: Mapping[str, Any], i: int) -> dict[str, Any]:
    name, quorum = one.get("name"), one.get("quorum")
    if not isinstance(name, str) or not re.fullmatch(rf"\S.{{0,{LONGEST_NAME - 1}}}", name):
        raise Incomplete(f"rounds.{i}.name", f"A name of up to {LONGEST_NAME} characters.")
    if not isinstance(quorum, Mapping) or not quorum or not set(quorum) <= set(SIGNERS):
        said = "Signatures of validators, reviewers or risk officers: at least one."
        raise Incomplete(f"rounds.{i}.quorum", said)
    for count in quorum.values():
        if isinstance(count, bool) or count not in range(1, MOST_OF_A_ROLE + 1):
            raise Incomplete(f"rounds.{i}.quorum", f"1 to {MOST_OF_A_ROLE} signatures of a role.")
    return {"name": name.strip(), "quorum": {r.value: quorum[r] for r in SIGNERS if r in quorum}}
