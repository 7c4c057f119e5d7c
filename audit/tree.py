"""The RFC 6962 tree over the chain: leaf `sequence - 1` is the event's digest.

Heads over 256, 65,536, … events are stored when they are complete, so that a checkpoint or a proof
reads some hundred rows, however long the chain is.
"""

from collections.abc import Iterator
from itertools import count

from django.db.models import Max

from audit import merkle
from audit.models import Event, Subtree

STEP = 8
WIDTH = 1 << STEP


class TreeIncomplete(Exception):
    """Events or stored subtrees are missing: the trail must be verified."""


def leaf(event: Event) -> bytes:
    return merkle.leaf_hash(bytes(event.digest))


class StoredTree:
    """Complete subtrees, from rows that are read a level-wide block at a time."""

    def __init__(self) -> None:
        self._blocks: dict[tuple[int, int], list[bytes]] = {}

    def look(self, level: int, index: int) -> bytes:
        """The hash over the leaves [index << level, (index + 1) << level).

        Raises:
            TreeIncomplete: the trail does not have them all.
        """
        below = level - level % STEP
        width = 1 << (level - below)
        start = index * width
        block = self._block(below, start // WIDTH)
        at = start % WIDTH
        hashes = block[at : at + width]
        if len(hashes) != width:
            raise TreeIncomplete(f"the tree lacks {level}/{index}")
        return merkle.root(hashes)

    def _block(self, level: int, index: int) -> list[bytes]:
        if (level, index) not in self._blocks:
            self._blocks[level, index] = list(_hashes(level, index * WIDTH, (index + 1) * WIDTH))
        return self._blocks[level, index]


def _hashes(level: int, start: int, end: int) -> Iterator[bytes]:
    """The stored hashes of one level, in order, without gaps."""
    if level == 0:
        rows = Event.objects.filter(sequence__gt=start, sequence__lte=end).order_by("sequence")
        found = (
            (sequence - 1, merkle.leaf_hash(bytes(digest)))
            for sequence, digest in rows.values_list("sequence", "digest").iterator(
                chunk_size=WIDTH * 16
            )
        )
    else:
        stored = Subtree.objects.filter(level=level, index__gte=start, index__lt=end)
        found = (
            (at, bytes(digest))
            for at, digest in stored.order_by("index").values_list("index", "digest")
        )
    for expected, (at, hashed) in zip(count(start), found, strict=False):
        if at != expected:
            raise TreeIncomplete(f"the tree lacks {level}/{expected}")
        yield hashed


def extend(size: int) -> None:
    """Store the subtrees that are complete in a tree of `size` leaves; each once."""
    level = STEP
    while size >> level:
        done = Subtree.objects.filter(level=level).aggregate(last=Max("index"))["last"]
        first, ended = 0 if done is None else done + 1, size >> level
        block: list[bytes] = []
        for hashed in _hashes(level - STEP, first * WIDTH, ended * WIDTH):
            block.append(hashed)
            if len(block) == WIDTH:
                _store(level, first, merkle.root(block))
                block, first = [], first + 1
        level += STEP


def _store(level: int, index: int, digest: bytes) -> None:
    Subtree.objects.bulk_create(
        [Subtree(level=level, index=index, digest=digest)], ignore_conflicts=True
    )
