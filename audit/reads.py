"""Pages of the trail, newest first, by sequence number."""

from dataclasses import dataclass
from typing import Any

from audit.events import AuditEvent
from audit.filters import EventFilter
from audit.models import Checkpoint, Event

PAGE = 50


@dataclass(frozen=True)
class TrailPage:
    """One page of events, and the sequence number that the older page starts below."""

    events: list[Event]
    older: int | None
    form: Any
    kinds: list[str]
    checkpoint: Checkpoint | None

    @property
    def proved_to(self) -> int:
        """The last event that the newest checkpoint covers."""
        return self.checkpoint.size if self.checkpoint else 0


def trail_page(*, user: Any, query: dict[str, Any], before: int | None) -> TrailPage:
    """Up to 50 events that match, with the newest checkpoint; filters as in the API.

    Seals, of which there may be one a second, are shown where they are asked for.
    """
    filtered = EventFilter(query, queryset=Event.objects.visible_to(user))
    events = filtered.qs if filtered.form.is_valid() else Event.objects.none()
    if not query.get("event"):
        events = events.exclude(event=AuditEvent.SEALED)
    if before is not None:
        events = events.filter(sequence__lt=before)
    rows = list(events.order_by("-sequence")[: PAGE + 1])
    older = rows[PAGE - 1].sequence if len(rows) > PAGE else None
    newest = Checkpoint.objects.defer("note").first()
    return TrailPage(rows[:PAGE], older, filtered.form, _kinds(), newest)


def _kinds() -> list[str]:
    """The event names in use, by skipping through the index instead of reading every row."""
    rows = Event.objects.raw(
        "WITH RECURSIVE kinds AS ("
        " (SELECT event FROM audit_event ORDER BY event LIMIT 1)"
        " UNION ALL SELECT (SELECT e.event FROM audit_event e WHERE e.event > k.event"
        "  ORDER BY e.event LIMIT 1) FROM kinds k WHERE k.event IS NOT NULL)"
        " SELECT 0 AS sequence, event FROM kinds WHERE event IS NOT NULL"
    )
    return [row.event for row in rows]
