"""Rolling back by API: eligible versions, the request, reports, and the watch."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import (
    OpenApiParameter,
    extend_schema,
    extend_schema_field,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions import person_of
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.api.requests import detail
from governance.api.serializers import RequestDetailSerializer
from governance.models import RollBack, Watch
from governance.reads.rollbacks import durations, remains, targets
from governance.reads.watches import line_of
from governance.services.rollbacks import ask_to_roll_back
from governance.watch_querysets import RollBackQuerySet, WatchQuerySet
from registry.models import Model

ENVIRONMENT = OpenApiParameter("environment", str, description="production, if not named")


class TargetShape(serializers.Serializer[Any]):
    version = serializers.IntegerField(source="number")
    stage = serializers.CharField()
    last_champion_since = serializers.DateTimeField(source="last_served", allow_null=True)
    eligible = serializers.BooleanField()
    obstacles = serializers.ListField(child=serializers.CharField())


class NewRollBackShape(serializers.Serializer[Any]):
    version = serializers.IntegerField(
        min_value=0,
        required=False,
        allow_null=True,
        default=None,
        help_text="Left out: the last champion that is eligible",
    )
    environment = serializers.SlugField(max_length=40, required=False, default="production")
    reason = serializers.CharField(max_length=3000, required=False, default="", allow_blank=True)
    incident = serializers.IntegerField(required=False, allow_null=True, default=None)


class RollBackStepShape(serializers.Serializer[Any]):
    words = serializers.CharField()
    seconds = serializers.FloatField(allow_null=True)


class RollBackShape(serializers.ModelSerializer[RollBack]):
    model = serializers.CharField(source="model.slug")
    left = serializers.IntegerField(source="left.number", allow_null=True, default=None)
    to = serializers.IntegerField(source="to.number")
    automatic = serializers.BooleanField()
    policy = serializers.CharField()
    steps = serializers.SerializerMethodField()
    remains = serializers.SerializerMethodField()

    class Meta:
        model = RollBack
        fields = [
            "id",
            "model",
            "environment",
            "left",
            "to",
            "automatic",
            "watch",
            "request",
            "incident",
            "policy",
            "why",
            "breached_at",
            "asked_at",
            "approved_at",
            "executed_at",
            "alias_moved_at",
            "bytes_state",
            "bytes_said",
            "steps",
            "remains",
        ]

    @extend_schema_field(RollBackStepShape(many=True))
    def get_steps(self, row: RollBack) -> list[dict[str, Any]]:
        return [{"words": one.words, "seconds": one.seconds} for one in durations(row)]

    def get_remains(self, row: RollBack) -> list[str]:
        return remains(row)


class WatchShape(serializers.ModelSerializer[Watch]):
    model = serializers.CharField(source="model.slug")
    version = serializers.IntegerField(source="version.number")
    former = serializers.IntegerField(source="former.number", allow_null=True, default=None)
    policy = serializers.CharField()
    kinds = serializers.ListField(child=serializers.CharField())
    looked = serializers.DictField(help_text="Counts of what was looked at until it ended")
    breach = serializers.DictField(allow_null=True)
    text = serializers.SerializerMethodField()

    class Meta:
        model = Watch
        fields = [
            "id",
            "model",
            "version",
            "former",
            "environment",
            "policy",
            "hours",
            "rows",
            "kinds",
            "margin",
            "automatic",
            "suspends",
            "started_at",
            "until",
            "state",
            "ended_at",
            "looked",
            "breach",
            "broke_at",
            "outcome",
            "said",
            "request",
            "text",
        ]

    def get_text(self, row: Watch) -> str:
        return line_of(row).text


class TargetsView(APIView):
    @extend_schema(
        operation_id="models_roll_back_targets",
        parameters=[ENVIRONMENT],
        responses=answers(200, TargetShape(many=True)),
    )
    def get(self, request: Request, model: str) -> Response:
        """Earlier versions, and what keeps each from serving again."""
        found = get_object_or_404(Model.objects.visible_to(person_of(request)), slug=model)
        rows = targets(found, request.query_params.get("environment") or "production")
        return Response(TargetShape(rows, many=True).data)

    @extend_schema(
        operation_id="models_roll_back",
        request=NewRollBackShape,
        responses=answers(201, RequestDetailSerializer, 400, 409, 415, 422),
    )
    def post(self, request: Request, model: str) -> Response:
        """Ask to roll back; it is carried out when the signatures of the policy are there."""
        person = person_of(request)
        found = get_object_or_404(Model.objects.visible_to(person), slug=model)
        shape = NewRollBackShape(data=request.data)
        shape.is_valid(raise_exception=True)
        said = shape.validated_data
        with refusals_as_problems():
            made = ask_to_roll_back(
                actor=person,
                model_id=found.pk,
                number=said["version"],
                environment=said["environment"],
                reason=said["reason"],
                incident_id=said["incident"],
            )
        answer = detail(request, made.pk)
        answer.status_code = 201
        return answer


@extend_schema_view(get=extend_schema(operation_id="roll_backs_list"))
class RollBackListView(ListAPIView[RollBack]):
    """Every roll-back, the latest first."""

    serializer_class = RollBackShape
    queryset = RollBack.objects.none()

    def get_queryset(self) -> RollBackQuerySet:
        return _roll_backs(self.request)


class RollBackView(APIView):
    @extend_schema(operation_id="roll_backs_retrieve", responses=answers(200, RollBackShape))
    def get(self, request: Request, roll_back: int) -> Response:
        """The report of one roll-back."""
        row = get_object_or_404(_roll_backs(request), pk=roll_back)
        return Response(RollBackShape(row).data)


def _roll_backs(request: Any) -> RollBackQuerySet:
    rows = RollBack.objects.visible_to(person_of(request))
    return rows.select_related("model", "left", "to", "policy").order_by("-pk")


@extend_schema_view(get=extend_schema(operation_id="watches_list"))
class WatchListView(ListAPIView[Watch]):
    """Every watch, the latest first."""

    serializer_class = WatchShape
    queryset = Watch.objects.none()

    def get_queryset(self) -> WatchQuerySet:
        return _watches(self.request)


class WatchView(APIView):
    @extend_schema(operation_id="watches_retrieve", responses=answers(200, WatchShape))
    def get(self, request: Request, watch: int) -> Response:
        """One watch: what it looks at, what it saw, what followed."""
        return Response(WatchShape(get_object_or_404(_watches(request), pk=watch)).data)


def _watches(request: Any) -> WatchQuerySet:
    rows = Watch.objects.visible_to(person_of(request))
    return rows.select_related("model", "version", "former", "policy").order_by("-pk")
