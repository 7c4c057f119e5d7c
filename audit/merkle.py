"""Merkle trees as RFC 6962 (and RFC 9162) define them: hashes, proofs and their verification. Pure.

A leaf is hashed with 0x00 in front, a node with 0x01, so that none can be passed off as the other.
Trees are given as the list of their leaf hashes, or as a function that knows complete subtrees:
`Lookup(level, index)` is the hash over the leaves [index * 2**level, (index + 1) * 2**level).
"""

import hashlib
from collections.abc import Callable, Iterable, Sequence

LEAF = b"\x00"
NODE = b"\x01"
EMPTY = hashlib.sha256(b"").digest()

Lookup = Callable[[int, int], bytes]


def leaf_hash(content: bytes) -> bytes:
    return hashlib.sha256(LEAF + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(NODE + left + right).digest()


class Frontier:
    """A tree that grows leaf by leaf and remembers only its complete subtrees: O(log n) hashes."""

    def __init__(self) -> None:
        self.size = 0
        self._peaks: list[bytes] = []
        self._edge: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """Append one leaf hash."""
        self.size += 1
        self._edge = [leaf]
        ended = self.size
        while ended % 2 == 0:
            leaf = node_hash(self._peaks.pop(), leaf)
            self._edge.append(leaf)
            ended //= 2
        self._peaks.append(leaf)

    def root(self) -> bytes:
        return _folded(self._peaks)

    def last_complete(self, level: int) -> bytes:
        """The hash over the last 2**level leaves, where they are a complete subtree.

        Raises:
            ValueError: they are none.
        """
        if not self.size or self.size % (1 << level):
            raise ValueError(f"{self.size} leaves do not end with a subtree of level {level}")
        # The last peak covers a multiple of them: its right edge was hashed on the way.
        return self._edge[level]


def root(leaves: Iterable[bytes]) -> bytes:
    """The tree's head over these leaf hashes; of no leaves, the hash of nothing."""
    grown = Frontier()
    for leaf in leaves:
        grown.add(leaf)
    return grown.root()


def in_memory(leaves: Sequence[bytes]) -> Lookup:
    """Complete subtrees of a list of leaf hashes."""

    def look(level: int, index: int) -> bytes:
        return root(leaves[index << level : (index + 1) << level])

    return look


def range_hash(look: Lookup, start: int, end: int) -> bytes:
    """The hash over the leaves [start, end), where `start` is the beginning of a subtree."""
    return _folded([look(level, index) for level, index in _peaks(start, end)])


def root_at(look: Lookup, size: int) -> bytes:
    return range_hash(look, 0, size)


def inclusion_proof(look: Lookup, index: int, size: int) -> list[bytes]:
    """The hashes that lead from leaf `index` to the head of the tree of `size` leaves.

    Raises:
        ValueError: the tree has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    path, start, end = [], 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(range_hash(look, middle, end))
            end = middle
        else:
            path.append(range_hash(look, start, middle))
            start = middle
    return path[::-1]


def consistency_proof(look: Lookup, old: int, new: int) -> list[bytes]:
    """The hashes that show that the tree of `new` leaves begins with the tree of `old` leaves.

    Raises:
        ValueError: there is no such pair of trees.
    """
    if not 0 < old <= new:
        raise ValueError(f"no tree of {new} leaves grew from one of {old}")
    path, start, end, whole = [], 0, new, True
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(range_hash(look, middle, end))
            end = middle
        else:
            path.append(range_hash(look, start, middle))
            start, whole = middle, False
    if not whole:
        path.append(range_hash(look, start, end))
    return path[::-1]


def verify_inclusion(
    *, leaf: bytes, index: int, size: int, path: Sequence[bytes], head: bytes
) -> bool:
    """Whether `leaf` (a leaf hash) is leaf `index` of the tree with this size and head."""
    if not 0 <= index < size:
        return False
    found, at, last = leaf, index, size - 1
    for step in path:
        if last == 0:
            return False
        if at % 2 == 1 or at == last:
            found = node_hash(step, found)
            while at % 2 == 0 and at != 0:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, step)
        at, last = at >> 1, last >> 1
    return last == 0 and found == head


def verify_consistency(
    *, old: int, new: int, old_head: bytes, new_head: bytes, path: Sequence[bytes]
) -> bool:
    """Whether the tree of `new` leaves begins with the tree of `old` leaves."""
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and old_head == new_head
    steps = [old_head, *path] if old & (old - 1) == 0 else list(path)
    return bool(steps) and _grows(old - 1, new - 1, steps) == (old_head, new_head)


def _grows(at: int, last: int, steps: list[bytes]) -> tuple[bytes, bytes] | None:
    """Both heads as the steps of a consistency proof lead to them."""
    while at % 2 == 1:
        at, last = at >> 1, last >> 1
    before = after = steps[0]
    for step in steps[1:]:
        if last == 0:
            return None
        if at % 2 == 1 or at == last:
            before, after = node_hash(step, before), node_hash(step, after)
            while at % 2 == 0 and at != 0:
                at, last = at >> 1, last >> 1
        else:
            after = node_hash(after, step)
        at, last = at >> 1, last >> 1
    return (before, after) if last == 0 else None


def _split(width: int) -> int:
    """The largest power of two below `width`."""
    return 1 << (width - 1).bit_length() - 1


def _peaks(start: int, end: int) -> list[tuple[int, int]]:
    """The complete subtrees that fill [start, end), from left to right, as (level, index)."""
    found = []
    while start < end:
        fits = (end - start).bit_length() - 1
        level = min(fits, (start & -start).bit_length() - 1) if start else fits
        found.append((level, start >> level))
        start += 1 << level
    return found


def _folded(peaks: Sequence[bytes]) -> bytes:
    if not peaks:
        return EMPTY
    head = peaks[-1]
    for peak in reversed(peaks[:-1]):
        head = node_hash(peak, head)
    return head
