"""Which window a picture of one window shows when nobody says."""

from collections.abc import Collection
from datetime import datetime

from monitoring.models import Run


def newest_window(version_id: int, kinds: Collection[str]) -> tuple[datetime, datetime] | None:
    """The newest evaluated window of the monitors of `kinds` that had rows. One query."""
    found = Run.objects.filter(
        version_id=version_id, latest=True, monitor__kind__in=list(kinds), rows__gt=0
    )
    ends = found.order_by("-window_end", "-pk").values_list("window_start", "window_end")
    return ends.first()
