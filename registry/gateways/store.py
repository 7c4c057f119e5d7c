"""The object store: prediction logs and archives as files under names, local or S3-compatible.

A name is a relative path (`predictions/7/2026-04-01/12.parquet`). A file is there whole or not at
all: locally it is written beside, synced and renamed; S3 shows an object only when its upload is
complete. This module is the only one that knows fsspec.
"""

import hashlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, cast

from django.conf import settings
from fsspec.core import url_to_fs

CHUNK = 1024 * 1024
# What unfinished local files are called; `listed` does not show them.
UNFINISHED = ".unfinished-"


class StoreError(Exception):
    """The store was asked for something that is not there, or by a name that is none."""


def put_bytes(name: str, data: bytes) -> str:
    """Write a file whole and durably, replacing an earlier one; returns its SHA-256."""
    fs, path = _place(name)
    if _is_local(fs):
        _write_local(Path(path), lambda sink: sink.write(data))
    else:
        fs.pipe_file(path, data)
    return hashlib.sha256(data).hexdigest()


def put_file(name: str, source: Path) -> str:
    """Copy a local file into the store whole and durably; returns its SHA-256."""
    fs, path = _place(name)
    if _is_local(fs):
        with source.open("rb") as opened:
            _write_local(Path(path), lambda sink: shutil.copyfileobj(opened, sink, CHUNK))
    else:
        fs.put_file(str(source), path)
    with source.open("rb") as opened:
        return _sha256(opened)


@contextmanager
def opened(name: str) -> Iterator[BinaryIO]:
    """A stored file for reading; it can seek.

    Raises:
        StoreError: there is no such file.
    """
    fs, path = _place(name)
    try:
        source = fs.open(path, "rb")
    except FileNotFoundError as error:
        raise StoreError(f"The store has no file {name}.") from error
    with source:
        yield cast("BinaryIO", source)


def read(name: str) -> bytes:
    """The bytes of a stored file; `StoreError` if there is none."""
    with opened(name) as source:
        return source.read()


def digest(name: str) -> str:
    """The SHA-256 of a stored file, read anew; `StoreError` if there is none."""
    with opened(name) as source:
        return _sha256(source)


def exists(name: str) -> bool:
    fs, path = _place(name)
    return bool(fs.isfile(path))


def delete(name: str) -> None:
    """Remove one file; removing what is not there is no error, so that it may be repeated."""
    fs, path = _place(name)
    try:
        fs.rm_file(path)
    except FileNotFoundError:
        return


def listed(folder: str) -> list[tuple[str, int]]:
    """Every (name, size) below a folder, in order of names; nothing if the folder is not there."""
    return [pair for pair in _found(folder) if UNFINISHED not in pair[0]]


def unfinished(folder: str) -> list[str]:
    """What is being written below a folder, or was when its writer died."""
    return [name for name, _ in _found(folder) if UNFINISHED in name]


def _found(folder: str) -> list[tuple[str, int]]:
    fs, path = _place(folder)
    root = _place(".")[1].rstrip("/") + "/"
    fs.invalidate_cache(path)
    found = fs.find(path, detail=True).items()
    names = [(str(at).removeprefix(root), int(about["size"] or 0)) for at, about in found]
    return sorted(names)


def modified(name: str) -> float:
    """When a file was last written, in seconds since 1970."""
    fs, path = _place(name)
    return float(fs.modified(path).timestamp())


def filesystem() -> tuple[Any, Callable[[str], str]]:
    """The fsspec file system, and what turns a name into its path there (for Arrow and DuckDB)."""
    return _connect(settings.STORE_URL)[0], lambda name: _place(name)[1]


def _place(name: str) -> tuple[Any, str]:
    fs, root = _connect(settings.STORE_URL)
    checked = "" if name == "." else _checked(name)
    return fs, f"{root.rstrip('/')}/{checked}".rstrip("/")


@lru_cache(maxsize=8)
def _connect(url: str) -> tuple[Any, str]:
    fs, root = url_to_fs(url)
    return fs, str(root)


def _checked(name: str) -> str:
    """The name, if it stays inside the store: relative, no `..`, no backslash, no control signs."""
    parts = PurePosixPath(name).parts
    plain = "\\" not in name and name.isprintable()
    if not parts or not plain or name.startswith("/") or ".." in parts or len(name) > 900:
        raise StoreError(f"{name!r} is no name in the store: give a relative path inside it.")
    return "/".join(parts)


def _is_local(fs: Any) -> bool:
    return "file" in ((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol)


def _write_local(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Write beside, sync, rename, sync the folder: after a crash it is the old file or the new."""
    made = _make_folders(path.parent)
    beside = path.parent / f"{UNFINISHED}{secrets.token_hex(8)}"
    try:
        with beside.open("xb") as sink:
            write(sink)
            sink.flush()
            os.fsync(sink.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    for folder in {path.parent, *made}:
        _sync_folder(folder)


def _make_folders(folder: Path) -> list[Path]:
    """Make what is missing; returns the folders that got a new entry."""
    missing, above = [], folder
    while not above.exists():
        above = above.parent
        missing.append(above)
    folder.mkdir(parents=True, exist_ok=True)
    return missing


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(source: BinaryIO) -> str:
    found = hashlib.sha256()
    while piece := source.read(CHUNK):
        found.update(piece)
    return found.hexdigest()
