"""Sweep: files of the object store that no row knows are removed.

Half-written ones too: a writer that is killed cannot clean up behind itself.
"""

import time
from collections.abc import Collection, Mapping
from typing import Any

from monitoring.models import Batch
from registry.gateways import store
from registry.models import Reference

# A file is written before its row; a younger one may still get it.
OLD_ENOUGH = 6 * 3600
# Folders of the store, and whose `path` their files are.
OWNERS: Mapping[str, Any] = {"predictions": Batch, "outcomes": Batch, "references": Reference}
AT_ONCE = 1_000


def sweep_orphans() -> int:
    """Remove orphaned and half-written files of the prediction log and of references; how many."""
    return sum(_sweep_folder(folder, owner) for folder, owner in OWNERS.items())


def _sweep_folder(folder: str, owner: Any) -> int:
    names = [name for name, _ in store.listed(folder)] + store.unfinished(folder)
    parts = (names[place : place + AT_ONCE] for place in range(0, len(names), AT_ONCE))
    return sum(_sweep(owner, part) for part in parts)


def _sweep(owner: Any, names: Collection[str]) -> int:
    known = set(owner.objects.filter(path__in=names).values_list("path", flat=True))
    old = [
        name
        for name in names
        if name not in known and time.time() - store.modified(name) > OLD_ENOUGH
    ]
    for name in old:
        store.delete(name)
    return len(old)
