"""kill -9 at each step of a deployment: nothing of it is there; the next worker does it whole."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.models import Event
from governance.models import Clearance, Watch
from ledger.models import Job
from registry.models import Deployment, Version
from tests.governance.conftest import ask, promoted, sign
from tests.registry.test_deviations_under_load import killed

# What a promotion does, in its order; a worker dies when it has done one of them.
STEPS = (
    "deployments.approve_version",
    "deployments.deploy",
    "open_watch",
    "end",
    "put_in_force",
    "grant",
    "settle",
    "refresh_as_system",
    "rebuild_status",
    "checkpoint_after",
)
# Each step has a process of its own, forked before anything was asked of the database.
CODE = """
import os, signal
from django.utils import timezone
from governance.jobs import execute
from ledger import runner
from ledger.models import Job

def die_after(path):
    place, name = execute, path.rpartition(".")[2]
    if "." in path:
        place = getattr(execute, path.rpartition(".")[0])
    real = getattr(place, name)
    def done(*args, **more):
        real(*args, **more)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(place, name, done)

for path in {steps!r}:
    child = os.fork()
    if not child:
        die_after(path)
        fresh = {{"state": "due", "due_at": timezone.now(), "lease_until": None, "attempts": 0}}
        Job.objects.filter(pk={job}).update(**fresh)
        runner.run(job_id={job})
        os._exit(3)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code != -signal.SIGKILL:
        raise SystemExit(f"{{path}}: {{code}}")
"""


def as_it_is() -> dict[str, Any]:
    return {
        "events": Event.objects.count(),
        "stages": list(Version.objects.order_by("number").values_list("number", "stage")),
        "deployments": list(Deployment.objects.values_list("version__number", "ended_at")),
        "clearances": list(Clearance.objects.values_list("version__number", "state", "until")),
        "watches": Watch.objects.count(),
    }


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_at_any_step_of_a_deployment_leaves_nothing_of_it(
    one: Version, two: Version, olga: Any, vera: Any, rita: Any
) -> None:
    promoted(one, olga, vera, rita)
    request = ask(olga, two)
    for person in (vera, rita):
        sign(person, request)
    before = as_it_is()
    job = Job.objects.get(kind="governance.execute", key=f"request-{request.pk}")
    assert killed(CODE.format(steps=STEPS, job=job.pk)) == 0
    assert as_it_is() == before
    request.refresh_from_db()
    assert request.state == "approved"
    job.refresh_from_db()
    assert job.state == "running", "it died and could not say so"
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert killed(f"from ledger import runner\nrunner.run(job_id={job.pk})") == 0
    request.refresh_from_db()
    assert request.state == "executed", request.error
    serving = Deployment.objects.filter(ended_at__isnull=True).values_list("version__number")
    assert list(serving) == [(2,)]
    assert Event.objects.filter(event="governance.request.executed").count() == 2
    assert Watch.objects.count() == before["watches"] + 1
