"""The one door to the trail: the event is written in the transaction of the change it tells of.

What people decide goes into the chain, one after the other. What machines send by the thousand goes
into the volume lane, whose rows are sealed together a second later.
"""

from enum import StrEnum
from typing import Any, Protocol

from django.db import connection, models

from audit import chain, merkle
from audit.middleware import current_request_id
from audit.models import Event, VolumeEvent

LOCK = 0x6F6D627564  # "ombud": serialises appends, held until the business transaction commits


class Actor(Protocol):
    pk: Any

    @property
    def display_name(self) -> str: ...


class System:
    """The machine as an actor: scheduled jobs and MLflow's own changes."""

    pk = None
    display_name = "Ombud"


SYSTEM = System()


def record(actor: Actor, event: StrEnum, subject: models.Model, **data: Any) -> Event:
    """Append one event; call it last in the transaction, because it holds the chain's lock.

    `subject` lends its type, key, name and team; `data` is whatever else tells the story, in types
    that have a canonical JSON form.

    Raises:
        RuntimeError: there is no transaction, so the change and its event could part.
    """
    _require_transaction(event)
    previous, sequence, now = _head()
    told = _told(actor, event, subject, data)
    written = Event(sequence=sequence, at=now, previous=previous, **told)
    written.digest = chain.digest(content=written.content(), sequence=sequence, previous=previous)
    written.save(force_insert=True)
    return written


def record_volume(actor: Actor, event: StrEnum, subject: models.Model, **data: Any) -> VolumeEvent:
    """Append one event of which there are many, without the chain's lock; a seal takes it in later.

    Raises:
        RuntimeError: there is no transaction, so the change and its event could part.
    """
    _require_transaction(event)
    written = VolumeEvent(at=_now(), **_told(actor, event, subject, data))
    written.digest = merkle.leaf_hash(chain.canonical(written.content()))
    written.save(force_insert=True)
    return written


def _require_transaction(event: StrEnum) -> None:
    if not connection.in_atomic_block:
        raise RuntimeError(f"{event} must be recorded inside the transaction of its change")


def _told(
    actor: Actor, event: StrEnum, subject: models.Model, data: dict[str, Any]
) -> dict[str, Any]:
    return {
        "event": str(event),
        "actor_id": actor.pk,
        "actor_name": actor.display_name,
        "subject_type": subject._meta.label_lower,
        "subject_id": str(subject.pk),
        "subject_name": str(subject)[:300],
        "team_id": getattr(subject, "audit_team_id", None),
        "request_id": current_request_id(),
        "data": chain.plain(data),
    }


def _now() -> Any:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cursor.fetchone()[0]


def _head() -> tuple[bytes, int, Any]:
    """The last digest, the next sequence number and the database's time, under the chain's lock."""
    with connection.cursor() as cursor:
        # Foreign keys are checked at commit otherwise: they would lock rows while holding the
        # chain's lock, and meet somebody who holds the row and waits for the chain.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        cursor.execute(
            "SELECT sequence, digest, clock_timestamp() FROM audit_event"
            " ORDER BY sequence DESC LIMIT 1"
        )
        row = cursor.fetchone()
        if row is None:
            cursor.execute("SELECT 0, NULL, clock_timestamp()")
            row = cursor.fetchone()
    sequence, digest, now = row
    return bytes(digest) if digest else chain.GENESIS, sequence + 1, now
