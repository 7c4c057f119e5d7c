"""Finds what no message announced: lost wake-ups, dead workers, jobs that wait for their time."""

import logging

from ledger import claims

log = logging.getLogger(__name__)


def wake_due() -> int:
    """Wake every due job; returns how many. Run every few seconds by any number of beats."""
    buried = claims.bury_exhausted()
    if buried:
        log.error("%s jobs are dead: their attempts are used up", buried)
    found = claims.due()
    for job_id, queue in found:
        claims.wake(job_id, queue)
    return len(found)
