"""Is an archive still what was sealed? Every byte is read again and compared."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from registry.gateways import folders, store
from registry.gateways.store import StoreError
from registry.models import Archive

MANIFEST = "manifest.json"


class ArchiveBroken(Exception):
    """A byte differs, a file is missing or one is too many; the message names it."""


@dataclass(frozen=True)
class Verified:
    """How much was looked at: a verifier that checked nothing has failed."""

    files: int
    bytes: int


def verify(archive: Archive) -> Verified:
    """Read the whole archive and compare it with the digest that the database keeps.

    Raises:
        ArchiveBroken: naming the first file that is not what it was.
    """
    files = sealed_files(archive)
    expected = {f"{archive.path}/{file['path']}" for file in files}
    found = {name for name, _ in store.listed(archive.path)} - {f"{archive.path}/{MANIFEST}"}
    if missing := sorted(expected - found):
        raise ArchiveBroken(f"{missing[0]} is missing.")
    if extra := sorted(found - expected):
        raise ArchiveBroken(f"{extra[0]} is not in the manifest.")
    for file in files:
        for _ in checked(archive.path, file):
            pass
    if not files:
        raise ArchiveBroken("The manifest names no files: nothing was checked.")
    return Verified(len(files), sum(file["size"] for file in files))


def sealed_files(archive: Archive) -> list[dict[str, Any]]:
    """The files that the manifest names, if it is the one that was sealed."""
    name = f"{archive.path}/{MANIFEST}"
    try:
        raw = store.read(name)
    except StoreError as error:
        raise ArchiveBroken(f"{name} is missing.") from error
    if hashlib.sha256(raw).hexdigest() != archive.digest:
        raise ArchiveBroken(f"{name} is not the manifest that was sealed.")
    files: list[dict[str, Any]] = json.loads(raw)["files"]
    return files


def checked(folder: str, file: dict[str, Any]) -> Iterator[bytes]:
    """The bytes of one file, as they are read; broken at the end if they are not the sealed ones.

    Whoever uses the pieces must not trust them before the last one has come.
    """
    name = f"{folder}/{file['path']}"
    digest = hashlib.sha256()
    size = 0
    try:
        for piece in folders.pieces(name):
            digest.update(piece)
            size += len(piece)
            yield piece
    except StoreError as error:
        raise ArchiveBroken(f"{name} is missing.") from error
    if size != file["size"] or digest.hexdigest() != file["sha256"]:
        raise ArchiveBroken(f"{name} is not what was sealed: its bytes have changed.")
