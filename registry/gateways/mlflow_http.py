"""How we speak to MLflow: short time-outs, no retries, a circuit breaker, checked answers.

MLflow is an upstream that we do not trust: an answer is bounded in size and every field is checked
for its type and length before anybody sees it.
"""

import json
import os
import threading
import time
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

import requests
from django.conf import settings

API = "/api/2.0"
CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 3.0
TRANSFER_SECONDS = 30.0  # silence allowed inside an up- or download; these run in jobs only
MAX_ANSWER_BYTES = 8 * 1024 * 1024
MAX_MESSAGE = 500
TRIES_BEFORE_OPEN = 3
OPEN_SECONDS = 10.0

Method = Literal["GET", "POST", "PATCH", "PUT", "DELETE"]


class MlflowUnavailable(Exception):
    """MLflow did not answer in time, answered with a server error, or answered nonsense."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class MlflowRefused(Exception):
    """MLflow answered, and the answer is no."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        super().__init__(f"MLflow answered {status}: {message}")
        self.status = status
        self.message = message
        self.code = code


class Breaker:
    """After a few failures in a row nobody waits for MLflow for a while; then one call tries."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures = 0
        self._open_until = 0.0

    def enter(self) -> None:
        with self._lock:
            left = self._open_until - time.monotonic()
            if left > 0:
                raise MlflowUnavailable(
                    f"MLflow failed {self._failures} times in a row; next try in {left:.0f} s."
                )
            if self._failures >= TRIES_BEFORE_OPEN:
                # Half open: this caller tries, the others wait for what it finds.
                self._open_until = time.monotonic() + ANSWER_SECONDS

    def succeed(self) -> None:
        with self._lock:
            self._failures, self._open_until = 0, 0.0

    def fail(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= TRIES_BEFORE_OPEN:
                self._open_until = time.monotonic() + OPEN_SECONDS


_breakers: dict[str, Breaker] = {}


def breaker(base_url: str) -> Breaker:
    return _breakers.setdefault(base_url, Breaker())


def base(base_url: str | None) -> str:
    """The server to ask: the one given, else the configured one."""
    url = (base_url or settings.MLFLOW_TRACKING_URI or "").rstrip("/")
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise MlflowUnavailable("MLFLOW_TRACKING_URI must be an http or https address.")
    return url


def call(
    method: Method,
    path: str,
    *,
    base_url: str | None = None,
    query: Mapping[str, str | int] | None = None,
    body: Mapping[str, object] | None = None,
) -> dict[str, Any]:
    """One JSON request below `/api/2.0`; the answer is an object or an exception."""
    response = send(method, path, base_url=base_url, query=query, body=body)
    try:
        with response:
            raw = _read_all(response, deadline=time.monotonic() + ANSWER_SECONDS)
    except MlflowUnavailable:
        breaker(base(base_url)).fail()  # an answer that drips is a failure too
        raise
    return _object(raw, path)


def _object(raw: bytes, path: str) -> dict[str, Any]:
    if not raw.strip():
        return {}
    try:
        answer = json.loads(raw)
    except ValueError as error:
        raise MlflowUnavailable(f"MLflow's answer to {path} is not JSON.") from error
    if not isinstance(answer, dict):
        raise MlflowUnavailable(f"MLflow's answer to {path} is not a JSON object.")
    return answer


def send(
    method: Method,
    path: str,
    *,
    base_url: str | None = None,
    query: Mapping[str, str | int] | None = None,
    body: Mapping[str, object] | None = None,
    data: Any = None,
    silence: float = ANSWER_SECONDS,
) -> requests.Response:
    """One request through the breaker; a refusal or a failure is raised, the body is not read."""
    url = base(base_url)
    guard = breaker(url)
    guard.enter()
    try:
        response = _session().request(
            method,
            url + API + path,
            params=dict(query or {}),
            json=body,
            data=data,
            timeout=(CONNECT_SECONDS, silence),
            stream=True,
            allow_redirects=False,
            verify=os.environ.get("REQUESTS_CA_BUNDLE") or True,
        )
        _raise_for_status(response, path)
    except requests.RequestException as error:
        guard.fail()
        # Without its cause, whose text holds the address and with it perhaps a password.
        raise MlflowUnavailable(f"MLflow did not answer {path}: {_why(error)}.") from None
    except MlflowUnavailable:
        guard.fail()
        raise
    except MlflowRefused:
        guard.succeed()
        raise
    guard.succeed()
    return response


def text(record: Mapping[str, Any], key: str, *, most: int = 5000, required: bool = False) -> str:
    value = record.get(key, "")
    if value is None:
        value = ""
    if not isinstance(value, str) or len(value) > most or (required and not value):
        raise MlflowUnavailable(f"MLflow's answer has no usable text in `{key}`.")
    return value


def number(record: Mapping[str, Any], key: str, *, most: int = 2**53) -> int:
    """A whole number; MLflow writes some (versions, file sizes) as text."""
    value = record.get(key, 0)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise MlflowUnavailable(f"MLflow's answer has no usable number in `{key}`.")
    return value


def records(record: Mapping[str, Any], key: str, *, most: int = 10_000) -> list[dict[str, Any]]:
    value = record.get(key, [])
    if not isinstance(value, list) or len(value) > most:
        raise MlflowUnavailable(f"MLflow's answer has no usable list in `{key}`.")
    if not all(isinstance(item, dict) for item in value):
        raise MlflowUnavailable(f"MLflow's answer has strange items in `{key}`.")
    return value


def record_in(record: Mapping[str, Any], key: str) -> dict[str, Any]:
    value = record.get(key)
    if not isinstance(value, dict):
        raise MlflowUnavailable(f"MLflow's answer has no `{key}`.")
    return value


def _session() -> requests.Session:
    """A connection of its own for every request: safe across forks, never a stale one."""
    session = requests.Session()
    # Neither proxies nor .netrc of the machine: the address decides where the request goes.
    session.trust_env = False
    session.headers["Accept-Encoding"] = "identity"
    session.headers["Connection"] = "close"
    if token := os.environ.get("MLFLOW_TRACKING_TOKEN"):
        session.headers["Authorization"] = f"Bearer {token}"
    return session


def _read_all(response: requests.Response, *, deadline: float) -> bytes:
    """The whole body, at most 8 MiB, before the deadline even when it drips."""
    parts: list[bytes] = []
    size = 0
    try:
        for part in response.iter_content(64 * 1024):
            size += len(part)
            parts.append(part)
            if size > MAX_ANSWER_BYTES:
                raise MlflowUnavailable("MLflow's answer is larger than 8 MiB.")
            if time.monotonic() > deadline:
                raise MlflowUnavailable("MLflow's answer took longer than 3 s.")
    except requests.RequestException as error:
        raise MlflowUnavailable(f"MLflow broke off its answer: {_why(error)}.") from None
    return b"".join(parts)


def _raise_for_status(response: requests.Response, path: str) -> None:
    if response.status_code < 300:
        return
    with response:
        raw = _read_all(response, deadline=time.monotonic() + ANSWER_SECONDS)
    code, message = _refusal(raw)
    if response.status_code >= 500 or response.status_code == 429:
        raise MlflowUnavailable(f"MLflow answered {path} with {response.status_code}: {message}")
    raise MlflowRefused(response.status_code, message, code)


def _refusal(raw: bytes) -> tuple[str, str]:
    try:
        found = json.loads(raw)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        return "", raw[:MAX_MESSAGE].decode("utf-8", "replace") or "no reason given"
    code, message = found.get("error_code"), found.get("message")
    return str(code or "")[:100], str(message or "no reason given")[:MAX_MESSAGE]


def _why(error: requests.RequestException) -> str:
    """A reason without the address, which may carry a password."""
    if isinstance(error, requests.ConnectTimeout):
        return "no connection in time"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if isinstance(error, requests.ConnectionError):
        return "no connection"
    return type(error).__name__
