"""Sweep: files of the object store that no manifest row knows are removed.

Half-written ones too: a writer that is killed cannot clean up behind itself.
"""

import time

from monitoring.models import Batch
from registry.gateways import store

# A file is written before its row; a younger one may still get it.
OLD_ENOUGH = 6 * 3600
FOLDERS = ("predictions", "outcomes")
AT_ONCE = 1_000


def sweep_orphans() -> int:
    """Remove orphaned and half-written files of the prediction log; returns how many."""
    names = [name for folder in FOLDERS for name, _ in store.listed(folder)]
    names += [name for folder in FOLDERS for name in store.unfinished(folder)]
    return sum(_sweep(names[place : place + AT_ONCE]) for place in range(0, len(names), AT_ONCE))


def _sweep(names: list[str]) -> int:
    known = set(Batch.objects.filter(path__in=names).values_list("path", flat=True))
    old = [
        name
        for name in names
        if name not in known and time.time() - store.modified(name) > OLD_ENOUGH
    ]
    for name in old:
        store.delete(name)
    return len(old)
