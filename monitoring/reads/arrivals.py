"""How batches of predictions arrived: when the newest row was, and how many came twice."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min, Sum

from monitoring.models import Batch, BatchKind

BACK = timedelta(days=28)


@dataclass(frozen=True)
class Arrivals:
    """Batches whose rows lie in a span of time; `usual_gap` is in seconds."""

    rows: int
    duplicates: int
    last_at: datetime | None
    usual_gap: float | None


def arrivals_between(version_id: int, start: datetime | None, end: datetime) -> Arrivals:
    """Batches from start (28 days back if none) to end. One query."""
    since = start if start is not None else end - BACK
    found = Batch.objects.filter(
        version_id=version_id, kind=BatchKind.PREDICTIONS, first_at__lt=end, last_at__gte=since
    ).aggregate(
        rows=Sum("rows"),
        twice=Sum("duplicates"),
        first=Min("first_at"),
        last=Max("last_at"),
        batches=Count("pk"),
    )
    batches = found["batches"]
    gap = (found["last"] - found["first"]).total_seconds() / batches if batches else None
    return Arrivals(found["rows"] or 0, found["twice"] or 0, found["last"], gap)
