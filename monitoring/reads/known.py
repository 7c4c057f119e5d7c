"""What is known to have happened to a version: its incidents, by the windows that made them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Max, Min

from monitoring.models import Incident


@dataclass(frozen=True)
class Known:
    """An incident: from when to when its windows breached, and what it turned out to be."""

    id: int
    version_id: int
    title: str
    severity: str
    state: str
    resolution: str
    began: datetime
    ended: datetime
    alarmed: datetime
    opened_at: datetime


def known_incidents(
    version_ids: Collection[int], kind: str, *, since: datetime, until: datetime
) -> list[Known]:
    """Incidents of one kind whose windows lie in a period, oldest first. One query.

    The times are those of the windows, not of the clock: a log that was sent later tells the
    same. An incident without alerts lasted until it was calm or resolved.
    """
    rows = Incident.objects.filter(version__in=version_ids, kind=kind).annotate(
        first=Min("alerts__run__window_end"), last=Max("alerts__run__window_end")
    )
    told = [_known(row) for row in rows.order_by("began_at", "pk")]
    return [one for one in told if one.began < until and one.ended > since]


def _known(row: Incident) -> Known:
    first: datetime | None = getattr(row, "first", None)
    last: datetime | None = getattr(row, "last", None)
    return Known(
        id=row.pk,
        version_id=row.version_id,
        title=row.title,
        severity=row.severity,
        state=row.state,
        resolution=row.resolution,
        began=row.began_at,
        ended=last or row.calm_since or row.resolved_at or row.opened_at,
        alarmed=first or row.opened_at,
        opened_at=row.opened_at,
    )
