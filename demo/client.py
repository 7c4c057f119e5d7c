"""Ombud's public API for a script: a token, a key for what may be sent twice, clear errors."""

import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import quote

import pyarrow as pa
import requests

from demo.replay import parquet

PARQUET = "application/vnd.apache.parquet"
TRIES = 5
LONGEST_PAUSE = 10.0
Method = Literal["GET", "POST", "PUT", "PATCH"]


class ApiError(Exception):
    """Ombud refused; the message is the problem that it described (RFC 9457)."""

    def __init__(self, status: int, problem: Mapping[str, Any], what: str) -> None:
        title = problem.get("title", "no reason given")
        lines = [f"{what}: {status} {title}", str(problem.get("detail", ""))]
        lines += [f"  {one}" for one in list(problem.get("errors") or [])[:10]]
        super().__init__("\n".join(line for line in lines if line))
        self.status = status
        self.code = str(problem.get("code", ""))
        self.problem = problem


class Client:
    """One person's or service's session with the API of one installation."""

    def __init__(self, base_url: str, token: str, *, timeout: float = 60.0) -> None:
        self.root = base_url.rstrip("/") + "/api/v1"
        self.timeout = timeout
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["Authorization"] = f"Bearer {token}"
        self._session.headers["Accept"] = "application/json"

    def get(self, path: str, **query: str | int) -> Any:
        return self._ask("GET", path, query=query)

    def pages(self, path: str, **query: str | int) -> Iterable[Any]:
        """Every item of a list, page after page, by the server's own links."""
        answer = self.get(path, **query)
        while True:
            yield from answer["results"]
            if not answer.get("next"):
                return
            answer = self._ask("GET", answer["next"])

    def post(self, path: str, body: object, *, key: str = "") -> Any:
        return self._ask("POST", path, json=body, key=key or uuid.uuid4().hex)

    def post_yaml(self, path: str, text: bytes) -> Any:
        return self._ask("POST", path, data=text, content_type="application/yaml")

    def put(self, path: str, body: object) -> Any:
        return self._ask("PUT", path, json=body)

    def patch(self, path: str, body: object, *, etag: str = "") -> Any:
        """Change it; with an ETag only if nobody changed it since it was read."""
        return self._ask("PATCH", path, json=body, etag=etag)

    def put_schema(
        self, model: str, version: int, fields: Sequence[Mapping[str, Any]], **more: object
    ) -> Any:
        return self.put(f"{version_path(model, version)}/schema", {"fields": list(fields), **more})

    def put_reference(self, model: str, version: int, rows: pa.Table) -> Any:
        path = f"{version_path(model, version)}/reference?kind=training"
        return self._ask("PUT", path, data=parquet(rows), content_type=PARQUET)

    def send_predictions(self, model: str, version: int, rows: pa.Table, *, key: str) -> Any:
        path = f"{version_path(model, version)}/predictions"
        return self._ask("POST", path, data=parquet(rows), content_type=PARQUET, key=key)

    def send_outcomes(self, model: str, rows: pa.Table, *, key: str) -> Any:
        path = f"/models/{quote(model, safe='')}/outcomes"
        return self._ask("POST", path, data=parquet(rows), content_type=PARQUET, key=key)

    def _ask(
        self,
        method: Method,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        json: object = None,
        data: bytes | None = None,
        content_type: str = "",
        key: str = "",
        etag: str = "",
    ) -> Any:
        """One request; asked again when the server is busy or away, unless that could do harm."""
        headers = {"Content-Type": content_type} if content_type else {}
        headers |= {"Idempotency-Key": key} if key else {}
        headers |= {"If-Match": f'"{etag}"'} if etag else {}
        url = path if path.startswith(self.root) else self.root + path
        again = bool(key) or method in {"GET", "PUT"}
        for left in range(TRIES - 1, -1, -1):
            try:
                response = self._session.request(
                    method,
                    url,
                    params=dict(query or {}),
                    json=json,
                    data=data,
                    headers=headers,
                    timeout=self.timeout,
                )
            except (requests.ConnectionError, requests.Timeout):
                if not left or not again:
                    raise
                time.sleep(1.0)
                continue
            if response.status_code not in {429, 502, 503} or not left or not again:
                return _answer(response, f"{method} {path}")
            time.sleep(_pause(response))
        raise AssertionError("The last try returns or raises.")


def version_path(model: str, version: int) -> str:
    return f"/models/{quote(model, safe='')}/versions/{version}"


def _answer(response: requests.Response, what: str) -> Any:
    try:
        body = response.json() if response.content else None
    except ValueError:
        body = {"title": response.text[:200]}
    if response.ok:
        return body
    problem = body if isinstance(body, dict) else {"title": str(body)}
    raise ApiError(response.status_code, problem, what)


def _pause(response: requests.Response) -> float:
    asked = response.headers.get("Retry-After", "")
    return min(float(asked), LONGEST_PAUSE) if asked.isdigit() else 1.0
