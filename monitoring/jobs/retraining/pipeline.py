"""The pipeline: each step is a job of the ledger; whatever dies, it is done once.

A step notes that it began, works outside of any transaction, and stores what it made together with
the end of its job; the next step is enqueued in the same transaction. A step that waits for
somebody outside is looked at again every minute.
"""

from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils.module_loading import import_string

from audit.record import SYSTEM, record
from ledger import claims
from ledger.models import Job, JobState
from monitoring.events import MonitoringEvent
from monitoring.jobs.retraining.work import Done, Ends, Result, StepFailed, Waits, tell
from monitoring.models import Retraining, RetrainingStep
from monitoring.states import (
    IllegalRetrainingMove,
    RetrainingState,
    StepName,
    StepState,
    move_retraining,
    move_step,
)

KIND, MODEL_KIND = "monitoring.retrain", "monitoring.retrain_model"
KINDS = (KIND, MODEL_KIND)
# Steps that run code of the model, or read what such code wrote.
MODEL_STEPS = frozenset({StepName.VALIDATE, StepName.FEATURES, StepName.TRAIN, StepName.EVALUATE})
ROOM = "monitoring.jobs.retraining"
WORK = {
    StepName.COLLECT: f"{ROOM}.collecting.collect",
    StepName.VALIDATE: f"{ROOM}.validating.validate",
    StepName.FEATURES: f"{ROOM}.features.regenerate",
    StepName.TRAIN: f"{ROOM}.training.train",
    StepName.EVALUATE: f"{ROOM}.evaluating.evaluate",
    StepName.REGISTER: f"{ROOM}.registering.register",
    StepName.CHALLENGE: f"{ROOM}.challenging.challenge",
    StepName.REQUEST: f"{ROOM}.following.request",
    StepName.DEPLOY: f"{ROOM}.following.deploy",
    StepName.WATCH: f"{ROOM}.following.watch",
}
LIVE = (StepState.DUE, StepState.RUNNING, StepState.WAITING)
LOOK_EVERY = timedelta(seconds=30)
GAVE_UP = "The worker died in the last allowed attempt, or an error came again and again."


def kind_of(step: RetrainingStep) -> str:
    return MODEL_KIND if step.name in MODEL_STEPS else KIND


def enqueue(step: RetrainingStep) -> None:
    """Make a step due; inside the transaction that lets it be."""
    step.state = move_step(step.state, "enqueue")
    step.tries += 1
    step.message = ""
    step.save(update_fields=["state", "tries", "message"])
    claims.enqueue(kind=kind_of(step), key=f"{step.pk}:{step.tries}", subject_id=step.pk)


def do_step(claim: claims.Claim) -> None:
    """Do one step of a retraining, from wherever it was left."""
    step = _begin(claim)
    if step is None:
        return
    work: Callable[[RetrainingStep], Result] = import_string(WORK[StepName(step.name)])
    try:
        result = work(step)
    except StepFailed as failure:
        _fail(claim, step.pk, failure)
        return
    _store(claim, step.pk, result)


@transaction.atomic
def _begin(claim: claims.Claim) -> RetrainingStep | None:
    """Note that it began; None where nothing is left to do."""
    step = locked_step(claim.subject_id)
    if step.retraining.state != RetrainingState.RUNNING or step.state not in LIVE:
        claims.finish(claim=claim)
        return None
    if step.state != StepState.WAITING:
        step.attempts += 1
    step.state = move_step(step.state, "start")
    RetrainingStep.objects.filter(pk=step.pk, started_at__isnull=True).update(started_at=Now())
    step.save(update_fields=["state", "attempts"])
    if step.attempts > 1:
        tell(step, f"Begun again, for the {_nth(step.attempts)} time.")
    return step


def locked_step(step_id: int) -> RetrainingStep:
    """A step with its retraining, both locked; the retraining first, as everywhere."""
    retraining_id = RetrainingStep.objects.values_list("retraining_id", flat=True).get(pk=step_id)
    retraining = locked(retraining_id)
    step = RetrainingStep.objects.select_for_update(no_key=True).get(pk=step_id)
    step.retraining = retraining
    return step


def locked(retraining_id: int) -> Retraining:
    found = Retraining.objects.select_for_update(no_key=True, of=("self",))
    return found.select_related("model", "policy", "parent__model", "suite").get(pk=retraining_id)


@transaction.atomic
def _store(claim: claims.Claim, step_id: int, result: Result) -> None:
    claims.finish(claim=claim)
    step = locked_step(step_id)
    if step.state != StepState.RUNNING:
        return
    if isinstance(result, Waits):
        step.state = move_step(step.state, "wait")
        step.message = result.message[:500]
        step.external_id = result.external_id or step.external_id
        step.save(update_fields=["state", "message", "external_id"])
    elif isinstance(result, Ends):
        _finish_step(step, Done(message=result.message))
        end(step.retraining, result.verb, result.message)
    else:
        finish_step(step, result)


def finish_step(step: RetrainingStep, result: Done) -> None:
    """A locked step is done: store what it made, and let the next one begin."""
    _finish_step(step, result)
    following = step.retraining.steps.filter(place__gt=step.place, state=StepState.NEXT).first()
    if following is None:
        end(step.retraining, "finish", "")
        return
    following.retraining = step.retraining
    enqueue(following)


def _finish_step(step: RetrainingStep, result: Done) -> None:
    step.state = move_step(step.state, "skip" if result.skipped else "finish")
    step.numbers, step.files = dict(result.numbers), dict(result.files)
    step.seconds, step.message = result.seconds, result.message[:500]
    step.save(update_fields=["state", "numbers", "files", "seconds", "message"])
    RetrainingStep.objects.filter(pk=step.pk).update(ended_at=Now())
    Retraining.objects.filter(pk=step.retraining_id).update(
        processor_seconds=F("processor_seconds") + result.seconds
    )
    event = MonitoringEvent.RETRAINING_STEP_ENDED
    record(SYSTEM, event, step.retraining, step=step.name, files=step.files, said=step.message)


def end(retraining: Retraining, verb: str, note: str) -> None:
    """The whole retraining is over, by a verb of its life cycle."""
    retraining.state = move_retraining(retraining.state, verb)
    retraining.note = note[:500]
    retraining.save(update_fields=["state", "note"])
    Retraining.objects.filter(pk=retraining.pk).update(ended_at=Now())
    for step in retraining.steps.filter(state__in=(*LIVE, StepState.NEXT)):
        step.state = move_step(step.state, "cancel")
        step.save(update_fields=["state"])
    record(SYSTEM, MonitoringEvent.RETRAINING_ENDED, retraining, state=retraining.state, note=note)


@transaction.atomic
def _fail(claim: claims.Claim, step_id: int, failure: StepFailed) -> None:
    claims.finish(claim=claim)
    step = locked_step(step_id)
    if step.state == StepState.RUNNING:
        fail_step(step, str(failure), failure.numbers)


def fail_step(step: RetrainingStep, message: str, numbers: dict[str, object]) -> None:
    """A locked step failed, and the retraining with it, until a person retries or cancels it."""
    step.state = move_step(step.state, "fail")
    step.message, step.numbers = message[:500], numbers
    step.save(update_fields=["state", "message", "numbers"])
    RetrainingStep.objects.filter(pk=step.pk).update(ended_at=Now())
    step.retraining.state = move_retraining(step.retraining.state, "fail")
    step.retraining.save(update_fields=["state"])
    event = MonitoringEvent.RETRAINING_FAILED
    record(SYSTEM, event, step.retraining, step=step.name, because=step.message)


def look_after() -> int:
    """Wake steps that wait for somebody outside, and notice dead jobs; how many were touched."""
    waiting = RetrainingStep.objects.filter(
        state=StepState.WAITING, retraining__state=RetrainingState.RUNNING
    )
    woken = sum(_look_again(pk) for pk in waiting.values_list("pk", flat=True))
    begun = RetrainingStep.objects.filter(state__in=(StepState.DUE, StepState.RUNNING))
    dead = Job.objects.filter(kind__in=KINDS, state=JobState.DEAD)
    for step_id in dead.filter(subject_id__in=begun.values("pk")).values_list(
        "subject_id", flat=True
    ):
        woken += _give_up(step_id)
    return woken


@transaction.atomic
def _look_again(step_id: int) -> int:
    step = locked_step(step_id)
    kind, key = kind_of(step), f"{step.pk}:{step.tries}"
    rested = Job.objects.filter(
        kind=kind, key=key, state=JobState.DONE, finished_at__lt=Now() - LOOK_EVERY
    )
    if step.state != StepState.WAITING or not rested.exists():
        return 0
    claims.again(kind=kind, key=key, subject_id=step.pk)
    return 1


@transaction.atomic
def _give_up(step_id: int) -> int:
    step = locked_step(step_id)
    job = Job.objects.filter(
        kind=kind_of(step), key=f"{step.pk}:{step.tries}", state=JobState.DEAD
    ).first()
    if job is None or step.state not in (StepState.DUE, StepState.RUNNING):
        return 0
    last = job.error.strip().splitlines()[-1:] or [""]
    try:
        fail_step(step, f"{GAVE_UP} {last[0]}".strip(), {})
    except IllegalRetrainingMove:
        return 0
    return 1


def _nth(number: int) -> str:
    return {2: "second", 3: "third"}.get(number, f"{number}th")
