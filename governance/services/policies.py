"""Approval policies: rows with numbers; a new one replaces the one in force."""

from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.policies import require
from audit.record import SYSTEM, Actor, record
from governance.events import GovernanceEvent
from governance.gates import GATES
from governance.models import ApprovalPolicy
from governance.policies import SIGNERS, can_set_policy
from governance.policy_table import DEFAULTS
from governance.refusals import Incomplete
from governance.states import GateMode, RequestKind
from registry.models import RiskTier


@transaction.atomic
def install_default_policies(*, actor: Actor = SYSTEM) -> int:
    """Policies for every kind and tier that has none yet; returns how many were added."""
    there = set(ApprovalPolicy.objects.values_list("kind", "risk_tier"))
    added = [row for row in DEFAULTS if (row.kind, row.risk_tier) not in there]
    for row in added:
        policy = ApprovalPolicy.objects.create(
            kind=row.kind, risk_tier=row.risk_tier, quorum=row.quorum, gates=row.gates
        )
        record(actor, GovernanceEvent.POLICY_SET, policy, quorum=row.quorum, gates=row.gates)
    return len(added)


@transaction.atomic
def set_policy(
    *,
    actor: User,
    kind: str,
    risk_tier: str,
    quorum: dict[str, int],
    gates: list[dict[str, Any]],
) -> ApprovalPolicy:
    """Put a new policy in force; open requests under the old one become stale.

    Raises:
        Incomplete: an unknown role, gate or mode, or a quorum of nobody.
    """
    require(can_set_policy(actor), "Only an administrator sets approval policies.")
    _check(kind, risk_tier, quorum, gates)
    old = ApprovalPolicy.objects.select_for_update(no_key=True).filter(
        kind=kind, risk_tier=risk_tier, current=True
    )
    number = max((policy.number for policy in old), default=0) + 1
    old.update(current=False)
    policy = ApprovalPolicy.objects.create(
        kind=kind, risk_tier=risk_tier, number=number, quorum=quorum, gates=gates
    )
    record(actor, GovernanceEvent.POLICY_SET, policy, quorum=quorum, gates=gates)
    return policy


def _check(kind: str, risk_tier: str, quorum: dict[str, int], gates: list[dict[str, Any]]) -> None:
    if kind not in list(RequestKind) or risk_tier not in RiskTier.values:
        raise Incomplete("kind", "A kind of change request and a risk tier.")
    counts = all(count in range(1, 10) for count in quorum.values())
    if not quorum or not counts or not set(quorum) <= {role.value for role in SIGNERS}:
        raise Incomplete(
            "quorum", "One to nine signatures of validators, reviewers, risk officers."
        )
    for gate in gates:
        if gate.get("gate") not in GATES or gate.get("mode") not in list(GateMode):
            raise Incomplete("gates", f"Gates are {', '.join(GATES)}; each with a mode.")
