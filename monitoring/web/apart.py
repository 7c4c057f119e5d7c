"""What is measured apart from true outcomes of all rows: other kinds of outcome, exploration. Pure.

A person's own act or a stand-in is no truth, and a prediction may shape its own outcome: numbers of
each are shown side by side and never mixed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from monitoring.metrics import METRICS
from monitoring.metrics.metric import ANSWER, SHARE
from monitoring.models import MonitorKind
from monitoring.reads.dashboards.lines import Line, Point
from monitoring.web.board_charts import line_chart
from monitoring.web.words import shown, title_of, unit_of, window_text

TRUE = ""
FIRST = 3  # measures that are shown where none is judged; the others unfold
KINDS = {
    TRUE: "True outcomes",
    "natural outcomes": "Natural outcomes",
    "proxy outcomes": "Proxy outcomes",
}
ROWS = {TRUE: "All rows", "exploration": "Rows decided at random"}
APART = frozenset({*KINDS, *ROWS} - {TRUE})
AGREEMENTS = {
    "agreement_share": ("Agreement with true outcomes", SHARE),
    "cohen_kappa": ("Cohen's kappa: agreement beyond chance", ""),
    "agreement_correlation": ("Correlation with true outcomes", ""),
    "agreement_difference": ("Mean difference from true outcomes", ANSWER),
}
Table = dict[str, Any]
Cells = list[tuple[str, dict[str, Any] | None]]


@dataclass(frozen=True)
class Apart:
    """Lines by column and metric, as the newest window of each has them."""

    columns: Mapping[str, str]
    by_key: Mapping[tuple[str, str], Line]

    @property
    def present(self) -> list[str]:
        return [one for one in self.columns if any(field == one for field, _ in self.by_key)]


def kinds_table(lines: Sequence[Line], answer_unit: str) -> Table | None:
    """Performance by kind of outcome, with the agreement; None where all outcomes are true."""
    found = _apart(lines, KINDS)
    if set(found.present) <= {TRUE}:
        return None
    return _table(found, answer_unit) | {"agreements": _agreements(found, answer_unit)}


def exploration_table(lines: Sequence[Line], answer_unit: str) -> Table | None:
    """Performance with and without the rows whose outcome the model may have shaped."""
    found = _apart(lines, ROWS)
    if set(found.present) <= {TRUE}:
        return None
    table = _table(found, answer_unit)
    counts = [_most(found, column) for column in ("exploration", TRUE)]
    return table | {"explored": counts[0], "all": counts[1]}


def _apart(lines: Sequence[Line], columns: Mapping[str, str]) -> Apart:
    """Several monitors measure the same beside their own number: the newest counts."""
    own = [
        line
        for line in lines
        if line.monitor.kind == MonitorKind.PERFORMANCE
        and line.field in columns
        and not line.segment
        and any(point.value is not None for point in line.points)
    ]
    ordered = sorted(own, key=lambda line: (newest_of(line).window_end, line.judged))
    return Apart(columns, {(line.field, line.metric): line for line in ordered})


def newest_of(line: Line) -> Point:
    """The newest window of which there is a number."""
    known = [point for point in line.points if point.value is not None]
    return line.last if line.last.value is not None or not known else known[-1]


def _table(found: Apart, answer_unit: str) -> Table:
    others = [one for one in found.present if one != TRUE]
    metrics = [
        one.name
        for one in METRICS["performance"]
        if any((column, one.name) in found.by_key for column in others)
    ]
    columns = [TRUE, *others]
    first = next((name for name in metrics if _judged(found, name)), None)
    rows = {
        name: (title_of(name), _cells(found, columns, name, _unit(name, answer_unit)))
        for name in metrics
    }
    shown_first = [name for name in metrics if _judged(found, name)] or metrics[:FIRST]
    return {
        "head": [found.columns[one] for one in columns],
        "rows": [rows[name] for name in shown_first],
        "more": [row for name, row in rows.items() if name not in shown_first],
        "chart": _chart(found, columns, first, answer_unit) if first else None,
        "chart_title": title_of(first) if first else "",
    }


def _judged(found: Apart, metric: str) -> bool:
    line = found.by_key.get((TRUE, metric))
    return line is not None and line.judged


def _chart(found: Apart, columns: Sequence[str], metric: str, answer_unit: str) -> Table | None:
    lines = [
        replace(found.by_key[one, metric], field=found.columns[one])
        for one in columns
        if (one, metric) in found.by_key
    ]
    long = any(len(line.points) > 1 for line in lines)
    return line_chart(lines, answer_unit=answer_unit) if long else None


def _unit(metric: str, answer_unit: str) -> str:
    return unit_of(MonitorKind.PERFORMANCE, metric, answer_unit)


def _cells(found: Apart, columns: Sequence[str], metric: str, unit: str) -> Cells:
    lines = [found.by_key.get((one, metric)) for one in columns]
    return [
        (found.columns[one], _number(line, unit) if line else None)
        for one, line in zip(columns, lines, strict=True)
    ]


def _agreements(found: Apart, answer_unit: str) -> list[tuple[str, Cells]]:
    others = [one for one in found.present if one != TRUE]
    rows = []
    for metric, (words, unit) in AGREEMENTS.items():
        if any((one, metric) in found.by_key for one in others):
            own_unit = answer_unit if unit == ANSWER else unit
            rows.append((words, _cells(found, (TRUE, *others), metric, own_unit)))
    return rows


def _number(line: Line, unit: str) -> dict[str, Any]:
    point = newest_of(line)
    known = point.low is not None and point.high is not None
    return {
        "value": shown(point.value, unit),
        "interval": f"{shown(point.low, unit)} to {shown(point.high, unit)}" if known else "",
        "n": point.n,
        "run_id": point.run_id,
        "window": window_text(point.window_start, point.window_end),
    }


def _most(found: Apart, column: str) -> int:
    return max(
        (newest_of(line).n for (own, _), line in found.by_key.items() if own == column), default=0
    )
