"""What a rollout does to the challenger's share: under its model's lock, share and record at once.

Called by the job that looks at guard-rails, and by the services of people.
"""

from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from audit.record import SYSTEM, Actor, record
from monitoring.events import MonitoringEvent
from monitoring.models import (
    Experiment,
    Incident,
    IncidentEntry,
    MonitorKind,
    Rollout,
    RolloutStep,
    Severity,
)
from monitoring.states import ROLLOUT_GOES_ON, IncidentState, move_rollout
from registry.models import Deployment, Model
from registry.services.shares import set_share
from registry.states import DeploymentRole

NOTHING = Decimal(0)
INCIDENT_KINDS = {
    "value": MonitorKind.BUSINESS,
    "request_errors": MonitorKind.OPERATIONS,
    "latency_p95": MonitorKind.OPERATIONS,
    "demographic_parity_ratio": MonitorKind.FAIRNESS,
}


def locked_rollout(rollout_id: int) -> Rollout:
    """The rollout, its model locked first as everywhere."""
    model_id = Rollout.objects.values_list("model_id", flat=True).get(pk=rollout_id)
    model = Model.objects.select_for_update(no_key=True).get(pk=model_id)
    found = Rollout.objects.select_for_update(no_key=True, of=("self",))
    rollout = found.select_related("experiment__challenger", "experiment__champion").get(
        pk=rollout_id
    )
    rollout.model = model
    return rollout


def deployed(rollout: Rollout) -> Deployment | None:
    """The challenger's deployment, if it is still one."""
    running = Deployment.objects.filter(
        version=rollout.experiment.challenger_id,
        environment=rollout.environment,
        role=DeploymentRole.CHALLENGER,
        ended_at__isnull=True,
    )
    return running.first()


def give(rollout: Rollout, share: Decimal, *, because: str) -> None:
    """The challenger's share from now on, in the deployment and among the rollout's periods."""
    now = timezone.now()
    if deployed(rollout) is not None:
        made = set_share(
            actor=SYSTEM,
            version_id=rollout.experiment.challenger_id,
            environment=rollout.environment,
            share=share,
            because=because,
        )
        now = max(now, made.started_at)
    else:
        share = NOTHING
    rollout.periods.filter(ended_at__isnull=True).update(ended_at=now)
    RolloutStep.objects.create(rollout=rollout, share=share, began_at=now, reason=because[:500])


def moved(
    rollout: Rollout,
    verb: str,
    event: MonitoringEvent,
    *,
    actor: Actor,
    reason: str,
    **told: Any,
) -> None:
    """The next state with its reason, on the trail."""
    rollout.state = move_rollout(rollout.state, verb)
    rollout.reason, rollout.by_machine = reason[:500], actor is SYSTEM
    rollout.changed_at = timezone.now()
    rollout.save(update_fields=["state", "reason", "by_machine", "changed_at"])
    record(actor, event, rollout, reason=reason, **told)


def step_up(rollout: Rollout, *, because: str) -> None:
    """The next declared share."""
    rollout.step += 1
    rollout.changed_at = timezone.now()
    rollout.save(update_fields=["step", "changed_at"])
    share = Decimal(rollout.steps[rollout.step]["share"])
    give(rollout, share, because=because)
    record(
        SYSTEM,
        MonitoringEvent.ROLLOUT_STEPPED,
        rollout,
        step=rollout.step + 1,
        share=share,
        because=because,
    )


def halt(rollout: Rollout, *, metric: str, reason: str) -> None:
    """Harm was found: no traffic any more, the experiment ends, and people get an incident."""
    moved(
        rollout, "halt", MonitoringEvent.ROLLOUT_HALTED, actor=SYSTEM, reason=reason, metric=metric
    )
    give(rollout, NOTHING, because=reason)
    _stop_experiment(rollout.experiment, reason)
    _open_incident(rollout, INCIDENT_KINDS.get(metric, MonitorKind.PERFORMANCE), reason)


def finish(rollout: Rollout, *, reason: str) -> None:
    """The experiment is over, or the challenger has another role: the share stays as it is."""
    moved(rollout, "finish", MonitoringEvent.ROLLOUT_FINISHED, actor=SYSTEM, reason=reason)
    rollout.periods.filter(ended_at__isnull=True).update(ended_at=Now())


def end_with(experiment: Experiment, *, actor: Actor, reason: str) -> None:
    """A person ended the experiment: its challenger gets no traffic any more."""
    found = Rollout.objects.filter(experiment=experiment, state__in=ROLLOUT_GOES_ON)
    for rollout_id in found.values_list("pk", flat=True):
        rollout = locked_rollout(rollout_id)
        if rollout.state in ROLLOUT_GOES_ON:
            moved(rollout, "stop", MonitoringEvent.ROLLOUT_STOPPED, actor=actor, reason=reason)
            give(rollout, NOTHING, because=reason)


def _stop_experiment(experiment: Experiment, reason: str) -> None:
    running = Experiment.objects.filter(
        pk=experiment.pk, stopped_at__isnull=True, concluded_at__isnull=True
    )
    if running.update(stopped_at=Now(), stop_reason=reason[:500]):
        record(SYSTEM, MonitoringEvent.EXPERIMENT_STOPPED, experiment, reason=reason)


@transaction.atomic
def _open_incident(rollout: Rollout, kind: MonitorKind, reason: str) -> None:
    """One incident of the challenger, or a line in the one that is open already."""
    challenger = rollout.experiment.challenger
    challenger.model = rollout.model
    unresolved = Incident.objects.filter(version=challenger, kind=kind).exclude(
        state=IncidentState.RESOLVED
    )
    incident = unresolved.select_for_update(no_key=True).first()
    if incident is None:
        incident = Incident.objects.create(
            model=rollout.model,
            version=challenger,
            kind=kind,
            title=f"{challenger}: {reason}"[:200],
            severity=Severity.CRITICAL,
            began_at=timezone.now(),
        )
        record(
            SYSTEM,
            MonitoringEvent.INCIDENT_OPENED,
            incident,
            experiment=rollout.experiment.name,
            version=challenger.number,
            severity=incident.severity,
            reason=reason,
        )
    elif incident.severity != Severity.CRITICAL:
        incident.severity = Severity.CRITICAL
        incident.save(update_fields=["severity"])
    text = f"The experiment {rollout.experiment.name} was stopped. {reason}"
    IncidentEntry.objects.create(incident=incident, text=text)
