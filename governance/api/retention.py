"""How long archives are kept, by API: the rule in force, proposals, signatures."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions import person_of
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.api.proving import SignedSerializer
from governance.api.serializers import ReasonSerializer
from governance.services.retention import (
    MOST_YEARS,
    propose_retention,
    refuse_retention,
    sign_retention,
)
from registry.models import RetentionTable
from registry.reads.retention import rule_in_force


class RetentionYearsShape(serializers.Serializer[Any]):
    low = serializers.IntegerField(min_value=1, max_value=MOST_YEARS)
    medium = serializers.IntegerField(min_value=1, max_value=MOST_YEARS)
    high = serializers.IntegerField(min_value=1, max_value=MOST_YEARS)


class RetentionTableShape(serializers.ModelSerializer[RetentionTable]):
    years = RetentionYearsShape()
    proposed_by = serializers.CharField(source="proposed_name")
    decided_by = serializers.CharField(source="decided_name")

    class Meta:
        model = RetentionTable
        fields = [
            "id",
            "state",
            "years",
            "reason",
            "digest",
            "proposed_by",
            "proposed_at",
            "decided_by",
            "decided_at",
            "decided_because",
        ]


class RetentionShape(serializers.Serializer[Any]):
    number = serializers.IntegerField(help_text="Of the table in force; 0 as shipped")
    years = RetentionYearsShape()
    tables = RetentionTableShape(many=True, help_text="The latest first")


class NewRetentionShape(serializers.Serializer[Any]):
    years = RetentionYearsShape()
    reason = serializers.CharField(max_length=1000)


class SignRetentionShape(SignedSerializer):
    reason = serializers.CharField(max_length=1000)
    digest = serializers.CharField(max_length=64, help_text="Of the proposal that you read")


class RetentionView(APIView):
    @extend_schema(operation_id="retention_retrieve", responses=answers(200, RetentionShape))
    def get(self, request: Request) -> Response:
        """The rule in force, and every table that was proposed."""
        rule = rule_in_force()
        told = {"number": rule.number, "years": rule.years}
        return Response(RetentionShape(told | {"tables": RetentionTable.objects.all()[:50]}).data)

    @extend_schema(
        operation_id="retention_propose",
        request=NewRetentionShape,
        responses=answers(201, RetentionTableShape, 400, 409, 415, 422),
    )
    def post(self, request: Request) -> Response:
        """Propose another table; somebody else signs it."""
        shape = NewRetentionShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            row = propose_retention(actor=person_of(request), **shape.validated_data)
        return Response(RetentionTableShape(row).data, status=201)


class RetentionSignView(APIView):
    @extend_schema(
        operation_id="retention_sign",
        request=SignRetentionShape,
        responses=answers(200, RetentionTableShape, 400, 409, 415, 422, 429),
    )
    def post(self, request: Request, table: int) -> Response:
        """Sign a proposal: it is in force, and shortens no archive that is sealed."""
        row = get_object_or_404(RetentionTable, pk=table)
        shape = SignRetentionShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            row = sign_retention(actor=person_of(request), table_id=row.pk, **shape.validated_data)
        return Response(RetentionTableShape(row).data)


class RetentionRefuseView(APIView):
    @extend_schema(
        operation_id="retention_refuse",
        request=ReasonSerializer,
        responses=answers(200, RetentionTableShape, 400, 409, 415, 422),
    )
    def post(self, request: Request, table: int) -> Response:
        """The rule stays as it is; who proposed it takes it back in the same way."""
        row = get_object_or_404(RetentionTable, pk=table)
        shape = ReasonSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            row = refuse_retention(
                actor=person_of(request), table_id=row.pk, **shape.validated_data
            )
        return Response(RetentionTableShape(row).data)
