"""kill -9 at each step of a retraining: it is done again, and nothing is there twice or half."""

import os
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.db import connection
from django.utils import timezone

from ledger.models import Job, JobState
from monitoring.jobs.retraining.pipeline import KINDS, WORK
from monitoring.models import Retraining
from monitoring.services.retrainings import start_retraining
from monitoring.states import StepName
from registry.gateways import mlflow, store
from registry.gateways.mlflow_http import breaker
from registry.models import Version
from tests import mlflow_server
from tests.faults.processes import database_url
from tests.monitoring import retraining as scene

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
# The work is done, and the worker dies before the ledger hears of it.
AT_THE_END = """
import os, signal, sys, django
django.setup()
from monitoring.jobs.retraining import pipeline
pipeline._store = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
from ledger import runner
runner.run(job_id=int(sys.argv[1]))
"""
# A version of MLflow is made, and the worker dies before it is registered here.
AFTER_MLFLOW = AT_THE_END.replace(
    "pipeline._store = lambda *_: os.kill(os.getpid(), signal.SIGKILL)",
    "from monitoring.jobs.retraining import registering\n"
    "registering._registered = lambda *_: os.kill(os.getpid(), signal.SIGKILL)",
)

# They wait for a change request and a watch, which have kill tests of their own
# (tests/governance/test_deploying_killed.py, test_rolling_back.py).
LOOKING_ON = {StepName.DEPLOY, StepName.WATCH}


@pytest.fixture
def champion(team, olga, robot, settings, tmp_path):
    server = mlflow_server.address()
    settings.MLFLOW_TRACKING_URI = server
    settings.PUBLIC_URL = "http://ombud.test"
    breaker(server).succeed()
    return scene.champion(team, olga, robot, server, tmp_path)


def killed(code: str, job: Job) -> int:
    """How a worker of its own ended that did this job."""
    environment: dict[str, Any] = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database_url(connection.settings_dict),
        "OMBUD_STORE": configured.STORE_URL,
        "MLFLOW_TRACKING_URI": configured.MLFLOW_TRACKING_URI,
        "OMBUD_PUBLIC_URL": configured.PUBLIC_URL,
    }
    done = subprocess.run(
        [sys.executable, "-c", code, str(job.pk)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in {-signal.SIGKILL, 0}, done.stderr[-2000:]
    return done.returncode


def due() -> Job | None:
    jobs = Job.objects.filter(kind__in=KINDS, state=JobState.DUE)
    return jobs.order_by("pk").first()


def test_a_worker_killed_at_each_step_loses_and_doubles_nothing(olga, rita, champion):
    scene.policy_on(olga, rita, champion.model)
    made = start_retraining(actor=olga, model_id=champion.model_id, reason="To see.")
    killed_at, digests = [], {}
    while (job := due()) and len(killed_at) < 12:
        step = made.steps.get(pk=job.subject_id)
        code = AFTER_MLFLOW if step.name == "register" else AT_THE_END
        assert killed(code, job) == -signal.SIGKILL
        step.refresh_from_db()
        assert step.state == "running", scene.told(made)
        assert step.files == {}
        digests[step.name] = stored_of(made, step.name)
        killed_at.append(step.name)
        Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
        scene.do(job)
        step.refresh_from_db()
        assert (step.state, step.attempts) in {("done", 2), ("waiting", 2), ("skipped", 2)}
        scene.work("registry.inspect")
        scene.wake()
        waiting = due()
        if waiting is not None and waiting.pk == job.pk:
            scene.do(job)
    assert killed_at == [name for name in WORK if name not in LOOKING_ON]
    assert digests["collect"] == stored_of(made, "collect")
    assert digests["features"] == stored_of(made, "features")
    assert digests["evaluate"] == stored_of(made, "evaluate")
    assert Version.objects.filter(model=champion.model).count() == 2
    assert len(mlflow.search_versions(champion.model.mlflow_name)) == 2
    made = Retraining.objects.get(pk=made.pk)
    assert (made.state, made.version.number) == ("running", 2)


def stored_of(retraining: Retraining, step: str) -> dict[str, str]:
    """Every file that a step left in the store, by its SHA-256."""
    names = store.listed(f"retrainings/{retraining.pk}/{step}")
    return {name: store.digest(name) for name, _ in names}
