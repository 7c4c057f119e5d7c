"""The grid of windows: aligned to UTC, weeks beginning on Monday. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

# A Monday at midnight: daily, weekly and longer grids all begin here.
ORIGIN = datetime(1970, 1, 5, tzinfo=UTC)
COVERED = 0.9


@dataclass(frozen=True, order=True)
class Window:
    """From start (included) to end (not)."""

    start: datetime
    end: datetime

    def meets(self, first: datetime, last: datetime) -> bool:
        return first < self.end and last >= self.start


def windows_between(
    first: datetime, last: datetime, *, window_hours: int, every_hours: int
) -> Iterator[Window]:
    """Windows of the grid that end at or before `last` and that a log from `first` on covers.

    A new one ends every `every_hours`; those longer than that overlap. A log covers a window by
    nine tenths of it: a first week that begins on Friday is no week, it has other weekdays.
    """
    step, length = timedelta(hours=every_hours), timedelta(hours=window_hours)
    end = ORIGIN + ((first - ORIGIN + COVERED * length) // step) * step
    while end <= last:
        if end - first >= COVERED * length:
            yield Window(end - length, end)
        end += step
