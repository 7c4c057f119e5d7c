"""Real workers that are killed for real: one for each place of a job, and what they leave."""

from collections.abc import Iterable

from django.conf import settings

from ledger.models import Job
from tests.registry.test_deviations_under_load import killed

# One process that has started once: for each place a child does the job and dies there.
CODE = """
import os, signal
from importlib import import_module
from django.conf import settings
from django.db import connections
settings.STORE_URL = {store!r}
from ledger.models import Job
from ledger.runner import run
{imports}
def deadly(real, call):
    calls = []
    def counted(*told, **named):
        calls.append(told)
        if len(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*told, **named)
    return counted
def die_in(place, name, call=1):
    found = import_module(place)
    setattr(found, name, deadly(getattr(found, name), call))
for place in {places!r}:
    connections.close_all()
    child = os.fork()
    if child == 0:
        die_in(*place)
        run(job_id={job})
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9, place
    assert {unchanged}, place
    Job.objects.filter(pk={job}).update(lease_until="2000-01-01T00:00Z")
"""


def die_at(
    places: Iterable[tuple[str, str] | tuple[str, str, int]],
    *,
    kind: str,
    unchanged: str,
    imports: str = "",
) -> Job:
    """Have a worker die at each of these functions, and find nothing changed each time.

    Args:
        places: module and function that would come next when the worker dies, and at which
            call of it, when not the first.
        kind: of the one job that is done.
        unchanged: an expression that holds after each death; `imports` are for it.

    Returns:
        The job, to be done again: its lease is over.
    """
    job = Job.objects.get(kind=kind)
    code = CODE.format(
        store=settings.STORE_URL,
        job=job.pk,
        places=list(places),
        unchanged=unchanged,
        imports=imports,
    )
    assert killed(code) == 0
    return job
