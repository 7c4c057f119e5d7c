"""A command run to its end: CPU seconds and peak memory by the kernel's own account.

`work` is what the command says itself of the part after its imports (one JSON line on standard
output, the last). Wall time is not told: on a busy machine it means nothing.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
KIB = 1024


@dataclass(frozen=True)
class Cost:
    """CPU seconds of the work and of the whole process, its peak memory, and what it said."""

    work: float
    whole: float
    memory: int
    said: dict[str, Any]


class Failed(Exception):
    """The command failed; the text is the end of what it wrote."""


def ours(job: str, *arguments: str) -> Cost:
    """Run one job of `benchmarks.ours` in a fresh process."""
    return run_module("benchmarks.ours", job, *arguments)


def run_module(name: str, *arguments: str) -> Cost:
    """Run a module of ours in a fresh process."""
    return run([sys.executable, "-m", name, *arguments])


def run(command: Sequence[str]) -> Cost:
    """Run a command that says `work` in its last line.

    Raises:
        Failed: it did not end well, or said nothing.
    """
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        process = subprocess.Popen(  # noqa: S603 - our own commands, no shell
            list(command), cwd=PROJECT, stdout=said, stderr=complained, env=_environment()
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        said.seek(0)
        complained.seek(0)
        lines = said.read().decode(errors="replace").strip().splitlines()
        if process.returncode or not lines:
            tail = complained.read().decode(errors="replace")[-2_000:]
            raise Failed(f"{' '.join(command)} ended with {process.returncode}:\n{tail}")
    found = json.loads(lines[-1])
    whole = used.ru_utime + used.ru_stime
    return Cost(float(found["work"]), whole, used.ru_maxrss * KIB, found)


def _environment() -> dict[str, str]:
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG", "TMPDIR") if key in os.environ}
    # Peers may not phone home while they are timed.
    quiet = {"DO_NOT_TRACK": "1", "NML_DISABLE_USAGE_LOGGING": "1", "PYTHONWARNINGS": "ignore"}
    # Threads that wait for each other burn seconds that are nobody's work: one each, for all.
    single = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return kept | quiet | single | {"PYTHONPATH": str(PROJECT)}
