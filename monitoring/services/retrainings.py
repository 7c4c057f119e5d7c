"""Retrainings: started by a person, cancelled, retried."""

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.policies import require
from audit.record import record
from monitoring.events import MonitoringEvent
from monitoring.jobs.retraining import pipeline, starting
from monitoring.jobs.retraining.triggers import Fired, champion_of
from monitoring.jobs.retraining.work import tell
from monitoring.models import Retraining, RetrainingPolicy, RetrainingStep
from monitoring.policies import can_write_retraining
from monitoring.services.retraining_policies import ONLY_OWNERS, RetrainingInvalid
from monitoring.states import PolicyState, StepState, move_retraining
from registry.models import Model


def start_retraining(*, actor: User, model_id: int, reason: str) -> Retraining:
    """Start one now by the policy that is on, without waiting for its triggers.

    Raises:
        Refused: the actor is not of the owning team.
        RetrainingInvalid: no policy is on, nobody serves, or the budget is used up.
    """
    model = Model.objects.get(pk=model_id)
    require(can_write_retraining(actor, model), ONLY_OWNERS)
    if not reason.strip():
        raise RetrainingInvalid("reason", "Say why.")
    policy = RetrainingPolicy.objects.filter(model=model, state=PolicyState.ON).first()
    if policy is None or champion_of(model.pk) is None:
        message = "A retraining needs a policy that is on, and a champion to start from."
        raise RetrainingInvalid("reason", message)
    now = timezone.now()
    refusal = starting.refusal_of(policy, now, by_hand=True)
    if refusal is not None:
        raise RetrainingInvalid("reason", refusal[1])
    fired = [Fired(f"by-hand:{now:%Y%m%d%H%M%S%f}", f"{actor.name}: {reason.strip()}"[:300])]
    made = starting.begin(policy_id=policy.pk, fired=fired, now=now, actor=actor)
    if made is None:
        raise RetrainingInvalid("reason", "A retraining is under way.")
    return made


@transaction.atomic
def cancel_retraining(*, actor: User, retraining_id: int, reason: str) -> Retraining:
    """End it before its end; what a step is computing at this moment is thrown away.

    Raises:
        Refused: the actor is not of the owning team.
        IllegalRetrainingMove: it is over already.
    """
    retraining = pipeline.locked(retraining_id)
    require(can_write_retraining(actor, retraining.model), ONLY_OWNERS)
    if not reason.strip():
        raise RetrainingInvalid("reason", "Say why it is cancelled.")
    steps = retraining.steps.filter(state=StepState.FAILED)
    steps.update(state=StepState.CANCELLED)
    pipeline.end(retraining, "cancel", reason.strip())
    event = MonitoringEvent.RETRAINING_CANCELLED
    record(actor, event, retraining, reason=retraining.note)
    return retraining


@transaction.atomic
def retry_retraining(*, actor: User, retraining_id: int, reason: str) -> Retraining:
    """Have the step that failed done again; a suite or runner that was mended is read anew.

    Raises:
        Refused: the actor is not of the owning team.
        IllegalRetrainingMove: nothing of it has failed.
    """
    retraining = pipeline.locked(retraining_id)
    require(can_write_retraining(actor, retraining.model), ONLY_OWNERS)
    if not reason.strip():
        raise RetrainingInvalid("reason", "Say why it is worth another try.")
    retraining.state = move_retraining(retraining.state, "retry")
    retraining.suite = retraining.model.data_suites.order_by("-number").first()
    retraining.save(update_fields=["state", "suite"])
    step = retraining.steps.get(state=StepState.FAILED)
    RetrainingStep.objects.filter(pk=step.pk).update(ended_at=None, external_id="")
    pipeline.enqueue(step)
    tell(step, f"{actor.name} had it tried again: {reason.strip()}")
    event = MonitoringEvent.RETRAINING_RETRIED
    record(actor, event, retraining, step=step.name, reason=reason.strip()[:500])
    return retraining
