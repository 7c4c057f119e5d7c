"""Runners outside: signed orders, signed callbacks, and addresses that nobody may be sent to."""

import json
import threading
import uuid
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from ledger.models import Job, JobState
from monitoring.gateways import outbound
from monitoring.gateways.runners import RunnerRefused, RunnerUnavailable
from monitoring.gateways.runners.airflow import AirflowRunner
from monitoring.gateways.runners.http import HttpRunner
from monitoring.gateways.runners.signing import SignatureInvalid, signed, verified
from monitoring.jobs.retraining import training
from monitoring.jobs.retraining.work import StepFailed
from monitoring.models import Retraining, RetrainingStep, RunnerDelivery
from monitoring.services.retrainings import start_retraining
from registry.models import Deployment
from tests.monitoring import retraining as scene

pytestmark = pytest.mark.django_db
SECRET = "a secret of more than thirty-two characters"


class Orchestrator(ThreadingHTTPServer):
    """Keeps what it was asked and answers what the test says."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str, Any]] = []
        self.says: dict[str, Any] = {"state": "running", "log": ["hello"]}
        self.status = 200
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Orchestrator

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        verified(body, dict(self.headers), SECRET, timezone.now())
        self.server.asked.append((self.command, self.path, json.loads(body or b"null")))
        said = {"id": "run-7"} if self.path == "/runs" else self.server.says
        content = json.dumps(said).encode()
        self.send_response(self.server.status)
        if 300 <= self.server.status < 400:
            self.send_header("Location", "http://127.0.0.1:1/")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = _answer  # noqa: N815 - the names of http.server

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def orchestrator(settings):
    found = Orchestrator()
    settings.PUBLIC_URL = "http://ombud.test"
    settings.RETRAINING_RUNNERS = {
        "prefect": {"kind": "http", "url": found.url, "secret": SECRET, "inside": True}
    }
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture
def step(olga, rita, version, orchestrator, monkeypatch):
    """A retraining that has come to training at a runner outside."""
    Deployment.objects.create(
        version=version, model=version.model, role="champion", started_at=timezone.now()
    )
    scene.policy_on(olga, rita, version.model, runner="prefect")
    made = start_retraining(actor=olga, model_id=version.model_id, reason="To see.")
    Job.objects.filter(state=JobState.DUE).delete()
    made.steps.filter(name__in=("collect", "validate", "features")).update(
        state="done", files={"snapshot.parquet": "c" * 64}
    )
    from monitoring.jobs.retraining.pipeline import enqueue

    found = made.steps.get(name="train")
    enqueue(found)
    return found


def again(step: RetrainingStep) -> RetrainingStep:
    return RetrainingStep.objects.select_related("retraining").get(pk=step.pk)


def called_back(said: dict[str, Any], *, secret: str = SECRET, ago: int = 0, **changes: str) -> Any:
    body = json.dumps(said).encode()
    headers = signed(body, secret, timezone.now() - timedelta(seconds=ago)) | changes
    path = "/api/v1/runner-callbacks/prefect"
    return Client().post(path, body, content_type="application/json", headers=headers), headers


def test_an_order_is_signed_and_looked_at_until_it_ends(step, orchestrator):
    scene.work("monitoring.retrain")
    step = again(step)
    assert (step.state, step.external_id) == ("waiting", "run-7")
    method, path, order = orchestrator.asked[0]
    assert (method, path) == ("POST", "/runs")
    assert order["snapshot_sha256"] == "c" * 64
    assert order["callback_url"] == "http://ombud.test/api/v1/runner-callbacks/prefect"
    scene.wake()
    scene.work("monitoring.retrain")
    assert orchestrator.asked[1][:2] == ("GET", "/runs/run-7")
    assert list(again(step).lines.values_list("text", flat=True))[-1] == "hello"
    orchestrator.says = {"state": "failed", "message": "Out of quota."}
    scene.wake()
    scene.work("monitoring.retrain")
    assert (again(step).state, again(step).message) == ("failed", "Out of quota.")
    assert Retraining.objects.get().state == "failed"


def test_a_callback_is_believed_once(step, orchestrator):
    scene.work("monitoring.retrain")
    said = {"id": "run-7", "state": "failed", "message": "The disk is full."}
    answer, headers = called_back(said)
    assert answer.status_code == 204, answer.content
    body = json.dumps(said).encode()
    path = "/api/v1/runner-callbacks/prefect"
    replay = Client().post(path, body, content_type="application/json", headers=headers)
    assert replay.status_code == 409
    assert RunnerDelivery.objects.count() == 1
    scene.work("monitoring.retrain")
    assert again(step).message == "The disk is full."
    assert len(orchestrator.asked) == 1, "the callback said it: nobody was asked again"


def test_what_is_not_signed_for_a_run_of_ours_changes_nothing(step, orchestrator):
    scene.work("monitoring.retrain")
    said = {"id": "run-7", "state": "done", "outputs": {"run_id": "r", "artifact_path": "m"}}
    refused = [
        (called_back(said, secret="x" * 40), 401),
        (called_back(said, ago=400), 401),
        (called_back(said, **{"X-Ombud-Id": str(uuid.uuid4())}), 401),
        (called_back({**said, "id": "run-8"}), 404),
        (called_back({**said, "state": "perhaps"}), 400),
        (called_back({**said, "log": ["x"] * 300}), 400),
        (called_back({**said, "message": "x" * 300_000}), 413),
    ]
    assert [answer.status_code for (answer, _), _ in refused] == [want for _, want in refused]
    unknown = Client().post("/api/v1/runner-callbacks/nobody", "{}", "application/json")
    assert unknown.status_code == 404
    assert again(step).numbers == {}
    assert not RunnerDelivery.objects.exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://0/",
        "http://2130706433/",
        "http://169.254.169.254/latest",
        "http://100.64.0.1/",
        "http://localhost:5432/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "http://user@example.org/",
        "http://example.org\\@127.0.0.1/",
        "http://exa mple.org/",
    ],
    ids=lambda url: url.replace("/", "_")[:40],
)
def test_an_address_inside_is_never_asked(url):
    with pytest.raises((outbound.OutboundRefused, outbound.OutboundFailed)):
        outbound.ask("GET", url)


def test_a_redirect_is_not_followed_and_a_refusal_is_final(orchestrator):
    runner = HttpRunner(orchestrator.url, SECRET, inside=True)
    orchestrator.status = 302
    with pytest.raises(RunnerUnavailable, match="redirect"):
        runner.look("run-7")
    orchestrator.status = 503
    with pytest.raises(RunnerUnavailable):
        runner.look("run-7")
    orchestrator.status = 403
    with pytest.raises(RunnerRefused):
        runner.look("run-7")
    with pytest.raises(RunnerUnavailable):
        runner.look("../../admin")
    assert all("admin" not in path for _, path, _ in orchestrator.asked)


def test_a_name_that_resolves_to_the_inside_is_refused(monkeypatch):
    inside = [(2, 1, 6, "", ("10.0.0.5", 80))]
    both = [(2, 1, 6, "", ("93.184.215.14", 80)), *inside]
    for found in (inside, both):
        monkeypatch.setattr(outbound.socket, "getaddrinfo", lambda *_, found=found, **__: found)
        with pytest.raises(outbound.OutboundRefused, match="not public"):
            outbound.ask("GET", "http://rebinding.example.org/")


def test_a_short_secret_signs_nothing():
    headers = signed(b"{}", "short", timezone.now())
    with pytest.raises(SignatureInvalid, match="32"):
        verified(b"{}", headers, "short", timezone.now())


def test_a_runner_that_was_taken_away_fails_the_step(step, settings):
    settings.RETRAINING_RUNNERS = {}
    with pytest.raises(StepFailed, match="no runner prefect"):
        training.train(again(step))


def test_airflow_answers_are_checked(settings):
    runner = AirflowRunner("http://127.0.0.1:1", "retrain", "ombud", "secret")
    with pytest.raises(RunnerRefused, match="not public"):
        runner.look("ombud-1-1")
