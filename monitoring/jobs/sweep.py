"""Sweep: files of the object store that no row knows are removed.

Half-written ones too: a writer that is killed cannot clean up behind itself.
"""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from monitoring.gateways.retraining_files import FOLDER, place_of
from monitoring.models import Batch, RetrainingStep
from registry.gateways import store
from registry.models import Reference

# A file is written before its row; a younger one may still get it.
OLD_ENOUGH = 6 * 3600
AT_ONCE = 1_000
Known = Callable[[Collection[str]], set[str]]


def _at_paths(owner: Any) -> Known:
    """Those of the names that are some row's `path`."""

    def known(names: Collection[str]) -> set[str]:
        return set(owner.objects.filter(path__in=names).values_list("path", flat=True))

    return known


def _of_steps(names: Collection[str]) -> set[str]:
    """Those of the names that a step of a retraining has kept."""
    numbers = {parts[1] for name in names if len(parts := name.split("/")) > 1}
    rows = RetrainingStep.objects.filter(retraining__in=[int(n) for n in numbers if n.isdigit()])
    return {
        place_of(retraining_id, step, name, digest)
        for retraining_id, step, files in rows.values_list("retraining_id", "name", "files")
        for name, digest in files.items()
    }


# Folders of the store, and which of their files some row knows.
KNOWN: Mapping[str, Known] = {
    "predictions": _at_paths(Batch),
    "outcomes": _at_paths(Batch),
    "references": _at_paths(Reference),
    FOLDER: _of_steps,
}


def sweep_orphans() -> int:
    """Remove orphaned and half-written files of logs, references and retrainings; how many."""
    return sum(_sweep_folder(folder, known) for folder, known in KNOWN.items())


def _sweep_folder(folder: str, known: Known) -> int:
    names = [name for name, _ in store.listed(folder)] + store.unfinished(folder)
    parts = (names[place : place + AT_ONCE] for place in range(0, len(names), AT_ONCE))
    return sum(_sweep(known(part), part) for part in parts)


def _sweep(known: Collection[str], names: Collection[str]) -> int:
    old = [
        name
        for name in names
        if name not in known and time.time() - store.modified(name) > OLD_ENOUGH
    ]
    for name in old:
        store.delete(name)
    return len(old)
