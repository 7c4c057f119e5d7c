"""The approval policies that an installation starts with; from then on they change by approval."""

from django.db import transaction

from audit.record import SYSTEM, Actor, record
from governance.events import GovernanceEvent
from governance.models import ApprovalPolicy
from governance.policy_table import DEFAULTS


@transaction.atomic
def install_default_policies(*, actor: Actor = SYSTEM) -> int:
    """Policies for every kind and tier that has none yet; returns how many were added."""
    there = set(ApprovalPolicy.objects.values_list("kind", "risk_tier"))
    added = [row for row in DEFAULTS if (row.kind, row.risk_tier) not in there]
    for row in added:
        policy = ApprovalPolicy.objects.create(
            kind=row.kind, risk_tier=row.risk_tier, rounds=row.rounds, gates=row.gates
        )
        record(actor, GovernanceEvent.POLICY_SET, policy, rounds=row.rounds, gates=row.gates)
    return len(added)
