"""Python environments of archived versions: told apart from ours, or rebuilt from wheels at hand.

Nothing is downloaded: a rebuild takes its wheels from one local folder (`OMBUD_WHEELS`).
"""

import importlib.metadata
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*(?:\[[A-Za-z0-9,._ -]*\])?"
VERSION = r"[A-Za-z0-9.*!+_-]+"
PINNED = re.compile(
    r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([A-Za-z0-9.!+_-]+)\s*(?:;.*)?$"
)
# A name and versions, and nothing that names a place: what an archive says must not make pip run
# what lies there.
LOOSE = re.compile(rf"^{NAME}\s*(?:(?:<|>|<=|>=|!=|~=|===?)\s*{VERSION}\s*,?\s*)*$")
BUILD_SECONDS = 900
NOTHING_OF_OURS = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
SAID = 400


class CannotRebuild(Exception):
    """The environment cannot be had here; says what is missing and how to mend it."""


@dataclass(frozen=True)
class Lock:
    """What an archive says that its model needs: a Python, and packages by exact version."""

    python: str
    packages: tuple[tuple[str, str], ...]
    loose: tuple[str, ...]

    def differences(self) -> list[str]:
        """What is otherwise in the environment that runs this, in words."""
        found = []
        if self.python and _series(self.python) != _series(platform.python_version()):
            found.append(f"Python {platform.python_version()} instead of {self.python}")
        for name, version in self.packages:
            here = _installed(name)
            if here != version:
                found.append(f"{name} {here or 'not installed'} instead of {version}")
        return found


def lock_of(requirements: str, python_env: str) -> Lock:
    """Read MLflow's `requirements.txt` and `python_env.yaml`; lines without `==` are loose."""
    lines = [line.strip() for line in requirements.splitlines()]
    wanted = [line for line in lines if line and not line.startswith(("#", "-"))]
    pinned = [match for line in wanted if (match := PINNED.match(line))]
    loose = tuple(line for line in wanted if not PINNED.match(line))
    python = re.search(r"^python:\s*['\"]?([0-9.]+)", python_env, re.MULTILINE)
    packages = tuple((match[1], match[2]) for match in pinned)
    return Lock(python[1] if python else "", packages, loose)


def rebuild(lock: Lock, folder: Path, wheels: str) -> Path:
    """A new folder with exactly these packages, to be imported from in the sandbox only.

    They are unpacked beside the interpreter that unpacks them and not into it: no wheel replaces
    a program or a module that is run here.

    Raises:
        CannotRebuild: no folder of wheels, another Python, or a wheel is missing.
    """
    if lock.python and _series(lock.python) != _series(platform.python_version()):
        raise CannotRebuild(
            f"It needs Python {lock.python}, and Ombud runs on {platform.python_version()}."
        )
    if not wheels:
        raise CannotRebuild(
            "Its packages are others than ours, and there is no folder of wheels to build them "
            "from: put them into one and name it in OMBUD_WHEELS."
        )
    odd = [line for line in lock.loose if not LOOSE.match(line)]
    if odd:
        raise CannotRebuild(f"It asks for more than a name and versions: {odd[0][:100]}")
    tools, packages = folder / "tools", folder / "packages"
    folder.mkdir()
    _say([sys.executable, "-I", "-m", "venv", str(tools)], folder)
    pins = [f"{name}=={version}" for name, version in lock.packages]
    options = ["--no-index", "--find-links", wheels, "--only-binary", ":all:", "--no-cache-dir"]
    options += ["--disable-pip-version-check", "--isolated", "--no-compile", "--quiet"]
    pip = [str(tools / "bin" / "python"), "-I", "-m", "pip", "install", *options]
    _say([*pip, "--target", str(packages), *pins, *lock.loose], folder)
    return packages


def _say(command: Iterable[str], folder: Path) -> None:
    try:
        done = subprocess.run(  # noqa: S603 - our own interpreter; names and versions are checked
            list(command),
            capture_output=True,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
            env=NOTHING_OF_OURS | {"TMPDIR": str(folder)},
        )
    except subprocess.TimeoutExpired as error:
        raise CannotRebuild(f"It was not built within {BUILD_SECONDS} seconds.") from error
    if done.returncode:
        last = [line for line in done.stderr.splitlines() if line.strip()][-2:]
        raise CannotRebuild(f"It cannot be built: {' '.join(last)[:SAID]}")


def _installed(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _series(version: str) -> str:
    return ".".join(version.split(".")[:2])
