"""One evaluated window: its numbers, and the distribution of a field against its reference."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.sessions import person_of
from monitoring.metrics import LABELLED
from monitoring.models import Run
from monitoring.reads.charts import distribution_of
from monitoring.reads.run_page import run_page as read_run
from monitoring.reads.runs import MeasurementRow, measurements_of
from monitoring.stats.verdict import Verdict
from monitoring.web.charts import distribution_chart
from monitoring.web.words import (
    answer_unit,
    chance,
    field_names,
    field_units,
    threshold_text,
    title_of,
    unit_of,
    window_text,
)

# Merging a window's hourly counts is bounded by its length: a longer one is not drawn.
LONGEST_DRAWN = timedelta(days=31)
RANK = {
    verdict: place
    for place, verdict in enumerate(
        (Verdict.BREACH, Verdict.WARNING, Verdict.OK, Verdict.INSUFFICIENT_DATA)
    )
}


@require_safe
def run_page(request: HttpRequest, run_id: int) -> HttpResponse:
    """One run: what was measured, how it was judged, what the rows looked like."""
    page = read_run(person_of(request), run_id)
    run = page.run
    rows = measurements_of(run.pk)
    unit = answer_unit(getattr(run.version, "schema", None))
    lines = [_line(row, run.monitor.kind, unit) for row in sorted(rows, key=_gravity)]
    context = {
        "page": page,
        "run": run,
        "monitor": run.monitor,
        "labelled": run.monitor.kind in LABELLED,
        "model": run.monitor.model,
        "window": window_text(run.window_start, run.window_end),
        "warning": threshold_text(run.monitor, "warning", unit),
        "breach": threshold_text(run.monitor, "breach", unit),
        "judged": _table(lines, judged=True),
        "beside": _table(lines, judged=False),
        **_distribution(run, rows, request.GET.get("field", "")),
    }
    return render(request, "monitoring/run.html", context)


def _line(row: MeasurementRow, kind: str, answer: str) -> dict[str, Any]:
    return {
        "row": row,
        "title": title_of(row.metric, kind),
        "unit": unit_of(kind, row.metric, answer),
        "chance": chance(row.p_value),
    }


def _table(lines: list[dict[str, Any]], *, judged: bool) -> dict[str, Any]:
    """The lines of one table, and which of its columns have anything to say."""
    shown = [line for line in lines if line["row"].judged is judged]
    rows = [line["row"] for line in shown]
    return {
        "lines": shown,
        "judged": judged,
        "reasons": any(row.reason for row in rows),
        # The distance of the reference from itself is nothing to tell.
        "usual": any(row.reference_value for row in rows),
        "fields": any(row.field or row.segment for row in rows),
    }


def _gravity(row: MeasurementRow) -> tuple[int, float]:
    """The gravest first, then the largest change."""
    size = row.value or 0.0
    if row.reference_value is not None:
        size -= row.reference_value
    return RANK.get(Verdict(row.verdict), 9), -abs(size)


def _distribution(run: Run, rows: Sequence[MeasurementRow], asked: str) -> dict[str, Any]:
    """The field that is asked for, else the gravest one of the run."""
    schema = getattr(run.version, "schema", None)
    names = field_names(schema)
    ranked = [row.field for row in sorted(rows, key=_gravity) if row.field in names]
    answers = field_names(schema, "score", "prediction")
    field = asked if asked in names else next(iter([*ranked, *answers[-1:]]), "")
    options = [(name, name) for name in names]
    found: dict[str, Any] = {
        "field": field,
        "fields": [{"name": "field", "label": "Field", "value": field, "options": options}],
        "too_long": run.window_end - run.window_start > LONGEST_DRAWN,
    }
    if not field or found["too_long"]:
        return found
    distribution = distribution_of(
        version_id=run.version_id, field=field, start=run.window_start, end=run.window_end
    )
    if distribution is None or not distribution.n:
        return found
    unit = field_units(schema).get(field, "")
    chart = distribution_chart(distribution, unit)
    return (
        found
        | {"distribution": distribution, "unit": unit, "chart": chart}
        | {"late": distribution.n != run.rows}
    )
