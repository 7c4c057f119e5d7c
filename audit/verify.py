"""Walks the trail from the first event to the last and names the first one that does not hold."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from audit import keys, notes, tree
from audit.checking import Broken, Walk, seal_fault
from audit.gateways.checkpoints import Place
from audit.models import Checkpoint, Event, Seal, SealMember, Subtree, VolumeEvent

CHUNK = 2000


@dataclass(frozen=True)
class Verification:
    """How many events, seals and checkpoints hold, and the first event that does not."""

    checked: int
    broken_at: int | None = None
    reason: str = ""
    head: str = ""
    seals: int = 0
    sealed: int = 0
    waiting: int = 0
    checkpoints: int = 0


@dataclass(frozen=True)
class Signed:
    """Checkpoints whose signatures hold, or the first that has none that does."""

    heads: list[notes.TreeHead]
    fault: str = ""


def verify(
    *,
    expect_count: int | None = None,
    expect_head: str = "",
    heads: Iterable[notes.TreeHead] = (),
) -> Verification:
    """Check every event's place, link and digest, every seal, and every head that was signed.

    A tail that was cut off leaves a shorter chain that holds: only what was kept outside this
    database, a checkpoint, count or head, can show it.
    """
    walk = Walk(heads)
    broken = _walked(walk)
    found = Verification(walk.checked, head=walk.last.hex() if walk.checked else "")
    if broken is None and expect_count is not None and walk.checked < expect_count:
        missing = expect_count - walk.checked
        broken = Broken(walk.checked + 1, f"{missing} events are missing")
    if broken is None and expect_head and not _has_head(expect_head):
        broken = Broken(walk.checked, "the expected head is not in the chain")
    found = replace(found, checkpoints=walk.confirmed)
    if broken is not None:
        return replace(found, broken_at=broken.sequence, reason=broken.reason, head="")
    return _with_seals(found, walk.seals)


def signed_heads(texts: Iterable[str], known: Mapping[str, notes.PublicKey]) -> Signed:
    """The tree heads of checkpoints; one that nobody known signed is a fault."""
    heads: list[notes.TreeHead] = []
    for text in texts:
        try:
            note = notes.parse(text)
            note.signers(known)
        except notes.NoteInvalid as error:
            first = text.strip().splitlines()[:4]
            return Signed(heads, f"A checkpoint ({' / '.join(first)[:120]}) is not valid: {error}.")
        heads.append(note.head)
    return Signed(heads)


def known_keys(place: Place) -> dict[str, notes.PublicKey]:
    """The public keys beside the checkpoints, and this installation's own where it is at hand."""
    known = place.keys()
    try:
        own = keys.signer().public
    except keys.KeyUnavailable:
        return known
    return known | {own.key_id: own}


def stored_notes() -> Iterator[str]:
    yield from Checkpoint.objects.order_by("pk").values_list("note", flat=True).iterator()


def _walked(walk: Walk) -> Broken | None:
    for event in Event.objects.order_by("sequence").iterator(chunk_size=CHUNK):
        broken = walk.step(event) or _subtree_fault(walk)
        if broken is not None:
            return broken
    return walk.end()


def _subtree_fault(walk: Walk) -> Broken | None:
    """At the end of 256, 65,536, … events: whether the stored heads are those of the events."""
    size, level = walk.tree.size, tree.STEP
    while size % (1 << level) == 0:
        stored = Subtree.objects.filter(level=level, index=(size >> level) - 1).first()
        if stored is not None and bytes(stored.digest) != walk.tree.last_complete(level):
            reason = f"the stored head of the {1 << level} events up to {size} is another"
            return Broken(size - (1 << level) + 1, reason)
        level += tree.STEP
    return None


def _has_head(head: str) -> bool:
    return Event.objects.filter(digest=bytes.fromhex(head)).exists()


def _with_seals(found: Verification, told: Mapping[int, tuple[int, str, int]]) -> Verification:
    """Every seal that the chain tells of is there with its rows, and there is no other."""
    for number in sorted(told):
        fault = seal_fault(told=told[number], leaves=_leaves(number))
        if fault:
            return _broken_seal(found, told[number][0], number, fault)
        found = replace(found, seals=found.seals + 1, sealed=found.sealed + told[number][2])
    stray = Seal.objects.exclude(number__in=list(told)).order_by("number").first()
    if stray is not None:
        return _broken_seal(found, stray.sequence, stray.pk, "the chain does not tell of it")
    for seal in Seal.objects.order_by("number").iterator(chunk_size=CHUNK):
        sequence, root, events = told[seal.pk]
        if (seal.sequence, bytes(seal.root).hex(), seal.events) != (sequence, root, events):
            return _broken_seal(found, sequence, seal.pk, "its row was changed")
    return replace(found, waiting=VolumeEvent.objects.filter(member__isnull=True).count())


def _broken_seal(found: Verification, sequence: int, number: int, fault: str) -> Verification:
    return replace(found, broken_at=sequence, reason=f"seal {number}: {fault}", head="")


def _leaves(number: int) -> Iterator[tuple[int, bytes, dict[str, Any]]]:
    members = SealMember.objects.filter(seal_id=number).order_by("index").select_related("event")
    for member in members.iterator(chunk_size=CHUNK):
        yield member.index, bytes(member.event.digest), member.event.content()
