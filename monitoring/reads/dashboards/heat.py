"""Drift by field and window: rows under common columns, read with one number for each cell.

A year of hours in 400 columns of 25 fields is 10,000 cells of 219,000 measurements: the database
keeps the gravest measurement of each cell and sends what a cell shows along with its rank, so that
nothing has to be looked up again.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from django.db.models import F, FloatField, Func, Max
from django.db.models.functions import Abs, Coalesce

from monitoring.models import Monitor
from monitoring.reads.dashboards.lines import JUDGED, KEY, MOST_POINTS, Lines, Scope, frame_of
from monitoring.reads.settings import threshold_of
from monitoring.reads.thinning import BREACH, GRAVITY, gravest_of, number
from monitoring.stats.verdict import Verdict

GRAVE = (Verdict.BREACH, Verdict.WARNING)
# Seconds since 1970 as a float at once: EXTRACT would make a decimal number of each row.
SECONDS = Func(
    F("window_end"),
    template="date_part('epoch', %(expressions)s)",
    output_field=FloatField(),
)
VERDICT_OF = {rank: verdict for verdict, rank in GRAVITY.items()} | {BREACH: Verdict.BREACH}


@dataclass(frozen=True)
class Cell:
    """The gravest window of a column, as far as a cell shows it."""

    run_id: int
    window_end: datetime
    value: float | None
    reference_value: float | None
    verdict: Verdict


@dataclass(frozen=True)
class Row:
    """One field's cells, a cell for every column; None where nothing was measured."""

    metric: str
    field: str
    segment: str
    breach: float | None
    cells: tuple[Cell | None, ...]

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


Cells = dict[tuple[str, str, str], dict[datetime, Cell]]


def heat_maps_of(
    scope: Scope, *, model_id: int, kinds: Collection[str]
) -> tuple[Lines, tuple[HeatMap, ...]]:
    """A heat map for each monitor that judged something, and the frame they share. Two queries."""
    frame = frame_of(scope, model_id=model_id, kinds=kinds)
    if frame.as_of is None:
        return frame.around((), cut=False), ()
    found = _read(frame.rows.filter(JUDGED), frame.column)
    by_id = {one.pk: one for one in frame.monitors}
    maps = [_heat_map(by_id[pk], list(own)) for pk, own in groupby(found, key=lambda one: one[0])]
    return frame.around((), cut=len(found) == MOST_POINTS), tuple(maps)


def heat_of(cell: Cell, breach: float | None) -> float | None:
    """How far from its reference, as a part of what is a breach where that is known."""
    if cell.value is None:
        return None
    size = abs(cell.value - (cell.reference_value or 0.0))
    return size / breach if breach else size


def _read(rows: Any, column: Any) -> list[tuple[Any, ...]]:
    """(monitor, metric, field, segment, column, cell) of the newest cells, by monitor."""
    distance = Abs(F("value") - Coalesce(F("reference_value"), number(0)))
    shown = ("run_id", SECONDS, "value")
    gravest = gravest_of(Coalesce(distance, number(-1)), "pk", *shown, "reference_value")
    grouped = rows.order_by().values(*KEY, column=column).annotate(gravest=Max(gravest))
    picked = grouped.order_by("-column").values_list(*KEY, "column", "gravest")[:MOST_POINTS]
    return sorted(picked, key=lambda one: one[0])


def _heat_map(monitor: Monitor, found: Sequence[tuple[Any, ...]]) -> HeatMap:
    by_key: Cells = {}
    ends: dict[datetime, datetime] = {}
    for _, metric, field, segment, column, gravest in found:
        cell = _cell(gravest)
        by_key.setdefault((metric, field, segment), {})[column] = cell
        ends[column] = max(cell.window_end, ends.get(column, cell.window_end))
    starts = sorted(ends)
    rows = [_row(monitor, key, by_key[key], starts) for key in sorted(by_key)]
    rows.sort(key=lambda row: row.rank, reverse=True)
    return HeatMap(monitor, tuple(ends[start] for start in starts), tuple(rows))


def _cell(gravest: Sequence[float]) -> Cell:
    rank, _, _, run_id, end, value, usual = gravest
    moment = datetime.fromtimestamp(end, tz=UTC)
    return Cell(int(run_id), moment, value, usual, VERDICT_OF[int(rank)])


def _row(
    monitor: Monitor,
    key: tuple[str, str, str],
    cells: dict[datetime, Cell],
    starts: Sequence[datetime],
) -> Row:
    breach = threshold_of(monitor, key[0]).breach
    return Row(*key, breach, tuple(cells.get(start) for start in starts))
