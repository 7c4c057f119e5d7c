"""Proofs for people outside: an event is in the trail, one checkpoint grew from another.

Each carries the signed checkpoint it leads to, so that it can be checked without this database.
"""

from dataclasses import dataclass
from typing import Any

from audit import chain, merkle, notes, tree
from audit.models import Checkpoint, Event

FORMAT = "ombud-audit-proof/1"


class NotProvable(Exception):
    """There is no checkpoint that could prove this (yet)."""


@dataclass(frozen=True)
class InclusionProof:
    event: Event
    path: list[str]
    checkpoint: Checkpoint

    def content(self) -> dict[str, Any]:
        """The proof as JSON; `clients/ombud_verify.py` checks it."""
        return {
            "format": FORMAT,
            "event": exported(self.event),
            "index": self.event.sequence - 1,
            "size": self.checkpoint.size,
            "path": self.path,
            "checkpoint": self.checkpoint.note,
            "keys": self.checkpoint.keys.splitlines(),
        }

    def text(self) -> str:
        """The proof as C2SP's one-file form, with the event itself as its extra data."""
        extra = notes.based(chain.canonical(exported(self.event)))
        lines = ["c2sp.org/tlog-proof@v1", f"extra {extra}", f"index {self.event.sequence - 1}"]
        return "\n".join([*lines, *self.path, "", self.checkpoint.note])


def exported(event: Event) -> dict[str, Any]:
    """An event with all that its digest covers, in the form that was hashed."""
    return {
        "sequence": event.sequence,
        **chain.plain(event.content()),
        "previous": bytes(event.previous).hex(),
        "digest": bytes(event.digest).hex(),
    }


def prove_event(*, event: Event, size: int | None = None) -> InclusionProof:
    """That the event is in the newest checkpoint, or in the one over `size` events.

    Raises:
        NotProvable: there is no such checkpoint, or it is older than the event.
    """
    checkpoint = _checkpoint(size)
    if event.sequence > checkpoint.size:
        raise NotProvable(
            f"Event {event.sequence} is newer than the checkpoint of {checkpoint.size} events. "
            "Ask again after the next one: it is written every five minutes."
        )
    look = tree.StoredTree().look
    path = merkle.inclusion_proof(look, event.sequence - 1, checkpoint.size)
    return InclusionProof(event, based(path), checkpoint)


def prove_consistency(*, old: int, new: int) -> dict[str, Any]:
    """That the checkpoint over `new` events continues the one over `old` events.

    Raises:
        NotProvable: there are no such checkpoints, or the second is the smaller one.
    """
    if old > new:
        raise NotProvable("'from' is the smaller checkpoint, 'to' the larger one.")
    first, second = _checkpoint(old), _checkpoint(new)
    path = merkle.consistency_proof(tree.StoredTree().look, old, new)
    return {
        "format": "ombud-audit-consistency/1",
        "from": {"size": old, "checkpoint": first.note},
        "to": {"size": new, "checkpoint": second.note},
        "path": based(path),
        "keys": sorted({*first.keys.splitlines(), *second.keys.splitlines()}),
    }


def based(path: list[bytes]) -> list[str]:
    return [notes.based(step) for step in path]


def _checkpoint(size: int | None) -> Checkpoint:
    wanted = Checkpoint.objects.all() if size is None else Checkpoint.objects.filter(size=size)
    found = wanted.first()
    if found is None:
        which = "" if size is None else f" over {size} events"
        raise NotProvable(f"There is no checkpoint{which} yet.")
    return found
