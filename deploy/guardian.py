"""Stops everything when the supervisor itself was killed: `python -m deploy.guardian FOLDER`.

It waits for the end of its standard input, which is a pipe that only the supervisor holds. It
inherits the lock of the folder, so nobody starts a second run before it has finished.
"""

import signal
import subprocess
import sys
from pathlib import Path

from deploy import notes
from deploy.places import PROJECT, Places


def stop_noted(places: Places) -> list[str]:
    """Stop what the notes in this folder name and what is verifiably ours; returns its titles."""
    stopped = []
    for note in notes.read_all(places.notes):
        if notes.stop(note):
            stopped.append(note.title)
        notes.forget(places.notes, note.name)
    return stopped


def start(places: Places, *, lock: int) -> subprocess.Popen[bytes]:
    with places.log("guardian").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "deploy.guardian", str(places.root)],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[lock],
        )


def dismiss(guardian: subprocess.Popen[bytes]) -> None:
    """The supervisor has stopped everything itself."""
    if guardian.stdin:
        guardian.stdin.close()
    guardian.wait(30)


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    sys.stdin.buffer.read()
    stop_noted(Places(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
