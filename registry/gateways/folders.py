"""Whole folders in the object store: built beside, synced, then there at once.

In a local store a folder is renamed into place. S3 knows no rename: there the file named as `last`
is uploaded when all others are, and a folder without it does not count.
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from registry.gateways import object_locks, store
from registry.gateways.store import UNFINISHED

CHUNK = 1024 * 1024


@contextmanager
def staged(name: str) -> Iterator[Path]:
    """An empty local folder to be filled and published as `name`; gone afterwards, used or not."""
    fs, place = store.filesystem()
    if _is_local(fs):
        final = Path(place(name))
        final.parent.mkdir(parents=True, exist_ok=True)
        folder = final.parent / f"{UNFINISHED}{final.name}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    else:
        folder = Path(tempfile.mkdtemp(prefix="ombud-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a new file inside a staged folder and sync it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as sink:
        for piece in pieces:
            sink.write(piece)
        sink.flush()
        os.fsync(sink.fileno())


def publish(folder: Path, name: str, *, last: str) -> None:
    """Put a staged folder into its place, whole and durably; the place must be free."""
    fs, place = store.filesystem()
    if not _is_local(fs):
        _upload(folder, name, last)
        return
    for inside in sorted((path for path in folder.rglob("*") if path.is_dir()), reverse=True):
        _sync(inside)
    _sync(folder)
    final = Path(place(name))
    folder.rename(final)
    for above in (final.parent, final.parent.parent, final.parent.parent.parent):
        _sync(above)


def sweep(parent: str, *, finished: Iterable[str]) -> None:
    """Remove these folders below `parent` and what was left of building them.

    What a store has locked is hidden there, and its bytes stay until its day (`locked_back`).
    """
    fs, place = store.filesystem()
    for name in finished:
        if not _is_local(fs):
            object_locks.remove_unlocked(f"{parent}/{name}")
        for leftover in (name, f"{UNFINISHED}{name}"):
            with suppress(FileNotFoundError):
                fs.rm(f"{place(parent)}/{leftover}", recursive=True)


def names(parent: str) -> list[str]:
    """Folders directly below `parent`, built or half built, by the name they have or get."""
    fs, place = store.filesystem()
    try:
        fs.invalidate_cache(place(parent))
        found = fs.ls(place(parent), detail=False)
    except FileNotFoundError:
        return []
    return sorted(
        {str(path).rstrip("/").rpartition("/")[2].removeprefix(UNFINISHED) for path in found}
    )


def locked_back(parent: str, *, but: str) -> dict[str, int]:
    """Folder -> files that the store keeps below `parent` by their locks, except of one folder."""
    fs, _ = store.filesystem()
    if _is_local(fs):
        return {}
    return {name: n for name, n in object_locks.kept_back(parent).items() if name != but}


def pieces(name: str) -> Iterator[bytes]:
    """The bytes of a stored file in pieces of at most 1 MiB."""
    with store.opened(name) as source:
        while piece := source.read(CHUNK):
            yield piece


def _upload(folder: Path, name: str, last: str) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    for path in sorted(files, key=lambda path: path == folder / last):
        store.put_file(f"{name}/{path.relative_to(folder).as_posix()}", path)


def _is_local(fs: Any) -> bool:
    return "file" in ((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol)


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove(name: str, *, first: str) -> None:
    """Remove every file of a folder, `first` before the others; what is gone already is no error.

    In a store that keeps versions every version is removed, else the bytes would stay.
    """
    files = [path for path, _ in store.listed(name)] + store.unfinished(name)
    for path in sorted(files, key=lambda path: path != f"{name}/{first}"):
        store.delete(path)
    fs, place = store.filesystem()
    if _is_local(fs):
        shutil.rmtree(place(name), ignore_errors=True)
        above = Path(place(name)).parent
        if above.is_dir():
            _sync(above)
    else:
        object_locks.remove_versions(name)


def remove_file(name: str) -> None:
    """Remove one file, in a store that keeps versions all of them; gone already is no error."""
    store.delete(name)
    fs, _ = store.filesystem()
    if not _is_local(fs):
        object_locks.remove_versions_of(name)


def file_left(name: str) -> bool:
    """Whether one file is in the store, in any version."""
    fs, _ = store.filesystem()
    return store.exists(name) or bool(not _is_local(fs) and object_locks.versions_of(name))


def left(name: str) -> int:
    """How many files of a folder are in the store, in any version."""
    fs, _ = store.filesystem()
    versions = 0 if _is_local(fs) else len(object_locks.versions(name))
    return len(store.listed(name)) + len(store.unfinished(name)) + versions
