"""What a runner calls back: believed by its signature, taken once, looked into by a job."""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.record import SYSTEM, record
from ledger import claims
from monitoring.events import MonitoringEvent
from monitoring.gateways.runners import RunnerRefused
from monitoring.gateways.runners.named import secret_of
from monitoring.gateways.runners.signing import SignatureInvalid, verified
from monitoring.jobs.retraining import pipeline
from monitoring.jobs.retraining.outside import CALLED_BACK
from monitoring.models import RetrainingStep, RunnerDelivery
from monitoring.states import StepName, StepState

__all__ = ["Replayed", "SignatureInvalid", "UnknownRun", "believed", "take_callback"]


class UnknownRun(Exception):
    """No runner of this name, or no run of ours that waits for it."""


class Replayed(Exception):
    """This message was taken before."""


def believed(*, runner: str, body: bytes, headers: Mapping[str, str]) -> str:
    """The id of a message that the runner signed.

    Raises:
        UnknownRun: there is no such runner, or it signs nothing.
        SignatureInvalid: not signed with its secret, or too old.
    """
    try:
        secret = secret_of(runner)
    except RunnerRefused as error:
        raise UnknownRun(str(error)) from error
    if not secret:
        raise UnknownRun("This runner does not call back.")
    return verified(body, headers, secret, timezone.now())


@transaction.atomic
def take_callback(*, runner: str, delivery: str, said: Mapping[str, Any]) -> None:
    """Keep what it said and have the step looked at again at once.

    Raises:
        UnknownRun: nothing waits for it.
        Replayed: its id was seen before.
    """
    found = RetrainingStep.objects.filter(
        external_id=said["id"],
        name=StepName.TRAIN,
        state__in=(StepState.WAITING, StepState.RUNNING),
        retraining__terms__runner=runner,
    ).first()
    if found is None:
        raise UnknownRun("No retraining waits for this run.")
    step = pipeline.locked_step(found.pk)
    _once(runner, delivery, step)
    step.numbers = {**step.numbers, CALLED_BACK: dict(said)}
    step.save(update_fields=["numbers"])
    key = f"{step.pk}:{step.tries}"
    claims.again(kind=pipeline.kind_of(step), key=key, subject_id=step.pk)
    event = MonitoringEvent.RETRAINING_CALLED_BACK
    record(SYSTEM, event, step.retraining, runner=runner, state=said["state"])


def _once(runner: str, delivery: str, step: RetrainingStep) -> None:
    try:
        with transaction.atomic():
            RunnerDelivery.objects.create(runner=runner, delivery_id=delivery, step=step)
    except IntegrityError as error:
        raise Replayed(f"The message {delivery} was taken before.") from error
