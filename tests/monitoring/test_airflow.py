"""Airflow's REST in its own form: one DAG run is one order, however often it is started."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from monitoring.gateways.runners import Order, RunnerUnavailable
from monitoring.gateways.runners.airflow import AirflowRunner

ORDER = Order(
    order_id="ombud-3-1",
    model="flight-delay",
    retraining=3,
    parent_version=1,
    kind="complete",
    snapshot_url="http://ombud.test/api/v1/retrainings/3/snapshot",
    snapshot_sha256="c" * 64,
    code_digest="d" * 64,
    parameters={},
    search={},
    callback_url="",
)
RUNS = "/api/v2/dags/retrain/dagRuns"


class Airflow(ThreadingHTTPServer):
    """Knows one DAG, and runs each run once."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.runs: dict[str, dict[str, Any]] = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: Airflow

    def _answer(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"null")
        status, said = self._said(body)
        content = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _said(self, body: Any) -> tuple[int, Any]:
        if self.path == "/auth/token":
            good = body == {"username": "ombud", "password": "secret"}
            return (201, {"access_token": "ticket"}) if good else (401, {})
        if self.headers.get("Authorization") != "Bearer ticket":
            return 401, {}
        runs, rest = self.server.runs, self.path.removeprefix(RUNS).strip("/").split("/")
        if self.command == "POST":
            if body["dag_run_id"] in runs:
                return 409, {"detail": "DAGRun already exists"}
            runs[body["dag_run_id"]] = {"state": "queued", "conf": body["conf"]}
            return 200, {"dag_run_id": body["dag_run_id"]}
        if self.command == "PATCH":
            runs[rest[0]]["state"] = body["state"]
            return 200, runs[rest[0]]
        if rest[-1] == "return_value":
            return 200, {"value": json.dumps({"run_id": "r1", "artifact_path": "model"})}
        if rest[-1] == "taskInstances":
            return 200, {"task_instances": [{"task_id": "fit", "state": "success"}]}
        return 200, {"state": runs[rest[0]]["state"]}

    do_GET = do_POST = do_PATCH = _answer  # noqa: N815 - the names of http.server

    def log_message(self, *_: Any) -> None:
        """Nothing on the terminal."""


@pytest.fixture
def airflow():
    found = Airflow()
    yield found
    found.shutdown()
    found.server_close()


def runner(airflow: Airflow, password: str = "secret") -> AirflowRunner:
    url = f"http://127.0.0.1:{airflow.server_port}"
    return AirflowRunner(url, "retrain", "ombud", password, result_task="publish", inside=True)


def test_an_order_is_one_dag_run_from_its_start_to_its_result(airflow):
    ombud = runner(airflow)
    assert [ombud.start(ORDER), ombud.start(ORDER)] == ["ombud-3-1", "ombud-3-1"]
    assert len(airflow.runs) == 1
    assert airflow.runs["ombud-3-1"]["conf"]["snapshot_sha256"] == "c" * 64
    assert ombud.look("ombud-3-1").state == "running"
    airflow.runs["ombud-3-1"]["state"] = "success"
    look = ombud.look("ombud-3-1")
    assert (look.state, look.lines) == ("done", ("fit: success",))
    assert look.outputs == {"run_id": "r1", "artifact_path": "model"}


def test_a_cancelled_run_has_failed_in_airflow(airflow):
    ombud = runner(airflow)
    ombud.start(ORDER)
    ombud.cancel("ombud-3-1")
    assert ombud.look("ombud-3-1").state == "failed"


def test_a_state_that_nobody_knows_is_tried_again_later(airflow):
    ombud = runner(airflow)
    ombud.start(ORDER)
    airflow.runs["ombud-3-1"]["state"] = "dreaming"
    with pytest.raises(RunnerUnavailable):
        ombud.look("ombud-3-1")
