"""One Ombud per folder: an advisory lock that ends with its holder, however that ends."""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

from deploy.child import created
from deploy.console import say
from deploy.notes import SAME_MOMENT
from deploy.places import Places
from deploy.refusal import Refusal

TIDYING_WITHIN = 30


@contextmanager
def held(places: Places, *, address: str) -> Iterator[int]:
    """Hold the lock; yields its descriptor, which the guardian inherits.

    A supervisor killed with -9 leaves the lock to its guardian until that has stopped everything,
    so a start that follows at once waits for it instead of meeting half-stopped servers.
    """
    with places.lock.open("a+") as stream:
        _take(stream, places)
        stream.truncate(0)
        holder = {"pid": os.getpid(), "created": created(os.getpid()), "address": address}
        stream.write(json.dumps(holder))
        stream.flush()
        yield stream.fileno()
        stream.truncate(0)


def _take(stream: IO[str], places: Places) -> None:
    until = time.monotonic() + TIDYING_WITHIN
    waited = False
    while not _locked(stream):
        refuse_if_running(stream, places)
        if time.monotonic() > until:
            raise Refusal(
                f"Servers of an earlier run in {places.root} do not end; see {places.logs}."
            )
        if not waited:
            say("An earlier run is still being stopped; waiting for it.")
        waited = True
        time.sleep(0.1)


def _locked(stream: IO[str]) -> bool:
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def refuse_if_running(stream: IO[str], places: Places) -> None:
    stream.seek(0)
    try:
        holder = json.loads(stream.read())
        pid, since, address = int(holder["pid"]), float(holder["created"]), holder["address"]
    except (ValueError, KeyError):
        return  # being written this moment, or being stopped
    if abs(created(pid) - since) <= SAME_MOMENT:
        raise Refusal(
            f"Ombud already runs from {places.root} (process {pid}, {address}). "
            f"Stop it with Ctrl-C in its terminal, or with: kill {pid}"
        )


def is_running(places: Places) -> bool:
    """Whether somebody holds the lock of this folder."""
    if not places.lock.exists():
        return False
    with places.lock.open("a+") as stream:
        return not _locked(stream)
