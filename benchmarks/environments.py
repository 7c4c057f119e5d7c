"""The peers' virtual environments under var/peers/, made once from the pinned lists beside them.

Each list holds every package of an environment in which the peer imports and runs on Python 3.11;
what pip chooses by itself does not (numpy 2 and pandas 3 are too new for them).
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.children import PROJECT

LISTS = PROJECT / "benchmarks" / "peers"
FOLDER = PROJECT / "var" / "peers"
PEERS = ("evidently", "nannyml", "fairlearn")


def python_of(peer: str) -> str:
    """The interpreter of a peer's environment, which is made where it is not there or outdated.

    Raises:
        subprocess.CalledProcessError: the packages cannot be installed.
    """
    pins, home = LISTS / f"{peer}.txt", FOLDER / peer
    python, stamp = home / "bin" / "python", home / ".pins"
    wanted = hashlib.sha256(pins.read_bytes()).hexdigest()
    if not python.exists() or not stamp.exists() or stamp.read_text() != wanted:
        FOLDER.mkdir(parents=True, exist_ok=True)
        _perform("venv", "--clear", "--python", sys.executable, str(home))
        _perform("pip", "install", "--python", str(python), "-r", str(pins))
        stamp.write_text(wanted)
    return str(python)


def _perform(*arguments: str) -> None:
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv") or "uv"
    subprocess.run([uv, *arguments, "--quiet"], check=True)  # noqa: S603 - our own command
