"""One chart of a dashboard with what has to be said beside it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from zlib import crc32

from monitoring.metrics import LABELLED, metric_of, words_of
from monitoring.models import MonitorKind
from monitoring.reads.dashboards.lines import Line, Point
from monitoring.stats.verdict import Verdict
from monitoring.web.charts import usual_name
from monitoring.web.words import WITHOUT_REFERENCE, shown, threshold_text, title_of, unit_of
from monitoring.web.words import window_text as window_words

MOST_BESIDE = 60
Subject: TypeAlias = tuple[str, str, str, str]


@dataclass(frozen=True)
class Panel:
    """A chart, the newest number in words, and what it rests on."""

    id: str
    title: str
    line: Line
    explained: str
    chart: dict[str, Any]
    latest: tuple["Latest", ...]
    breach: str
    warning: str
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Latest:
    """The newest number of a series."""

    name: str
    verdict: str
    value: str
    interval: str
    usual: str
    run_id: int
    window: str
    compared_with: str
    rows: str


def panel_of(
    lines: Sequence[Line], chart: dict[str, Any], *, answer_unit: str, about: str = ""
) -> Panel:
    """The panel of one metric; `about` is the field whose groups the lines are."""
    line = next((one for one in lines if one.judged), lines[0])
    monitor = line.monitor
    found = metric_of(monitor.kind, line.metric)
    limits = [
        threshold_text(monitor, verdict, answer_unit, metric=line.metric) if line.judged else ""
        for verdict in (Verdict.BREACH, Verdict.WARNING)
    ]
    return Panel(
        id=f"chart-{monitor.pk}-{crc32(repr((line.key, about)).encode()):08x}",
        title=_title(line, about),
        line=line,
        explained=found.explained if found else "",
        chart=chart,
        latest=tuple(_latest(one, answer_unit, about) for one in lines),
        breach=limits[0],
        warning=limits[1],
        notes=_notes(lines),
    )


def beside_table(lines: Sequence[Line], answer_unit: str) -> list[dict[str, Any]]:
    """The newest number of what no threshold is about, once, however many monitors measured it."""
    drawn = {_subject(line) for line in lines if line.judged}
    newest: dict[Subject, Line] = {}
    for line in lines:
        subject = _subject(line)
        if line.judged or subject in drawn or line.last.value is None:
            continue
        known = newest.get(subject)
        if known is None or line.last.window_end > known.last.window_end:
            newest[subject] = line
    return [_beside(line, answer_unit) for line in list(newest.values())[:MOST_BESIDE]]


def _subject(line: Line) -> Subject:
    return line.monitor.kind, line.metric, line.field, line.segment


def _beside(line: Line, answer_unit: str) -> dict[str, Any]:
    title = title_of(line.metric, line.monitor.kind)
    estimated = line.monitor.kind == MonitorKind.ESTIMATE
    return {
        "title": f"Estimated {words_of(line.metric, line.monitor.kind)}" if estimated else title,
        "about": " · ".join(part for part in (line.field, line.segment) if part),
        "latest": _latest(line, answer_unit, ""),
        "n": line.last.n,
    }


def _title(line: Line, about: str) -> str:
    if about:
        return f"{title_of(line.metric, line.monitor.kind)} by {about}"
    return " · ".join(
        part
        for part in (title_of(line.metric, line.monitor.kind), line.field, line.segment)
        if part
    )


def _latest(line: Line, answer_unit: str, about: str) -> Latest:
    point, kind = line.last, line.monitor.kind
    unit = unit_of(kind, line.metric, answer_unit)
    return Latest(
        name=_name(line, about),
        verdict=point.verdict if line.judged else "",
        value=shown(point.value, unit),
        interval=_interval(point, unit),
        usual=_usual(line, point, unit),
        run_id=point.run_id,
        window=window_words(point.window_start, point.window_end),
        compared_with=point.compared_with,
        rows=_rows(point, kind),
    )


def _name(line: Line, about: str) -> str:
    if about:
        return line.field.partition(" = ")[2]
    return "Estimated" if line.monitor.kind == MonitorKind.ESTIMATE else ""


def _interval(point: Point, unit: str) -> str:
    if point.low is None or point.high is None:
        return ""
    return f"{shown(point.low, unit)} to {shown(point.high, unit)}"


def _usual(line: Line, point: Point, unit: str) -> str:
    if point.reference_value is None or line.monitor.kind in WITHOUT_REFERENCE:
        return ""
    name = usual_name(line.monitor.kind, line.metric)
    return f"{name.lower()} {shown(point.reference_value, unit)}"


def _rows(point: Point, kind: str) -> str:
    if kind not in LABELLED or point.coverage is None:
        return f"{point.rows:,} rows"
    mature = "mature" if point.mature else "not mature yet"
    share = f"{100 * point.coverage:.0f}\u202f%"
    return f"{point.labelled:,} of {point.rows:,} outcomes ({share}), {mature}"


def _notes(lines: Sequence[Line]) -> tuple[str, ...]:
    """Why a newest number is missing or must not be used."""
    found = []
    for line in lines:
        if line.last.reason:
            estimate = line.monitor.kind == MonitorKind.ESTIMATE and line.last.value is not None
            lead = "The estimate does not hold" if estimate else "Newest window"
            found.append(f"{lead}: {line.last.reason}.".replace("..", "."))
    return tuple(dict.fromkeys(found))
