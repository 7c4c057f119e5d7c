"""Walks the chain from the first event to the last and names the first one that does not hold."""

from dataclasses import dataclass

from audit import chain
from audit.models import Event


@dataclass(frozen=True)
class Verification:
    """How many events hold, and the first that does not (with the reason)."""

    checked: int
    broken_at: int | None = None
    reason: str = ""
    head: str = ""


def verify(*, expect_count: int | None = None, expect_head: str = "") -> Verification:
    """Check every event's place, link and digest; optionally against a head kept elsewhere.

    A tail that was cut off leaves a shorter chain that holds: only a count or head noted outside
    this database can show it.
    """
    previous, checked = chain.GENESIS, 0
    for event in Event.objects.order_by("sequence").iterator(chunk_size=2000):
        reason = _fault(event, checked + 1, previous)
        if reason:
            return Verification(checked, event.sequence, reason)
        previous, checked = bytes(event.digest), checked + 1
    head = previous.hex() if checked else ""
    if expect_count is not None and checked < expect_count:
        return Verification(checked, checked + 1, f"{expect_count - checked} events are missing")
    if expect_head and not _has_head(expect_head):
        return Verification(checked, checked, "the expected head is not in the chain")
    return Verification(checked, head=head)


def _fault(event: Event, expected: int, previous: bytes) -> str:
    if event.sequence != expected:
        return f"expected event {expected} here: an event is missing or was inserted"
    if bytes(event.previous) != previous:
        return "it does not continue the event before it"
    digest = chain.digest(content=event.content(), sequence=event.sequence, previous=previous)
    if bytes(event.digest) != digest:
        return "its content was changed after it was written"
    return ""


def _has_head(head: str) -> bool:
    return Event.objects.filter(digest=bytes.fromhex(head)).exists()
