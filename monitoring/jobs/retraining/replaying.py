"""Replay: the new version answers the latest days again, which were kept out of its training.

What it says goes into its own prediction log, so that it can be held against the champion like a
challenger in the shadow, without weeks of waiting. Nobody was given these answers.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Max, Min

from ledger import claims
from ledger.models import Job, JobState
from monitoring.jobs.retraining.work import StepFailed, Waits
from monitoring.models import Batch, BatchKind, Retraining, RetrainingStep

KIND = "monitoring.replay"
HOUR = timedelta(hours=1)
RESOLUTION = timedelta(microseconds=1)


def key_of(retraining: Retraining) -> str:
    """What the keys of its batches begin with."""
    return f"replay-{retraining.pk}-"


def awaited(step: RetrainingStep) -> Waits | None:
    """What is waited for; None when every answer is in the log."""
    key = f"{step.pk}:{step.tries}"
    with transaction.atomic():
        claims.enqueue(kind=KIND, key=key, subject_id=step.pk)
    job = Job.objects.get(kind=KIND, key=key)
    if job.state == JobState.DEAD:
        said = (job.error.strip().splitlines() or ["no reason was given"])[-1]
        raise StepFailed(f"The latest days could not be answered again: {said}"[:500])
    if job.state != JobState.DONE:
        return Waits("The latest days are being answered by the new version.")
    return None


def period_of(retraining: Retraining) -> tuple[datetime, datetime]:
    """The whole hours that were answered again and whose outcomes were all due."""
    found = Batch.objects.filter(
        version=retraining.version,
        kind=BatchKind.PREDICTIONS,
        key__startswith=key_of(retraining),
    ).aggregate(first=Min("first_at"), last=Max("last_at"))
    first, last = found["first"], found["last"]
    if first is None or last is None:
        raise StepFailed("The latest days could not be answered again: no row was taken.")
    start, end = _next_hour(first), _next_hour(last) - 2 * HOUR
    return start, max(end, start + HOUR)


def _next_hour(moment: datetime) -> datetime:
    """The first full hour that does not begin before it."""
    return (moment + HOUR - RESOLUTION).replace(minute=0, second=0, microsecond=0)
