"""Finds what no message announced: lost wake-ups, dead workers, jobs that wait for their time."""

import logging
from collections import defaultdict

import redis
from django.conf import settings

from ledger import claims

log = logging.getLogger(__name__)


def wake_due() -> int:
    """Wake due jobs that no message announces; returns how many. Any number of beats may run it.

    A long queue is not announced again at every look: only as many messages are sent as the
    broker's queue lacks. Which of the jobs lost theirs is unknown, so the oldest are woken; a
    message for a job that is done already does nothing.
    """
    buried = claims.bury_exhausted()
    if buried:
        log.error("%s jobs are dead: their attempts are used up", buried)
    by_queue: dict[str, list[int]] = defaultdict(list)
    for job_id, queue in claims.due():
        by_queue[queue].append(job_id)
    return sum(_wake_lacking(queue, jobs) for queue, jobs in by_queue.items())


def _wake_lacking(queue: str, jobs: list[int]) -> int:
    lacking = max(0, len(jobs) - _announced(queue))
    for job_id in jobs[:lacking]:
        claims.wake(job_id, queue)
    return lacking


def _announced(queue: str) -> int:
    """Messages in the broker's queue; 0 if it is away (waking then fails softly)."""
    try:
        with redis.Redis.from_url(settings.CELERY_BROKER_URL, socket_timeout=1) as client:
            return int(client.llen(queue))
    except redis.RedisError:
        return 0
