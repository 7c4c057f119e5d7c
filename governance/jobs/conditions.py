"""Conditions come into force with their approval, are checked every few seconds, and lapse."""

from django.db import transaction
from django.db.models.functions import Now

from audit.record import SYSTEM, record
from governance.conditions import Judgement, terms_of
from governance.events import GovernanceEvent
from governance.jobs import clearance
from governance.jobs.locks import locked_version
from governance.jobs.status import rebuild_status
from governance.models import ChangeRequest, Clearance, Condition
from governance.reads.conditions import in_words, judged
from governance.states import ClearanceState as State
from governance.states import ConditionState

LONGEST = 400


@transaction.atomic
def put_in_force(request: ChangeRequest) -> bool:
    """The conditions of an approval replace those of the version's earlier one there.

    Returns whether there were or are any.
    """
    ended = clearance.end_conditions(request.version_id, request.environment)
    terms = [terms_of(one) for one in request.conditions]
    made = [
        Condition.objects.create(
            request=request,
            position=place,
            version=request.version,
            environment=request.environment,
            terms=one.as_json(),
            text=text[:LONGEST],
            monitor_id=one.monitor,
        )
        for place, (one, text) in enumerate(zip(terms, in_words(terms), strict=True), start=1)
    ]
    return bool(ended or made)


def check_conditions() -> int:
    """Judge every condition in force; what is broken lapses. Returns how many did.

    Any number of workers may do it at once.
    """
    in_force = Condition.objects.filter(state=ConditionState.IN_FORCE)
    found = judged(in_force.order_by("pk"))
    for row, judgement in found:
        if (row.holds, row.said) != (judgement.holds, judgement.said[:LONGEST]):
            _keep(row, judgement)
    return sum(_lapse(row, judgement) for row, judgement in found if judgement.holds is False)


@transaction.atomic
def _keep(row: Condition, judgement: Judgement) -> None:
    """What was seen is derived, and needs no event; the answer that tells it is prepared anew."""
    Condition.objects.filter(pk=row.pk, state=ConditionState.IN_FORCE).update(
        holds=judgement.holds, said=judgement.said[:LONGEST]
    )
    rebuild_status(model_ids=[row.version.model_id])


@transaction.atomic
def _lapse(found: Condition, judgement: Judgement) -> int:
    version = locked_version(found.version_id)
    # Looked at again under the lock: another worker may have been quicker.
    row = Condition.objects.select_related("version__model").get(pk=found.pk)
    if row.state != ConditionState.IN_FORCE:
        return 0
    Condition.objects.filter(pk=row.pk).update(
        state=ConditionState.LAPSED, holds=False, said=judgement.said[:LONGEST], ended_at=Now()
    )
    record(
        SYSTEM,
        GovernanceEvent.CONDITION_LAPSED,
        row,
        request=row.request_id,
        condition=row.text,
        terms=row.terms,
        seen=judgement.said,
    )
    reason = f"A condition of CR-{row.request_id} lapsed: {row.text} {judgement.said}"
    for standing in clearance.in_force(version).filter(environment=row.environment):
        if standing.state != State.NOT_CLEARED:
            _suspend(row, standing, reason)
    rebuild_status(model_ids=[version.model_id])
    return 1


def _suspend(row: Condition, standing: Clearance, reason: str) -> None:
    """A clearance that is suspended already keeps its reasons beside the new one."""
    already = standing.state == State.SUSPENDED
    suspended = clearance.suspend(
        actor=SYSTEM,
        version=standing.version,
        environment=standing.environment,
        reasons=[*(standing.reasons if already else []), reason],
        incident_id=standing.incident_id if already else None,
    )
    if not already:
        Condition.objects.filter(pk=row.pk).update(suspended=suspended)
