"""The tombstone of a retired version, with the proof that it stands on the audit trail."""

from typing import Any

from audit.models import Event
from audit.proofs import NotProvable, prove_event
from governance.models import Retirement

FORMAT = "ombud-tombstone-proof/1"


def proof_of(row: Retirement) -> dict[str, Any]:
    """The tombstone and its inclusion proof; `clients/ombud_verify.py` checks both.

    Raises:
        NotProvable: no checkpoint covers it yet, or it is not closed.
    """
    if row.tombstone is None or row.tombstone_event is None:
        raise NotProvable("It is not closed: there is no tombstone yet.")
    event = Event.objects.get(pk=row.tombstone_event)
    return {
        "format": FORMAT,
        "tombstone": row.tombstone,
        "digest": row.tombstone_digest,
        "proof": prove_event(event=event).content(),
    }
