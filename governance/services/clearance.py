"""Clearance by people: suspended on suspicion, reinstated after somebody looked."""

from django.db import transaction

from accounts.models import User
from accounts.policies import require
from governance.jobs import clearance as rows
from governance.jobs.locks import locked_version
from governance.jobs.status import rebuild_status
from governance.models import Clearance, Condition
from governance.policies import can_decide_clearance
from governance.reads.revalidations import has_lapsed
from governance.refusals import ClearanceNotSo, Incomplete
from governance.states import ClearanceState, ConditionState
from monitoring.models import Incident
from monitoring.states import IncidentState
from registry.models import Version

ONLY_DECIDERS = "Only a reviewer or a risk officer of the team decides about clearance."


@transaction.atomic
def suspend_clearance(*, actor: User, version_id: int, environment: str, reason: str) -> Clearance:
    """Stop a cleared version until somebody reinstates it.

    Raises:
        ClearanceNotSo: it is not cleared there.
    """
    version = locked_version(version_id)
    require(can_decide_clearance(actor, version.model), ONLY_DECIDERS)
    _check(version, environment, reason, {ClearanceState.CLEARED, ClearanceState.CONDITIONAL})
    row = rows.suspend(
        actor=actor,
        version=version,
        environment=environment,
        reasons=[f"{actor.name}: {reason.strip()}"],
    )
    rebuild_status(model_ids=[version.model_id])
    return row


@transaction.atomic
def reinstate_clearance(
    *, actor: User, version_id: int, environment: str, reason: str
) -> Clearance:
    """Clear a suspended version again; the incident that suspended it does not do so twice.

    Raises:
        ClearanceNotSo: it is not suspended there, or a condition of its approval lapsed.
    """
    version = locked_version(version_id)
    require(can_decide_clearance(actor, version.model), ONLY_DECIDERS)
    _check(version, environment, reason, {ClearanceState.SUSPENDED})
    _refuse_lapsed(version, environment)
    if has_lapsed(version.pk, environment):
        raise ClearanceNotSo(
            "Its approval lapsed: ask to revalidate it, and the quorum's signatures clear it again."
        )
    row = rows.reinstate(
        actor=actor,
        version=version,
        environment=environment,
        reasons=[f"Reinstated by {actor.name}: {reason.strip()}"],
        considered=_unresolved(version),
    )
    rebuild_status(model_ids=[version.model_id])
    return row


def _refuse_lapsed(version: Version, environment: str) -> None:
    """One person does not waive what several signed: it takes a new approval."""
    lapsed = Condition.objects.filter(
        version=version, environment=environment, state=ConditionState.LAPSED
    ).first()
    if lapsed is not None:
        raise ClearanceNotSo(
            f"A condition of CR-{lapsed.request_id} lapsed: {lapsed.text} "
            "Ask to revalidate it, under conditions that can hold."
        )


def _unresolved(version: Version) -> list[int]:
    """What the person could know: it does not suspend the version a second time."""
    found = Incident.objects.filter(version=version).exclude(state=IncidentState.RESOLVED)
    return list(found.order_by("pk").values_list("pk", flat=True))


def _check(version: Version, environment: str, reason: str, states: set[ClearanceState]) -> None:
    if not reason.strip() or len(reason) > 1000 or "\0" in reason:
        raise Incomplete("reason", "Give your reason, in at most 1,000 characters.")
    row = rows.in_force(version).filter(environment=environment).first()
    state = row.state if row else ClearanceState.NOT_CLEARED
    if state not in states:
        needed = " or ".join(sorted(states))
        raise ClearanceNotSo(
            f"{version} is {state.replace('_', ' ')} in {environment}, not {needed}."
        )
