"""Where series are heading, in plain words. Pure."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from monitoring.metrics.metric import SHARE
from monitoring.models import Outlook
from monitoring.reads.dashboards.outlooks import Ahead
from monitoring.web.segments import segment_words
from monitoring.web.words import ARTICLES, shown, span, title_of, unit_of

MOST_QUIET = 60


def outlook_table(found: Sequence[Ahead], answer_unit: str) -> dict[str, Any] | None:
    """The series that are expected to breach, and the trends of all others with the reason why not.

    None where no job has looked ahead yet.
    """
    if not found:
        return None
    rows = [_row(one, answer_unit) for one in found]
    # Trends that there are come before series that are too short for one.
    quiet = sorted(
        (row for row in rows if not row["expected"]), key=lambda row: not row["interval"]
    )
    return {
        "expected": [row for row in rows if row["expected"]],
        "quiet": quiet[:MOST_QUIET],
        "more": max(0, len(quiet) - MOST_QUIET),
    }


def _row(one: Ahead, answer_unit: str) -> dict[str, Any]:
    outlook = one.outlook
    monitor = outlook.monitor
    unit = unit_of(monitor.kind, outlook.metric, answer_unit)
    about = (outlook.field, segment_words(outlook.segment) if outlook.segment else "")
    return {
        "monitor": monitor,
        "title": title_of(outlook.metric, monitor.kind),
        "about": " · ".join(part for part in about if part),
        "value": shown(one.value, unit),
        "trend": trend_text(outlook, unit),
        "interval": interval_text(outlook, unit),
        "expected": expected_text(outlook, shown(one.level, unit) if one.level is not None else ""),
        "windows": outlook.windows,
        "reason": outlook.reason[:1].upper() + outlook.reason[1:],
    }


def expected_text(outlook: Outlook, level: str) -> str:
    """When a breach is expected, as a sentence; nothing where that cannot be said."""
    if outlook.breach_at is None or outlook.soonest_at is None:
        return ""
    what = f"Likely to cross {level}" if level else "Likely to breach"
    if outlook.latest_at is None:
        around = day_text(outlook.breach_at.date())
        return f"{what} after {day_text(outlook.soonest_at.date())}, probably around {around}"
    return f"{what} {between_text(outlook.soonest_at, outlook.latest_at)}"


def trend_text(outlook: Outlook, unit: str) -> str:
    """How fast the series moves, and whether towards its threshold."""
    if outlook.slope is None:
        return "none"
    step = span(outlook.monitor.every_hours)
    step = ARTICLES.get(step, f"every {step}")
    way = "towards a breach" if outlook.slope > 0 else "away from a breach"
    return f"{_size(outlook.slope, unit)} {step} {way}" if outlook.slope else "no change"


def interval_text(outlook: Outlook, unit: str) -> str:
    """The interval of the trend, a change towards the threshold counted as positive."""
    if outlook.slope_low is None or outlook.slope_high is None:
        return ""
    return f"{_signed(outlook.slope_low, unit)} to {_signed(outlook.slope_high, unit)}"


def between_text(first: datetime, last: datetime) -> str:
    """A span of days as people say it: between 3 and 21 March 2027."""
    one, other = first.date(), last.date()
    if one == other:
        return f"on {day_text(one)}"
    if (one.year, one.month) == (other.year, other.month):
        return f"between {one.day} and {day_text(other)}"
    if one.year == other.year:
        return f"between {one.day} {one:%B} and {day_text(other)}"
    return f"between {day_text(one)} and {day_text(other)}"


def day_text(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


def _signed(value: float, unit: str) -> str:
    sign = "+" if value > 0 else "−" if value < 0 else ""
    return f"{sign}{_size(value, unit)}"


def _size(value: float, unit: str) -> str:
    """A change; that of a share is in percentage points, so that nobody takes it for a ratio."""
    points = f"{100 * abs(value):.2g} percentage points"
    return points if unit == SHARE else shown(abs(value), unit)
