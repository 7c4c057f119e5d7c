"""Every night each number in a card is held against what was measured since."""

from django.db import transaction
from django.utils import timezone

from audit.record import SYSTEM, record
from governance.claim_states import Claimed, ClaimState, Judgement, judge
from governance.events import GovernanceEvent
from governance.jobs.findings import Found, raise_finding
from governance.jobs.locks import lock_models
from governance.models import ClaimCheck, FindingKind
from governance.reads.claims import Bound, bound_claims

SEVERITY = {"high": "high", "medium": "medium", "low": "low"}


@transaction.atomic
def judge_claims(*, model_id: int) -> int:
    """Judge the claims of a model's cards; returns how many came into another state.

    May run twice without harm: what stays as it was leaves nothing behind.
    """
    lock_models([model_id])
    return sum(_judge(bound) for bound in bound_claims(model_id))


def _judge(bound: Bound) -> int:
    claimed = Claimed(bound.claim.value, bound.claim.tolerance)
    tier = bound.version.model.risk_tier
    found = judge(claimed, bound.seen, tier=tier, now=timezone.now(), worse=bound.worse)
    if found.state == bound.before:
        return 0
    _change(bound, found)
    if found.state == ClaimState.CONTRADICTED:
        _raise(bound, found)
    return 1


def _change(bound: Bound, found: Judgement) -> None:
    check = ClaimCheck.objects.create(
        claim=bound.claim,
        state=found.state,
        reason=found.reason[:200],
        value=bound.seen.value if bound.seen else None,
        measurement_id=bound.measurement_id,
    )
    record(
        SYSTEM,
        GovernanceEvent.CLAIM_JUDGED,
        check,
        claim=bound.claim.label,
        version=bound.version.number,
        revision=bound.claim.revision.number,
        before=bound.before,
        state=found.state,
        reason=found.reason,
        measurement=bound.measurement_id,
    )


def _raise(bound: Bound, found: Judgement) -> None:
    version = bound.version
    label = f"{bound.claim.label} in the card of version {version.number}"
    raise_finding(
        actor=SYSTEM,
        model=version.model,
        version=version,
        found=Found(
            kind=FindingKind.CLAIM,
            severity=SEVERITY[version.model.risk_tier],
            title=f"{label} is contradicted",
            text=f"{found.reason} Refresh the card's numbers, or say why the number still holds.",
            key=f"claim-{version.pk}-{bound.claim.key}"[:120],
            link={"kind": "measurement", "id": bound.measurement_id, "label": label},
        ),
    )
