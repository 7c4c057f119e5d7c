"""Rolling back: bytes read first, then role, clearance, watch, report and event in one transaction.

A person's request and a broken guard-rail come here alike. Whoever is second finds the deployment
ended and does nothing.
"""

from dataclasses import dataclass
from decimal import Decimal

from django.db import transaction

from audit.jobs.checkpoint import checkpoint_after
from audit.record import SYSTEM, record
from governance.events import GovernanceEvent
from governance.jobs import clearance
from governance.jobs.asking import ask_by_machine
from governance.jobs.cards import refresh_as_system
from governance.jobs.locks import lock_models
from governance.jobs.notices import tell
from governance.jobs.revalidations import settle
from governance.jobs.status import rebuild_status
from governance.jobs.watching import open_watch
from governance.models import ApprovalPolicy, ChangeRequest, Clearance, RollBack, Watch
from governance.reads.evidence import Change, champion_of, current_policy
from governance.reads.revalidations import last_approval
from governance.reads.rollbacks import target_of
from governance.refusals import Unable
from governance.states import ClearanceState, RequestKind
from governance.watch_rules import WatchOutcome
from ledger import claims
from monitoring.models import Incident, IncidentEntry
from monitoring.states import IncidentState
from registry.jobs.bytes_now import DIFFER, UNREAD, BytesNow, read_bytes
from registry.models import Deployment, Version
from registry.services import deployments
from registry.states import DeploymentRole

MAY_SERVE = (ClearanceState.CLEARED, ClearanceState.CONDITIONAL)
GONE_ON = "The bytes of version {0} cannot serve. {1}"


@dataclass(frozen=True)
class Cause:
    """Why a roll-back is carried out, and under which policy."""

    because: str
    why: str
    policy: ApprovalPolicy
    watch: Watch | None = None
    request: ChangeRequest | None = None
    incident: Incident | None = None


def roll_back_to(*, version: Version, environment: str, cause: Cause, seen: BytesNow) -> RollBack:
    """The earlier version is champion again; the model is locked by the caller.

    Raises:
        Unable: its bytes are not those that were approved.
    """
    if seen.state == DIFFER:
        raise Unable(GONE_ON.format(version.number, seen.said))
    left = champion_of(version.model_id, environment)
    deployment = deployments.deploy(
        actor=SYSTEM,
        version_id=version.pk,
        environment=environment,
        role=DeploymentRole.CHAMPION,
        because=cause.because,
    )
    if left is not None and left.pk != version.pk:
        reason = f"Rolled back to version {version.number} ({cause.because})."
        clearance.end(actor=SYSTEM, version=left, environment=environment, reason=reason)
    open_watch(deployment=deployment, former=left, policy=cause.policy)
    row = _reported(deployment, left, cause, seen)
    _say(row, cause)
    if seen.state == UNREAD:
        claims.again(kind="registry.rehash", key=str(version.pk), subject_id=version.pk)
    return row


def _reported(
    deployment: Deployment, left: Version | None, cause: Cause, seen: BytesNow
) -> RollBack:
    request = cause.request
    incident = cause.incident or _incident_of(left)
    opened = incident.opened_at if incident else None
    noticed = cause.watch.broke_at if cause.watch else opened
    return RollBack.objects.create(
        model=deployment.model,
        environment=deployment.environment,
        left=left,
        to=deployment.version,
        deployment=deployment,
        watch=cause.watch,
        request=request,
        incident=incident,
        policy=cause.policy,
        why=cause.why,
        breached_at=noticed,
        asked_at=request.submitted_at if request else None,
        approved_at=request.decided_at if request else None,
        executed_at=deployment.started_at,
        bytes_state=seen.state,
        bytes_said=seen.said,
    )


def _incident_of(left: Version | None) -> Incident | None:
    rows = Incident.objects.filter(version=left).exclude(state=IncidentState.RESOLVED)
    return rows.order_by("severity", "pk").first() if left is not None else None


def _say(row: RollBack, cause: Cause) -> None:
    """On the incident, to the people, on the trail."""
    how = "by itself, as the policy allows" if row.automatic else f"by {cause.because}"
    was = f" from version {row.left.number}" if row.left else ""
    now = f"to version {row.to.number} in {row.environment}"
    text = f"{row.model} was rolled back{was} {now} {how}."
    if row.incident is not None:
        IncidentEntry.objects.create(incident=row.incident, text=f"{text} {row.why}")
    tell(model=row.model, text=f"{text} {row.why}", roll_back=row)
    record(
        SYSTEM,
        GovernanceEvent.ROLLED_BACK,
        row,
        version=row.to.number,
        left=row.left.number if row.left else None,
        environment=row.environment,
        because=cause.because,
        policy=str(row.policy),
        measurement=cause.watch.breach if cause.watch else None,
        bytes=row.bytes_said,
    )


def by_watch(claim: claims.Claim) -> None:
    """What follows a broken guard-rail: back by itself, or the reviewers are asked, or why not."""
    watch = Watch.objects.select_related("former__model").get(pk=claim.subject_id)
    seen = None
    if watch.automatic and watch.former is not None and not watch.outcome:
        seen = read_bytes(watch.former)
    _follow(claim, watch.model_id, seen)


@transaction.atomic
def _follow(claim: claims.Claim, model_id: int, seen: BytesNow | None) -> None:
    lock_models([model_id])
    claims.finish(claim=claim)
    rows = Watch.objects.select_related(
        "model__team", "version", "former__model", "policy", "deployment"
    )
    watch = rows.get(pk=claim.subject_id)
    if watch.outcome:
        return
    if watch.deployment.ended_at is not None:
        _conclude(watch, WatchOutcome.OVERTAKEN, "Another version had taken over before.")
        return
    why_not = _obstacles(watch)
    if why_not:
        _helpless(watch, why_not)
    elif seen is not None and not _under_conditions(watch):
        _by_itself(watch, seen)
    else:
        _ask(watch)
    settle(actor=SYSTEM, model_id=model_id)
    rebuild_status(model_ids=[model_id])


def _obstacles(watch: Watch) -> str:
    if watch.former is None:
        return "No version was champion before it."
    target = target_of(watch.former, watch.environment)
    if target is None:
        return f"Version {watch.former.number} is no version that one can go back to."
    return " ".join(target.obstacles)


def _under_conditions(watch: Watch) -> bool:
    """What was approved under conditions comes back under conditions that people set."""
    former = watch.former
    approval = last_approval(former.pk, watch.environment) if former else None
    return bool(approval and approval.conditions)


def _incident(watch: Watch) -> Incident | None:
    named = (watch.breach or {}).get("incident")
    return Incident.objects.filter(pk=named).first() if named else None


def _by_itself(watch: Watch, seen: BytesNow) -> None:
    former = watch.former
    assert former is not None  # noqa: S101 - without one there is an obstacle
    policy = current_policy(RequestKind.ROLL_BACK, watch.model.risk_tier) or watch.policy
    why = (watch.breach or {}).get("said", "")
    cause = Cause(_name(watch), why, policy, watch=watch, incident=_incident(watch))
    try:
        row = roll_back_to(version=former, environment=watch.environment, cause=cause, seen=seen)
    except Unable as error:
        _helpless(watch, str(error))
        return
    clearance.grant(
        actor=SYSTEM,
        version=former,
        environment=watch.environment,
        reasons=[f"Rolled back to it under {watch.policy}. It was approved before."],
    )
    refresh_as_system(former.pk, "After an automatic roll-back")
    text = f"Rolled back by itself to version {former.number}."
    _conclude(watch, WatchOutcome.ROLLED_BACK, text)
    checkpoint_after(record(SYSTEM, GovernanceEvent.WATCH_ENDED, watch, roll_back=row.pk))


def _ask(watch: Watch) -> None:
    former = watch.former
    assert former is not None  # noqa: S101 - without one there is an obstacle
    said = (watch.breach or {}).get("said", "")
    change = Change(
        RequestKind.ROLL_BACK,
        watch.environment,
        DeploymentRole.CHAMPION.value,
        Decimal(1),
        f"A guard-rail broke while version {watch.version.number} was watched. {said}",
    )
    try:
        request = ask_by_machine(former, change)
    except Unable as error:
        _helpless(watch, str(error))
        return
    text = f"CR-{request.pk} asks the reviewers to roll back to version {former.number}."
    Watch.objects.filter(pk=watch.pk).update(request=request)
    _conclude(watch, WatchOutcome.ASKED, text)
    _note(watch, f"{said} {text}")
    tell(model=watch.model, text=f"{watch.version}: {said} {text}", watch=watch)


def _helpless(watch: Watch, why: str) -> None:
    """No roll-back: people hear why, and by the policy the version may not serve any more."""
    suspended = _suspend(watch) if watch.suspends else False
    then = "Its clearance is suspended." if suspended else "Its clearance stays as it is."
    text = f"It cannot be rolled back: {why} {then}"
    _conclude(watch, WatchOutcome.NOT_POSSIBLE, text)
    said = (watch.breach or {}).get("said", "")
    _note(watch, f"{said} {text}")
    tell(model=watch.model, text=f"{watch.version}: {said} {text}", watch=watch)
    record(
        SYSTEM,
        GovernanceEvent.WATCH_HELPLESS,
        watch,
        why=why,
        suspended=suspended,
        policy=str(watch.policy),
        measurement=watch.breach,
    )


def _suspend(watch: Watch) -> bool:
    standing = Clearance.objects.filter(
        version=watch.version_id,
        environment=watch.environment,
        until__isnull=True,
        state__in=MAY_SERVE,
    )
    if not standing.exists():
        return False
    said = (watch.breach or {}).get("said", "")
    clearance.suspend(
        actor=SYSTEM,
        version=watch.version,
        environment=watch.environment,
        reasons=[f"A guard-rail broke in its watch, and there is no way back. {said}"],
    )
    return True


def _note(watch: Watch, text: str) -> None:
    if incident := _incident(watch):
        IncidentEntry.objects.create(incident=incident, text=text)


def _conclude(watch: Watch, outcome: WatchOutcome, said: str) -> None:
    Watch.objects.filter(pk=watch.pk).update(outcome=outcome, said=said)


def _name(watch: Watch) -> str:
    return f"the watch since {watch.started_at:%-d %b %Y}"
