"""One note per running process (var/run/NAME.json): how the guardian and a later start find it.

A process id alone proves nothing, it may belong to somebody else by now. A process is ours when id
and time of creation are those of the note; a member of its process group is ours when it carries
the random mark of the run in its environment.
"""

import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

MARK = "OMBUD_SUPERVISED_BY"
ENDED = {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD}
SAME_MOMENT = 0.02  # seconds; the kernel counts the time of creation in hundredths


@dataclass(frozen=True)
class Note:
    """What must be known to stop a process that somebody else started."""

    name: str
    title: str
    pid: int
    created: float
    order: int
    run: str
    stop_signal: int
    stop_group: bool
    stop_within: float

    def write(self, folder: Path) -> None:
        beside = folder / f".{self.name}.new"
        beside.write_text(json.dumps(asdict(self)))
        beside.rename(folder / f"{self.name}.json")


def forget(folder: Path, name: str) -> None:
    (folder / f"{name}.json").unlink(missing_ok=True)


def read_all(folder: Path) -> list[Note]:
    """The notes in `folder`, last started first. A note cut short by a crash is dropped."""
    found = []
    for path in folder.glob("*.json"):
        try:
            found.append(Note(**json.loads(path.read_text())))
        except (ValueError, TypeError):
            path.unlink(missing_ok=True)
    return sorted(found, key=lambda note: -note.order)


def leader(note: Note) -> psutil.Process | None:
    """The process of the note while it runs, else None."""
    try:
        process = psutil.Process(note.pid)
        same = abs(process.create_time() - note.created) <= SAME_MOMENT
        return process if same and process.status() not in ENDED else None
    except psutil.Error:
        return None


def members(note: Note) -> Iterator[psutil.Process]:
    """Running processes of the note's group that carry the mark of its run."""
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) != note.pid or process.status() in ENDED:
                continue
            if process.environ().get(MARK) == note.run:
                yield process
        except (psutil.Error, OSError):
            continue


def stop(note: Note) -> bool:
    """End the process and its group: asked first, killed after `stop_within`. True if any ran."""
    main = leader(note)
    asked = [main] if main else []
    if note.stop_group:
        asked += [process for process in members(note) if process != main]
    for process in asked:
        _send(process, signal.Signals(note.stop_signal))
    _wait(asked, note.stop_within)
    rest = [process for process in [*asked, *members(note)] if _runs(process)]
    for process in rest:
        _send(process, signal.SIGKILL)
    _wait(rest, 5)
    return bool(asked or rest)


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.Error:
        return


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() not in ENDED
    except psutil.Error:
        return False


def _wait(processes: list[psutil.Process], seconds: float) -> None:
    until = time.monotonic() + seconds
    while any(_runs(process) for process in processes) and time.monotonic() < until:
        time.sleep(0.02)
