"""The checks of the trail, fed row by row: chain, tree, checkpoints and seals. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from audit import chain, merkle
from audit.notes import TreeHead


class Row(Protocol):
    """An event of the chain."""

    sequence: int
    previous: Any
    digest: Any

    def content(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Broken:
    """The first event that does not hold, and why."""

    sequence: int
    reason: str


class Walk:
    """Goes along the chain from its first event, and knows what was signed about it.

    `seals` gathers what the chain's events tell of seals: number → (sequence, root, events).
    """

    def __init__(self, heads: Iterable[TreeHead] = ()) -> None:
        self.checked = 0
        self.confirmed = 0
        self.last = chain.GENESIS
        self.tree = merkle.Frontier()
        self.seals: dict[int, tuple[int, str, int]] = {}
        self._signed = 0
        self._heads: dict[int, list[TreeHead]] = defaultdict(list)
        for head in heads:
            self._heads[head.size].append(head)

    def step(self, event: Row) -> Broken | None:
        """Check the next event: its place, link and digest, and every head signed over it."""
        reason = self._fault(event)
        if reason:
            return Broken(event.sequence, reason)
        self.checked, self.last = event.sequence, bytes(event.digest)
        self.tree.add(merkle.leaf_hash(self.last))
        return self._against(self._heads.pop(self.checked, []))

    def end(self) -> Broken | None:
        """After the last event: whether something was signed that is not there."""
        if not self._heads:
            return None
        longest = max(self._heads)
        missing = longest - self.checked
        if missing <= 0:
            return Broken(1, "a checkpoint counts no events")
        return Broken(
            self.checked + 1,
            f"{missing} events are missing that the checkpoint of "
            f"{self._heads[longest][0].time} counted",
        )

    def _fault(self, event: Row) -> str:
        if event.sequence != self.checked + 1:
            return f"expected event {self.checked + 1} here: an event is missing or was inserted"
        if bytes(event.previous) != self.last:
            return "it does not continue the event before it"
        try:
            content = event.content()
            digest = chain.digest(
                content=content, sequence=event.sequence, previous=bytes(event.previous)
            )
        except (TypeError, ValueError, AttributeError, OverflowError):
            return "its content is not of the form that was written"
        if bytes(event.digest) != digest:
            return "its content was changed after it was written"
        self._note_seal(event.sequence, content)
        return ""

    def _note_seal(self, sequence: int, content: Mapping[str, Any]) -> None:
        if content["event"] == "audit.seal.made":
            told = content["data"]
            self.seals[told["seal"]] = (sequence, told["root"], told["events"])

    def _against(self, heads: list[TreeHead]) -> Broken | None:
        for head in heads:
            if self.tree.root() != head.root or self.last.hex() != head.chain_head:
                return Broken(
                    self._signed + 1,
                    f"events {self._signed + 1} to {head.size} are not those that the checkpoint "
                    f"of {head.time} signed",
                )
            self.confirmed += 1
        self._signed = self.checked if heads else self._signed
        return None


def seal_fault(
    *, told: tuple[int, str, int], leaves: Iterable[tuple[int, bytes, Mapping[str, Any]]]
) -> str:
    """Why a seal does not hold over its members, given as (index, stored leaf hash, content)."""
    _sequence, root, events = told
    tree = merkle.Frontier()
    for expected, (index, leaf, content) in enumerate(leaves):
        if index != expected:
            return f"its row {expected} is missing"
        if merkle.leaf_hash(chain.canonical(content)) != leaf:
            return f"its row {index} was changed after it was sealed"
        tree.add(leaf)
    if tree.size != events or tree.root().hex() != root:
        return f"its {tree.size} rows are not the {events} that were sealed"
    return ""
