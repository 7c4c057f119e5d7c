"""The MLflow gateway, tried against a real MLflow server and against bad ones."""

import hashlib
import json
import queue
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from registry.gateways import mlflow
from registry.gateways.mlflow_artifacts import proxied_root, safe_path
from registry.gateways.mlflow_http import OPEN_SECONDS, TRIES_BEFORE_OPEN, Breaker
from tests import mlflow_server

SECRET = "a secret that olga shares with mlflow"


@pytest.fixture(scope="session")
def server() -> str:
    return mlflow_server.address()


@pytest.fixture
def name() -> str:
    return f"olga's flights {uuid.uuid4().hex[:8]}"


@pytest.fixture
def files(tmp_path):
    weights = bytes(range(256)) * 9000
    contents = {"MLmodel": b"flavors: {}\n", "data/weights ü.bin": weights, "code/empty.py": b""}
    found = {}
    for path, content in contents.items():
        local = tmp_path / hashlib.sha256(path.encode()).hexdigest()
        local.write_bytes(content)
        found[path] = local
    return found


def test_a_model_is_created_once_and_read_back(server, name):
    assert mlflow.get_model(name, base_url=server) is None
    made = mlflow.ensure_model(name, description="Will it be late?", base_url=server)
    again = mlflow.ensure_model(name, base_url=server)
    assert made.name == again.name == name
    assert again.description == "Will it be late?"
    assert name in [model.name for model in mlflow.search_models(base_url=server)]


def test_creating_a_model_twice_is_refused_with_mlflows_own_code(server, name):
    mlflow.create_model(name, tags={"ombud.team": "flights"}, base_url=server)
    with pytest.raises(mlflow.MlflowRefused) as refusal:
        mlflow.create_model(name, base_url=server)
    assert (refusal.value.status, refusal.value.code) == (400, "RESOURCE_ALREADY_EXISTS")
    found = mlflow.get_model(name, base_url=server)
    assert found is not None
    assert found.tags == {"ombud.team": "flights"}


def test_a_restored_version_has_the_same_bytes_as_the_archived_files(server, name, files):
    version = mlflow.restore_version(
        name, files, tags={"ombud.restored_from": "3"}, base_url=server
    )
    assert (version.version, version.status) == (1, "READY")
    listed = mlflow.list_artifacts(name, 1, base_url=server)
    assert [(file.path, file.size) for file in listed] == [
        (path, local.stat().st_size) for path, local in sorted(files.items())
    ]
    for path, local in files.items():
        pieces = mlflow.read_artifact(name, 1, path, base_url=server)
        assert b"".join(pieces) == local.read_bytes()
    run = mlflow.get_version(name, 1, base_url=server)
    assert run is not None
    assert run.run_id == version.run_id
    assert run.tags["ombud.restored_from"] == "3"


def test_versions_are_found_newest_first_and_a_missing_one_is_none(server, name, files):
    mlflow.restore_version(name, files, base_url=server)
    mlflow.restore_version(name, files, base_url=server)
    found = mlflow.search_versions(name, base_url=server)
    assert [version.version for version in found] == [2, 1]
    assert mlflow.get_version(name, 3, base_url=server) is None


def test_an_alias_moves_and_goes_away(server, name, files):
    for _ in range(2):
        mlflow.restore_version(name, files, base_url=server)
    mlflow.set_alias(name, "champion", 1, base_url=server)
    mlflow.set_alias(name, "champion", 2, base_url=server)
    model = mlflow.get_model(name, base_url=server)
    champion = mlflow.get_version_by_alias(name, "champion", base_url=server)
    assert model is not None
    assert model.aliases == {"champion": 2}
    assert champion is not None
    assert (champion.version, champion.aliases) == (2, ("champion",))
    mlflow.delete_alias(name, "champion", base_url=server)
    mlflow.delete_alias(name, "champion", base_url=server)
    assert mlflow.get_version_by_alias(name, "champion", base_url=server) is None


def test_an_alias_to_a_missing_version_is_refused_and_nothing_moves(server, name, files):
    mlflow.restore_version(name, files, base_url=server)
    mlflow.set_alias(name, "champion", 1, base_url=server)
    with pytest.raises(mlflow.MlflowRefused):
        mlflow.set_alias(name, "champion", 7, base_url=server)
    model = mlflow.get_model(name, base_url=server)
    assert model is not None
    assert model.aliases == {"champion": 1}


def test_a_version_deleted_behind_our_back_is_none_and_its_alias_does_no_harm(server, name, files):
    mlflow.restore_version(name, files, base_url=server)
    mlflow.set_alias(name, "champion", 1, base_url=server)
    gone = requests.delete(
        f"{server}/api/2.0/mlflow/model-versions/delete",
        json={"name": name, "version": "1"},
        timeout=5,
    )
    assert gone.ok
    assert mlflow.get_version(name, 1, base_url=server) is None
    assert mlflow.get_version_by_alias(name, "champion", base_url=server) is None
    assert mlflow.get_model(name, base_url=server) is not None
    assert mlflow.search_versions(name, base_url=server) == []


def test_prompts_are_not_models(server, name):
    tags = {"mlflow.prompt.is_prompt": "true"}
    mlflow.create_model(name, tags=tags, base_url=server)
    assert name not in [model.name for model in mlflow.search_models(base_url=server)]


def test_the_configured_server_is_asked_when_none_is_named(server, settings):
    settings.MLFLOW_TRACKING_URI = server
    assert mlflow.is_up()
    settings.MLFLOW_TRACKING_URI = ""
    with pytest.raises(mlflow.MlflowUnavailable, match="MLFLOW_TRACKING_URI"):
        mlflow.get_model("flight-delay")


def test_tags_are_set_changed_and_deleted(server, name, files):
    mlflow.restore_version(name, files, base_url=server)
    mlflow.set_version_tag(name, 1, "ombud.stage", "candidate", base_url=server)
    mlflow.set_version_tag(name, 1, "ombud.stage", "approved", base_url=server)
    mlflow.set_model_tag(name, "ombud.risk_tier", "high", base_url=server)
    version, model = (
        mlflow.get_version(name, 1, base_url=server),
        mlflow.get_model(name, base_url=server),
    )
    assert version is not None
    assert model is not None
    assert version.tags == {"ombud.stage": "approved"}
    assert model.tags == {"ombud.risk_tier": "high"}
    mlflow.delete_version_tag(name, 1, "ombud.stage", base_url=server)
    mlflow.delete_version_tag(name, 1, "ombud.stage", base_url=server)
    version = mlflow.get_version(name, 1, base_url=server)
    assert version is not None
    assert version.tags == {}


def test_a_download_that_is_larger_than_allowed_is_broken_off(server, name, files):
    mlflow.restore_version(name, files, base_url=server)
    with pytest.raises(mlflow.MlflowRefused) as refusal:
        list(mlflow.read_artifact(name, 1, "data/weights ü.bin", max_bytes=1000, base_url=server))
    assert refusal.value.status == 413


def test_a_missing_artifact_is_refused(server, name, files):
    mlflow.restore_version(name, files, base_url=server)
    with pytest.raises(mlflow.MlflowRefused) as refusal:
        mlflow.read_artifact(name, 1, "nothing.here", base_url=server)
    assert refusal.value.status == 404


@pytest.mark.parametrize(
    "path",
    [
        "../secret",
        "a/../../b",
        "/etc/passwd",
        "a//b",
        "",
        ".",
        "a\\..\\b",
        "a\x00b",
        "%2e%2e/secret",
        "a/%252e%252e/b",
        "file:/etc/passwd",
        "x" * 1001,
    ],
)
def test_a_path_out_of_the_version_is_never_asked_for(path):
    with pytest.raises(mlflow.UnsafeArtifactPath):
        safe_path(path)
    with pytest.raises(mlflow.UnsafeArtifactPath):
        mlflow.read_artifact("any", 1, path, base_url="http://127.0.0.1:1")


@pytest.mark.parametrize(
    "uri", ["file:///etc", "/etc", "s3://bucket/model", "mlflow-artifacts://elsewhere:5000/0/a"]
)
def test_artifacts_that_mlflow_does_not_serve_itself_are_refused(uri):
    with pytest.raises(mlflow.MlflowRefused) as refusal:
        proxied_root(uri, base_url="http://127.0.0.1:5099")
    assert refusal.value.status == 422


def test_a_server_that_is_down_is_said_to_be_down_at_once():
    nowhere = f"http://olga:hidden@127.0.0.1:{mlflow_server.free_port()}"
    began = time.monotonic()
    with pytest.raises(mlflow.MlflowUnavailable) as error:
        mlflow.get_model("flight-delay", base_url=nowhere)
    assert time.monotonic() - began < 1
    assert "hidden" not in str(error.value)
    assert not mlflow.is_up(base_url=nowhere)


@pytest.fixture
def silent() -> Iterator[str]:
    """A server that takes the connection and never says anything."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"


def test_a_server_that_never_answers_costs_three_seconds_and_then_nothing(silent):
    began = time.monotonic()
    with pytest.raises(mlflow.MlflowUnavailable, match="no answer in time"):
        mlflow.get_model("flight-delay", base_url=silent)
    assert 2.9 < time.monotonic() - began < 4
    for _ in range(TRIES_BEFORE_OPEN - 1):
        assert not mlflow.is_up(base_url=silent)
    began = time.monotonic()
    with pytest.raises(mlflow.MlflowUnavailable, match="times in a row"):
        mlflow.get_model("flight-delay", base_url=silent)
    assert time.monotonic() - began < 0.1


def test_the_breaker_lets_one_call_try_again_and_closes_on_success(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr("registry.gateways.mlflow_http.time.monotonic", lambda: now[0])
    guard = Breaker()
    for _ in range(TRIES_BEFORE_OPEN):
        guard.enter()
        guard.fail()
    now[0] += OPEN_SECONDS + 0.1
    guard.enter()
    with pytest.raises(mlflow.MlflowUnavailable):
        guard.enter()
    guard.succeed()
    guard.enter()


class Canned(BaseHTTPRequestHandler):
    """Answers every request with what the test put into the server."""

    def do_GET(self) -> None:
        status, body = self.server.canned  # type: ignore[attr-defined]  # set by the fixture
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "http://127.0.0.1:1/elsewhere")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def canned() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Canned) as httpd:
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield httpd
        httpd.shutdown()


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"{}",
        b'{"model_version": 3}',
        b'{"model_version": {"name": 5, "version": "1"}}',
        b'{"model_version": {"name": "x", "version": "minus one"}}',
        b'{"model_version": {"name": "x", "version": true}}',
        b'{"model_version": {"name": "x", "version": "1", "tags": ["a"]}}',
        b'{"model_version": {"name": "x", "version": "1", "aliases": [1]}}',
        json.dumps({"model_version": {"name": "x" * 300, "version": "1"}}).encode(),
        b" " * (9 * 1024 * 1024),
    ],
)
def test_an_answer_of_the_wrong_form_is_not_believed(canned, body):
    canned.canned = (200, body)
    with pytest.raises(mlflow.MlflowUnavailable):
        mlflow.get_version("x", 1, base_url=f"http://127.0.0.1:{canned.server_port}")


def test_redirects_are_not_followed_and_server_errors_mean_try_later(canned):
    url = f"http://127.0.0.1:{canned.server_port}"
    canned.canned = (302, b"")
    with pytest.raises(mlflow.MlflowRefused):
        mlflow.get_version("x", 1, base_url=url)
    canned.canned = (503, b"busy")
    with pytest.raises(mlflow.MlflowUnavailable, match="busy"):
        mlflow.get_version("x", 1, base_url=url)


class Inbox(BaseHTTPRequestHandler):
    """Takes webhooks as they come, raw."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.put((body, dict(self.headers)))  # type: ignore[attr-defined]  # set by the fixture
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def inbox() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Inbox) as httpd:
        httpd.received = queue.Queue()  # type: ignore[attr-defined]  # read by the handler
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield httpd
        httpd.shutdown()


@pytest.fixture
def webhook(server, inbox) -> Iterator[mlflow.MlflowWebhook]:
    url = f"http://127.0.0.1:{inbox.server_port}/hook"
    hook = f"ombud-{uuid.uuid4().hex[:8]}"
    old = mlflow.create_webhook(hook, url, "an older secret", base_url=server)
    made = mlflow.replace_webhook(hook, url, SECRET, base_url=server)
    assert made.webhook_id != old.webhook_id
    yield made
    mlflow.delete_webhook(made.webhook_id, base_url=server)
    mlflow.delete_webhook(made.webhook_id, base_url=server)
    assert hook not in [found.name for found in mlflow.list_webhooks(base_url=server)]


def test_a_real_webhook_arrives_and_verifies_and_a_changed_one_does_not(
    server, name, files, webhook, inbox
):
    assert webhook.active
    assert "model_version_alias.created" in webhook.events
    time.sleep(mlflow_server.webhook_cache_seconds())
    mlflow.restore_version(name, files, base_url=server)
    mlflow.set_alias(name, "champion", 1, base_url=server)
    got = {}
    while "model_version_alias.created" not in got:
        body, headers = inbox.received.get(timeout=15)
        delivery = mlflow.verify_webhook(body, headers, SECRET, datetime.now(UTC))
        got[delivery.event] = delivery
    assert {"registered_model.created", "model_version.created"} <= set(got)
    alias = got["model_version_alias.created"]
    assert (alias.model, alias.version, alias.data["alias"]) == (name, "1", "champion")
    assert len({delivery.delivery_id for delivery in got.values()}) == len(got)
    for spoilt, secret, later in (
        (body + b" ", SECRET, 0),
        (body, "another secret", 0),
        (body, "", 0),
        (body, SECRET, 400),
        (body, SECRET, -60),
    ):
        moment = datetime.now(UTC) + timedelta(seconds=later)
        with pytest.raises(mlflow.WebhookInvalid):
            mlflow.verify_webhook(spoilt, headers, secret, moment)


@pytest.mark.parametrize("missing", ["X-MLflow-Signature", "X-MLflow-Delivery-Id"])
def test_a_webhook_without_its_headers_is_refused(missing):
    headers = {
        "X-MLflow-Signature": "v1,AAAA",
        "X-MLflow-Delivery-Id": str(uuid.uuid4()),
        "X-MLflow-Timestamp": str(int(time.time())),
    }
    del headers[missing]
    with pytest.raises(mlflow.WebhookInvalid):
        mlflow.verify_webhook(b"{}", headers, SECRET, datetime.now(UTC))


def test_the_gateway_never_imports_mlflows_own_client():
    import subprocess
    import sys

    code = "import registry.gateways.mlflow, sys; sys.exit('mlflow' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_fixture_server_is_real(server):
    assert requests.get(f"{server}/version", timeout=5).text.startswith("3.")
