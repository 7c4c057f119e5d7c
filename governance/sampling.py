"""Seeded samples that anybody can draw again. Pure.

Each item of the population has a name: its kind, a colon and its number (`change_request:17`).
Its key is the SHA-256 of the algorithm's name, the seed and that name, each on a line of its own.
The sample is the items with the smallest keys. So the order of the population does not matter, and
a larger sample with the same seed contains the smaller one.

The digest of the population is the SHA-256 of its names, one a line, in the order of their numbers.
"""

import hashlib
from collections.abc import Iterable

ALGORITHM = "ombud-sample/1"


def name_of(kind: str, number: int) -> str:
    return f"{kind}:{number}"


def key_of(seed: str, name: str) -> str:
    """What decides whether an item is drawn, in hex."""
    return hashlib.sha256(f"{ALGORITHM}\n{seed}\n{name}\n".encode()).hexdigest()


def drawn(*, kind: str, numbers: Iterable[int], seed: str, size: int) -> list[tuple[int, str]]:
    """The sample as (number, key), smallest key first; the whole population if it is smaller."""
    keyed = ((number, key_of(seed, name_of(kind, number))) for number in set(numbers))
    return sorted(keyed, key=lambda one: one[1])[:size]


def digest_of(*, kind: str, numbers: Iterable[int]) -> str:
    """What the population was, in one line."""
    lines = "".join(f"{name_of(kind, number)}\n" for number in sorted(set(numbers)))
    return hashlib.sha256(lines.encode()).hexdigest()
