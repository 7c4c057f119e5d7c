"""Experiments over the API: declared, listed, read, and stopped before their planned end."""

from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions import person_of
from monitoring.api.answers import answering
from monitoring.api.serializers import Finite
from monitoring.models import ExperimentKind
from monitoring.reads.experiments import Seen, experiment_of, experiments_of
from monitoring.services.experiments import Design, declare_experiment, stop_experiment
from registry.api.answers import problems
from registry.api.serializers import Strict
from registry.models import Model


class ExperimentInput(Strict):
    """An experiment, declared before its numbers are seen."""

    name = serializers.CharField(max_length=120)
    kind = serializers.ChoiceField(ExperimentKind.choices)
    champion = serializers.IntegerField(min_value=0, help_text="Version number")
    challenger = serializers.IntegerField(min_value=0, help_text="Version number")
    endpoint = serializers.CharField(
        max_length=40,
        help_text="What decides: error_rate, brier, absolute_error, value, positive_rate or"
        " request_errors",
    )
    starts_at = serializers.DateTimeField()
    ends_at = serializers.DateTimeField()
    planned_rows = serializers.IntegerField(
        min_value=100, max_value=10**12, help_text="Of both versions together"
    )
    challenger_share = Finite(
        required=False, allow_null=True, help_text="Of split traffic, between 0 and 1"
    )
    confidence = Finite(required=False)
    margin = Finite(
        required=False,
        allow_null=True,
        help_text="Not worse by more than this is enough to win; not named: it must be better",
    )


class StopInput(Strict):
    reason = serializers.CharField(max_length=500)


class LookOutput(serializers.Serializer[Any]):
    as_of = serializers.DateTimeField()
    champion_rows = serializers.IntegerField()
    challenger_rows = serializers.IntegerField()
    findings = serializers.ListField(
        child=serializers.DictField(),
        help_text="By endpoint: `looks` says whether an interval holds at any look or at one",
    )
    library_version = serializers.CharField()
    looked_at = serializers.DateTimeField()


class ExperimentOutput(serializers.Serializer[Seen]):
    id = serializers.IntegerField(source="experiment.pk")
    model = serializers.CharField(source="experiment.model.slug")
    name = serializers.CharField(source="experiment.name")
    kind = serializers.CharField(source="experiment.kind")
    champion = serializers.IntegerField(source="experiment.champion.number")
    challenger = serializers.IntegerField(source="experiment.challenger.number")
    endpoint = serializers.CharField(source="experiment.endpoint")
    challenger_share = serializers.FloatField(source="experiment.challenger_share", allow_null=True)
    planned_rows = serializers.IntegerField(source="experiment.planned_rows")
    confidence = serializers.FloatField(source="experiment.confidence")
    margin = serializers.FloatField(source="experiment.margin", allow_null=True)
    starts_at = serializers.DateTimeField(source="experiment.starts_at")
    ends_at = serializers.DateTimeField(source="experiment.ends_at")
    declared_by = serializers.CharField(source="experiment.declared_by.name")
    declared_at = serializers.DateTimeField(source="experiment.declared_at")
    declared_afterwards = serializers.BooleanField(
        source="afterwards", help_text="Its time had begun: its numbers may have been known"
    )
    stopped_at = serializers.DateTimeField(source="experiment.stopped_at", allow_null=True)
    stop_reason = serializers.CharField(source="experiment.stop_reason")
    phase = serializers.CharField()
    answer = serializers.CharField(
        help_text="better, worse, different, undecided or invalid; empty before the first look"
    )
    reason = serializers.CharField()


class ExperimentDetailOutput(ExperimentOutput):
    looks = serializers.SerializerMethodField()

    @extend_schema_field(LookOutput(many=True))
    def get_looks(self, seen: Seen) -> list[dict[str, Any]]:
        return [dict(LookOutput(look).data) for look in seen.looks]


class ExperimentListView(APIView):
    """The experiments of a model, the newest hundred; and a new one."""

    @extend_schema(
        operation_id="experiments_list",
        responses={200: ExperimentOutput(many=True), **problems(401, 404)},
    )
    def get(self, request: Request, model: str) -> Response:
        found = get_object_or_404(Model.objects.visible_to(request.user), slug=model)
        seen = experiments_of(request.user, model_id=found.pk)
        return Response([ExperimentOutput(one).data for one in seen])

    @extend_schema(
        operation_id="experiment_declare",
        request=ExperimentInput,
        responses={201: ExperimentDetailOutput, **problems(400, 401, 403, 404, 415, 422)},
    )
    def post(self, request: Request, model: str) -> Response:
        found = get_object_or_404(Model.objects.visible_to(request.user), slug=model)
        sent = ExperimentInput(data=request.data)
        sent.is_valid(raise_exception=True)
        with answering():
            made = declare_experiment(
                actor=person_of(request), model_id=found.pk, design=Design(**sent.validated_data)
            )
        return Response(_told(request, made.pk), status=201)


class ExperimentView(APIView):
    """One experiment with everything that was looked at."""

    @extend_schema(
        operation_id="experiment_read",
        responses={200: ExperimentDetailOutput, **problems(401, 404)},
    )
    def get(self, request: Request, experiment: int) -> Response:
        return Response(_told(request, experiment))


class ExperimentStopView(APIView):
    """End an experiment before its planned end, with a reason."""

    @extend_schema(
        operation_id="experiment_stop",
        request=StopInput,
        responses={200: ExperimentDetailOutput, **problems(400, 401, 403, 404, 415, 422)},
    )
    def post(self, request: Request, experiment: int) -> Response:
        _told(request, experiment)
        sent = StopInput(data=request.data)
        sent.is_valid(raise_exception=True)
        with answering():
            stop_experiment(
                actor=person_of(request),
                experiment_id=experiment,
                reason=sent.validated_data["reason"],
            )
        return Response(_told(request, experiment))


def _told(request: Request, experiment_id: int) -> dict[str, Any]:
    seen = experiment_of(request.user, experiment_id)
    if seen is None:
        raise Http404
    return dict(ExperimentDetailOutput(seen).data)
