"""The dashboards of one model: performance, drift, fairness, calibration, operations and value."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.sessions import person_of
from monitoring.metrics import LABELLED
from monitoring.models import MonitorKind
from monitoring.policies import can_change_monitors
from monitoring.reads.behaviour import versions_of, watched_model, watched_versions
from monitoring.reads.charts import distribution_of
from monitoring.reads.dashboards import boards
from monitoring.reads.dashboards.curves import LONGEST, reliability_of
from monitoring.reads.dashboards.heat import heat_maps_of
from monitoring.reads.dashboards.lines import Line, Lines, Scope, lines_of
from monitoring.reads.dashboards.outlooks import outlooks_of
from monitoring.reads.dashboards.segments import beside_of, segments_of
from monitoring.reads.dashboards.stages import FAILED, fields_by_stage, stages_of
from monitoring.reads.dashboards.windows import newest_window
from monitoring.web.apart import APART, exploration_table, kinds_table
from monitoring.web.board_charts import coverage_chart, heat_table, line_chart, reliability_chart
from monitoring.web.charts import distribution_chart
from monitoring.web.needs import missing_of
from monitoring.web.outlooks import outlook_table
from monitoring.web.panels import Panel, beside_table, panel_of
from monitoring.web.periods import PERIODS, View, period_choice, version_choice, view_of
from monitoring.web.segments import segment_choice, segment_of, segment_table, segment_words
from monitoring.web.stages import failures_chart, failures_over_time, grouped, stage_table
from monitoring.web.tabs import tabs_of
from monitoring.web.words import answer_unit, field_names, field_units, length, window_text
from registry.models import Model, Version
from registry.reads.deployments import serving_now

HEAT_COLUMNS = 53  # a year by weeks
LINE_COLUMNS = 200


@dataclass(frozen=True)
class Board:
    """What a dashboard's page is made of: a model, one of its versions, and the choices."""

    model: Model
    version: Version
    view: View
    unit: str
    schema: Any
    field: str

    @property
    def segment(self) -> str:
        return self.view.segment

    def scope(self, columns: int = LINE_COLUMNS) -> Scope:
        """All that monitors watch, or one segment of it."""
        segment = self.segment or None
        return Scope(self.version.pk, days=self.view.days, segment=segment, columns=columns)

    @property
    def query(self) -> str:
        return f"&{self.view.query}" if self.view.query else ""


Shown = dict[str, Any]


@require_safe
def performance(request: HttpRequest, slug: str) -> HttpResponse:
    """Realised and estimated performance with intervals, reference and coverage of outcomes."""
    return _page(request, slug, "performance", _performance)


@require_safe
def drift(request: HttpRequest, slug: str) -> HttpResponse:
    """Field × window, and one field's series and distribution against the reference."""
    return _page(request, slug, "drift", _drift)


@require_safe
def fairness(request: HttpRequest, slug: str) -> HttpResponse:
    """Gaps between groups over time, and the rates that they are about."""
    return _page(request, slug, "fairness", _fairness)


@require_safe
def calibration(request: HttpRequest, slug: str) -> HttpResponse:
    """Whether scores come true as often as they say."""
    return _page(request, slug, "calibration", _calibration)


@require_safe
def operations(request: HttpRequest, slug: str) -> HttpResponse:
    """Errors, latency, throughput and resources."""
    return _page(request, slug, "operations", _operations)


@require_safe
def value(request: HttpRequest, slug: str) -> HttpResponse:
    """What decisions were worth."""
    return _page(request, slug, "value", _value)


def _page(
    request: HttpRequest, slug: str, board: str, read: Callable[[Board], Shown]
) -> HttpResponse:
    user = person_of(request)
    model = watched_model(user, slug)
    versions, watched = versions_of(model.pk), watched_versions(model.pk)
    serving = [period.version_id for period in serving_now(model.pk)]
    view = view_of(request.GET, versions, watched, serving)
    segments = segments_of(view.version.pk) if view.version else ()
    asked, field = request.GET.get("segment", "")[:200], request.GET.get("field", "")[:120]
    view = replace(view, segment=segment_of(asked, segments))
    schema = getattr(view.version, "schema", None)
    context = {
        "model": model,
        "view": view,
        "board": board,
        "tabs": tabs_of(model.slug, view),
        "may_change": can_change_monitors(user, model),
        "periods": period_choice(view, field=field),
        "versions": version_choice(view, versions, watched, field=field),
        "segments": segment_choice(view, segments, field=field),
        "unknown_segment": asked if asked != view.segment else "",
        "missing": missing_of(board, schema, horizon=length(model.outcome_horizon_hours)),
    }
    if view.version is not None:
        found = Board(model, view.version, view, answer_unit(schema), schema, field)
        context |= read(found) | _in_segment(found, board)
    return render(request, "monitoring/board.html", context)


def _in_segment(board: Board, name: str) -> Shown:
    """The chosen segment beside all rows in the newest window."""
    if not board.segment:
        return {}
    window = newest_window(board.version.pk, boards.KINDS[name])
    found = beside_of(board.version, board=name, segment=board.segment, window=window)
    return {
        "segment": segment_words(board.segment),
        "segment_table": segment_table(found, name, board.unit) if found else None,
    }


def _performance(board: Board) -> Shown:
    found = lines_of(board.scope(), model_id=board.model.pk, kinds=boards.PERFORMANCE)
    judged = [line for line in found.lines if line.judged and line.metric != FAILED]
    realised = [line for line in judged if line.monitor.kind == MonitorKind.PERFORMANCE]
    beside = [line for line in found.lines if line.field not in APART]
    most = max(realised, key=lambda line: len(line.points), default=None)
    ahead = outlooks_of(board.version.pk, kinds=boards.PERFORMANCE, segment=board.segment)
    return _shown(found, _together(judged, board)) | {
        "beside": beside_table(beside, board.unit),
        "outlook": outlook_table(ahead, board.unit),
        "coverage_chart": coverage_chart(most) if most and not board.segment else None,
        "kinds_of_outcome": kinds_table(found.lines, board.unit),
        "exploration": exploration_table(found.lines, board.unit),
        **_stages(board, found),
    }


def _stages(board: Board, found: Lines) -> Shown:
    """Which stage of the pipeline failed, in the newest window and over time."""
    if not board.model.components or board.segment:
        return {}
    stages = stages_of(board.version.pk, board.model.components, board.schema)
    return {
        "stages": stage_table(stages),
        "stages_chart": failures_chart(stages),
        "stages_over_time": failures_over_time(found.lines),
    }


def _together(judged: Sequence[Line], board: Board) -> list[Panel]:
    """An estimate is drawn with the realised number of the same metric, where both are there."""
    grouped: dict[tuple[Any, ...], list[Line]] = {}
    for line in sorted(judged, key=lambda one: boards.PERFORMANCE.index(_kind(one))):
        apart = line.monitor.kind == MonitorKind.CONCEPT
        grouped.setdefault((*line.key, line.monitor.pk if apart else 0), []).append(line)
    return [_panel(lines, board) for lines in grouped.values()]


def _drift(board: Board) -> Shown:
    found, maps = heat_maps_of(
        board.scope(columns=HEAT_COLUMNS), model_id=board.model.pk, kinds=boards.DATA
    )
    by_stage = fields_by_stage(board.model.components, board.schema)
    heats = [heat_table(one, answer_unit=board.unit, query=board.query) for one in maps]
    for heat in heats:
        heat["groups"] = grouped(heat["rows"], by_stage)
    names = field_names(board.schema)
    field = board.field if board.field in names else ""
    options = [("", "Choose a field"), *((name, name) for name in names)]
    return _shown(found, _of_field(board, field)) | {
        "heats": heats,
        "field": field,
        "filters": [
            {"name": "field", "label": "Field", "value": field, "options": options},
            *_kept(board),
        ],
        **(_distribution(board, field) if field else {}),
    }


def _of_field(board: Board, field: str) -> list[Panel]:
    """What is judged of one field, over time."""
    if not field:
        return []
    scope = replace(board.scope(), field=field)
    found = lines_of(scope, model_id=board.model.pk, kinds=boards.DATA, judged=True)
    return [_panel([line], board) for line in found.lines]


def _kept(board: Board) -> list[dict[str, Any]]:
    """The other choices of the page, so that the filter form keeps them."""
    periods = [(key, label) for key, (label, _) in PERIODS.items()]
    return [
        {"name": "period", "label": "Period", "value": board.view.period, "options": periods},
        {
            "name": "version",
            "label": "Version",
            "value": board.version.number,
            "options": [(board.version.number, f"Version {board.version.number}")],
        },
        *_kept_segment(board),
    ]


def _kept_segment(board: Board) -> list[dict[str, Any]]:
    if not board.segment:
        return []
    options = [("", "All rows"), (board.segment, segment_words(board.segment))]
    return [{"name": "segment", "label": "Rows", "value": board.segment, "options": options}]


def _distribution(board: Board, field: str) -> Shown:
    """The field in the newest window of the period, of a month at most."""
    window = newest_window(board.version.pk, boards.DATA)
    if window is None:
        return {}
    start, end = max(window[0], window[1] - LONGEST), window[1]
    start = min(start, end - timedelta(days=1))
    found = distribution_of(
        version_id=board.version.pk, field=field, start=start, end=end, segment=board.segment
    )
    if found is None or not found.n:
        return {}
    unit = field_units(board.schema).get(field, "")
    return {
        "distribution": found,
        "distribution_chart": distribution_chart(found, unit),
        "distribution_window": window_text(start, end),
        "unit": unit,
    }


def _fairness(board: Board) -> Shown:
    found, rates = boards.fairness_of(board.scope(), model_id=board.model.pk)
    panels = []
    for one in rates:
        panels.append(_panel([one.gap], board))
        if one.groups:
            panels.append(_panel(list(one.groups), board, about=one.gap.field))
    return _shown(found, panels)


def _calibration(board: Board) -> Shown:
    found = lines_of(board.scope(), model_id=board.model.pk, kinds=boards.CALIBRATION)
    judged = [line for line in found.lines if line.judged]
    return _shown(found, [_panel([line], board) for line in judged]) | {
        "beside": beside_table(found.lines, board.unit),
        **_reliability(board),
    }


def _reliability(board: Board) -> Shown:
    window = newest_window(board.version.pk, boards.CALIBRATION)
    if window is None:
        return {}
    curve = reliability_of(
        board.version.pk,
        start=window[0],
        end=window[1],
        label=board.field,
        segment=board.segment,
    )
    if curve is None or not curve.bins:
        return {}
    options = [(label, label) for label in curve.labels if label]
    return {
        "curve": curve,
        "curve_chart": reliability_chart(curve),
        "curve_window": window_text(curve.start, curve.end),
        "filters": [
            {"name": "field", "label": "Class", "value": curve.label, "options": options},
            *_kept(board),
        ]
        if options
        else [],
    }


def _operations(board: Board) -> Shown:
    return _plain(board, boards.OPERATIONS)


def _value(board: Board) -> Shown:
    return _plain(board, boards.VALUE)


def _plain(board: Board, kinds: Sequence[str]) -> Shown:
    """A panel for each judged series, the others in a table."""
    found = lines_of(board.scope(), model_id=board.model.pk, kinds=kinds)
    judged = [line for line in found.lines if line.judged]
    return _shown(found, [_panel([line], board) for line in judged]) | {
        "beside": beside_table(found.lines, board.unit)
    }


def _panel(lines: Sequence[Line], board: Board, *, about: str = "") -> Panel:
    chart = line_chart(lines, answer_unit=board.unit)
    return panel_of(lines, chart, answer_unit=board.unit, about=about)


def _shown(found: Lines, panels: Sequence[Panel]) -> Shown:
    labelled = any(panel.line.monitor.kind in LABELLED for panel in panels)
    return {
        "found": found,
        "panels": panels,
        "mature_through": found.mature_through if labelled else None,
        "labelled": labelled,
        "column": length(found.hours) if found.thinned else "",
    }


def _kind(line: Line) -> MonitorKind:
    return MonitorKind(line.monitor.kind)
