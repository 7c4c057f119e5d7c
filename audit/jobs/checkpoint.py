"""Checkpoints: every five minutes and at each decision, the chain's head is signed and put outside.

The place outside is written first, so that the database never knows of a checkpoint that is not
there. Nothing is signed that contradicts what was signed before: if the trail was cut, rewritten or
restored from an old copy, the job fails and says so.
"""

import time
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from audit import keys, merkle, notes, tree
from audit.chain import moment
from audit.gateways.checkpoints import Place
from audit.models import Checkpoint, Event
from ledger import claims

KIND = "audit.checkpoint"
EVERY_SECONDS = 300
LOCK = 0x6F6D627565  # one checkpoint at a time; not the chain's own lock


class TrailBroken(Exception):
    """The trail is not the one that was signed before; nothing is signed until somebody looked."""


def checkpoint_due() -> None:
    """Have a checkpoint written in these five minutes; any number of beats may ask."""
    slot = int(time.time()) // EVERY_SECONDS
    claims.enqueue(kind=KIND, key=f"slot-{slot}", subject_id=0)


def checkpoint_after(event: Event) -> None:
    """Have a checkpoint written that covers this event: call it in the event's transaction."""
    claims.enqueue(kind=KIND, key=f"event-{event.sequence}", subject_id=event.sequence)


def write_checkpoint(claim: claims.Claim) -> None:
    """Sign the chain as it is; done already if a checkpoint covers the event that asked for it."""
    signer = keys.signer()
    with transaction.atomic():
        claims.finish(claim=claim)
        take_turn()
        covered = claim.subject_id and Checkpoint.objects.filter(size__gte=claim.subject_id)
        if not (covered and covered.exists()):
            sign([signer])


def take_turn() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])


def sign(signers: Sequence[notes.Signer]) -> Checkpoint | None:
    """Write one checkpoint over the whole chain, outside and here; none over an empty chain.

    Raises:
        TrailBroken: the trail contradicts an earlier checkpoint.
        PlaceUnavailable: the place outside cannot be used.
    """
    last = Event.objects.order_by("-sequence").first()
    if last is None:
        return None
    place, stored = Place(settings.CHECKPOINTS), tree.StoredTree()
    tree.extend(last.sequence)
    _refuse_contradiction(place, stored, last.sequence, [signer.public for signer in signers])
    now = _now()
    root = merkle.root_at(stored.look, last.sequence)
    head = notes.TreeHead(signers[0].name, last.sequence, root, moment(now), last.digest_hex)
    note = notes.signed_note(head, signers)
    for signer in signers:
        place.add_key(signer.public)
    return Checkpoint.objects.create(
        size=head.size,
        root=head.root,
        chain_head=bytes(last.digest),
        at=now,
        key_id=signers[-1].public.key_id,
        keys="\n".join(signer.public.text for signer in signers),
        note=note,
        written_to=place.append(note, head)[:400],
    )


def _refuse_contradiction(
    place: Place, stored: tree.StoredTree, size: int, own: list[notes.PublicKey]
) -> None:
    known = place.keys() | {key.key_id: key for key in own}
    ours = Checkpoint.objects.values_list("note", flat=True).order_by("-pk").first()
    for head in (_newest(place.recent(), known), _newest([ours] if ours else [], known)):
        if head is not None:
            _compare(head, stored, size)


def _newest(texts: list[str], known: dict[str, notes.PublicKey]) -> notes.TreeHead | None:
    """The first of these that a known key signed; a damaged one is the verifier's to report."""
    for text in texts:
        try:
            note = notes.parse(text)
            note.signers(known)
        except notes.NoteInvalid:
            continue
        return note.head
    return None


def _compare(head: notes.TreeHead, stored: tree.StoredTree, size: int) -> None:
    if head.size > size:
        raise TrailBroken(
            f"The trail has {size} events, but the checkpoint of {head.time} counted {head.size}: "
            "its tail was cut, or the database was restored from an old copy."
        )
    if merkle.root_at(stored.look, head.size) != head.root:
        raise TrailBroken(
            f"The first {head.size} events are not those that the checkpoint of {head.time} signed."
        )


def _now() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]
