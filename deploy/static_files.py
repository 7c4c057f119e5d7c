"""Static files are collected again only when one of them, or the lock file, has changed."""

import hashlib
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.places import PROJECT
from deploy.refusal import Refusal


def collect_if_changed(environment: Mapping[str, str]) -> str:
    target = Path(environment["OMBUD_STATIC_ROOT"])
    stamp = target / ".collected"
    state = state_of_sources()
    if stamp.exists() and stamp.read_text() == state:
        return "unchanged"
    collect(environment)
    target.mkdir(parents=True, exist_ok=True)
    stamp.write_text(state)
    return "collected"


def state_of_sources() -> str:
    """A digest over name, size and time of every source of static files."""
    sources = [PROJECT / "uv.lock", *sorted((PROJECT / "static").rglob("*"))]
    digest = hashlib.sha256()
    for path in sources:
        if path.is_file():
            found = path.stat()
            digest.update(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\n".encode())
    return digest.hexdigest()


def collect(environment: Mapping[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", "collectstatic", "--noinput"],
        env=dict(environment),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise Refusal(f"The static files could not be collected:\n{done.stderr.strip()[-2000:]}")
