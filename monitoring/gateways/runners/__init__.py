"""Runners: where a version is trained. One protocol, whoever does it.

`start` hands over an order and gives the id under which the runner knows it; doing it twice with
the same order starts one run. `look` says how far it is. `cancel` asks it to stop.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from django.conf import settings


class RunnerUnavailable(Exception):
    """The runner did not answer, or answered nonsense: try again later."""


class RunnerRefused(Exception):
    """The runner answered, and the answer is no; the message says what it said."""


class RunState(StrEnum):
    """How far a runner is with an order."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True)
class Order:
    """What is to be trained: sent as JSON, so only plain values."""

    order_id: str
    model: str
    retraining: int
    parent_version: int
    kind: str
    snapshot_url: str
    snapshot_sha256: str
    code_digest: str
    parameters: Mapping[str, Any]
    search: Mapping[str, Any]
    callback_url: str

    def as_json(self) -> dict[str, Any]:
        return dict(vars(self))


@dataclass(frozen=True)
class Look:
    """What a runner says: its state, new lines of its log, and at the end where the model is.

    `outputs` names the run of MLflow that holds the model: `run_id` and `artifact_path`.
    """

    state: RunState
    lines: tuple[str, ...] = ()
    outputs: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""


class Runner(Protocol):
    """Somebody who trains."""

    def start(self, order: Order) -> str: ...

    def look(self, external_id: str) -> Look: ...

    def cancel(self, external_id: str) -> None: ...


def settings_of(name: str) -> dict[str, Any]:
    """What operators wrote of a runner.

    Raises:
        RunnerRefused: they took it away.
    """
    found = settings.RETRAINING_RUNNERS.get(name)
    if not isinstance(found, dict):
        raise RunnerRefused(f"Operators have set up no runner {name} any more.")
    return dict(found)


def text(answer: Mapping[str, Any], key: str, most: int) -> str:
    """A short text out of a runner's answer, empty where there is none."""
    value = answer.get(key)
    return value[:most].replace("\x00", "") if isinstance(value, str) else ""


def lines(answer: Mapping[str, Any], most: int = 200) -> tuple[str, ...]:
    value = answer.get("log")
    kept = value[:most] if isinstance(value, list) else []
    return tuple(line[:1_000].replace("\x00", "") for line in kept if isinstance(line, str))


def outputs(answer: Mapping[str, Any]) -> dict[str, str]:
    value = answer.get("outputs")
    found = value if isinstance(value, Mapping) else {}
    return {
        key: text(found, key, 300) for key in ("run_id", "artifact_path") if text(found, key, 300)
    }
