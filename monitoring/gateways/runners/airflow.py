"""Apache Airflow 3 over its REST API: one DAG run is one order.

The DAG gets the order as its `conf` and leaves `{"run_id": …, "artifact_path": …}` as the return
value of the task that operators name. The run's id is the order's, so that starting it twice finds
the first one.
"""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from monitoring.gateways import outbound
from monitoring.gateways.runners import (
    Look,
    Order,
    RunnerRefused,
    RunnerUnavailable,
    RunState,
    outputs,
    text,
)
from monitoring.gateways.runners.http import read

STATES = {
    "queued": RunState.RUNNING,
    "running": RunState.RUNNING,
    "success": RunState.DONE,
    "failed": RunState.FAILED,
}
MOST_TASKS = 100


@dataclass(frozen=True)
class AirflowRunner:
    """A DAG of an Airflow, and the account that may trigger it."""

    url: str
    dag: str
    username: str
    password: str
    result_task: str = ""
    inside: bool = False

    def start(self, order: Order) -> str:
        body = {"dag_run_id": order.order_id, "logical_date": None, "conf": order.as_json()}
        answer = self._send("POST", f"{self._runs}", body)
        # 409: an interrupted attempt has started it already.
        if answer.status != 409:
            read(answer)
        return order.order_id

    def look(self, external_id: str) -> Look:
        run = read(self._send("GET", f"{self._runs}/{quote(external_id, safe='')}"))
        state = STATES.get(text(run, "state", 20))
        if state is None:
            raise RunnerUnavailable("it named no known state")
        found = outputs(self._result(external_id)) if state == RunState.DONE else {}
        message = "The DAG run failed in Airflow." if state == RunState.FAILED else ""
        return Look(state, self._tasks(external_id), found, message)

    def cancel(self, external_id: str) -> None:
        body = {"state": "failed", "note": "Cancelled in Ombud."}
        read(self._send("PATCH", f"{self._runs}/{quote(external_id, safe='')}", body))

    @property
    def _runs(self) -> str:
        return f"/api/v2/dags/{quote(self.dag, safe='')}/dagRuns"

    def _tasks(self, external_id: str) -> tuple[str, ...]:
        """One line for each task: Airflow keeps the logs themselves."""
        path = f"{self._runs}/{quote(external_id, safe='')}/taskInstances"
        found = read(self._send("GET", path)).get("task_instances")
        rows = [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
        named = ((text(row, "task_id", 100), text(row, "state", 30)) for row in rows[:MOST_TASKS])
        return tuple(f"{name}: {state or 'not begun'}" for name, state in named)

    def _result(self, external_id: str) -> dict[str, Any]:
        """The return value of the task that holds it, as an object."""
        task = quote(self.result_task, safe="")
        path = f"{self._runs}/{quote(external_id, safe='')}/taskInstances/{task}"
        value = read(self._send("GET", f"{path}/xcomEntries/return_value")).get("value")
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except ValueError as error:
                raise RunnerRefused("The DAG left no result that can be read.") from error
        return {"outputs": value}

    def _send(
        self, method: outbound.Method, path: str, body: dict[str, Any] | None = None
    ) -> outbound.Answer:
        headers = {"Authorization": f"Bearer {self._token()}"}
        return self._ask(method, path, body, headers)

    def _token(self) -> str:
        account = {"username": self.username, "password": self.password}
        token = text(read(self._ask("POST", "/auth/token", account, {})), "access_token", 8_000)
        if not token.isascii() or not token.isprintable() or not token:
            raise RunnerUnavailable("it gave no token")
        return token

    def _ask(
        self,
        method: outbound.Method,
        path: str,
        body: dict[str, Any] | None,
        headers: dict[str, str],
    ) -> outbound.Answer:
        content = json.dumps(body).encode() if body is not None else b""
        url = self.url.rstrip("/") + path
        try:
            return outbound.ask(method, url, body=content, headers=headers, inside=self.inside)
        except outbound.OutboundRefused as error:
            raise RunnerRefused(f"Airflow's address cannot be asked: {error}.") from error
        except outbound.OutboundFailed as error:
            raise RunnerUnavailable(str(error)) from error
