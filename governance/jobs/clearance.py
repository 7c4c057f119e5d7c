"""Clearance as rows: one in force per version and environment, closed rows are the history."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from audit.record import record
from governance.events import GovernanceEvent
from governance.models import Clearance, Condition
from governance.states import ClearanceState, ConditionState
from registry.models import Version


@transaction.atomic
def grant(*, actor: Any, version: Version, environment: str, reasons: list[str]) -> Clearance:
    """The version may serve in the environment, from now on; conditionally if there are any."""
    state = _granted(version, environment)
    row = _replace(actor, version, environment, state, reasons)
    record(
        actor,
        GovernanceEvent.CLEARANCE_GRANTED,
        row,
        environment=environment,
        reasons=reasons,
        conditions=[one.text for one in _conditions(version.pk, environment)],
    )
    return row


@transaction.atomic
def reinstate(
    *,
    actor: Any,
    version: Version,
    environment: str,
    reasons: list[str],
    considered: list[int],
) -> Clearance:
    """A person decided that a suspended version may serve again, `considered` incidents known.

    Its conditions stay as they are.
    """
    row = _replace(actor, version, environment, _granted(version, environment), reasons)
    row.considered = considered
    row.save(update_fields=["considered"])
    record(
        actor,
        GovernanceEvent.CLEARANCE_REINSTATED,
        row,
        environment=environment,
        reasons=reasons,
        considered=considered,
    )
    return row


@transaction.atomic
def suspend(
    *,
    actor: Any,
    version: Version,
    environment: str,
    reasons: list[str],
    incident_id: int | None = None,
) -> Clearance:
    """The version may not serve until a person decides."""
    row = _replace(actor, version, environment, ClearanceState.SUSPENDED, reasons, incident_id)
    record(
        actor,
        GovernanceEvent.CLEARANCE_SUSPENDED,
        row,
        environment=environment,
        reasons=reasons,
        incident=incident_id,
    )
    return row


@transaction.atomic
def end(*, actor: Any, version: Version, reason: str, environment: str | None = None) -> int:
    """The version serves no longer, in one environment or anywhere; returns how many rows ended."""
    rows = in_force(version)
    if environment is not None:
        rows = rows.filter(environment=environment)
    ended = list(rows)
    end_conditions(version.pk, environment)
    Clearance.objects.filter(pk__in=[row.pk for row in ended]).update(until=Now())
    for row in ended:
        record(
            actor,
            GovernanceEvent.CLEARANCE_ENDED,
            row,
            environment=row.environment,
            reason=reason,
        )
    return len(ended)


def in_force(version: Version) -> QuerySet[Clearance]:
    return (
        Clearance.objects.select_for_update(no_key=True, of=("self",))
        .select_related("version__model")
        .filter(version=version, until__isnull=True)
    )


def end_conditions(version_id: int, environment: str | None) -> int:
    """The approval that they belong to holds no longer; those that lapsed are over too."""
    rows = Condition.objects.filter(version=version_id).exclude(state=ConditionState.ENDED)
    here = rows if environment is None else rows.filter(environment=environment)
    return here.update(state=ConditionState.ENDED, ended_at=Now())


def _conditions(version_id: int, environment: str) -> QuerySet[Condition]:
    return Condition.objects.filter(
        version=version_id, environment=environment, state=ConditionState.IN_FORCE
    )


def _granted(version: Version, environment: str) -> ClearanceState:
    under = _conditions(version.pk, environment).exists()
    return ClearanceState.CONDITIONAL if under else ClearanceState.CLEARED


def _replace(
    actor: Any,
    version: Version,
    environment: str,
    state: ClearanceState,
    reasons: list[str],
    incident_id: int | None = None,
) -> Clearance:
    in_force(version).filter(environment=environment).update(until=Now())
    row = Clearance.objects.create(
        version=version,
        environment=environment,
        state=state,
        reasons=reasons,
        decided_by_id=actor.pk,
        incident_id=incident_id,
    )
    row.refresh_from_db(fields=["since"])
    return row
