"""The half of a change request that needs nobody's permission: evidence gathered and frozen.

Services call it once a person was let in, and jobs where a rule asks. The model is locked already.
"""

from decimal import Decimal

from django.utils import timezone

from accounts.models import User
from audit.record import Actor, record
from governance.conditions import terms_of
from governance.due_dates import due_from
from governance.events import GovernanceEvent
from governance.jobs.cards import refresh_as_system
from governance.jobs.locks import locked_version
from governance.jobs.status import rebuild_status
from governance.models import ApprovalPolicy, ChangeRequest, GateResult
from governance.reads.evidence import Change, Evidence, current_policy, gather
from governance.refusals import AlreadyRequested, GatesNotPassed, Incomplete
from governance.states import RequestState, move_request
from registry.models import Version

WHOLE = Decimal(1)
PENDING = (RequestState.OPEN, RequestState.APPROVED)


def submit_change(*, actor: User, version: Version, change: Change) -> ChangeRequest:
    """Ask for a change whose permission and shape the caller has checked; the model is locked.

    Raises:
        AlreadyRequested, GatesNotPassed: as in `submit`.
    """
    _refuse_second(version, change)
    refresh_as_system(version.pk, "Facts and numbers when a change was asked for")
    policy = _policy(version, change)
    evidence = _passed(gather(version, change, policy))
    request = _create(actor, version, change, policy, evidence)
    rebuild_status(model_ids=[version.model_id])
    record(
        actor,
        GovernanceEvent.REQUEST_SUBMITTED,
        request,
        kind=change.kind,
        version=version.number,
        environment=change.environment,
        role=change.role,
        traffic_share=change.traffic_share,
        reason=change.reason,
        conditions=request.conditions,
        digest=request.digest,
    )
    return request


def take_back(*, actor: Actor, request: ChangeRequest, reason: str) -> ChangeRequest:
    """Withdraw an open request that the caller has locked and may withdraw."""
    request.state = move_request(request.state, "withdraw")
    request.save(update_fields=["state"])
    rebuild_status(model_ids=[request.model_id])
    record(actor, GovernanceEvent.REQUEST_WITHDRAWN, request, reason=reason)
    return request


def refresh_locked(*, actor: Actor, request: ChangeRequest) -> ChangeRequest:
    """Freeze the evidence of an open request anew that the caller has locked."""
    version = locked_version(request.version_id)
    before = freeze_anew(request, version, asked_for(request))
    if before:
        record(
            actor,
            GovernanceEvent.REQUEST_REFRESHED,
            request,
            before=before,
            digest=request.digest,
            signatures_stale=request.signoffs.filter(signed_digest=before).count(),
        )
    return request


def asked_for(request: ChangeRequest) -> Change:
    return Change(
        request.kind,
        request.environment,
        request.role,
        request.traffic_share,
        request.reason,
        tuple(terms_of(one) for one in request.conditions),
        request.evidence.get("retirement"),
    )


def freeze_anew(request: ChangeRequest, version: Version, change: Change) -> str:
    """Today's evidence and policy in the request; the digest of before, or nothing if it is the
    same."""
    policy = _policy(version, change)
    evidence = _passed(gather(version, change, policy))
    if evidence.digest == request.digest:
        return ""
    before, request.digest = request.digest, evidence.digest
    request.evidence, request.policy = evidence.content, policy
    request.rounds, request.round = policy.rounds, 1
    request.save(update_fields=["evidence", "policy", "rounds", "round", "digest"])
    request.gates.all().delete()
    _store_gates(request, evidence)
    return before


def _refuse_second(version: Version, change: Change) -> None:
    pending = ChangeRequest.objects.filter(
        version=version, kind=change.kind, environment=change.environment, state__in=PENDING
    ).first()
    if pending is not None:
        raise AlreadyRequested(f"CR-{pending.pk} asks for this already and is {pending.state}.")


def _policy(version: Version, change: Change) -> ApprovalPolicy:
    policy = current_policy(change.kind, version.model.risk_tier)
    if policy is None:
        raise Incomplete(
            "kind",
            f"There is no approval policy to {change.kind} a {version.model.risk_tier}-risk model; "
            "an administrator sets one.",
        )
    return policy


def _passed(evidence: Evidence) -> Evidence:
    if evidence.failing:
        raise GatesNotPassed(evidence.failing)
    return evidence


def _create(
    actor: User, version: Version, change: Change, policy: ApprovalPolicy, evidence: Evidence
) -> ChangeRequest:
    request = ChangeRequest.objects.create(
        kind=change.kind,
        model=version.model,
        version=version,
        environment=change.environment,
        role=change.role,
        traffic_share=change.traffic_share,
        reason=change.reason,
        conditions=[one.as_json() for one in change.conditions],
        requested_by=actor,
        policy=policy,
        rounds=policy.rounds,
        evidence=evidence.content,
        digest=evidence.digest,
        due_on=due_from(timezone.now().date(), change.kind, version.model.risk_tier),
    )
    _store_gates(request, evidence)
    request.refresh_from_db(fields=["submitted_at"])
    return request


def _store_gates(request: ChangeRequest, evidence: Evidence) -> None:
    GateResult.objects.bulk_create(
        GateResult(
            request=request,
            gate=finding.gate,
            title=finding.title,
            mode=finding.mode,
            passed=finding.passed,
            message=finding.message[:400],
            evidence=stored["evidence"],
        )
        for finding, stored in zip(evidence.findings, evidence.content["gates"], strict=True)
    )
