"""Recommendations by API: what is said of versions that serve, and the table of rules."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.policies import require
from accounts.sessions import person_of
from governance.api.controls import visible_model
from governance.api.documentation import answers
from governance.api.policy_shapes import (
    DifferenceShape,
    NewPolicySignatureShape,
    PolicySignatureShape,
)
from governance.api.problems import refusals_as_problems
from governance.api.serializers import ReasonSerializer
from governance.models import NotFollowed, Recommendation, RuleTable, RuleTableChange
from governance.policies import can_answer_recommendation
from governance.reads.recommendations import lines_of, recommendations_of
from governance.reads.rule_tables import table_change_page, table_page
from governance.reads.signatures import missing_of
from governance.recommendation_files import LARGEST
from governance.services.recommendations import ONLY_TEAM, say_not_followed
from governance.services.rule_tables import propose_table, sign_table, withdraw_table


class RowNamedShape(serializers.Serializer[Any]):
    words = serializers.CharField(source="label")
    url = serializers.CharField()
    kind = serializers.CharField()


class GroundShape(serializers.Serializer[Any]):
    fact = serializers.CharField()
    said = serializers.CharField()
    links = RowNamedShape(many=True)


class ActShape(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    words = serializers.CharField()


class AfterShape(serializers.Serializer[Any]):
    fate = serializers.CharField()
    fate_words = serializers.CharField()
    until = serializers.DateTimeField()
    acts = ActShape(many=True)


class NotFollowedShape(serializers.ModelSerializer[NotFollowed]):
    name = serializers.CharField(source="printed_name")

    class Meta:
        model = NotFollowed
        fields = ["name", "reason", "at"]


class RecommendationShape(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="row.pk")
    version = serializers.IntegerField(source="row.version.number")
    environment = serializers.CharField(source="row.environment")
    recommend = serializers.CharField(source="row.recommend")
    rule = serializers.CharField(source="row.rule")
    table = serializers.IntegerField(source="row.table.number")
    sentence = serializers.CharField(source="row.sentence")
    enough = serializers.BooleanField(
        source="row.enough", help_text="False: rules were passed over for want of data"
    )
    unknown = serializers.ListField(child=serializers.CharField())
    unwatched = serializers.ListField(child=serializers.CharField())
    grounds = GroundShape(many=True)
    facts = serializers.DictField(source="row.facts")
    facts_digest = serializers.CharField(source="row.facts_digest")
    looked = serializers.ListField(source="row.answer.looked", child=serializers.DictField())
    opens = serializers.BooleanField(source="row.opens")
    at = serializers.DateTimeField(source="row.at")
    now = serializers.BooleanField()
    after = AfterShape()
    not_followed = NotFollowedShape(source="notes", many=True)


class ModelRecommendationsView(APIView):
    @extend_schema(
        operation_id="model_recommendations_list",
        parameters=[OpenApiParameter("at", str, description="As it was said at that time")],
        responses=answers(200, RecommendationShape(many=True), 422),
    )
    def get(self, request: Request, model: str) -> Response:
        """What is and was recommended for the versions of a model, the newest first."""
        found = visible_model(request, model)
        text = request.query_params.get("at")
        lines = recommendations_of(request.user, found, at=_moment(text) if text else None)
        return Response(RecommendationShape(lines, many=True).data)


def _moment(text: str) -> Any:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValidationError({"at": "A time with its zone, such as 2026-04-01T12:00:00Z."})
    return moment


class NotFollowedView(APIView):
    @extend_schema(
        operation_id="recommendations_not_followed",
        request=ReasonSerializer,
        responses=answers(201, RecommendationShape, 400, 409, 415, 422),
    )
    def post(self, request: Request, recommendation: int) -> Response:
        """Say why a recommendation is not followed."""
        rows = Recommendation.objects.visible_to(request.user).select_related("version__model")
        row = get_object_or_404(rows, pk=recommendation)
        require(can_answer_recommendation(person_of(request), row), ONLY_TEAM)
        shape = ReasonSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            say_not_followed(
                actor=person_of(request), recommendation_id=row.pk, **shape.validated_data
            )
        (line,) = lines_of(request.user, Recommendation.objects.filter(pk=row.pk))
        return Response(RecommendationShape(line).data, status=201)


class RuleTableShape(serializers.ModelSerializer[RuleTable]):
    class Meta:
        model = RuleTable
        fields = ["number", "current", "valid_from", "digest", "rules"]


class RuleTableChangeShape(serializers.ModelSerializer[RuleTableChange]):
    proposed_by = serializers.CharField(source="proposed_by.name")
    replaces = serializers.IntegerField(source="base.number")
    in_force_as = serializers.IntegerField(source="table.number", allow_null=True, default=None)
    missing = serializers.SerializerMethodField(help_text="Signatures still needed, by role")
    signatures = PolicySignatureShape(many=True)

    class Meta:
        model = RuleTableChange
        fields = ["id", "state", "replaces", "in_force_as", "loosens", "rules", "reason"]
        fields += ["digest", "proposed_by", "proposed_at", "decided_at", "missing", "signatures"]

    def get_missing(self, change: RuleTableChange) -> dict[str, int]:
        return missing_of(change) if change.state == "open" else {}


class RuleTableChangeDetailShape(RuleTableChangeShape):
    differences = DifferenceShape(many=True)
    trial = serializers.DictField(
        allow_null=True, help_text="What it would have recommended on the stored past"
    )

    class Meta(RuleTableChangeShape.Meta):
        fields = [*RuleTableChangeShape.Meta.fields, "differences", "trial"]


class NewRuleTableShape(serializers.Serializer[Any]):
    content = serializers.CharField(max_length=LARGEST, help_text="The table as YAML")
    reason = serializers.CharField(max_length=4000)


class RuleTableView(APIView):
    @extend_schema(operation_id="recommendation_rules_read", responses=answers(200, RuleTableShape))
    def get(self, request: Request) -> Response:
        """The table of rules in force."""
        return Response(RuleTableShape(table_page(request.user).table).data)


@extend_schema_view(
    get=extend_schema(
        operation_id="recommendation_rule_changes_list",
        responses=answers(200, RuleTableChangeShape(many=True), 422),
    )
)
class RuleTableChangeListView(ListAPIView[RuleTableChange]):
    """Proposed tables, newest first; POST proposes one."""

    serializer_class = RuleTableChangeShape
    queryset = RuleTableChange.objects.select_related(
        "base", "table", "proposed_by"
    ).prefetch_related("signatures")

    @extend_schema(
        operation_id="recommendation_rule_changes_create",
        request=NewRuleTableShape,
        responses=answers(201, RuleTableChangeDetailShape, 400, 409, 415, 422),
    )
    def post(self, request: Request) -> Response:
        """Propose another table of rules; others sign it into force."""
        shape = NewRuleTableShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            found = propose_table(actor=person_of(request), **shape.validated_data)
        return _detail(request, found.pk, 201)


class RuleTableChangeView(APIView):
    @extend_schema(
        operation_id="recommendation_rule_changes_read",
        responses=answers(200, RuleTableChangeDetailShape),
    )
    def get(self, request: Request, table_change: int) -> Response:
        """A proposed table with what would be different and what it does on the past."""
        return _detail(request, table_change, 200)


class RuleTableDecisionView(APIView):
    @extend_schema(
        operation_id="recommendation_rule_changes_decide",
        request=NewPolicySignatureShape,
        responses=answers(201, RuleTableChangeDetailShape, 400, 409, 415, 422, 429),
    )
    def post(self, request: Request, table_change: int) -> Response:
        """Sign for or against a proposal that somebody else made."""
        table_change_page(request.user, table_change)
        shape = NewPolicySignatureShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            sign_table(actor=person_of(request), change_id=table_change, **shape.validated_data)
        return _detail(request, table_change, 201)


class RuleTableWithdrawView(APIView):
    @extend_schema(
        operation_id="recommendation_rule_changes_withdraw",
        request=ReasonSerializer,
        responses=answers(200, RuleTableChangeDetailShape, 400, 409, 415, 422),
    )
    def post(self, request: Request, table_change: int) -> Response:
        """Take a proposal back before it is decided."""
        table_change_page(request.user, table_change)
        shape = ReasonSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            withdraw_table(actor=person_of(request), change_id=table_change, **shape.validated_data)
        return _detail(request, table_change, 200)


def _detail(request: Request, table_change: int, status: int) -> Response:
    page = table_change_page(request.user, table_change)
    told = RuleTableChangeShape(page.change).data
    differences = DifferenceShape(page.differences, many=True).data
    return Response({**told, "differences": differences, "trial": page.trial}, status=status)
