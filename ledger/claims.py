"""Claim, keep, finish, give back: every change of a job's state, by the database's clock.

A claim raises the job's token; whoever holds an older token is fenced out and its results are
rolled back. Lease times are compared with the database's clock, so workers' clocks do not matter.
"""

import logging
import time
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Now
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from ledger.models import Job, JobState

log = logging.getLogger(__name__)

BACKOFF_SECONDS = (1, 5, 15, 30, 60)
BROKER_REST_SECONDS = 5.0


@dataclass
class Rest:
    """Until when, on this process's clock, the broker is left alone."""

    until: float = 0.0


_rest = Rest()


class Fenced(Exception):
    """Another worker holds the job by now: what this one computed must not be stored."""


@dataclass(frozen=True)
class Claim:
    job_id: int
    token: int
    kind: str
    subject_id: int
    key: str


NO_DELAY = timedelta()


def enqueue(*, kind: str, key: str, subject_id: int, delay: timedelta = NO_DELAY) -> int | None:
    """Write the job, or None if it is there already; wake a worker after commit."""
    queue = settings.LEDGER_KINDS[kind].queue
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ledger_job (kind, key, queue, state, subject_id, attempts, token, error,"
            " due_at) VALUES (%s, %s, %s, 'due', %s, 0, 0, '',"
            " statement_timestamp() + make_interval(secs => %s))"
            " ON CONFLICT (kind, key) DO NOTHING RETURNING id",
            [kind, key, queue, subject_id, delay.total_seconds()],
        )
        row = cursor.fetchone()
    if row is None:
        return None
    if not delay:
        transaction.on_commit(lambda: wake(row[0], queue))
    return int(row[0])


def again(*, kind: str, key: str, subject_id: int) -> None:
    """Enqueue the job, or make it due once more if it ended: its subject has changed since."""
    if enqueue(kind=kind, key=key, subject_id=subject_id) is not None:
        return
    queue = settings.LEDGER_KINDS[kind].queue
    job = Job.objects.select_for_update(no_key=True).get(kind=kind, key=key)
    # A running job may have read the old state: raising the token fences it, so it runs anew.
    Job.objects.filter(pk=job.pk).update(
        state=JobState.DUE, attempts=0, token=F("token") + 1, lease_until=None, due_at=Now()
    )
    transaction.on_commit(lambda: wake(job.pk, queue))


def wake(job_id: int, queue: str) -> None:
    """Send the wake-up message; a broker that is away costs seconds, never a job.

    After a failure this process sends nothing for some seconds, as long as the poller takes to find
    the jobs: requests must not queue up behind a broker that does not answer.
    """
    from ledger.tasks import run_job  # tasks import this module

    if time.monotonic() < _rest.until:
        return
    try:
        run_job.apply_async(args=(job_id,), queue=queue, retry=False)
    except (OperationalError, RedisError, OSError):
        _rest.until = time.monotonic() + BROKER_REST_SECONDS
        log.warning("no broker: job %s waits for the poller", job_id)


def claim(*, job_id: int) -> Claim | None:
    """Take a due job, or one whose lease ran out; None if another worker has it."""
    with transaction.atomic():
        job = Job.objects.raw(
            "SELECT * FROM ledger_job WHERE id = %s"
            " AND (state = 'due' AND due_at <= statement_timestamp()"
            " OR state = 'running' AND lease_until < statement_timestamp()) FOR UPDATE SKIP LOCKED",
            [job_id],
        )
        found = next(iter(job), None)
        if found is None or found.attempts >= settings.LEDGER_KINDS[found.kind].attempts:
            return None
        lease = timedelta(seconds=settings.LEDGER_KINDS[found.kind].lease_seconds)
        Job.objects.filter(pk=found.pk).update(
            state=JobState.RUNNING,
            token=F("token") + 1,
            attempts=F("attempts") + 1,
            lease_until=Now() + lease,
        )
    return Claim(found.pk, found.token + 1, found.kind, found.subject_id, found.key)


def keep(*, claim: Claim) -> bool:
    """Lengthen the lease; False if it is not ours any more."""
    lease = timedelta(seconds=settings.LEDGER_KINDS[claim.kind].lease_seconds)
    held = Job.objects.filter(pk=claim.job_id, token=claim.token, state=JobState.RUNNING)
    return bool(held.update(lease_until=Now() + lease))


def finish(*, claim: Claim) -> None:
    """Mark the job done; call it first in the transaction that stores the results.

    Raises:
        Fenced: the lease was lost; the caller's transaction must roll back.
    """
    held = Job.objects.filter(pk=claim.job_id, token=claim.token, state=JobState.RUNNING)
    if not held.update(state=JobState.DONE, finished_at=Now(), lease_until=None, error=""):
        raise Fenced(f"job {claim.job_id} was taken over")


def give_back(*, claim: Claim, error: str) -> JobState:
    """After a failure: due again with back-off, or dead when its attempts are used up."""
    with transaction.atomic():
        held = Job.objects.select_for_update(no_key=True).filter(pk=claim.job_id, token=claim.token)
        job = held.filter(state=JobState.RUNNING).first()
        if job is None:
            return JobState.RUNNING
        state = _state_after_failure(job)
        wait = BACKOFF_SECONDS[min(job.attempts, len(BACKOFF_SECONDS)) - 1]
        held.update(
            state=state,
            error=error[-4000:],
            lease_until=None,
            due_at=Now() + timedelta(seconds=wait),
            finished_at=Now() if state == JobState.DEAD else None,
        )
    return state


def _state_after_failure(job: Job) -> JobState:
    allowed = settings.LEDGER_KINDS[job.kind].attempts
    return JobState.DEAD if job.attempts >= allowed else JobState.DUE


def bury_exhausted() -> int:
    """Jobs whose last allowed attempt died with its worker: dead, so that somebody looks."""
    buried = 0
    for kind, spec in settings.LEDGER_KINDS.items():
        buried += Job.objects.filter(
            kind=kind, state=JobState.RUNNING, lease_until__lt=Now(), attempts__gte=spec.attempts
        ).update(
            state=JobState.DEAD,
            finished_at=Now(),
            lease_until=None,
            error="The worker died in the last allowed attempt.",
        )
    return buried


def due(*, limit: int = 200) -> list[tuple[int, str]]:
    """Jobs to wake: due, or running with a lease that ran out. Oldest first."""
    rows = Job.objects.raw(
        "SELECT id, queue FROM ledger_job WHERE state = 'due' AND due_at <= statement_timestamp()"
        " OR state = 'running' AND lease_until < statement_timestamp() ORDER BY due_at LIMIT %s",
        [limit],
    )
    return [(row.pk, row.queue) for row in rows]
