"""Change requests: submitted with frozen evidence, withdrawn, refreshed, tried again."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from django.db import transaction

from accounts.models import User
from accounts.policies import require
from audit.record import record
from governance.conditions import ConditionKind, Terms, Unclear, says, terms_of_all
from governance.events import GovernanceEvent
from governance.jobs.locks import locked_request, locked_version
from governance.jobs.requesting import (
    WHOLE,
    asked_for,
    freeze_anew,
    refresh_locked,
    submit_change,
    take_back,
)
from governance.models import ChangeRequest
from governance.policies import can_set_conditions, can_submit, can_withdraw
from governance.reads.conditions import judged_now, watched_by
from governance.reads.evidence import Change
from governance.reads.objections import unanswered
from governance.refusals import Incomplete, NotOpen, ObjectionWaits
from governance.states import APPROVING, ConditionState, RequestKind, RequestState
from ledger import claims
from registry.models import Version
from registry.states import DeploymentRole

ENVIRONMENT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_REASON = 4000
ONLY_BUILDERS = (
    "Only developers, validators and service accounts of the owning team ask for a change."
)
ONLY_CONCERNED = "Who may ask for this change, or may sign it, sets its conditions."


@transaction.atomic
def submit(
    *,
    actor: User,
    kind: str,
    version_id: int,
    environment: str = "production",
    role: str = "",
    traffic_share: Decimal = WHOLE,
    reason: str,
    conditions: Sequence[Mapping[str, Any]] | None = None,
) -> ChangeRequest:
    """Ask for a change of a version's life: the gates are asked and the evidence is frozen.

    Where no conditions are named, a version that is revalidated keeps those it serves under.

    Raises:
        Refused: the actor may not ask for changes of this model.
        Incomplete: a field makes no sense.
        AlreadyRequested: the same change of the version is pending.
        GatesNotPassed: a gate that prevents did not pass; the error has all of them.
        ObjectionWaits: to retire it while an objection to its retirement has no answer.
    """
    version = locked_version(version_id)
    require(can_submit(actor, version.model), ONLY_BUILDERS)
    change = _change(kind, environment, role, traffic_share, reason)
    _answer_first(version, change)
    asked = _standing(version, change) if conditions is None else conditions
    change = replace(change, conditions=_conditions(version, change, asked))
    return submit_change(actor=actor, version=version, change=change)


def _answer_first(version: Version, change: Change) -> None:
    """Asking by hand is no way round somebody's objection to what a policy asked for."""
    if change.kind != RequestKind.RETIRE:
        return
    if waiting := unanswered(version):
        raise ObjectionWaits(waiting)


@transaction.atomic
def withdraw(*, actor: User, request_id: int, reason: str) -> ChangeRequest:
    """Take a request back before it is decided."""
    request = locked_request(request_id)
    require(can_withdraw(actor, request), "Who asked, or a developer of the team, withdraws it.")
    _must_be_open(request)
    return take_back(actor=actor, request=request, reason=reason)


@transaction.atomic
def refresh_evidence(*, actor: User, request_id: int) -> ChangeRequest:
    """Freeze today's evidence under today's policy; signatures over another digest are stale.

    Raises:
        GatesNotPassed: a gate that prevents does not pass any more.
        NotOpen: the request has been decided.
    """
    request = locked_request(request_id)
    require(can_submit(actor, request.model), ONLY_BUILDERS)
    _must_be_open(request)
    return refresh_locked(actor=actor, request=request)


@transaction.atomic
def set_conditions(
    *, actor: User, request_id: int, conditions: Sequence[Mapping[str, Any]], reason: str
) -> ChangeRequest:
    """Ask for the same under other conditions: the evidence is frozen with them, signed anew.

    Whoever may ask may do it, and whoever may sign: conditions are how a reviewer says "yes, if".

    Raises:
        Incomplete: a condition makes no sense, or nothing measures it.
        GatesNotPassed: without them a gate that prevents does not pass.
        NotOpen: the request has been decided.
    """
    request = locked_request(request_id)
    require(can_set_conditions(actor, request), ONLY_CONCERNED)
    _must_be_open(request)
    _check_reason(reason)
    version = locked_version(request.version_id)
    change = asked_for(request)
    change = replace(change, conditions=_conditions(version, change, conditions))
    before, earlier = freeze_anew(request, version, change), request.conditions
    if not before:
        return request
    request.conditions = [one.as_json() for one in change.conditions]
    request.save(update_fields=["conditions"])
    record(
        actor,
        GovernanceEvent.CONDITIONS_SET,
        request,
        earlier=earlier,
        conditions=request.conditions,
        reason=reason.strip(),
        before=before,
        digest=request.digest,
        signatures_stale=request.signoffs.filter(signed_digest=before).count(),
    )
    return request


@transaction.atomic
def retry(*, actor: User, request_id: int) -> ChangeRequest:
    """Have an approved change that failed carried out again; its approval still has to hold."""
    request = locked_request(request_id)
    require(can_submit(actor, request.model), ONLY_BUILDERS)
    if request.state != RequestState.FAILED:
        raise NotOpen(f"The request is {request.state}; only a failed one is tried again.")
    claims.again(kind="governance.execute", key=f"request-{request.pk}", subject_id=request.pk)
    record(actor, GovernanceEvent.REQUEST_RETRIED, request, error=request.error)
    return request


def _change(kind: str, environment: str, role: str, traffic_share: Decimal, reason: str) -> Change:
    if kind not in list(RequestKind):
        raise Incomplete("kind", f"One of {', '.join(RequestKind)}.")
    if len(environment) > 40 or not ENVIRONMENT.fullmatch(environment):
        raise Incomplete("environment", "Up to 40 small letters, digits and single hyphens.")
    _check_reason(reason)
    if not 0 < traffic_share <= 1:
        raise Incomplete("traffic_share", "More than 0 and at most 1.")
    return Change(kind, environment, _role(kind, role), traffic_share, reason.strip())


def _check_reason(reason: str) -> None:
    if not reason.strip() or len(reason) > LONGEST_REASON or "\0" in reason:
        raise Incomplete("reason", f"Say why, in at most {LONGEST_REASON:,} characters.")


def _standing(version: Version, change: Change) -> list[dict[str, Any]]:
    """The conditions that a version goes on serving under when it is revalidated."""
    if change.kind != RequestKind.REVALIDATE:
        return []
    rows = version.conditions.filter(environment=change.environment, state=ConditionState.IN_FORCE)
    return list(rows.order_by("request", "position").values_list("terms", flat=True))


def _conditions(
    version: Version, change: Change, raw: Sequence[Mapping[str, Any]]
) -> tuple[Terms, ...]:
    """The conditions, each with what measures it; none that would be broken from the start."""
    if raw and change.kind not in APPROVING:
        raise Incomplete("conditions", "Only a version that will serve has conditions.")
    try:
        terms = tuple(watched_by(version.model_id, one) for one in terms_of_all(raw))
    except Unclear as error:
        raise Incomplete("conditions", str(error)) from error
    for one, judgement in judged_now(version, change.environment, terms):
        if judgement.holds is False and one.kind != ConditionKind.TRAFFIC:
            said = f"{says(one)} It would be broken from the start. {judgement.said}"
            raise Incomplete("conditions", said)
    return terms


def _role(kind: str, role: str) -> str:
    """The role after the change: asked for in promotions, champion in a roll-back, else none."""
    if kind == RequestKind.PROMOTE:
        if role not in list(DeploymentRole):
            raise Incomplete("role", f"A promotion names one of {', '.join(DeploymentRole)}.")
        return role
    champion = DeploymentRole.CHAMPION.value if kind == RequestKind.ROLL_BACK else ""
    if role not in {"", champion}:
        raise Incomplete("role", f"To {kind.replace('_', ' ')} takes no role {role!r}.")
    return champion


def _must_be_open(request: ChangeRequest) -> None:
    if request.state != RequestState.OPEN:
        raise NotOpen(f"The request is {request.state}; only an open one can be changed.")
