"""Any orchestrator over HTTP: signed requests; what it answers is checked.

    POST {url}/runs            the order; the same order_id twice is one run     -> {"id": …}
    GET  {url}/runs/{id}       {"state": running | done | failed, "log": […], "outputs": {…}}
    POST {url}/runs/{id}/cancel

It calls back with the body of a look, and the run's `id` in it, signed in the same way.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from monitoring.gateways import outbound
from monitoring.gateways.runners import (
    Look,
    Order,
    RunnerRefused,
    RunnerUnavailable,
    RunState,
    lines,
    outputs,
    text,
)
from monitoring.gateways.runners.signing import signed

EXTERNAL_ID = re.compile(r"[A-Za-z0-9_.:~-]{1,200}")
NO_ROUTE = "The runner's address cannot be asked"


@dataclass(frozen=True)
class HttpRunner:
    """An orchestrator at an address, with the secret that both know."""

    url: str
    secret: str
    inside: bool = False

    def start(self, order: Order) -> str:
        answer = self._ask("POST", "/runs", json.dumps(order.as_json()).encode())
        return external_id(answer.get("id"))

    def look(self, external_id: str) -> Look:
        return look_of(self._ask("GET", f"/runs/{_in_path(external_id)}"))

    def cancel(self, external_id: str) -> None:
        self._ask("POST", f"/runs/{_in_path(external_id)}/cancel", b"{}")

    def _ask(self, method: outbound.Method, path: str, body: bytes = b"") -> dict[str, Any]:
        url = self.url.rstrip("/") + path
        headers = signed(body, self.secret, timezone.now())
        try:
            answer = outbound.ask(method, url, body=body, headers=headers, inside=self.inside)
        except outbound.OutboundRefused as error:
            raise RunnerRefused(f"{NO_ROUTE}: {error}.") from error
        except outbound.OutboundFailed as error:
            raise RunnerUnavailable(str(error)) from error
        return read(answer)


def read(answer: outbound.Answer) -> dict[str, Any]:
    """The object in an answer.

    Raises:
        RunnerUnavailable: it is busy or broken, or answered nonsense.
        RunnerRefused: it said no.
    """
    if answer.status >= 500 or answer.status in {408, 425, 429}:
        raise RunnerUnavailable(f"it answered {answer.status}")
    if answer.status >= 400:
        raise RunnerRefused(f"The runner answered {answer.status}.")
    if not answer.body.strip():
        return {}
    try:
        found = json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise RunnerUnavailable("its answer is not JSON") from error
    if not isinstance(found, dict):
        raise RunnerUnavailable("its answer is not a JSON object")
    return found


def external_id(value: object) -> str:
    if not isinstance(value, str) or not EXTERNAL_ID.fullmatch(value) or set(value) <= {"."}:
        raise RunnerUnavailable("it named its run in an unknown form")
    return value


def _in_path(value: str) -> str:
    return external_id(value)


def look_of(answer: Mapping[str, Any]) -> Look:
    """What a runner says of a run.

    Raises:
        RunnerUnavailable: no known state is in it.
    """
    state = text(answer, "state", 20)
    if state not in set(RunState):
        raise RunnerUnavailable("it named no known state")
    return Look(RunState(state), lines(answer), outputs(answer), text(answer, "message", 300))
