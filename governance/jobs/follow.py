"""Governance looks at what monitoring found, and acts: monitoring knows nothing of it."""

from collections.abc import Iterable, Mapping

from django.db import transaction

from audit.record import SYSTEM
from governance.jobs.clearance import in_force, suspend
from governance.jobs.conditions import check_conditions
from governance.jobs.drills import follow_drills
from governance.jobs.execute import mark_failed
from governance.jobs.locks import locked_version
from governance.jobs.recommendations import enqueue_recommendations
from governance.jobs.restored_cards import follow_restores
from governance.jobs.retrainings import follow_retrainings
from governance.jobs.shadow import follow_deviations
from governance.jobs.status import rebuild_status
from governance.jobs.watching import follow_watches
from governance.jobs.winners import follow_winners
from governance.models import ChangeRequest, Clearance, StatusRow
from governance.reads.considered import Standing, considered_by_people
from governance.reads.status import answers, etag_of
from governance.states import ClearanceState, RequestState
from ledger.models import Job, JobState
from monitoring.models import Incident, Severity
from monitoring.states import IncidentState
from registry.models import Model

AT_ONCE = 200
MAY_SERVE = (ClearanceState.CLEARED, ClearanceState.CONDITIONAL)


def follow_verdicts() -> None:
    """Suspend what a broken condition or a critical incident speaks against, notice dead jobs,
    prepare answers anew.

    Runs every few seconds, on several machines at once without harm.
    """
    check_conditions()
    for clearance, incident in _speaking_against():
        _suspend(clearance, incident)
    follow_deviations()
    follow_drills()
    follow_watches()
    follow_winners()
    follow_retrainings()
    follow_restores()
    for request_id in _given_up():
        mark_failed(request_id=request_id, error="The worker died in its last allowed attempt.")
    for model_ids in _in_parts(Model.objects.order_by("pk").values_list("pk", flat=True)):
        for model_id in _outdated(model_ids):
            rebuild_status(model_ids=[model_id])
    enqueue_recommendations()


def _speaking_against() -> list[tuple[Clearance, Incident]]:
    """Clearances in force with a critical incident that no person has decided about yet."""
    critical = Incident.objects.filter(severity=Severity.CRITICAL).exclude(
        state=IncidentState.RESOLVED
    )
    cleared = Clearance.objects.filter(
        version__in=critical.values("version"), until__isnull=True, state__in=MAY_SERVE
    )
    incidents = list(critical.order_by("pk"))
    decided = considered_by_people({one.version_id for one in cleared})
    pairs = ((clearance, _undecided(clearance, incidents, decided)) for clearance in cleared)
    return [(clearance, incident) for clearance, incident in pairs if incident is not None]


def _undecided(
    clearance: Clearance, incidents: list[Incident], decided: Mapping[Standing, set[int]]
) -> Incident | None:
    known = decided.get((clearance.version_id, clearance.environment), set())
    return next(
        (
            incident
            for incident in incidents
            if incident.version_id == clearance.version_id and incident.pk not in known
        ),
        None,
    )


@transaction.atomic
def _suspend(found: Clearance, incident: Incident) -> None:
    version = locked_version(found.version_id)
    # Looked at again under the lock: another worker may have been quicker.
    if not in_force(version).filter(pk=found.pk).exists():
        return
    suspend(
        actor=SYSTEM,
        version=version,
        environment=found.environment,
        reasons=[f"Critical incident {incident.pk}: {incident.title}"],
        incident_id=incident.pk,
    )
    rebuild_status(model_ids=[version.model_id])


def _given_up() -> list[int]:
    """Approved requests whose job is dead."""
    approved = ChangeRequest.objects.filter(state=RequestState.APPROVED).values("pk")
    dead = Job.objects.filter(
        kind="governance.execute", state=JobState.DEAD, subject_id__in=approved
    )
    return list(dead.values_list("subject_id", flat=True))


def _outdated(model_ids: list[int]) -> set[int]:
    """Models whose prepared answer is not what it would be now."""
    rows = StatusRow.objects.filter(model__in=model_ids).latest_rows()
    prepared = {(r.model_id, r.environment): (r.etag, r.answer["mlflow"]["seen_at"]) for r in rows}
    return {
        key[0]
        for key, answer in answers(model_ids).items()
        if prepared.get(key) != (etag_of(answer), answer["mlflow"]["seen_at"])
    }


def _in_parts(ids: Iterable[int]) -> Iterable[list[int]]:
    everything = list(ids)
    for start in range(0, len(everything), AT_ONCE):
        yield everything[start : start + AT_ONCE]
