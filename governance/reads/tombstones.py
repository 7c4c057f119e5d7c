"""Tombstones of retired versions and purged archives, with the proof that each is on the trail."""

from typing import Any

from audit.models import Event
from audit.proofs import NotProvable, prove_event
from governance.models import Retirement
from registry.events import RegistryEvent
from registry.models import Purge

FORMAT = "ombud-tombstone-proof/1"


def proof_of(row: Retirement) -> dict[str, Any]:
    """The tombstone and its inclusion proof; `clients/ombud_verify.py` checks both.

    Raises:
        NotProvable: no checkpoint covers it yet, or it is not closed.
    """
    if row.tombstone is None or row.tombstone_event is None:
        raise NotProvable("It is not closed: there is no tombstone yet.")
    event = Event.objects.get(pk=row.tombstone_event)
    return _told(row.tombstone, row.tombstone_digest, event)


def proof_of_purge(row: Purge) -> dict[str, Any]:
    """The same of a purged archive.

    Raises:
        NotProvable: no checkpoint covers it yet, or it is not purged.
    """
    if row.tombstone is None:
        raise NotProvable("It is not purged: there is no tombstone yet.")
    about = {"subject_type": "registry.archive", "subject_id": str(row.archive_id)}
    event = Event.objects.get(event=RegistryEvent.ARCHIVE_PURGED, **about)
    return _told(row.tombstone, row.tombstone_digest, event)


def _told(stone: dict[str, Any], digest: str, event: Event) -> dict[str, Any]:
    proof = prove_event(event=event).content()
    return {"format": FORMAT, "tombstone": stone, "digest": digest, "proof": proof}
