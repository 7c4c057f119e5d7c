"""Monitors, runs, measurements, alerts and incidents over the API: stored, never computed here."""

from collections.abc import Callable

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions import person_of
from audit.api.spreadsheets import SpreadsheetRenderer
from monitoring import filters
from monitoring.api import serializers as shapes
from monitoring.api.answers import answering
from monitoring.models import Alert, Incident, Measurement, Monitor, Run
from monitoring.querysets import (
    AlertQuerySet,
    IncidentQuerySet,
    MeasurementQuerySet,
    MonitorQuerySet,
    RunQuerySet,
)
from monitoring.services import incidents
from monitoring.services.monitors import Settings, change_monitor, create_monitor
from registry.api.answers import problems
from registry.api.serializers import Strict
from registry.models import Model


class MeasurementListView(ListAPIView[Measurement]):
    """The measurements of a model, newest first; outdated revisions only by `latest=false`.

    As CSV up to 10,000 measurements at once; `Link` names the address of the next ones.
    """

    renderer_classes = (JSONRenderer, SpreadsheetRenderer)
    serializer_class = shapes.MeasurementOutput
    filterset_class = filters.MeasurementFilter
    queryset = Measurement.objects.none()

    def get_queryset(self) -> MeasurementQuerySet:
        found = Measurement.objects.visible_to(self.request.user)
        if "latest" not in self.request.query_params:
            found = found.filter(latest=True)
        found = found.filter(version__model__slug=self.kwargs.get("model"))
        return found.select_related("run", "monitor", "version")

    @extend_schema(
        operation_id="measurements_list",
        responses={
            (200, "application/json"): shapes.MeasurementOutput(many=True),
            (200, "text/csv"): OpenApiTypes.STR,
            **problems(401, 404, 422),
        },
    )
    def get(self, request: Request, model: str) -> Response:
        get_object_or_404(Model.objects.visible_to(request.user), slug=model)
        return super().list(request, model)


class MonitorListView(GenericAPIView[Monitor]):
    """Monitors of the models that you may see."""

    serializer_class = shapes.MonitorOutput
    filterset_class = filters.MonitorFilter
    queryset = Monitor.objects.none()

    def get_queryset(self) -> MonitorQuerySet:
        found = Monitor.objects.visible_to(self.request.user)
        return found.select_related("model", "created_by")

    @extend_schema(
        operation_id="monitors_list",
        responses={200: shapes.MonitorOutput(many=True), **problems(401, 422)},
    )
    def get(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(shapes.MonitorOutput(page, many=True).data)

    @extend_schema(
        operation_id="monitors_create",
        request=shapes.MonitorInput,
        responses={201: shapes.MonitorOutput, **problems(400, 401, 403, 404, 415, 422)},
    )
    def post(self, request: Request) -> Response:
        sent = shapes.MonitorInput(data=request.data)
        sent.is_valid(raise_exception=True)
        facts = dict(sent.validated_data)
        model = get_object_or_404(Model.objects.visible_to(request.user), slug=facts.pop("model"))
        with answering():
            made = create_monitor(
                actor=person_of(request), model_id=model.pk, settings=Settings(**facts)
            )
        return Response(shapes.MonitorOutput(made).data, status=201)


class MonitorView(APIView):
    """One monitor."""

    @extend_schema(
        operation_id="monitors_read", responses={200: shapes.MonitorOutput, **problems(401, 404)}
    )
    def get(self, request: Request, monitor: int) -> Response:
        return Response(shapes.MonitorOutput(_monitor(request, monitor)).data)

    @extend_schema(
        operation_id="monitors_change",
        request=shapes.MonitorSettings(partial=True),
        responses={200: shapes.MonitorOutput, **problems(400, 401, 403, 404, 415, 422)},
    )
    def patch(self, request: Request, monitor: int) -> Response:
        """Earlier runs stay; windows are evaluated anew under the new settings."""
        found = _monitor(request, monitor)
        sent = shapes.MonitorSettings(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        with answering():
            changed = change_monitor(
                actor=person_of(request),
                monitor_id=found.pk,
                changes=dict(sent.validated_data),
            )
        return Response(shapes.MonitorOutput(changed).data)


@extend_schema_view(
    get=extend_schema(
        operation_id="runs_list",
        responses={200: shapes.RunOutput(many=True), **problems(401, 422)},
    )
)
class RunListView(ListAPIView[Run]):
    """Evaluations of monitors, newest first, with all their revisions."""

    serializer_class = shapes.RunOutput
    filterset_class = filters.RunFilter
    queryset = Run.objects.none()

    def get_queryset(self) -> RunQuerySet:
        found = Run.objects.visible_to(self.request.user)
        return found.select_related("monitor__model", "version")


@extend_schema_view(
    get=extend_schema(
        operation_id="alerts_list",
        responses={200: shapes.AlertOutput(many=True), **problems(401, 422)},
    )
)
class AlertListView(ListAPIView[Alert]):
    """Breaches and warnings, newest first."""

    serializer_class = shapes.AlertOutput
    filterset_class = filters.AlertFilter
    queryset = Alert.objects.none()

    def get_queryset(self) -> AlertQuerySet:
        found = Alert.objects.visible_to(self.request.user)
        return found.select_related("run__monitor__model", "run__version")


@extend_schema_view(
    get=extend_schema(
        operation_id="incidents_list",
        responses={200: shapes.IncidentOutput(many=True), **problems(401, 422)},
    )
)
class IncidentListView(ListAPIView[Incident]):
    """Incidents, newest first."""

    serializer_class = shapes.IncidentOutput
    filterset_class = filters.IncidentFilter
    queryset = Incident.objects.none()

    def get_queryset(self) -> IncidentQuerySet:
        found = Incident.objects.visible_to(self.request.user)
        return found.select_related("model", "version", "owner")


class IncidentView(APIView):
    """One incident with its timeline."""

    @extend_schema(
        operation_id="incidents_read",
        responses={200: shapes.IncidentDetailOutput, **problems(401, 404)},
    )
    def get(self, request: Request, incident: int) -> Response:
        return _incident_answer(request, incident)


class AcknowledgeView(APIView):
    """Take an open incident over."""

    @extend_schema(
        operation_id="incidents_acknowledge",
        request=shapes.AcknowledgeInput,
        responses={
            200: shapes.IncidentDetailOutput,
            **problems(400, 401, 403, 404, 409, 415, 422),
        },
    )
    def post(self, request: Request, incident: int) -> Response:
        sent = shapes.AcknowledgeInput(data=request.data)
        return _handled(request, incident, sent, incidents.acknowledge)


class ResolveView(APIView):
    """Close an incident with its root cause."""

    @extend_schema(
        operation_id="incidents_resolve",
        request=shapes.ResolveInput,
        responses={
            200: shapes.IncidentDetailOutput,
            **problems(400, 401, 403, 404, 409, 415, 422),
        },
    )
    def post(self, request: Request, incident: int) -> Response:
        return _handled(
            request, incident, shapes.ResolveInput(data=request.data), incidents.resolve
        )


class NoteView(APIView):
    """Add a line to an incident's timeline."""

    @extend_schema(
        operation_id="incidents_note",
        request=shapes.NoteInput,
        responses={
            200: shapes.IncidentDetailOutput,
            **problems(400, 401, 403, 404, 415, 422),
        },
    )
    def post(self, request: Request, incident: int) -> Response:
        return _handled(request, incident, shapes.NoteInput(data=request.data), incidents.note)


def _handled(request: Request, incident: int, sent: Strict, do: Callable[..., object]) -> Response:
    """Check the shape, let the service do it, answer with the incident as it is now."""
    found = get_object_or_404(Incident.objects.visible_to(request.user), pk=incident)
    sent.is_valid(raise_exception=True)
    with answering():
        do(actor=person_of(request), incident_id=found.pk, **sent.validated_data)
    return _incident_answer(request, found.pk)


def _monitor(request: Request, monitor_id: int) -> Monitor:
    found = Monitor.objects.visible_to(request.user).select_related("model", "created_by")
    return get_object_or_404(found, pk=monitor_id)


def _incident_answer(request: Request, incident_id: int) -> Response:
    found = Incident.objects.visible_to(request.user).select_related("model", "version", "owner")
    incident = get_object_or_404(found.prefetch_related("entries__person"), pk=incident_id)
    return Response(shapes.IncidentDetailOutput(incident).data)
