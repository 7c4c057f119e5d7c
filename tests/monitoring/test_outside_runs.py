"""What somebody else's orchestrator trained is fetched, evaluated and registered like ours."""

import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from accounts.services.tokens import create_token
from monitoring.models import Retraining
from monitoring.services.retrainings import start_retraining
from registry.gateways import mlflow as gateway
from registry.gateways.mlflow_http import breaker
from registry.models import Version
from tests import mlflow_server
from tests.monitoring import retraining as scene

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "a secret of more than thirty-two characters"
SCRIPT = Path(__file__).with_name("outside_training.py")
LONGEST_SECONDS = 240


@pytest.fixture
def server():
    return mlflow_server.address()


@pytest.fixture
def champion(team, olga, robot, server, settings, tmp_path, live_server):
    settings.MLFLOW_TRACKING_URI = server
    settings.PUBLIC_URL = live_server.url
    breaker(server).succeed()
    return scene.champion(team, olga, robot, server, tmp_path)


@pytest.fixture
def surroundings(olga, server, champion):
    """What the orchestrator's own machine knows: a token of the team, and where MLflow is."""
    token = create_token(actor=olga, owner=olga, name="Airflow", scopes=["read"], days=1)
    return {**os.environ, "OMBUD_TOKEN": token.text, "MLFLOW_TRACKING_URI": server}


class Orchestrator(ThreadingHTTPServer):
    """Trains what is ordered in a process of its own; says what that said."""

    def __init__(self, surroundings: dict[str, str]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.surroundings = surroundings
        self.changed: dict[str, str] = {}
        self.said: dict[str, Any] = {"state": "running"}
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def train(self, order: dict[str, Any]) -> None:
        done = subprocess.run(
            [sys.executable, str(SCRIPT), json.dumps(order)],
            env=self.surroundings,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
        if done.returncode:
            self.said = {"state": "failed", "log": done.stderr.splitlines()[-1:]}
        else:
            outputs = {**json.loads(done.stdout.splitlines()[-1]), **self.changed}
            self.said = {"state": "done", "log": ["trained"], "outputs": outputs}


class _Handler(BaseHTTPRequestHandler):
    server: Orchestrator

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        threading.Thread(target=self.server.train, args=(body,), daemon=True).start()
        self._answer({"id": body["order_id"]})

    def do_GET(self) -> None:
        self._answer(self.server.said)

    def _answer(self, said: dict[str, Any]) -> None:
        content = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def orchestrator(surroundings, settings):
    found = Orchestrator(surroundings)
    url = f"http://127.0.0.1:{found.server_port}"
    settings.RETRAINING_RUNNERS = {
        "prefect": {"kind": "http", "url": url, "secret": SECRET, "inside": True}
    }
    yield found
    found.shutdown()
    found.server_close()


def ordered(olga, rita, champion, runner):
    """A retraining by that runner, worked off until training is over; its steps by name."""
    scene.policy_on(olga, rita, champion.model, runner=runner, parameters={"C": 0.5})
    made = start_retraining(actor=olga, model_id=champion.model_id, reason="To see.")
    began = time.monotonic()
    while scene.states(made)["train"] not in {"done", "failed"}:
        assert time.monotonic() - began < LONGEST_SECONDS, scene.told(made)
        scene.work("monitoring.retrain")
        if scene.states(made)["train"] == "waiting":
            time.sleep(0.5)
            scene.wake()
    scene.work("monitoring.retrain")
    scene.work("registry.inspect")
    scene.wake()
    scene.work("monitoring.retrain")
    return Retraining.objects.select_related("version").get(pk=made.pk)


def registered(made, champion):
    """It went the whole way: evaluated here, registered with what it was made from."""
    states = scene.states(made)
    for name in ("train", "evaluate", "register"):
        assert states[name] == "done", scene.told(made)
    steps = {step.name: step for step in made.steps.all()}
    assert steps["evaluate"].numbers["latest"]["verdict"] == "better"
    assert (made.version.number, made.version.parent_id) == (2, champion.pk)
    told = gateway.get_version(champion.model.mlflow_name, 2)
    assert told is not None
    assert told.tags["ombud.data_snapshot"] == steps["collect"].files["snapshot.parquet"]
    assert steps["train"].numbers["parameters"]["C"] == "0.5"
    files = set(made.version.files.values_list("path", flat=True))
    assert "MLmodel" in files
    return steps


def test_a_model_trained_outside_is_evaluated_and_registered_here(
    olga, rita, champion, orchestrator
):
    made = ordered(olga, rita, champion, "prefect")
    steps = registered(made, champion)
    assert "trained" in steps["train"].lines.values_list("text", flat=True)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"run_id": "0" * 32}, "cannot be fetched"),
        ({"artifact_path": "elsewhere"}, "cannot be fetched"),
        ({"artifact_path": ""}, "named no run of MLflow that holds the model"),
    ],
)
def test_what_it_did_not_leave_in_mlflow_makes_no_version(
    olga, rita, champion, orchestrator, changed, said
):
    orchestrator.changed = changed
    made = ordered(olga, rita, champion, "prefect")
    step = made.steps.get(name="train")
    assert step.state == "failed", scene.told(made)
    assert said in step.message
    assert Version.objects.filter(model=champion.model).count() == 1
    assert gateway.get_version(champion.model.mlflow_name, 2) is None


def test_who_may_not_read_the_model_gets_no_snapshot(
    olga, rita, sam, champion, orchestrator, surroundings
):
    token = create_token(actor=sam, owner=sam, name="Not mine", scopes=["read"], days=1)
    orchestrator.surroundings = {**surroundings, "OMBUD_TOKEN": token.text}
    made = ordered(olga, rita, champion, "prefect")
    step = made.steps.get(name="train")
    assert step.state == "failed"
    assert "404" in "\n".join(step.lines.values_list("text", flat=True))
    assert Version.objects.filter(model=champion.model).count() == 1
