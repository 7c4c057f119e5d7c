"""Start one process with its own session, log and note; tell how it ended."""

import os
import signal
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from deploy import notes
from deploy.notes import Note
from deploy.places import Places
from deploy.process import Process, Task

LAST_LINES = 12


@dataclass
class Child:
    """A running (or just ended) process of the supervisor."""

    process: Process
    order: int
    popen: subprocess.Popen[bytes]
    note: Note
    settled: bool = False
    deaths: list[float] = field(default_factory=list)
    start_again_at: float | None = None


def spawn(process: Process, *, order: int, run: str, places: Places) -> Child:
    popen = _popen(process, run=run, places=places)
    note = note_of(process, popen, order=order, run=run)
    note.write(places.notes)
    return Child(process=process, order=order, popen=popen, note=note)


def _popen(process: Process, *, run: str, places: Places) -> subprocess.Popen[bytes]:
    account = process.account
    with places.log(process.name).open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - the command is written in this package
            list(process.command),
            env={**process.environment, notes.MARK: run},
            cwd=process.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=account.user if account else None,
            group=account.group if account else None,
            extra_groups=[] if account else None,
            umask=0o077 if account else -1,
        )


def note_of(process: Process, popen: subprocess.Popen[bytes], *, order: int, run: str) -> Note:
    return Note(
        name=process.name,
        title=process.title,
        pid=popen.pid,
        created=created(popen.pid),
        order=order,
        run=run,
        stop_signal=int(process.stop_signal),
        stop_group=process.stop_group,
        stop_within=process.stop_within,
    )


def created(pid: int) -> float:
    """When the process came to be; a process that is gone already was made just now."""
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return time.time()


def start_task(task: Task, *, places: Places) -> subprocess.Popen[bytes]:
    """Run the task with the terminal as its output, or with a log of its own."""
    output = None if task.shown or task.interactive else places.log(task.name).open("wb")
    try:
        return subprocess.Popen(  # noqa: S603 - the command is written in this package
            list(task.command),
            env=dict(task.environment),
            cwd=task.folder,
            stdin=None if task.interactive else subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
            start_new_session=not task.interactive,
        )
    finally:
        if output:
            output.close()


def end_task(popen: subprocess.Popen[bytes]) -> None:
    """Stop a task that still runs, with everything it started."""
    if popen.poll() is not None:
        return
    leads_group = os.getpgid(popen.pid) == popen.pid
    for number in (signal.SIGTERM, signal.SIGKILL):
        if leads_group:
            os.killpg(popen.pid, number)
        else:
            popen.send_signal(number)
        try:
            popen.wait(5)
        except subprocess.TimeoutExpired:
            continue
        return


def how_it_ended(code: int) -> str:
    if code >= 0:
        return f"exit status {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def last_lines(path: Path) -> str:
    """The end of a log, indented, for a sentence that must explain itself."""
    if not path.exists():
        return ""
    lines = path.read_text(errors="replace").splitlines()[-LAST_LINES:]
    return "\n".join(f"    {line}" for line in lines)
