"""A small Ombud with real servers in a folder of its own; nothing of it outlives its test."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from deploy.checks import free_ports
from deploy.options import PORTS
from deploy.places import PROJECT, Places
from deploy.start import stop_orphans

LEADING = ("OMBUD_", "DATABASE_URL", "REDIS_URL", "MLFLOW_")


@dataclass
class SmallOmbud:
    """Starts `tests.deploy.small_run` in `folder`, as often as the test wants."""

    folder: Path
    ports: dict[str, int]
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def places(self):
        return Places(self.folder)

    @property
    def environment(self):
        kept = {k: v for k, v in os.environ.items() if not k.startswith(LEADING)}
        ports = {name: str(port) for name, port in self.ports.items()}
        return {**kept, **ports, "OMBUD_VAR": str(self.folder), "PYTHONUNBUFFERED": "1"}

    def start(self, *names, **variables):
        popen = subprocess.Popen(
            [sys.executable, "-m", "tests.deploy.small_run", *names],
            cwd=PROJECT,
            env=self.environment | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self.started.append(popen)
        return popen

    def start_and_wait(self, *names):
        popen = self.start(*names)
        lines = []
        for line in popen.stdout:
            lines.append(line)
            if line == "all up\n":
                return popen, "".join(lines)
        pytest.fail(f"it did not start: {''.join(lines)}")

    def refused(self, *names, **variables):
        """Start it, expect that it ends by itself; returns its exit status and what it said."""
        popen = self.start(*names, **variables)
        said, _ = popen.communicate(timeout=30)
        return popen.returncode, said

    def processes(self):
        """Everything that runs from this folder; Valkey shows its address instead of its folder."""
        return [process for process in psutil.process_iter() if self._belongs(process)]

    def _belongs(self, process):
        valkey = f"127.0.0.1:{self.ports['OMBUD_VALKEY_PORT']}"
        try:
            words, environment = process.cmdline(), process.environ()
            ended = process.status() == psutil.STATUS_ZOMBIE
        except (psutil.Error, OSError):
            return False
        named = any(str(self.folder) in word or word.endswith(valkey) for word in words)
        return not ended and (named or environment.get("OMBUD_VAR") == str(self.folder))

    def child_of_site(self):
        (child,) = [p for p in self.processes() if p.cmdline()[-1] == "child-of-site"]
        return child

    def pid_of(self, name):
        return json.loads((self.places.notes / f"{name}.json").read_text())["pid"]


@pytest.fixture
def ombud(tmp_path):
    small = SmallOmbud(tmp_path / "var", dict(zip(PORTS, free_ports(len(PORTS)), strict=True)))
    yield small
    for popen in small.started:
        if popen.poll() is None:
            popen.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                popen.wait(20)
        popen.kill()
        popen.stdout.close()
    if small.places.notes.exists():
        stop_orphans(small.places)


@pytest.fixture
def eventually():
    def wait(true, seconds=15):
        until = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < until, "it did not come true in time"
            time.sleep(0.05)

    return wait
