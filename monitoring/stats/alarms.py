"""Alarms that a series of verdicts would have raised, and what they would have met.

Definition
    An alarm opens when k of the last n judged windows breach and closes after m judged windows in a
    row without breach; windows without enough data change nothing (`verdict.is_alerting` says the
    same of the end of a series). A known incident is met by an alarm whose time
    overlaps with it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitoring.stats.verdict import Verdict


@dataclass(frozen=True)
class Judged:
    """One window and its verdict."""

    start: datetime
    end: datetime
    verdict: Verdict


@dataclass(frozen=True)
class Alarm:
    """Since when windows breached, the end of the one that opened it, and of the calm one."""

    began: datetime
    opened: datetime
    closed: datetime | None
    breaches: int

    def meets(self, began: datetime, ended: datetime) -> bool:
        """Whether it overlaps with something that lasted from `began` to `ended`."""
        return self.began < ended and (self.closed is None or self.closed > began)


def alarms(
    windows: Sequence[Judged], *, open_after: tuple[int, int], close_after: int
) -> list[Alarm]:
    """The alarms of a series of windows, oldest first.

    Windows that overlap are told apart by their ends. ValueError where 1 <= k <= n and
    close_after >= 1 do not hold.
    """
    needed, of = open_after
    if not 1 <= needed <= of or close_after < 1:
        raise ValueError(f"Open after k of n (got {needed} of {of}), close after at least 1.")
    judged = [one for one in windows if one.verdict is not Verdict.INSUFFICIENT_DATA]
    found: list[Alarm] = []
    at = 0
    while (opens := _opening(judged, at, needed, of)) is not None:
        closes = _closing(judged, opens, close_after)
        found.append(_alarm(judged, max(at, opens - of + 1), opens, closes))
        if closes is None:
            break
        at = closes + 1
    return found


def _breaches(judged: Sequence[Judged]) -> int:
    return sum(one.verdict is Verdict.BREACH for one in judged)


def _opening(judged: Sequence[Judged], since: int, needed: int, of: int) -> int | None:
    """The first window from `since` on at which enough of the last ones breach."""
    for at in range(since, len(judged)):
        if _breaches(judged[max(since, at - of + 1) : at + 1]) >= needed:
            return at
    return None


def _closing(judged: Sequence[Judged], opened: int, close_after: int) -> int | None:
    for at in range(opened + 1, len(judged)):
        if not _breaches(judged[max(0, at - close_after + 1) : at + 1]):
            return at
    return None


def _alarm(judged: Sequence[Judged], first: int, opened: int, closed: int | None) -> Alarm:
    seen = judged[first : opened + 1]
    began = next(one.start for one in seen if one.verdict is Verdict.BREACH)
    last = len(judged) if closed is None else closed + 1
    return Alarm(
        began=began,
        opened=judged[opened].end,
        closed=None if closed is None else judged[closed].end,
        breaches=_breaches(judged[first:last]),
    )
