"""Drift by field and window: the points of series as rows under common columns. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from monitoring.models import Monitor
from monitoring.reads.dashboards.lines import Line, Point
from monitoring.stats.verdict import Verdict

GRAVE = (Verdict.BREACH, Verdict.WARNING)


@dataclass(frozen=True)
class Row:
    """One field's cells, a cell for every column; None where nothing was measured."""

    metric: str
    field: str
    segment: str
    breach: float | None
    cells: tuple[Point | None, ...]

    @property
    def rank(self) -> tuple[int, float]:
        """How grave the row is: its breaches and warnings first, then how far it moved."""
        known = [cell for cell in self.cells if cell]
        sizes = (heat_of(cell, self.breach) or 0.0 for cell in known)
        return sum(cell.verdict in GRAVE for cell in known), max(sizes, default=0.0)


@dataclass(frozen=True)
class HeatMap:
    """Field × window of one monitor, the gravest field first; columns by the end of the last."""

    monitor: Monitor
    columns: tuple[datetime, ...]
    rows: tuple[Row, ...]


def heat_maps(lines: Iterable[Line]) -> tuple[HeatMap, ...]:
    """One heat map for each monitor of the judged series."""
    judged = sorted((line for line in lines if line.judged), key=lambda line: line.monitor.pk)
    grouped = groupby(judged, key=lambda line: line.monitor.pk)
    return tuple(_heat_map(list(own)) for _, own in grouped)


def heat_of(point: Point, breach: float | None) -> float | None:
    """How far from its reference, as a part of what is a breach where that is known."""
    if point.value is None:
        return None
    size = abs(point.value - (point.reference_value or 0.0))
    return size / breach if breach else size


def _heat_map(lines: Sequence[Line]) -> HeatMap:
    ends: dict[datetime, datetime] = {}
    for line in lines:
        for point in line.points:
            ends[point.column] = max(point.window_end, ends.get(point.column, point.window_end))
    starts = sorted(ends)
    rows = sorted((_row(line, starts) for line in lines), key=lambda row: row.rank, reverse=True)
    return HeatMap(lines[0].monitor, tuple(ends[start] for start in starts), tuple(rows))


def _row(line: Line, starts: Sequence[datetime]) -> Row:
    by_column = {point.column: point for point in line.points}
    cells = tuple(by_column.get(start) for start in starts)
    return Row(line.metric, line.field, line.segment, line.threshold.breach, cells)
