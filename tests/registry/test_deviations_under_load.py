"""Deviations while much happens at once: polls beside executions, kill -9, a thousand versions."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from ledger.models import Job
from registry.gateways import mlflow, mlflow_artifacts, mlflow_http
from registry.jobs import looking
from registry.jobs import mlflow as pushes
from registry.jobs.looking import Seen
from registry.jobs.reconcile import reconcile, reconcile_model
from registry.jobs.rehash import rehash_due
from registry.models import Deviation, Model, Version
from tests.registry.conftest import serve, work
from tests.registry.test_deviation_races import found, pair
from tests.registry.test_deviations import waited

__all__ = ["pair"]

Pair = tuple[Version, Version]
VERSIONS = 1000


@pytest.fixture
def _no_connection_outlives_its_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(connections.settings["default"], "CONN_MAX_AGE", 0)


@pytest.fixture
def polls(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Two pollers that never rest, far from MLflow; the list counts their rounds."""
    stop, rounds = threading.Event(), []
    honest, main = looking.look, threading.current_thread()

    def look(**more: Any) -> Seen:
        seen = honest(**more)
        if threading.current_thread() is not main:
            stop.wait(0.4)  # a push comes through while the answer travels
        return seen

    monkeypatch.setattr(pushes, "look", look)

    def poll() -> None:
        try:
            while not stop.is_set():
                rounds.append(reconcile())
        finally:
            connection.close()

    threads = [threading.Thread(target=poll) for _ in range(2)]
    for thread in threads:
        thread.start()
    yield rounds
    stop.set()
    for thread in threads:
        thread.join(60)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("_no_connection_outlives_its_thread")
def test_twenty_executions_beside_polls_are_no_deviation(
    pair: Pair, flights: Model, polls: list[int]
) -> None:
    for turn in range(20):
        serve(pair[(turn + 1) % 2])
        job = work("registry.push")
        while job.state != "done":
            job = work("registry.push") if job.state == "due" else _again(job)
    before = len(polls)
    while len(polls) < before + 4:
        threading.Event().wait(0.05)
    assert found() == []


def _again(job: Job) -> Job:
    job.refresh_from_db()
    return job


@pytest.mark.django_db(transaction=True)
def test_a_push_killed_after_it_moved_the_alias_is_still_ours(pair: Pair, flights: Model) -> None:
    serve(pair[1])
    job = Job.objects.get(kind="registry.push")
    Job.objects.filter(pk=job.pk).update(due_at=job.created_at)
    code = (
        "import os, signal\n"
        "from registry.jobs import mlflow\n"
        "mlflow._keep = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "from ledger.runner import run\n"
        f"run(job_id={job.pk})\n"
    )
    assert killed(code) == -signal.SIGKILL
    told = mlflow.get_model(flights.mlflow_name or "")
    assert told is not None
    assert dict(told.aliases) == {"champion": 2}
    serve(pair[0])  # rolled back before anybody could confirm the first move
    reconcile()
    assert found() == []
    work("registry.push")
    mlflow.set_alias(flights.mlflow_name or "", "champion", 2)
    reconcile()
    assert len(found()) == 1, "once confirmed, the same move by somebody else is a deviation"


def killed(code: str) -> int:
    """How a real process of the product ended that ran this on the test's database."""
    from django.conf import settings

    start = (
        "import django; django.setup()\n"
        "from django.conf import settings\n"
        f"settings.MLFLOW_TRACKING_URI = {settings.MLFLOW_TRACKING_URI!r}\n"
        f"settings.PUBLIC_URL = {settings.PUBLIC_URL!r}\n"
        f"settings.DATABASES['default']['NAME'] = {connection.settings_dict['NAME']!r}\n"
    )
    ours = {"DJANGO_SETTINGS_MODULE": "config.settings"}
    ended = subprocess.run(
        [sys.executable, "-c", start + code], env=os.environ | ours, timeout=60, check=False
    )
    return ended.returncode


def test_bytes_overwritten_in_mlflow_itself_are_found_and_gone_when_put_back(pair: Pair) -> None:
    uri = Version.objects.get(pk=pair[0].pk).artifact_uri
    for content, lasts in ((b"PK something else", True), (b"PK not really", False)):
        mlflow_artifacts.write_file(uri, "model.skops", content)
        waited(pair[0], minutes=16)
        assert rehash_due() == 1
        work("registry.rehash")
        assert Deviation.objects.lasting().exists() is lasts
    (message,) = found()
    assert message.endswith("not those that were hashed: changed model.skops.")


def test_a_poll_of_a_thousand_versions_asks_a_bounded_number_of_questions(
    pair: Pair, flights: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = mlflow.get_version(flights.mlflow_name or "", 1)
    assert told is not None
    for _ in range(VERSIONS - 2):
        mlflow.create_version(flights.mlflow_name or "", source=told.source, run_id=told.run_id)
    Version.objects.bulk_create(
        Version(model=flights, number=number, mlflow_version=number)
        for number in range(3, VERSIONS + 1)
    )
    honest = mlflow_http.call
    asked: list[str] = []

    def counted(method: Any, path: str, **more: Any) -> Any:
        asked.append(path)
        return honest(method, path, **more)

    monkeypatch.setattr(mlflow, "call", counted)
    with CaptureQueriesContext(connection) as queries:
        reconcile_model(model_id=flights.pk)
    assert len(asked) == 1 + VERSIONS // mlflow.PAGE
    assert len(queries) < 30
    assert found() == []
