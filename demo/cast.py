"""The people of the demonstration as API clients, and waiting for what they set off."""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from demo.client import ApiError, Client, version_path
from demo.training import Published, Trained

TURN = 0.5
PATIENCE = 900.0
SAY_EVERY = 10.0
UNKNOWN = -1
QUIET_TURNS = 4


@dataclass
class Cast:
    """Everybody's session, and what the story has made so far."""

    address: str
    mlflow: str
    people: Mapping[str, Client]
    passwords: Mapping[str, str]
    names: Mapping[str, str]
    now: datetime
    trained: dict[str, Trained] = field(default_factory=dict)
    published: dict[str, Published] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Client:
        try:
            return self.people[name]
        except KeyError as error:
            raise AttributeError(name) from error

    def submit(self, kind: str, model: str, version: int, reason: str, **more: Any) -> int:
        """Olga asks for a change; returns the request's number."""
        body = {"kind": kind, "model": model, "version": version, "reason": reason, **more}
        return int(self.people["olga"].post("/change-requests", body)["id"])

    def refused(self, kind: str, model: str, version: int, reason: str, **more: Any) -> Any:
        """Olga asks for a change that the gates prevent; returns the problem that she is told."""
        try:
            request = self.submit(kind, model, version, reason, **more)
        except ApiError as error:
            if error.code != "gates_not_passed":
                raise
            return error.problem
        raise RuntimeError(f"Change request {request} was taken, though a gate should prevent it.")

    def sign(self, request: int, person: str, meaning: str, reason: str) -> None:
        """A person reads the request, re-authenticates and approves what they read."""
        client = self.people[person]
        read = client.get(f"/change-requests/{request}")
        body = {
            "decision": "approve",
            "meaning": meaning,
            "reason": reason,
            "password": self.passwords[person],
            "digest": read["digest"],
        }
        client.post(f"/change-requests/{request}/decisions", body)

    def sign_policy(self, person: str, change: Any, reason: str) -> None:
        """A person puts a proposed policy in force.

        Raises:
            RuntimeError: it takes more than this signature.
        """
        body = {
            "decision": "approve",
            "reason": reason,
            "digest": change["digest"],
            "password": self.passwords[person],
        }
        signed = self.people[person].post(f"/policy-changes/{change['id']}/decisions", body)
        if signed["state"] != "in_force":
            raise RuntimeError(f"The policy is {signed['state']}, though {person} signed it.")

    def named(self, name: str) -> Client:
        """Somebody by their full name, as other people's pages say it."""
        return self.people[self.names[name]]

    def publish(self, person: str, model: str, version: int, reason: str) -> None:
        """The newest revision of a card, by somebody whose password signs it where it must be."""
        client, path = self.people[person], f"{version_path(model, version)}/card"
        card = client.get(path, revision="newest")
        body = {
            "digest": card["revision"]["digest"],
            "reason": reason,
            "password": self.passwords[person],
        }
        client.post(f"{path}/publications", body)

    def executed(self, request: int) -> None:
        """Wait until the change is carried out."""
        self.until(lambda: self._state(request) == "executed", f"change request {request}")

    def hashed(self, model: str, version: int) -> None:
        """Wait until every byte of the version is hashed."""
        self.until(
            lambda: self.people["olga"].get(version_path(model, version))["artifact_digest"],
            f"the inspection of {model} {version}",
        )

    def watched(self, model: str) -> None:
        """Wait until the model's monitors have set themselves up."""
        self.until(
            lambda: self.people["olga"].get("/monitors", model=model)["results"],
            f"the monitors of {model}",
        )

    def settled(self) -> None:
        """Wait until no job is due or running for a few looks in a row."""
        looks = [False] * QUIET_TURNS

        def quiet() -> bool:
            looks.append(self._jobs_left() == 0)
            return all(looks[-QUIET_TURNS:])

        self.until(quiet, "the jobs")

    def until(self, holds: Callable[[], Any], what: str) -> None:
        """Wait until something holds; says every ten seconds how many jobs are left.

        Raises:
            TimeoutError: jobs died, or nothing has been finished for a long time.
        """
        began = said = time.monotonic()
        while not holds():
            now = time.monotonic()
            if now - began > PATIENCE:
                raise TimeoutError(f"Waited {PATIENCE:.0f} s for {what}; see the worker's log.")
            if now - said > SAY_EVERY:
                said = now
                sys.stdout.write(f"      … waiting for {what}: {self._jobs_left()} jobs left\n")
                sys.stdout.flush()
            time.sleep(TURN)

    def _jobs_left(self) -> int:
        try:
            jobs = requests.get(f"{self.address}/readyz", timeout=30).json()["jobs"]
        except (requests.RequestException, KeyError):
            return UNKNOWN  # a busy or restarting server is asked again
        if jobs["dead"]:
            raise TimeoutError(f"{jobs['dead']} jobs are dead; see the worker's log.")
        return int(jobs["due"] + jobs["running"])

    def _state(self, request: int) -> str:
        read = self.people["olga"].get(f"/change-requests/{request}")
        if read["state"] == "failed":
            raise RuntimeError(f"Change request {request} failed: {read['error']}")
        return str(read["state"])


def read_cast(var: Path | None) -> Cast:
    """The people as `prepare_demo` wrote them down."""
    folder = var or Path(os.environ.get("OMBUD_VAR", "var"))
    written = json.loads((folder / "demo.json").read_text())
    people = {one["key"]: Client(written["address"], one["token"]) for one in written["people"]}
    return Cast(
        address=written["address"],
        mlflow=os.environ["MLFLOW_TRACKING_URI"],
        people=people,
        passwords={one["key"]: one.get("password", "") for one in written["people"]},
        names={one["name"]: one["key"] for one in written["people"]},
        now=datetime.now(UTC).replace(microsecond=0),
    )
