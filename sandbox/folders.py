"""Folders that errands work in: made under a lock, measured while they are used, removed whole.

The lock ends with the process that holds it, however that ends; so a folder that a killed worker
left can be told from one that is in use, also by workers that do not see each other's processes.
"""

import contextlib
import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

ERRAND = "ombud-sandbox-"
DRILL = "ombud-drill-"
PREFIXES = (ERRAND, DRILL)
DEEPEST = 64
BLOCK = 512


class Unmeasurable(Exception):
    """It is hidden from who measures: deeper than anybody needs, or closed to its owner."""


@dataclass(frozen=True)
class Size:
    """What lies in a folder: bytes on the disk, and files and folders."""

    bytes: int
    entries: int


@dataclass(frozen=True)
class Swept:
    """What a sweep found: how many it looked at, which were nobody's, which are in use or young."""

    looked_at: int
    removed: int
    kept: int


@contextlib.contextmanager
def own(prefix: str = ERRAND) -> Iterator[Path]:
    """A new empty folder that no sweep takes away, and that is gone afterwards."""
    folder, lock = _made(prefix)
    try:
        yield folder
    finally:
        remove(folder)
        os.close(lock)


def _made(prefix: str) -> tuple[Path, int]:
    """A sweep may come between making and locking; then another one is made."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        lock = _locked(folder)
        if lock is not None:
            return folder, lock


def _locked(folder: Path) -> int | None:
    """A handle whose lock is ours alone, on a folder that is still there; None if it is not so."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(handle), os.stat(folder)):
            return handle
    except OSError:
        pass
    os.close(handle)
    return None


def sweep(*, older_than: float) -> Swept:
    """Remove our folders that nobody holds and nobody has touched for so many seconds."""
    looked_at = removed = 0
    with os.scandir(tempfile.gettempdir()) as entries:
        found = [entry.path for entry in entries if entry.name.startswith(PREFIXES)]
    for path in found:
        looked_at += 1
        removed += _swept(Path(path), older_than)
    return Swept(looked_at, removed, looked_at - removed)


def _swept(folder: Path, older_than: float) -> bool:
    try:
        about = folder.lstat()
    except FileNotFoundError:
        return False
    age = time.time() - about.st_ctime
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or age < older_than:
        return False
    lock = _locked(folder)
    if lock is None:
        return False
    remove(folder)
    os.close(lock)
    return not folder.exists()


def remove(folder: Path) -> None:
    """Take a folder away whatever it holds; what cannot be removed is left to the next sweep.

    A model can nest folders deeper than any path and any recursion reaches: each is moved up to
    the top and emptied there.
    """
    with contextlib.suppress(OSError):
        while _emptied(folder):
            pass
        folder.rmdir()


def _emptied(folder: Path) -> bool:
    """Remove the files and the topmost folders; True while folders came up from below."""
    more = False
    for entry in _entries(folder):
        if not entry.is_dir(follow_symlinks=False):
            os.unlink(entry.path)
            continue
        for inner in _entries(Path(entry.path)):
            if inner.is_dir(follow_symlinks=False):
                os.chmod(inner.path, stat.S_IRWXU)
                os.rename(inner.path, folder / uuid4().hex)
                more = True
            else:
                os.unlink(inner.path)
        os.rmdir(entry.path)
    return more


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    os.chmod(folder, stat.S_IRWXU)
    with os.scandir(folder) as entries:
        return list(entries)


def measured(folder: Path, *, enough: int) -> Size:
    """What lies in a folder now; counting ends at `enough` entries.

    Raises:
        Unmeasurable: it is nested too deep, or a folder in it cannot be listed.
    """
    size = entries = 0
    waiting = [(str(folder), 0)]
    while waiting and entries <= enough:
        path, depth = waiting.pop()
        if depth > DEEPEST:
            raise Unmeasurable
        for entry in _listed(path):
            entries += 1
            with contextlib.suppress(FileNotFoundError):
                size += entry.stat(follow_symlinks=False).st_blocks * BLOCK
                if entry.is_dir(follow_symlinks=False):
                    waiting.append((entry.path, depth + 1))
    return Size(size, entries)


def _listed(path: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except (FileNotFoundError, NotADirectoryError):
        return []  # it is being changed while it is looked at
    except OSError as error:
        raise Unmeasurable from error


def without_name(pid: int) -> int:
    """Bytes of the files that a process holds open and that have no name any more.

    Raises:
        Unmeasurable: they may not be looked at.
    """
    found: dict[tuple[int, int], int] = {}
    # A thread can have open files of its own.
    for task in _listed(f"/proc/{pid}/task"):
        for handle in _listed(f"{task.path}/fd"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                about = os.stat(handle.path)
                if stat.S_ISREG(about.st_mode) and not about.st_nlink:
                    found[about.st_dev, about.st_ino] = about.st_blocks * BLOCK
    return sum(found.values())


class Quota:
    """What an errand may add to its folder, looked at now and then while it runs."""

    EVERY = 0.25

    def __init__(self, folder: Path, *, most_bytes: int, most_entries: int) -> None:
        self.folder = folder
        before = measured(folder, enough=10**9)
        self.most = Size(before.bytes + most_bytes, before.entries + most_entries)
        self.next = 0.0

    def exceeded(self, pid: int | None) -> bool:
        """Whether there is more than may be, or it cannot be told; at most four times a second.

        Without a process: what it has left behind.
        """
        now = time.monotonic()
        if pid is not None and now < self.next:
            return False
        try:
            there = measured(self.folder, enough=self.most.entries)
            hidden = without_name(pid) if pid is not None else 0
        except Unmeasurable:
            return True
        # A large folder is looked at less often: measuring is to stay a small part of the work.
        self.next = time.monotonic() + max(self.EVERY, 10 * (time.monotonic() - now))
        return there.bytes + hidden > self.most.bytes or there.entries > self.most.entries
