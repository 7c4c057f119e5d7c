"""Where the monitored series of a version are heading: stored by a job, looked up here."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F

from monitoring.models import Measurement, Outlook
from monitoring.reads.settings import direction_of
from monitoring.stats.verdict import Direction

MOST = 200
# What is judged by a change relative to what is usual has no level of its own.
RELATIVE = frozenset({"volume"})
Key = tuple[int, str, str, str]


@dataclass(frozen=True)
class Ahead:
    """The outlook of one series; `level` is the number that it may cross, where one is known."""

    outlook: Outlook
    value: float | None
    level: float | None


def outlooks_of(
    version_id: int, *, kinds: Collection[str] = (), segment: str = ""
) -> tuple[Ahead, ...]:
    """The outlooks of a version, the soonest breach first, at most 200. Two queries."""
    rows = Outlook.objects.filter(version_id=version_id, monitor__enabled=True)
    if kinds:
        rows = rows.filter(monitor__kind__in=list(kinds))
    if segment:
        rows = rows.filter(segment=segment)
    ordered = rows.select_related("monitor").order_by(F("breach_at").asc(nulls_last=True), "pk")
    found = list(ordered[:MOST])
    last = _last(version_id, found) if found else {}
    return tuple(_ahead(one, last.get(_key(one))) for one in found)


def _last(version_id: int, found: Sequence[Outlook]) -> dict[Key, tuple[Any, Any]]:
    """The value and the effect of the newest window of each series."""
    rows = Measurement.objects.filter(
        version_id=version_id,
        latest=True,
        monitor__in={one.monitor_id for one in found},
        window_end__in={one.as_of for one in found},
        metric__in={one.metric for one in found},
    )
    columns = ("monitor_id", "metric", "field", "segment", "value", "parameters__effect")
    newest = rows.order_by("window_end").values_list(*columns)
    return {(row[0], row[1], row[2], row[3]): (row[4], row[5]) for row in newest}


def _key(one: Outlook) -> Key:
    return one.monitor_id, one.metric, one.field, one.segment


def _ahead(one: Outlook, last: tuple[Any, Any] | None) -> Ahead:
    value, effect = last or (None, None)
    if value is None or effect is None or one.metric in RELATIVE:
        return Ahead(one, value, None)
    usual, size = value - float(effect), one.breach
    direction = direction_of(one.monitor, one.metric)
    falls = direction == Direction.DOWN or (direction == Direction.BOTH and float(effect) < 0)
    return Ahead(one, value, usual - size if falls else usual + size)
