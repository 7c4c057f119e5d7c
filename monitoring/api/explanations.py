"""Explanations over the API: of one prediction, of a version, and which share is drawn."""

from dataclasses import asdict
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions import person_of
from monitoring.api.answers import answering
from monitoring.api.serializers import Finite
from monitoring.models import ExplanationPolicy
from monitoring.reads.explanations import explanations_of, policy_of, rests_on
from monitoring.services.explanations import (
    MOST_PER_DAY,
    ask_explanation,
    ask_importance,
    set_explanation_policy,
)
from registry.api.answers import problems
from registry.api.serializers import Strict
from registry.models import Model, Version

LONGEST_ID = 200
MOST_SHOWN = 100
ASKED = problems(400, 401, 403, 404, 409, 415, 422)


class ExplanationInput(Strict):
    model = serializers.SlugField(max_length=80)
    at = serializers.DateTimeField(
        required=False, help_text="About when it was made, to a day, where the log is long"
    )


class PartOutput(serializers.Serializer[Any]):
    feature = serializers.CharField()
    value = serializers.CharField(help_text="As it was logged, with its unit")
    contribution = serializers.FloatField(help_text="In the unit of the answer")
    error = serializers.FloatField(help_text="Standard error where orders were drawn, else 0")
    said = serializers.CharField()


class ExplanationOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    model = serializers.CharField()
    version = serializers.IntegerField()
    prediction_id = serializers.CharField()
    at = serializers.DateTimeField()
    state = serializers.CharField(help_text="due, done, failed (does not add up) or refused")
    origin = serializers.CharField(help_text="asked or sampled")
    reason = serializers.CharField()
    said = serializers.CharField(help_text="The explanation in words, with units")
    unit = serializers.CharField(help_text="share, or answer: the unit of the prediction")
    answer = serializers.FloatField(allow_null=True)
    base = serializers.FloatField(allow_null=True, help_text="Mean answer over the background")
    parts = PartOutput(many=True)
    gap = serializers.FloatField(allow_null=True)
    tolerance = serializers.FloatField(allow_null=True)
    method = serializers.CharField()
    seed = serializers.IntegerField()
    artifact_digest = serializers.CharField()
    inputs_digest = serializers.CharField()
    background_digest = serializers.CharField()
    digest = serializers.CharField()
    asked_at = serializers.DateTimeField()
    done_at = serializers.DateTimeField(allow_null=True)


class WeightOutput(serializers.Serializer[Any]):
    feature = serializers.CharField()
    size = serializers.FloatField(help_text="Mean size of its contributions")
    low = serializers.FloatField()
    high = serializers.FloatField()
    shuffled = serializers.FloatField(help_text="More loss when its values are shuffled")
    shuffled_interval = serializers.CharField()


class ImportanceOutput(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    model = serializers.CharField()
    version = serializers.IntegerField()
    state = serializers.CharField(help_text="due, done, failed (does not add up) or refused")
    reason = serializers.CharField()
    unit = serializers.CharField()
    loss = serializers.CharField(help_text="Which loss grows when a feature is shuffled")
    weights = WeightOutput(many=True)
    rows = serializers.IntegerField()
    explained_rows = serializers.IntegerField()
    method = serializers.CharField()
    note = serializers.CharField()
    largest_gap = serializers.FloatField(allow_null=True)
    tolerance = serializers.FloatField(allow_null=True)
    seed = serializers.IntegerField()
    artifact_digest = serializers.CharField()
    reference_digest = serializers.CharField()
    background_digest = serializers.CharField()
    digest = serializers.CharField()
    done_at = serializers.DateTimeField(allow_null=True)


class ExplanationPolicyInput(Strict):
    share = Finite(min_value=0.000001, max_value=1, help_text="Of predictions")
    per_day = serializers.IntegerField(
        min_value=1, max_value=MOST_PER_DAY, help_text="At most so many of one day's predictions"
    )
    enabled = serializers.BooleanField(default=True)


class ExplanationPolicyOutput(serializers.Serializer[Any]):
    share = serializers.FloatField()
    per_day = serializers.IntegerField()
    enabled = serializers.BooleanField()
    on_since = serializers.DateTimeField(allow_null=True)
    changed_by = serializers.CharField(source="changed_by.name")
    changed_at = serializers.DateTimeField()


class PredictionExplanationView(APIView):
    """Why one prediction came out as it did, for each version that answered it."""

    @extend_schema(
        operation_id="explanation_read",
        parameters=[OpenApiParameter("model", str, required=True)],
        responses={200: ExplanationOutput(many=True), **problems(401, 404)},
    )
    def get(self, request: Request, prediction: str) -> Response:
        model = _model(request, request.query_params.get("model", "")[:80])
        return Response(_stored(request, model, prediction))

    @extend_schema(
        operation_id="explanation_ask",
        request=ExplanationInput,
        responses={202: ExplanationOutput(many=True), **ASKED},
    )
    def post(self, request: Request, prediction: str) -> Response:
        """Computed by a job in the sandbox; read it again until its state is not `due`."""
        sent = ExplanationInput(data=request.data)
        sent.is_valid(raise_exception=True)
        model = _model(request, sent.validated_data["model"])
        with answering():
            ask_explanation(
                actor=person_of(request),
                model_id=model.pk,
                prediction_id=prediction[:LONGEST_ID],
                at=sent.validated_data.get("at"),
            )
        return Response(_stored(request, model, prediction), status=202)


class ExplanationListView(APIView):
    """The explanations of a model's predictions, the newest hundred."""

    @extend_schema(
        operation_id="explanations_list",
        responses={200: ExplanationOutput(many=True), **problems(401, 404)},
    )
    def get(self, request: Request, model: str) -> Response:
        seen = explanations_of(request.user, _model(request, model).pk, most=MOST_SHOWN)
        return Response([ExplanationOutput(asdict(one)).data for one in seen])


class ImportanceView(APIView):
    """What a version's answers rest on, over its reference."""

    @extend_schema(
        operation_id="importance_read",
        responses={200: ImportanceOutput, **problems(401, 404)},
    )
    def get(self, request: Request, model: str, version: int) -> Response:
        return Response(_importance(request, model, version))

    @extend_schema(
        operation_id="importance_again",
        request=None,
        responses={202: ImportanceOutput, **ASKED},
    )
    def post(self, request: Request, model: str, version: int) -> Response:
        """Have it computed once more."""
        found = _importance(request, model, version)
        with answering():
            ask_importance(actor=person_of(request), importance_id=found["id"])
        return Response(_importance(request, model, version), status=202)


class ExplanationPolicyView(APIView):
    """Which share of a model's predictions is explained without anybody asking."""

    @extend_schema(
        operation_id="explanation_policy_read",
        responses={200: ExplanationPolicyOutput, **problems(401, 404)},
    )
    def get(self, request: Request, model: str) -> Response:
        found = policy_of(request.user, _model(request, model).pk)
        if found is None:
            raise Http404
        return Response(_policy(found))

    @extend_schema(
        operation_id="explanation_policy_set",
        request=ExplanationPolicyInput,
        responses={200: ExplanationPolicyOutput, **ASKED},
    )
    def put(self, request: Request, model: str) -> Response:
        found = _model(request, model)
        sent = ExplanationPolicyInput(data=request.data)
        sent.is_valid(raise_exception=True)
        with answering():
            made = set_explanation_policy(
                actor=person_of(request), model_id=found.pk, **sent.validated_data
            )
        return Response(_policy(made))


def _model(request: Request, slug: str) -> Model:
    found: Model = get_object_or_404(Model.objects.visible_to(request.user), slug=slug)
    return found


def _stored(request: Request, model: Model, prediction: str) -> list[dict[str, Any]]:
    found = explanations_of(request.user, model.pk, prediction_id=prediction[:LONGEST_ID])
    if not found:
        raise Http404
    return [dict(ExplanationOutput(asdict(one)).data) for one in found]


def _importance(request: Request, slug: str, number: int) -> dict[str, Any]:
    versions = Version.objects.visible_to(request.user)
    version = get_object_or_404(versions, model__slug=slug, number=number)
    found = rests_on(request.user, version.pk)
    if found is None:
        raise Http404
    return dict(ImportanceOutput(asdict(found)).data)


def _policy(found: ExplanationPolicy) -> dict[str, Any]:
    return dict(ExplanationPolicyOutput(found).data)
