"""The numbers behind the dashboards over the API: stored, bounded, and thinned out where long."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.problems import Problem, Unprocessable
from monitoring.api import dashboard_shapes as shapes
from monitoring.metrics import LABELLED, metric_of, words_of
from monitoring.reads.behaviour import versions_of, watched_versions
from monitoring.reads.charts import distribution_of
from monitoring.reads.dashboards import boards
from monitoring.reads.dashboards.curves import LONGEST, reliability_of
from monitoring.reads.dashboards.heat import HeatMap, Row, heat_maps_of, heat_of
from monitoring.reads.dashboards.lines import Line, Lines, Point, Scope, lines_of
from monitoring.reads.dashboards.segments import Beside, Pair, beside_of, segments_of
from monitoring.reads.dashboards.stages import fields_by_stage
from monitoring.reads.dashboards.windows import newest_window
from monitoring.reads.windows import ALL_ROWS
from registry.api.answers import problems
from registry.models import Model, Version
from registry.reads.deployments import serving_now

HEAT_COLUMNS = 60
MOST_NAMED = 20


class Asked:
    """What a request asks for: a version, a period, and which series."""

    def __init__(self, request: Request, slug: str) -> None:
        sent = shapes.DashboardInput(data=request.query_params.dict())
        sent.is_valid(raise_exception=True)
        self.facts: dict[str, Any] = dict(sent.validated_data)
        self.model = get_object_or_404(Model.objects.visible_to(request.user), slug=slug)
        self.version = self._version()
        self.since: datetime | None = self.facts.get("from")
        self.until: datetime | None = self.facts.get("to")
        if self.since and self.until and self.since >= self.until:
            raise Unprocessable("empty_period", "`from` has to be earlier than `to`.")

        self._check_segment()

    @property
    def field(self) -> str:
        return str(self.facts.get("field", ""))

    @property
    def segment(self) -> str | None:
        return self.facts.get("segment")

    def scope(self, columns: int) -> Scope:
        return Scope(
            self.version.pk,
            since=self.since,
            until=self.until,
            field=self.field,
            segment=self.segment,
            columns=self.facts.get("columns", columns),
        )

    def window(self, kinds: tuple[str, ...]) -> tuple[datetime, datetime]:
        """At most 31 days: as asked, else the newest evaluated window of these kinds."""
        if self.until or self.since:
            end = self.until or datetime.now(UTC)
            start = self.since or end - LONGEST
        else:
            found = newest_window(self.version.pk, kinds)
            if found is None:
                raise Unprocessable("no_window", "No window has been evaluated; send from and to.")
            start, end = found
        if self.since and end - start > LONGEST:
            raise Unprocessable("too_long", "A distribution is drawn for at most 31 days.")
        return max(start, end - LONGEST), end

    def head(self) -> dict[str, Any]:
        return {"model": self.model.slug, "version": self.version.number}

    def components(self) -> dict[str, str]:
        """field -> the stage of the pipeline that it belongs to, where the model has stages."""
        schema = getattr(self.version, "schema", None)
        by_stage = fields_by_stage(self.model.components, schema)
        return {field: name for name, fields in by_stage.items() for field in fields}

    def in_segment(self, board: str) -> dict[str, Any]:
        """The asked segment beside all rows in the newest window; null where none is asked for."""
        if not self.segment:
            return {"in_segment": None}
        window = newest_window(self.version.pk, boards.KINDS[board])
        found = beside_of(self.version, board=board, segment=self.segment, window=window)
        return {"in_segment": _beside(found) if found else None}

    def _check_segment(self) -> None:
        if not self.segment:
            return
        known = segments_of(self.version.pk)
        if self.segment not in known:
            named = ", ".join(known[:MOST_NAMED]) or "none"
            reason = f"Nothing is counted of {self.segment!r}. Segments of this version: {named}."
            raise Problem(400, "unknown_segment", reason, segments=list(known))

    def _version(self) -> Version:
        number = self.facts.get("version")
        versions = versions_of(self.model.pk)
        if number is not None:
            versions = list(self.model.versions.filter(number=number).select_related("schema"))
        serving = [one.version_id for one in serving_now(self.model.pk)]
        watched = watched_versions(self.model.pk)
        ranked = sorted(versions, key=lambda one: _rank(one, serving, watched))
        if not ranked:
            raise Unprocessable("no_version", f"{self.model.slug} has no such version.")
        return ranked[0]


class PerformanceView(APIView):
    """Realised and estimated performance by window, with intervals, reference and coverage."""

    @extend_schema(
        operation_id="dashboards_performance",
        parameters=[shapes.DashboardInput],
        responses={200: shapes.SeriesOutput, **problems(400, 401, 404, 422)},
    )
    def get(self, request: Request, model: str) -> Response:
        return Response(_series(Asked(request, model), "performance"))


class OperationsView(APIView):
    """How the service runs, by window: errors, latency, throughput, resources."""

    @extend_schema(
        operation_id="dashboards_operations",
        parameters=[shapes.DashboardInput],
        responses={200: shapes.SeriesOutput, **problems(400, 401, 404, 422)},
    )
    def get(self, request: Request, model: str) -> Response:
        return Response(_series(Asked(request, model), "operations"))


class ValueView(APIView):
    """What decisions were worth, by window."""

    @extend_schema(
        operation_id="dashboards_value",
        parameters=[shapes.DashboardInput],
        responses={200: shapes.SeriesOutput, **problems(400, 401, 404, 422)},
    )
    def get(self, request: Request, model: str) -> Response:
        return Response(_series(Asked(request, model), "value"))


class FairnessView(APIView):
    """Gaps between groups and the rates of the groups, by window, with intervals."""

    @extend_schema(
        operation_id="dashboards_fairness",
        parameters=[shapes.DashboardInput],
        responses={200: shapes.SeriesOutput, **problems(400, 401, 404, 422)},
    )
    def get(self, request: Request, model: str) -> Response:
        return Response(_series(Asked(request, model), "fairness"))


class DriftView(APIView):
    """Drift, novelty and quality by field × window: the gravest window of each column."""

    @extend_schema(
        operation_id="dashboards_drift",
        parameters=[shapes.DashboardInput],
        responses={200: shapes.HeatOutput, **problems(400, 401, 404, 422)},
    )
    def get(self, request: Request, model: str) -> Response:
        asked = Asked(request, model)
        scope = asked.scope(HEAT_COLUMNS)
        found, maps = heat_maps_of(scope, model_id=asked.model.pk, kinds=boards.DATA)
        stages = asked.components()
        answer = {"maps": [_map(one, stages) for one in maps]} | asked.in_segment("drift")
        return Response(asked.head() | _frame(found) | answer)


class CalibrationView(APIView):
    """Calibration by window, and the reliability curve of one window beside the reference's.

    The curve is of the newest window, or of `from` to `to`; `field` is the class of several.
    """

    @extend_schema(
        operation_id="dashboards_calibration",
        parameters=[shapes.DashboardInput],
        responses={200: shapes.CalibrationOutput, **problems(400, 401, 404, 422)},
    )
    def get(self, request: Request, model: str) -> Response:
        asked = Asked(request, model)
        answer = _series(asked, "calibration")
        return Response(answer | {"curve": _curve(asked)})


class DistributionView(APIView):
    """One field in a window of at most 31 days, beside the reference; shares of rows."""

    @extend_schema(
        operation_id="dashboards_distribution",
        parameters=[shapes.DashboardInput],
        responses={200: shapes.DistributionOutput, **problems(400, 401, 404, 422)},
    )
    def get(self, request: Request, model: str) -> Response:
        asked = Asked(request, model)
        if not asked.field:
            raise Unprocessable("no_field", "Name the field: ?field=…")
        start, end = asked.window(boards.DATA)
        found = distribution_of(
            version_id=asked.version.pk,
            field=asked.field,
            start=start,
            end=end,
            segment=asked.segment or ALL_ROWS,
        )
        if found is None:
            reason = f"Version {asked.version.number} has no counted field {asked.field!r}."
            raise Unprocessable("no_such_field", reason)
        window = {"from": start, "to": end, "segment": asked.segment or ""}
        return Response(asked.head() | window | asdict(found))


def _rank(version: Version, serving: list[int], watched: set[int]) -> tuple[bool, int, int]:
    place = serving.index(version.pk) if version.pk in serving else len(serving)
    return version.pk not in watched, place, -version.number


def _series(asked: Asked, board: str) -> dict[str, Any]:
    found = lines_of(asked.scope(400), model_id=asked.model.pk, kinds=boards.KINDS[board])
    series = [_line(line) for line in found.lines]
    return asked.head() | _frame(found) | {"series": series} | asked.in_segment(board)


def _beside(found: Beside) -> dict[str, Any]:
    return {
        "segment": found.segment,
        "from": found.start,
        "to": found.end,
        "rows": found.rows,
        "all_rows": found.all_rows,
        "labelled": found.labelled,
        "numbers": [_pair(pair) for pair in found.pairs],
    }


def _pair(pair: Pair) -> dict[str, Any]:
    own, every = pair.own, pair.all_rows
    return {
        "metric": pair.metric,
        "field": pair.field,
        "value": own.value,
        "low": own.low,
        "high": own.high,
        "n": own.n,
        "all_rows": every.value if every else None,
        "all_rows_low": every.low if every else None,
        "all_rows_high": every.high if every else None,
        "all_rows_n": every.n if every else None,
    }


def _frame(found: Lines) -> dict[str, Any]:
    return {
        "from": found.since,
        "to": found.until,
        "as_of": found.as_of,
        "mature_through": found.mature_through,
        "hours_per_column": found.hours,
        "thinned": found.thinned,
        "cut": found.cut,
    }


def _line(line: Line) -> dict[str, Any]:
    labelled = line.monitor.kind in LABELLED
    return {
        "monitor": line.monitor.pk,
        "monitor_name": line.monitor.name,
        "kind": line.monitor.kind,
        "metric": line.metric,
        "words": words_of(line.metric, line.monitor.kind),
        "unit": _unit(line),
        "field": line.field,
        "segment": line.segment,
        "judged": line.judged,
        "warning": line.threshold.warning if line.judged else None,
        "breach": line.threshold.breach if line.judged else None,
        "worse": line.threshold.direction,
        "points": [_point(point, labelled=labelled) for point in line.points],
    }


def _point(point: Point, *, labelled: bool) -> dict[str, Any]:
    return {
        "measurement": point.measurement_id,
        "run": point.run_id,
        "window_start": point.window_start,
        "window_end": point.window_end,
        "value": point.value,
        "low": point.low,
        "high": point.high,
        "reference_value": point.reference_value,
        "compared_with": point.compared_with,
        "n": point.n,
        "coverage": point.coverage if labelled else None,
        "mature": point.mature,
        "verdict": point.verdict,
        "reason": point.reason,
    }


def _unit(line: Line) -> str:
    found = metric_of(line.monitor.kind, line.metric)
    return found.unit if found else ""


def _map(one: HeatMap, stages: dict[str, str]) -> dict[str, Any]:
    return {
        "monitor": one.monitor.pk,
        "monitor_name": one.monitor.name,
        "kind": one.monitor.kind,
        "columns": one.columns,
        "rows": [_row(row, stages.get(row.field, "")) for row in one.rows],
    }


def _row(row: Row, component: str) -> dict[str, Any]:
    cells = row.cells
    heat = [heat_of(cell, row.breach) if cell else None for cell in cells]
    return {
        "field": row.field,
        "component": component,
        "metric": row.metric,
        "segment": row.segment,
        "breach": row.breach,
        "values": [cell.value if cell else None for cell in cells],
        "heat": [None if size is None else round(size, 4) for size in heat],
        "verdicts": [cell.verdict if cell else None for cell in cells],
        "runs": [cell.run_id if cell else None for cell in cells],
    }


def _curve(asked: Asked) -> dict[str, Any] | None:
    newest = newest_window(asked.version.pk, boards.CALIBRATION)
    if newest is None and not (asked.since or asked.until):
        return None
    start, end = newest if newest and not asked.until else (None, asked.until or datetime.now(UTC))
    found = reliability_of(
        asked.version.pk,
        start=asked.since or start or end - LONGEST,
        end=end,
        label=asked.field,
        segment=asked.segment or ALL_ROWS,
    )
    return asdict(found) | {"n": found.n} if found else None
