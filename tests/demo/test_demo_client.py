"""The API client of the demonstration, against a small server that plays Ombud's part."""

import io
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from demo.client import PARQUET, ApiError, Client


class Script(BaseHTTPRequestHandler):
    """Answers with the next line of the script and notes what was asked."""

    def _play(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        self.server.asked.append((self.command, self.path, self.headers, self.rfile.read(size)))  # type: ignore[attr-defined]  # set by the fixture
        status, headers, body = self.server.script.pop(0)  # type: ignore[attr-defined]  # set by the fixture
        raw = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def do_GET(self) -> None:
        self._play()

    def do_POST(self) -> None:
        self._play()

    def do_PATCH(self) -> None:
        self._play()

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def ombud() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Script) as httpd:
        httpd.asked, httpd.script = [], []  # type: ignore[attr-defined]  # used by the handler
        threading.Thread(target=httpd.serve_forever, daemon=True).start()
        yield httpd
        httpd.shutdown()


@pytest.fixture
def client(ombud) -> Client:
    return Client(f"http://127.0.0.1:{ombud.server_port}", "olgas-token")


@pytest.fixture
def rows() -> pa.Table:
    return pa.table({"prediction_id": ["a", "b"], "score": [0.1, 0.9]})


def test_predictions_are_sent_as_parquet_with_token_and_key(ombud, client, rows):
    ombud.script = [(202, {}, {"rows": 2})]
    assert client.send_predictions("flight delay", 1, rows, key="day-1") == {"rows": 2}
    method, path, headers, body = ombud.asked[0]
    assert (method, path) == ("POST", "/api/v1/models/flight%20delay/versions/1/predictions")
    assert headers["Authorization"] == "Bearer olgas-token"
    assert headers["Idempotency-Key"] == "day-1"
    assert headers["Content-Type"] == PARQUET
    assert pq.read_table(io.BytesIO(body)).equals(rows)


def test_a_busy_server_is_asked_again_with_the_same_key(ombud, client, rows):
    ombud.script = [(503, {"Retry-After": "0"}, {}), (429, {"Retry-After": "0"}, {})]
    ombud.script += [(202, {}, {"rows": 2})]
    client.send_outcomes("flight-delay", rows, key="day-1")
    assert len({(one[2]["Idempotency-Key"], one[3]) for one in ombud.asked}) == 1
    assert len(ombud.asked) == 3


def test_a_refusal_shows_the_problem_and_is_not_repeated(ombud, client, rows):
    problem = {
        "title": "Rows refused",
        "code": "schema_mismatch",
        "detail": "Row 2 has no event_time.",
        "errors": [{"row": 2, "field": "event_time"}],
    }
    ombud.script = [(422, {}, problem)]
    with pytest.raises(ApiError) as error:
        client.send_predictions("flight-delay", 1, rows, key="day-1")
    assert len(ombud.asked) == 1
    assert (error.value.status, error.value.code) == (422, "schema_mismatch")
    assert "Row 2 has no event_time." in str(error.value)
    assert "'field': 'event_time'" in str(error.value)


def test_a_change_without_a_key_is_never_sent_twice(ombud, client):
    ombud.script = [(503, {}, {"title": "Busy"})]
    with pytest.raises(ApiError):
        client.patch("/models/flight-delay", {"purpose": "Warn travellers"})
    assert len(ombud.asked) == 1


def test_a_list_is_followed_page_by_page(ombud, client):
    second = f"{client.root}/models?cursor=2"
    ombud.script = [
        (200, {}, {"results": [1, 2], "next": second}),
        (200, {}, {"results": [3], "next": None}),
    ]
    assert list(client.pages("/models", limit=2)) == [1, 2, 3]
    assert [one[1] for one in ombud.asked] == [
        "/api/v1/models?limit=2",
        "/api/v1/models?cursor=2",
    ]
