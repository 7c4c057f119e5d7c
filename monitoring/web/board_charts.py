"""Series, heat maps and curves of dashboards as charts for templates. Pure."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from monitoring.metrics.metric import SHARE
from monitoring.models import MonitorKind
from monitoring.reads.dashboards.curves import Bin, Reliability
from monitoring.reads.dashboards.heat import Cell, HeatMap, Row, heat_of
from monitoring.reads.dashboards.lines import Line, Point
from monitoring.stats.verdict import Verdict
from monitoring.web.charts import axis, key_label, label_of, levels, link, usual_name
from monitoring.web.words import WITHOUT_REFERENCE, shown, title_of, unit_of

HEAT_ROWS = 25
DAY = 24
LONG = 62  # days from which on months stand above columns
BREACH_LEVEL, WARNING_LEVEL, COOLEST_LOUD = "9", "8", 7
BINS = 10
SAME = 0.001


def line_chart(lines: Sequence[Line], *, answer_unit: str = "") -> dict[str, Any]:
    """One metric over time, of one or more series, with the reference and thresholds."""
    first = lines[0]
    ends = sorted({point.window_end for line in lines for point in line.points})
    unit = unit_of(first.monitor.kind, first.metric, answer_unit)
    title = title_of(first.metric, first.monitor.kind)
    series = [_series(line, ends, _name(line, lines)) for line in lines]
    judged = next((line for line in lines if line.judged), None)
    usual = _usual(judged or first, ends)
    if usual:
        series.append(usual)
    moves = judged is not None and _moves(judged)
    if judged and usual and moves:
        series += _following(judged, usual["y"])
    return {
        "kind": "line",
        "x": [label_of(end, hourly=_hourly(lines)) for end in ends],
        "x_label": "Window to",
        "y_label": axis(title, unit),
        "unit": unit,
        "series": series,
        "thresholds": _thresholds(judged) if judged and not moves else [],
    }


def coverage_chart(line: Line) -> dict[str, Any]:
    """The share of predictions with an outcome, by window."""
    return {
        "kind": "line",
        "x": [label_of(point.window_end, hourly=_hourly([line])) for point in line.points],
        "x_label": "Window to",
        "y_label": "With an outcome",
        "unit": SHARE,
        "y_min": 0,
        "y_max": 1,
        "series": [
            {
                "name": "Predictions with an outcome",
                "y": [point.coverage for point in line.points],
                "n": [point.rows for point in line.points],
                "links": [link(point.run_id) for point in line.points],
            }
        ],
    }


def reliability_chart(found: Reliability) -> dict[str, Any]:
    """How often scores came true by what they said; the ideal is what they said."""
    now, usual = _by_bin(found.bins), _by_bin(found.reference)
    places = range(BINS)
    series: list[dict[str, Any]] = [
        {
            "name": "Came true",
            "y": _each(now, lambda one: one.observed),
            "low": _each(now, lambda one: one.low),
            "high": _each(now, lambda one: one.high),
            "n": _each(now, lambda one: one.n),
        },
        {"name": "Reference", "y": _each(usual, lambda one: one.observed)},
        {
            "name": "Perfect",
            "muted": True,
            "y": [_predicted(now[place], usual[place], (place + 0.5) / BINS) for place in places],
        },
    ]
    drawn = [one for one in series if any(y is not None for y in one["y"])]
    return {
        "kind": "line",
        "x": [f"{place / BINS:.1f} – {(place + 1) / BINS:.1f}" for place in places],
        "x_label": "Score",
        "y_label": "Came true",
        "unit": SHARE,
        "y_min": 0,
        "y_max": 1,
        "series": drawn,
    }


def heat_table(found: HeatMap, *, answer_unit: str = "", query: str = "") -> dict[str, Any]:
    """A heat map as a table of small cells that lead to their windows."""
    ends = found.columns
    return {
        "monitor": found.monitor,
        "first": ends[0],
        "last": ends[-1],
        "months": _months(ends),
        "rows": [_row(row, found, answer_unit, query) for row in found.rows[:HEAT_ROWS]],
        "more": max(0, len(found.rows) - HEAT_ROWS),
        "fields": len(found.rows),
    }


def _row(row: Row, found: HeatMap, answer_unit: str, query: str) -> dict[str, Any]:
    kind, metric = found.monitor.kind, found.monitor.metric
    unit = unit_of(kind, row.metric, answer_unit)
    hourly = found.monitor.every_hours < DAY
    return {
        "field": row.field,
        "label": key_label((row.field, row.metric, row.segment), metric),
        "url": f"?{urlencode({'field': row.field})}{query}#field" if row.field else "",
        "cells": _cells(row, unit, hourly=hourly),
        "worst": shown(_worst(row), unit),
    }


def _cells(row: Row, unit: str, *, hourly: bool) -> SafeString:
    """Every cell leads to its window; thousands of them are too many for template tags."""
    found = ((_level(cell, row.breach), _inside(cell, unit, hourly=hourly)) for cell in row.cells)
    return format_html_join("", '<td class="ob-heat-{}">{}</td>', found)


def _inside(cell: Cell | None, unit: str, *, hourly: bool) -> str:
    """The link of a cell, with what it says as its name."""
    if cell is None:
        return ""
    verdict = cell.verdict.replace("_", " ")
    words = f"{label_of(cell.window_end, hourly=hourly)}: {shown(cell.value, unit)}, {verdict}"
    return format_html('<a href="{}" title="{}"></a>', link(cell.run_id), words)


def _level(cell: Cell | None, breach: float | None) -> str:
    """Warm colours are verdicts; cool ones say how far it is from one."""
    if cell is None or cell.verdict == Verdict.INSUFFICIENT_DATA or cell.value is None:
        return "none"
    if cell.verdict == Verdict.BREACH:
        return BREACH_LEVEL
    if cell.verdict == Verdict.WARNING:
        return WARNING_LEVEL
    heat = heat_of(cell, breach) or 0.0
    return str(min(COOLEST_LOUD, int(heat * 10)))


def _worst(row: Row) -> float | None:
    known = [cell for cell in row.cells if cell and cell.value is not None]
    return max(known, key=lambda cell: abs(cell.value or 0.0)).value if known else None


def _months(ends: Sequence[datetime]) -> list[tuple[str, int]]:
    """Heads above the columns: each month (of short spans each day) and how many columns it has."""
    spans: list[tuple[str, int]] = []
    long = (ends[-1] - ends[0]).days > LONG
    for end in ends:
        label = _month(end) if long else f"{end.day} {end:%b}"
        if spans and spans[-1][0] == label:
            spans[-1] = (label, spans[-1][1] + 1)
        else:
            spans.append((label, 1))
    return spans


def _month(end: datetime) -> str:
    """A year is named by its January."""
    return f"{end:%Y}" if end.month == 1 else f"{end:%b}"


def _series(line: Line, ends: Sequence[datetime], name: str) -> dict[str, Any]:
    by_end = {point.window_end: point for point in line.points}
    points = [by_end.get(end) for end in ends]
    found: dict[str, Any] = {
        "name": name,
        "y": _each(points, lambda one: one.value),
        "links": [link(one.run_id) if one else None for one in points],
        "n": _each(points, lambda one: one.n),
    }
    if any(one and one.low is not None and one.high is not None for one in points):
        found["low"] = _each(points, lambda one: one.low)
        found["high"] = _each(points, lambda one: one.high)
    if line.judged:
        found["verdicts"] = [_mark(one, line) for one in points]
    return found


def _mark(point: Point | None, line: Line) -> str:
    """An estimate that its own reason invalidates is not drawn as if it held."""
    if point is None or (point.reason and line.monitor.kind == MonitorKind.ESTIMATE):
        return Verdict.INSUFFICIENT_DATA
    return point.verdict


def _name(line: Line, lines: Sequence[Line]) -> str:
    """What tells a series from the others of its chart."""
    if line.monitor.kind == MonitorKind.ESTIMATE:
        return "Estimated"
    if any(other.monitor.kind == MonitorKind.ESTIMATE for other in lines):
        return "Realised"
    if len({other.field for other in lines}) > 1:
        return line.field.partition(" = ")[2] or line.field
    return line.segment or title_of(line.metric, line.monitor.kind)


def _usual(line: Line, ends: Sequence[datetime]) -> dict[str, Any] | None:
    if line.monitor.kind in WITHOUT_REFERENCE:
        return None
    by_end = {point.window_end: point.reference_value for point in line.points}
    values = [by_end.get(end) for end in ends]
    if not any(value is not None for value in values):
        return None
    return {"name": usual_name(line.monitor.kind, line.metric), "y": values, "muted": True}


def _thresholds(line: Line) -> list[dict[str, Any]]:
    known = [one.reference_value for one in line.points if one.reference_value is not None]
    without = line.monitor.kind in WITHOUT_REFERENCE
    base = 0.0 if without else known[-1] if known else None
    return levels(line.threshold, line.metric, base)


def _moves(line: Line) -> bool:
    """Whether what it is held against differs from window to window, as by the hour of the day."""
    known = [one.reference_value for one in line.points if one.reference_value is not None]
    return len(known) > 1 and max(known) - min(known) > SAME * max(map(abs, known))


def _following(line: Line, usual: Sequence[float | None]) -> list[dict[str, Any]]:
    """Thresholds as lines that follow what the windows are held against."""
    by_tone: dict[str, list[float | None]] = {}
    for place, base in enumerate(usual):
        for level in levels(line.threshold, line.metric, base):
            values = by_tone.setdefault(level["tone"], [None] * len(usual))
            values[place] = values[place] if values[place] is not None else level["value"]
    return [
        {"name": tone.capitalize(), "y": values, "muted": True, "tone": tone}
        for tone, values in by_tone.items()
    ]


def _hourly(lines: Sequence[Line]) -> bool:
    return any(line.monitor.every_hours < DAY for line in lines)


def _by_bin(bins: Sequence[Bin]) -> list[Bin | None]:
    found: list[Bin | None] = [None] * BINS
    for one in bins:
        found[min(BINS - 1, int(one.predicted * BINS))] = one
    return found


def _predicted(now: Bin | None, usual: Bin | None, middle: float) -> float:
    one = now or usual
    return one.predicted if one else middle


def _each(ones: Sequence[Any], read: Callable[[Any], float | None]) -> list[float | None]:
    return [read(one) if one is not None else None for one in ones]
