"""Real processes of the product, started as `deploy` starts them, and killed without mercy."""

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psutil

from deploy.checks import free_ports
from deploy.embedded import beat, web, worker
from deploy.options import Options
from deploy.places import PROJECT, Places

START_SECONDS = 60.0


def until(
    true: Callable[[], Any],
    what: str | Callable[[], str],
    *,
    seconds: float = 120.0,
    pause: float = 0.05,
) -> Any:
    """Wait for something to become true and give it; fail with `what` after the deadline."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(pause)
    raise AssertionError(f"not within {seconds:g} s: {what if isinstance(what, str) else what()}")


def database_url(settings: Mapping[str, Any]) -> str:
    """The address of an open Django connection's database, for other processes."""
    user, password = quote(settings["USER"], safe=""), quote(settings["PASSWORD"], safe="")
    socket_folder = settings["HOST"].startswith("/")
    host = "" if socket_folder else settings["HOST"]
    port = f":{settings['PORT']}" if settings["PORT"] else ""
    query = {**settings["OPTIONS"], **({"host": settings["HOST"]} if socket_folder else {})}
    query = {name: value for name, value in query.items() if isinstance(value, str)}
    known = f"{user}:{password}@" if password else f"{user}@"
    return f"postgresql://{known}{host}{port}/{settings['NAME']}?{urlencode(query)}"


def die_with_parent() -> None:
    """Ask the kernel to end this process with the test run, however that ends."""
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


@dataclass
class Started:
    """A process with a session, and so a process group, of its own."""

    name: str
    popen: "subprocess.Popen[bytes]"
    log: Path
    killed: bool = False

    @property
    def pid(self) -> int:
        return self.popen.pid

    def said(self) -> str:
        return self.log.read_text(errors="replace")

    def tail(self, lines: int = 25) -> str:
        return f"--- {self.name} said\n" + "\n".join(self.said().splitlines()[-lines:])

    def wait_for(self, ready: Callable[[], Any]) -> "Started":
        until(
            lambda: self.popen.poll() is not None or ready(),
            lambda: f"{self.name} is ready\n{self.tail()}",
            seconds=START_SECONDS,
        )
        assert self.popen.poll() is None, f"{self.name} ended by itself\n{self.tail()}"
        return self

    def children(self) -> list[int]:
        """The process ids of what it started."""
        try:
            return [child.pid for child in psutil.Process(self.pid).children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def kill(self) -> None:
        """kill -9 for it and everything it started, at once."""
        if not self.killed:
            # The group outlives its leader as long as anybody is in it.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.pid, signal.SIGKILL)
        self.killed = True
        self.popen.wait(30)


class House:
    """The processes of one test: its own database, broker number, store and folder."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self.started: list[Started] = []
        # Ports and folders fill places of the commands; the servers are those of the test run.
        port, postgresql, valkey, mlflow = free_ports(4)
        self.options = Options(
            Places(folder),
            "127.0.0.1",
            port,
            postgresql,
            valkey,
            mlflow,
            web_workers=2,
            worker_concurrency=2,
        )

    def worker(self, **environment: str) -> Started:
        command = worker.process(self.options, {}).command
        started = self._start("worker", list(command), environment)
        return started.wait_for(lambda: " ready." in started.said())

    def beat(self, **environment: str) -> Started:
        command = list(beat.process(self.options, {}).command)
        command[-1] = str(self.folder / f"beat-{len(self.started)}")  # a host of its own
        return self._start("beat", command, environment)

    def web(self, **environment: str) -> Started:
        started = self._start("web", web.command(self.options), environment)
        ready = web.process(self.options, {}).ready
        assert ready is not None
        return started.wait_for(ready)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.options.web_port}"

    def close(self) -> None:
        for started in self.started:
            started.kill()

    def _start(self, name: str, command: list[str], environment: Mapping[str, str]) -> Started:
        log = self.folder / f"{name}-{len(self.started)}.log"
        with log.open("wb") as sink:
            popen = subprocess.Popen(
                command,
                env={**self.environment, **environment},
                cwd=PROJECT,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        started = Started(name, popen, log)
        self.started.append(started)
        return started
