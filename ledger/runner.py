"""Run one claimed job: a heartbeat beside it, a fence behind it."""

import logging
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection
from django.utils.module_loading import import_string

from ledger import claims
from ledger.models import JobState

log = logging.getLogger(__name__)
Doer = Callable[[claims.Claim], None]


def run(*, job_id: int) -> None:
    """Claim and do one job. A job function gets its claim and must call `claims.finish` in the
    transaction that stores its results."""
    claim = claims.claim(job_id=job_id)
    if claim is None:
        return
    do: Doer = import_string(settings.LEDGER_KINDS[claim.kind].function)
    try:
        with _heartbeat(claim):
            do(claim)
    except claims.Fenced:
        log.warning("job %s (%s) was taken over; results discarded", claim.job_id, claim.kind)
    except Exception:
        state = claims.give_back(claim=claim, error=traceback.format_exc())
        level = logging.ERROR if state == JobState.DEAD else logging.WARNING
        log.log(level, "%s %s failed: %s", claim.kind, claim.key, state, exc_info=True)


@contextmanager
def _heartbeat(claim: claims.Claim) -> Iterator[None]:
    """Lengthen the lease every third of it, from a thread with a connection of its own."""
    stop = threading.Event()
    every = settings.LEDGER_KINDS[claim.kind].lease_seconds / 3

    def beat() -> None:
        try:
            while not stop.wait(every) and claims.keep(claim=claim):
                pass
        finally:
            connection.close()

    thread = threading.Thread(target=beat, name=f"heartbeat-{claim.job_id}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(timeout=5)
