"""Approval policies are changed by approval: proposed with a reason, signed by others, in force."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from accounts.models import User
from accounts.policies import require
from accounts.proofs import Proof
from audit.jobs.checkpoint import checkpoint_after
from audit.record import record
from governance.events import GovernanceEvent
from governance.gate_parameters import BadPolicy, clean_gates
from governance.models import (
    ApprovalPolicy,
    ChangeRequest,
    Decision,
    PolicyChange,
    PolicyChangeState,
    PolicySignature,
)
from governance.policies import (
    SIGNERS,
    can_propose_policy,
    can_sign_policy,
    can_withdraw_policy,
    policy_roles,
)
from governance.policy_differences import differences
from governance.policy_table import NEEDED
from governance.reads.signatures import missing_of
from governance.refusals import (
    AlreadyRequested,
    AlreadySigned,
    EvidenceChanged,
    Incomplete,
    NotOpen,
)
from governance.rounds import LONGEST_NAME, MOST_ROUNDS
from governance.services.proofs import digest_of, prove, words
from governance.states import RequestKind, RequestState
from registry.models import RiskTier

ONLY_RULERS = "Only an administrator or a risk officer proposes an approval policy."
ONLY_OTHERS = (
    "An administrator, or a risk officer of the whole organisation, who did not propose it signs."
)
ONLY_PROPOSER = "Who proposed it, or an administrator, takes it back."
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
    _refuse_second(kind, risk_tier)
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


@transaction.atomic
def withdraw_policy(*, actor: User, change_id: int, reason: str) -> PolicyChange:
    """Take a proposal back before it is decided.

    Raises:
        Refused, NotOpen, Incomplete: as they say; nothing changed.
    """
    change = _locked(change_id)
    require(can_withdraw_policy(actor, change), ONLY_PROPOSER)
    _must_be_open(change)
    said = words("reason", reason)
    _decide(change, PolicyChangeState.WITHDRAWN)
    record(actor, GovernanceEvent.POLICY_WITHDRAWN, change, reason=said)
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

    Raises:
        Refused: no role that signs policies, or the person proposed it.
        EvidenceChanged: it is not what the person read.
        NotOpen, AlreadySigned, Incomplete: as they say.
        WrongPassword, TooManyAttempts: the person did not prove who they are.
    """
    if decision not in Decision.values:
        raise Incomplete("decision", f"One of {', '.join(Decision.values)}.")
    said = words("reason", reason)
    change = PolicyChange.objects.get(pk=change_id)
    require(can_sign_policy(actor, change), ONLY_OTHERS)
    method = prove(actor=actor, subject=change, password=password, digest=digest)
    return _sign(
        actor=actor,
        change_id=change_id,
        decision=decision,
        reason=said,
        digest=digest,
        method=method,
    )


@transaction.atomic
def _sign(
    *, actor: User, change_id: int, decision: str, reason: str, digest: str, method: str
) -> PolicySignature:
    change = _locked(change_id)
    require(can_sign_policy(actor, change), ONLY_OTHERS)
    role = _role_to_fill(actor, change, decision, digest)
    signature = PolicySignature.objects.create(
        change=change,
        person=actor,
        printed_name=actor.name,
        role=role,
        decision=decision,
        meaning=MEANING[decision],
        reason=reason,
        signed_digest=change.digest,
        method=method,
    )
    signature.refresh_from_db(fields=["signed_at"])
    event = _follow(change, decision)
    signed = record(
        actor,
        GovernanceEvent.POLICY_SIGNED,
        signature,
        change=change.pk,
        role=role,
        decision=decision,
        meaning=signature.meaning,
        reason=reason,
        digest=change.digest,
        method=method,
    )
    _tell(actor, change, event)
    checkpoint_after(signed)
    return signature


def _role_to_fill(actor: User, change: PolicyChange, decision: str, digest: str) -> str:
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


def _follow(change: PolicyChange, decision: str) -> GovernanceEvent | None:
    if decision == Decision.REJECT:
        _decide(change, PolicyChangeState.REJECTED)
        return GovernanceEvent.POLICY_REJECTED
    if missing_of(change):
        return None
    _put_in_force(change)
    return GovernanceEvent.POLICY_SET


def _put_in_force(change: PolicyChange) -> None:
    """The proposal becomes the policy; open requests under the old one become stale by that."""
    old = _locked_policy(change.kind, change.risk_tier)
    number = 1
    if old is not None:
        number = old.number + 1
        ApprovalPolicy.objects.filter(pk=old.pk).update(current=False)
    change.policy = ApprovalPolicy.objects.create(
        kind=change.kind,
        risk_tier=change.risk_tier,
        number=number,
        rounds=change.rounds,
        gates=change.gates,
    )
    _decide(change, PolicyChangeState.IN_FORCE)


def _tell(actor: User, change: PolicyChange, event: GovernanceEvent | None) -> None:
    if event == GovernanceEvent.POLICY_SET and change.policy is not None:
        policy = change.policy
        stale = ChangeRequest.objects.filter(policy=change.base, state=RequestState.OPEN).count()
        record(
            actor,
            event,
            policy,
            change=change.pk,
            number=policy.number,
            rounds=policy.rounds,
            gates=policy.gates,
            requests_stale=stale,
        )
    elif event is not None:
        record(actor, event, change, digest=change.digest)


def _decide(change: PolicyChange, state: PolicyChangeState) -> None:
    PolicyChange.objects.filter(pk=change.pk).update(
        state=state, decided_at=Now(), policy=change.policy
    )
    change.refresh_from_db(fields=["state", "decided_at"])


def _locked(change_id: int) -> PolicyChange:
    return PolicyChange.objects.select_for_update(no_key=True).get(pk=change_id)


def _locked_policy(kind: str, risk_tier: str) -> ApprovalPolicy | None:
    rows = ApprovalPolicy.objects.select_for_update(no_key=True)
    return rows.filter(kind=kind, risk_tier=risk_tier, current=True).first()


def _must_be_open(change: PolicyChange) -> None:
    if change.state != PolicyChangeState.OPEN:
        raise NotOpen(f"The proposal is {change.get_state_display()}; nothing is left to decide.")


def _refuse_second(kind: str, risk_tier: str) -> None:
    waiting = PolicyChange.objects.filter(
        kind=kind, risk_tier=risk_tier, state=PolicyChangeState.OPEN
    ).first()
    if waiting is not None:
        raise AlreadyRequested(f"PC-{waiting.pk} waits already: decide it or take it back first.")


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
