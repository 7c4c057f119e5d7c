"""The choice of a segment, and a segment beside all rows as a table. Pure."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from monitoring.metrics.metric import SHARE
from monitoring.models import MonitorKind
from monitoring.reads.dashboards.boards import RATE_OF_GAP
from monitoring.reads.dashboards.segments import Beside, Pair
from monitoring.stats.findings import Finding
from monitoring.web.periods import View
from monitoring.web.words import shown, title_of, unit_of, window_text

KIND_OF = {
    "performance": MonitorKind.PERFORMANCE,
    "drift": MonitorKind.DRIFT,
    "fairness": MonitorKind.FAIRNESS,
    "operations": MonitorKind.OPERATIONS,
    "value": MonitorKind.BUSINESS,
}
IN_ANSWERS = frozenset({"mae", "bias"})
EXPLAINED = {
    "performance": "Of predictions whose outcome has arrived.",
    "drift": "PSI of each field, held against the same rows of the reference; the farthest first.",
    "fairness": "The rates of each group, within the segment.",
    "operations": "What the service reported with these rows.",
    "value": "The declared value of the decisions.",
}


def segment_of(asked: str, segments: Sequence[str]) -> str:
    """The segment that is asked for, if it is one; else all rows."""
    return asked if asked in segments else ""


def segment_words(segment: str) -> str:
    """A segment as people read it: origin = JFK."""
    name, _, value = segment.partition("=")
    return f"{name} = {value}"


def segment_choice(view: View, segments: Sequence[str], *, field: str) -> dict[str, Any] | None:
    """All rows or one segment, by field; what else was chosen is kept."""
    if not segments:
        return None
    kept = {"period": view.period, "field": field}
    kept["version"] = str(view.version.number) if view.version else ""
    by_field = groupby(segments, key=lambda one: one.partition("=")[0])
    return {
        "kept": [(name, value) for name, value in kept.items() if value],
        "value": view.segment,
        "groups": [(name, [(one, one.partition("=")[2]) for one in own]) for name, own in by_field],
    }


def segment_table(found: Beside, board: str, answer_unit: str) -> dict[str, Any]:
    """What was counted of a segment in a window, beside all rows."""
    return {
        "title": f"{segment_words(found.segment)} beside all rows",
        "explained": EXPLAINED[board],
        "window": window_text(found.start, found.end),
        "rows": found.rows,
        "all_rows": found.all_rows,
        "labelled": found.labelled if board == "performance" else None,
        "compared": any(pair.own.low is not None for pair in found.pairs),
        "pairs": [_pair(pair, KIND_OF[board], answer_unit) for pair in found.pairs],
    }


def _pair(pair: Pair, kind: MonitorKind, answer_unit: str) -> dict[str, Any]:
    unit = unit_of(kind, pair.metric, answer_unit)
    if kind == MonitorKind.FAIRNESS and pair.metric in RATE_OF_GAP.values():
        unit = answer_unit if pair.metric in IN_ANSWERS else SHARE
    return {
        "title": title_of(pair.metric, kind),
        "about": pair.field,
        "own": shown(pair.own.value, unit),
        "interval": _interval(pair.own, unit),
        "n": pair.own.n,
        "all_rows": shown(pair.all_rows.value if pair.all_rows else None, unit),
        "all_interval": _interval(pair.all_rows, unit),
        "apart": _apart(pair.own, pair.all_rows),
    }


def _interval(found: Finding | None, unit: str) -> str:
    if found is None or found.low is None or found.high is None:
        return ""
    return f"{shown(found.low, unit)} to {shown(found.high, unit)}"


def _apart(own: Finding, every: Finding | None) -> bool:
    """Whether the intervals have nothing in common: then the segment surely differs."""
    if every is None or None in (own.low, own.high, every.low, every.high):
        return False
    return bool(own.low > every.high or own.high < every.low)  # type: ignore[operator]
