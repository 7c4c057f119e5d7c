"""Erasures by API: asked for, checked, refused, and the certificate."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.problems import Problem
from accounts.policies import require
from accounts.sessions import person_of
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.api.proving import SignedSerializer
from governance.api.serializers import ReasonSerializer
from governance.policies import may_erase_somewhere
from governance.reads.erasures import certificate, holds_of, visible, waits_for
from governance.services.erasures import (
    MOST_IDS,
    ONLY_COMPLIANCE,
    ask_to_erase,
    check_erasure,
    refuse_erasure,
)
from monitoring.models import Erasure, ErasureState
from monitoring.querysets import ErasureQuerySet
from registry.models import Model


class ErasureShape(serializers.ModelSerializer[Erasure]):
    model = serializers.CharField(source="model.slug")
    asked_by = serializers.CharField(source="printed_name")
    checked_by = serializers.CharField(source="checked_name")
    holds = serializers.SerializerMethodField(help_text="Legal holds that it waits for")
    proof = serializers.DictField(help_text="What was looked at and removed; empty until done")

    class Meta:
        model = Erasure
        fields = [
            "id",
            "model",
            "state",
            "reference",
            "basis",
            "received_on",
            "due_on",
            "by",
            "selected",
            "digest",
            "asked_by",
            "asked_at",
            "checked_by",
            "checked_at",
            "reason",
            "holds",
            "proof",
            "finished_at",
        ]

    def get_holds(self, row: Erasure) -> list[str]:
        return [*holds_of(row), *waits_for(row)]


class NewErasureShape(serializers.Serializer[Any]):
    model = serializers.SlugField(max_length=80)
    reference = serializers.CharField(max_length=120, help_text="Of the letter; no name")
    basis = serializers.CharField(max_length=300)
    received_on = serializers.DateField()
    by = serializers.CharField(
        max_length=120,
        required=False,
        default="",
        allow_blank=True,
        help_text="A field with the role id or group; left out: values are prediction ids",
    )
    values = serializers.ListField(
        child=serializers.CharField(max_length=100), min_length=1, max_length=MOST_IDS
    )


class CheckShape(SignedSerializer):
    reason = serializers.CharField(max_length=4000)
    digest = serializers.CharField(max_length=64, help_text="Of the request that you read")


class ErasedFileShape(serializers.Serializer[Any]):
    kind = serializers.CharField()
    rows_before = serializers.IntegerField()
    removed = serializers.IntegerField()
    digest_before = serializers.CharField()
    digest_after = serializers.CharField()
    at = serializers.DateTimeField()


class CertificateShape(serializers.Serializer[Any]):
    certificate = serializers.CharField()
    model = serializers.CharField()
    reference = serializers.CharField()
    basis = serializers.CharField()
    received_on = serializers.DateField()
    due_on = serializers.DateField()
    asked_by = serializers.CharField()
    checked_by = serializers.CharField()
    checked_at = serializers.DateTimeField()
    erased_at = serializers.DateTimeField()
    proof = serializers.DictField()
    files = ErasedFileShape(many=True)
    kept = serializers.ListField(child=serializers.CharField())


@extend_schema_view(get=extend_schema(operation_id="erasures_list"))
class ErasureListView(ListAPIView[Erasure]):
    """Every erasure, the latest first; the ids that were named are never told."""

    serializer_class = ErasureShape
    queryset = Erasure.objects.none()

    def get_queryset(self) -> ErasureQuerySet:
        return visible(self.request.user)

    @extend_schema(
        operation_id="erasures_ask",
        request=NewErasureShape,
        responses=answers(201, ErasureShape, 400, 409, 415, 422),
    )
    def post(self, request: Request) -> Response:
        """Ask to erase a data subject's rows; another person checks it."""
        person = person_of(request)
        require(may_erase_somewhere(person), ONLY_COMPLIANCE)
        shape = NewErasureShape(data=request.data)
        shape.is_valid(raise_exception=True)
        said = dict(shape.validated_data)
        model = get_object_or_404(Model.objects.visible_to(person), slug=said.pop("model"))
        with refusals_as_problems():
            row = ask_to_erase(actor=person, model_id=model.pk, **said)
        return _told(request, row.pk, 201)


def _told(request: Request, pk: int, status: int = 200) -> Response:
    row = get_object_or_404(visible(request.user), pk=pk)
    return Response(ErasureShape(row).data, status=status)


class ErasureView(APIView):
    @extend_schema(operation_id="erasures_retrieve", responses=answers(200, ErasureShape))
    def get(self, request: Request, erasure: int) -> Response:
        """One erasure with its proof."""
        return _told(request, erasure)


class ErasureCheckView(APIView):
    @extend_schema(
        operation_id="erasures_check",
        request=CheckShape,
        responses=answers(200, ErasureShape, 400, 409, 415, 422, 429),
    )
    def post(self, request: Request, erasure: int) -> Response:
        """Sign that the request is founded; a job takes the rows out of every file."""
        row = get_object_or_404(visible(request.user), pk=erasure)
        shape = CheckShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            check_erasure(actor=person_of(request), erasure_id=row.pk, **shape.validated_data)
        return _told(request, erasure)


class ErasureRefuseView(APIView):
    @extend_schema(
        operation_id="erasures_refuse",
        request=ReasonSerializer,
        responses=answers(200, ErasureShape, 400, 409, 415, 422),
    )
    def post(self, request: Request, erasure: int) -> Response:
        """Say why nothing is erased; the ids that were named are forgotten."""
        row = get_object_or_404(visible(request.user), pk=erasure)
        shape = ReasonSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            refuse_erasure(actor=person_of(request), erasure_id=row.pk, **shape.validated_data)
        return _told(request, erasure)


class CertificateView(APIView):
    @extend_schema(operation_id="erasures_certificate", responses=answers(200, CertificateShape))
    def get(self, request: Request, erasure: int) -> Response:
        """The certificate for the data subject; 404 until the rows are erased."""
        row = get_object_or_404(visible(request.user), pk=erasure)
        if row.state != ErasureState.DONE:
            raise Problem(404, "not_found", "Nothing was erased yet.")
        return Response(CertificateShape(certificate(row)).data)
