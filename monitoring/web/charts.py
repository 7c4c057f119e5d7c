"""Numbers of monitors as charts and heat maps for templates. Pure."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

from django.urls import reverse

from monitoring.metrics import words_of
from monitoring.metrics.metric import SHARE
from monitoring.models import Monitor, MonitorKind
from monitoring.reads.behaviour import Behaviour, Evaluation, Number
from monitoring.reads.charts import Distribution
from monitoring.reads.settings import threshold_of
from monitoring.stats.verdict import Direction, Threshold
from monitoring.web.words import WITHOUT_REFERENCE, direction_of, title_of, unit_of

DAY = 24
HEAT_COLUMNS = 14
HEAT_ROWS = 15
WARM = 0.8  # the two warm colours of a heat map begin here
Key = tuple[str, str, str]


def label_of(moment: datetime, *, hourly: bool = False) -> str:
    """A window's label on an axis: the day on which it ends."""
    return f"{moment:%Y-%m-%dT%H:%M}" if hourly else f"{moment:%Y-%m-%d}"


def monitor_chart(monitor: Monitor, seen: Behaviour, *, answer_unit: str = "") -> dict[str, Any]:
    """The chart of one monitor: its only series, or the gravest of its many, by window."""
    keys = {number.key for number in seen.numbers}
    draw = _single if len(keys) <= 1 else _gravest
    chart = draw(monitor, seen, answer_unit)
    hourly = monitor.every_hours < DAY
    return {
        "kind": "line",
        "x": [label_of(run.window_end, hourly=hourly) for run in seen.runs],
        "x_label": "Window to",
        **chart,
    }


def coverage_chart(runs: Sequence[Evaluation]) -> dict[str, Any]:
    """The share of predictions with an outcome, by window of a performance monitor."""
    return {
        "kind": "line",
        "x": [label_of(run.window_end) for run in runs],
        "x_label": "Window to",
        "y_label": "With an outcome",
        "unit": SHARE,
        "y_min": 0,
        "y_max": 1,
        "series": [
            {
                "name": "Predictions with an outcome",
                "y": [min(run.labelled / run.rows, 1.0) if run.rows else None for run in runs],
                "n": [run.rows for run in runs],
                "links": [link(run.run_id) for run in runs],
            }
        ],
    }


def distribution_chart(found: Distribution, unit: str) -> dict[str, Any]:
    """A field's bars in a window beside those of its reference."""
    label = f"{found.field} ({unit})" if unit else found.field
    return {
        "kind": "bar",
        "x": [bar.label for bar in found.bars],
        "x_label": label,
        "y_label": "Share of rows",
        "unit": SHARE,
        "series": [
            {"name": "Reference", "muted": True, "y": [bar.reference for bar in found.bars]},
            {"name": "This window", "y": [bar.current for bar in found.bars]},
        ],
    }


def heat_map(monitor: Monitor, seen: Behaviour, query: str = "") -> dict[str, Any] | None:
    """Field × window of a monitor with several fields; None for fewer."""
    ends = sorted({number.window_end for number in seen.numbers})
    columns = _columns(ends)
    values: dict[Key, dict[datetime, float | None]] = defaultdict(dict)
    for number in seen.numbers:
        values[number.key][number.window_end] = _size(monitor, number)
    if len(values) < 2:
        return None
    ranked = sorted(values, key=lambda key: -_most(values[key], ends))[:HEAT_ROWS]
    scale = 100 if unit_of(monitor.kind, monitor.metric) == SHARE else 1
    return {
        "columns": [_column_label(monitor, group[-1]) for group in columns],
        "rows": [
            {
                "label": key_label(key, monitor.metric),
                "url": f"{reverse('monitor', args=[monitor.pk])}?field={key[0]}{query}",
                "cells": [_cell(values[key], group, scale) for group in columns],
            }
            for key in ranked
        ],
        "top": scale * (monitor.breach or monitor.warning or 1.0) / WARM,
        "more": max(0, len(values) - HEAT_ROWS),
        "points": scale > 1,
        "together": max(len(group) for group in columns),
    }


def key_label(key: Key, metric: str) -> str:
    """What a number is about, beside its monitor's metric."""
    field, measured, segment = key
    what = "" if measured == metric else words_of(measured)
    about = " · ".join(part for part in (field, what) if part)
    return f"{about} where {segment}" if segment else about or "all rows"


def _most(cells: Mapping[datetime, float | None], ends: Sequence[datetime]) -> float:
    return max((cells.get(end) or 0.0 for end in ends), default=0.0)


def _column_label(monitor: Monitor, end: datetime) -> str:
    day = f"{end.day} {end:%b}"
    return f"{day} {end:%H:%M}" if monitor.every_hours < DAY else day


def _columns(ends: Sequence[datetime]) -> list[Sequence[datetime]]:
    """Windows as columns: consecutive ones together where there are more than fit."""
    together = max(1, -(-len(ends) // HEAT_COLUMNS))
    first = len(ends) % together
    starts = [0] * bool(first) + list(range(first, len(ends), together))
    return [ends[a:b] for a, b in pairwise([*starts, len(ends)])]


def _cell(
    sizes: Mapping[datetime, float | None], group: Sequence[datetime], scale: int
) -> float | None:
    """The largest of a column; shares in tenths of a percentage point, others in thousandths."""
    known = [size for end in group if (size := sizes.get(end)) is not None]
    return round(max(known) * scale, 1 if scale > 1 else 3) if known else None


def _size(monitor: Monitor, number: Number) -> float | None:
    """What the threshold is about: the distance, or the rise above the reference."""
    if monitor.kind in WITHOUT_REFERENCE or number.reference_value is None:
        return number.value
    return None if number.value is None else number.value - number.reference_value


def _single(monitor: Monitor, seen: Behaviour, answer_unit: str) -> dict[str, Any]:
    by_run = {number.run_id: number for number in seen.numbers}
    numbers = [by_run.get(run.run_id) for run in seen.runs]
    metric = next((one.metric for one in numbers if one), monitor.metric)
    unit = unit_of(monitor.kind, metric, answer_unit)
    series: list[dict[str, Any]] = [
        {
            "name": title_of(metric, monitor.kind),
            "y": _each(numbers, lambda one: one.value),
            "low": _each(numbers, lambda one: one.low),
            "high": _each(numbers, lambda one: one.high),
            "verdicts": [one.verdict if one else "insufficient_data" for one in numbers],
            "links": [link(run.run_id) for run in seen.runs],
            "n": _each(numbers, lambda one: one.n),
        }
    ]
    if not any(one and one.low is not None for one in numbers):
        del series[0]["low"], series[0]["high"]
    usual = _each(numbers, lambda one: one.reference_value)
    if monitor.kind not in WITHOUT_REFERENCE and any(value is not None for value in usual):
        series.append({"name": usual_name(monitor.kind, metric), "y": usual, "muted": True})
    chart = {"y_label": axis(title_of(metric, monitor.kind), unit), "unit": unit, "series": series}
    known = [value for value in usual if value is not None]
    base = 0.0 if monitor.kind in WITHOUT_REFERENCE else known[-1] if known else None
    return chart | {"thresholds": levels(threshold_of(monitor, metric), metric, base)}


def _gravest(monitor: Monitor, seen: Behaviour, answer_unit: str) -> dict[str, Any]:
    by_run: dict[int, list[Number]] = defaultdict(list)
    for number in seen.numbers:
        by_run[number.run_id].append(number)
    direction = direction_of(monitor)
    many = len({number.key for number in seen.numbers})
    falls = direction is Direction.DOWN
    label = f"Change of {words_of(monitor.metric, monitor.kind)}"
    if monitor.kind in WITHOUT_REFERENCE:
        label = title_of(monitor.metric, monitor.kind)
    elif monitor.kind == MonitorKind.QUALITY:
        label = "Rise above the reference"
    sizes = []
    for run in seen.runs:
        found = (_size(monitor, one) for one in by_run[run.run_id])
        known = [size for size in found if size is not None]
        sizes.append((min(known) if falls else max(known)) if known else None)
    series = {
        "name": f"{'Lowest' if falls else 'Largest'} of {many}",
        "y": sizes,
        "verdicts": [run.verdict for run in seen.runs],
        "links": [link(run.run_id) for run in seen.runs],
        "n": [run.rows for run in seen.runs],
    }
    unit = unit_of(monitor.kind, monitor.metric, answer_unit)
    limits = threshold_of(monitor, monitor.metric)
    pairs = [(-level if falls else level, tone) for level, tone in _pairs(limits)]
    return {
        "y_label": axis(label, unit),
        "unit": unit,
        "series": [series],
        "thresholds": [{"value": v, "label": tone, "tone": tone} for v, tone in pairs],
    }


def _pairs(limits: Threshold) -> list[tuple[float, str]]:
    both = ((limits.breach, "breach"), (limits.warning, "warning"))
    return [(level, tone) for level, tone in both if level is not None]


def levels(limits: Threshold, metric: str, base: float | None) -> list[dict[str, Any]]:
    """Thresholds as levels of the value; they are distances from `base`, or parts of it."""
    if base is None:
        return []
    signs = {Direction.UP: (1,), Direction.DOWN: (-1,), Direction.BOTH: (1, -1)}[limits.direction]
    scale = base if metric == "volume" else 1.0
    relative = ((limits.relative, "breach"), (limits.relative_warning, "warning"))
    away = [(level * scale, tone) for level, tone in _pairs(limits)]
    away += [(share * abs(base), tone) for share, tone in relative if share is not None and base]
    found = [(base + sign * size, tone) for size, tone in away for sign in signs]
    return [
        {"value": value, "label": tone, "tone": tone}
        for value, tone in found
        if metric != "volume" or value > 0
    ]


def usual_name(kind: str, metric: str) -> str:
    """What a number is held against, in a legend."""
    if metric == "volume":
        return "Usual"
    return {MonitorKind.FAIRNESS: "Equality", MonitorKind.CALIBRATION: "Perfect"}.get(
        MonitorKind(kind), "Reference"
    )


def _each(
    numbers: Sequence[Number | None], read: Callable[[Number], float | None]
) -> list[float | None]:
    return [read(one) if one else None for one in numbers]


def axis(label: str, unit: str) -> str:
    """The name of an axis with its unit, unless every tick says it."""
    return f"{label} ({unit})" if unit not in ("", SHARE, "rows") else label


def link(run_id: int) -> str:
    return reverse("run", args=[run_id])
