"""What follows from a concluded experiment: a winner becomes a change request, never twice.

It is asked for in the name of whoever declared the experiment, and people sign it like any other.
"""

import hashlib
import json

from django.db import transaction

from accounts.policies import Refused
from audit.record import SYSTEM, record
from governance.events import GovernanceEvent
from governance.models import ChangeRequest, WinnerProposal
from governance.refusals import Unable
from governance.services.requests import submit
from governance.states import RequestKind
from ledger import claims
from monitoring.models import Experiment
from monitoring.reads.experiments import Conclusion, Outcome, Seen, concluded, conclusion_of
from registry.states import DeploymentRole, IllegalMove

USUAL_PLACE = "production"


def propose_winner(claim: claims.Claim) -> None:
    """Propose what a concluded experiment recommends, or say why nothing is proposed."""
    _propose(claim)


@transaction.atomic
def _propose(claim: claims.Claim) -> None:
    claims.finish(claim=claim)
    Experiment.objects.select_for_update(no_key=True, of=("self",)).get(pk=claim.subject_id)
    seen = concluded(claim.subject_id)
    if seen is None or WinnerProposal.objects.filter(experiment=seen.experiment).exists():
        return
    said = conclusion_of(seen)
    request, refusal = None, ""
    if said.outcome == Outcome.PROMOTE:
        request, refusal = _asked(seen, said)
    row = WinnerProposal.objects.create(
        experiment=seen.experiment,
        outcome=said.outcome,
        why=said.why[:1000],
        request=request,
        refusal=refusal[:1000],
    )
    record(
        SYSTEM,
        GovernanceEvent.WINNER_PROPOSED,
        row,
        experiment=seen.experiment.name,
        outcome=said.outcome,
        why=said.why,
        request=request.pk if request else None,
        refusal=refusal,
    )


def _asked(seen: Seen, said: Conclusion) -> tuple[ChangeRequest | None, str]:
    """The change request, or why there is none; what was tried leaves nothing behind."""
    one = seen.experiment
    try:
        with transaction.atomic():
            made = submit(
                actor=one.declared_by,
                kind=RequestKind.PROMOTE,
                version_id=one.challenger_id,
                environment=_environment(one),
                role=DeploymentRole.CHAMPION,
                reason=_reason(seen, said),
            )
    except (Unable, Refused, IllegalMove) as refusal:
        return None, str(refusal) or type(refusal).__name__
    return made, ""


def _environment(experiment: Experiment) -> str:
    rollout = getattr(experiment, "rollout", None)
    return rollout.environment if rollout else USUAL_PLACE


def _reason(seen: Seen, said: Conclusion) -> str:
    """The experiment's numbers, and the digest of the look that they are from."""
    one, look = seen.experiment, seen.look
    findings = json.dumps(look.findings if look else [], sort_keys=True)
    digest = hashlib.sha256(findings.encode()).hexdigest()[:16]
    late = " It was declared after its time had begun." if seen.afterwards else ""
    return (
        f"Proposed by the experiment “{one.name}”, {one.get_kind_display()}, version"
        f" {one.challenger.number} against {one.champion.number}. {said.why}{late} Findings of its"
        f" last look: SHA-256 {digest}…"
    )
