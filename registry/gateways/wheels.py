"""Hashes of the wheels that packages come from, and what is installed here.

An installed package does not say which wheel it came from. So hashes are taken from the folder of
wheels at hand (`OMBUD_WHEELS`), and from `uv.lock`, which names the wheels of exactly that version.
"""

import hashlib
import platform
import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from importlib import metadata
from pathlib import Path

from django.conf import settings

CHUNK = 1024 * 1024
NAMED = re.compile(r"[A-Za-z0-9][\w.\-]*")


@dataclass(frozen=True)
class Hashes:
    """SHA-256 of wheels of one package and version, and where they were found."""

    sha256: tuple[str, ...]
    source: str


NOT_KNOWN = Hashes((), "")


def plain_name(name: str) -> str:
    """The name as package indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def hashes_of(name: str, version: str) -> Hashes:
    """Of the wheels at hand, else of those that the lock file names; empty if nobody knows."""
    if found := _in_folder(plain_name(name), version):
        return Hashes(found, "folder of wheels")
    if found := _locked().get((plain_name(name), version), ()):
        return Hashes(found, "uv.lock")
    return NOT_KNOWN


def installed(names: Iterable[str]) -> list[tuple[str, str]]:
    """These packages and all that they need, as they are installed here: name and version."""
    found: dict[str, str] = {}
    waiting = [plain_name(name) for name in names]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            there = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        found[name] = there.version
        waiting += _needed(there.requires or [])
    return sorted(found.items())


def here() -> dict[str, str]:
    """The Python and the machine that this runs on."""
    return {"python": platform.python_version(), "platform": platform.platform()}


def _needed(lines: Iterable[str]) -> list[str]:
    """Names in these lines of `Requires-Dist`; what an extra asks for is left out."""
    named = (NAMED.match(line) for line in lines if "extra" not in line.partition(";")[2])
    return [plain_name(match[0]) for match in named if match]


def _in_folder(name: str, version: str) -> tuple[str, ...]:
    if not settings.WHEELS:
        return ()
    files = sorted(Path(settings.WHEELS).glob("*.whl"))
    return tuple(_sha256(path) for path in files if _is_of(path, name, version))


def _is_of(path: Path, name: str, version: str) -> bool:
    parts = path.name.split("-")
    return len(parts) > 2 and (plain_name(parts[0]), parts[1]) == (name, version)


def _sha256(path: Path) -> str:
    found = hashlib.sha256()
    with path.open("rb") as source:
        while piece := source.read(CHUNK):
            found.update(piece)
    return found.hexdigest()


@lru_cache(maxsize=1)
def _locked() -> dict[tuple[str, str], tuple[str, ...]]:
    """Name and version -> hashes of the wheels that the lock file of this installation names."""
    path = Path(settings.ROOT) / "uv.lock"
    if not path.is_file():
        return {}
    packages = tomllib.loads(path.read_text(encoding="utf-8")).get("package", [])
    return {
        (plain_name(one["name"]), str(one.get("version", ""))): tuple(
            wheel["hash"].removeprefix("sha256:") for wheel in one.get("wheels", [])
        )
        for one in packages
    }
