"""Where checkpoints go outside the database: an append-only file, or objects in a store.

A local folder gets one file, `checkpoints.txt`, that is only ever appended to (`chattr +a` makes
the kernel refuse everything else). Other stores get one object per checkpoint, by day, which a lock
or a write-once policy of the store can protect. Public keys are in `keys.txt` or objects.
This module is the audit trail's only one that knows fsspec.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fsspec.core import url_to_fs

from audit import notes

LOG, KEYS = "checkpoints.txt", "keys.txt"
SUFFIX, KEY_SUFFIX = ".checkpoint", ".key"
TAIL = 8192


class PlaceUnavailable(Exception):
    """Checkpoints cannot be written to, or read from, the place outside the database."""


@dataclass(frozen=True)
class Place:
    """A folder or fsspec URL that holds checkpoints."""

    url: str

    def append(self, note: str, head: notes.TreeHead) -> str:
        """Write one checkpoint durably; returns where.

        Raises:
            PlaceUnavailable: it is not written.
        """
        with Telling(self.url):
            if folder := self._folder():
                return _appended(folder / LOG, f"{note}\n")
            fs, root = url_to_fs(self.url)
            day, _, hour = head.time.partition("T")
            name = f"{day.replace('-', '/')}/{head.size:012d}-{hour.replace(':', '')}{SUFFIX}"
            fs.pipe_file(f"{root}/{name}", note.encode())
            return f"{self.url.rstrip('/')}/{name}"

    def recent(self) -> list[str]:
        """What was written last, newest first: enough of it to find one whole checkpoint."""
        with Telling(self.url):
            if folder := self._folder():
                return notes.split(_tail(folder / LOG))[::-1]
            fs, root = url_to_fs(self.url)
            path = _last_object(fs, root)
            return [fs.cat_file(path).decode()] if path else []

    def texts(self) -> list[str]:
        """Every checkpoint that is there, oldest first; also of a single file."""
        with Telling(self.url):
            return list(self._texts())

    def add_key(self, key: notes.PublicKey) -> None:
        """Leave the public key beside what it signs, once."""
        if key.key_id in self.keys():
            return
        with Telling(self.url):
            if folder := self._folder():
                _appended(folder / KEYS, f"{key.text}\n")
            else:
                fs, root = url_to_fs(self.url)
                fs.pipe_file(f"{root}/{key.key_id}{KEY_SUFFIX}", f"{key.text}\n".encode())

    def keys(self) -> dict[str, notes.PublicKey]:
        """The public keys that lie there, by their ids."""
        with Telling(self.url):
            found = [notes.public_key(line) for text in self._keys() for line in text.splitlines()]
        return {key.key_id: key for key in found}

    def _texts(self) -> Iterator[str]:
        if folder := self._folder():
            log = folder if folder.is_file() else folder / LOG
            yield from notes.split(log.read_text()) if log.exists() else []
            return
        fs, root = url_to_fs(self.url)
        for path in sorted(fs.find(root)):
            if str(path).endswith(SUFFIX):
                yield from notes.split(fs.cat_file(path).decode())

    def _keys(self) -> Iterator[str]:
        if folder := self._folder():
            file = (folder.parent if folder.is_file() else folder) / KEYS
            yield file.read_text() if file.exists() else ""
            return
        fs, root = url_to_fs(self.url)
        if fs.exists(root):
            for path in fs.ls(root, detail=False):
                if str(path).endswith(KEY_SUFFIX):
                    yield fs.cat_file(path).decode()

    def _folder(self) -> Path | None:
        """The folder, where the place is one of this machine's."""
        if "://" not in self.url:
            return Path(self.url)
        return Path(self.url.removeprefix("file://")) if self.url.startswith("file://") else None


class Telling:
    """Faults of the place become one sentence."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: Any, _trace: object) -> None:
        if isinstance(error, OSError | UnicodeDecodeError):
            raise PlaceUnavailable(f"{self.url} cannot be used: {error}") from error


def _appended(file: Path, text: str) -> str:
    """One write at the end of the file, synced; its folder too when the file is new."""
    new = not file.exists()
    file.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        # A write that was cut short by a crash must not swallow this one.
        whole = "\n\n" + text if not new and not _ends_well(file) else text
        os.write(handle, whole.encode())
        os.fsync(handle)
    finally:
        os.close(handle)
    if new:
        _sync(file.parent)
    return str(file)


def _ends_well(file: Path) -> bool:
    with file.open("rb") as source:
        size = source.seek(0, os.SEEK_END)
        source.seek(max(0, size - 1))
        return source.read() in {b"", b"\n"}


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _tail(file: Path) -> str:
    if not file.exists():
        return ""
    with file.open("rb") as source:
        size = source.seek(0, os.SEEK_END)
        source.seek(max(0, size - TAIL))
        return source.read().decode(errors="replace")


def _last_object(fs: Any, root: str) -> str | None:
    """The newest object, by walking down the newest year, month and day."""
    folder = root
    for _ in range(4):
        if not fs.exists(folder):
            return None
        fs.invalidate_cache(folder)
        names = [str(name).rstrip("/") for name in fs.ls(folder, detail=False)]
        dated = [name for name in names if not name.endswith(KEY_SUFFIX)]
        if not dated:
            return None
        # Inside a day by the time that the name ends with; sizes come first for people's eyes.
        folder = max(dated, key=lambda name: (name.rsplit("-", 1)[-1], name))
    return folder
