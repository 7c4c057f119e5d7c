"""Risk by API: the questionnaire answered and signed, attestations signed when due."""

from django.shortcuts import get_object_or_404
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions import person_of
from governance.api.control_shapes import (
    AttestationShape,
    ModelRiskShape,
    NewAttestationShape,
    NewRiskShape,
    RiskShape,
)
from governance.api.controls import visible_model
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.models import Attestation
from governance.querysets import AttestationQuerySet
from governance.reads.risk import decided_by_tier, due_of, signed_of
from governance.risk_table import questionnaire
from governance.services.risk import attest, sign_risk


class RiskView(APIView):
    @extend_schema(operation_id="model_risk_read", responses=answers(200, ModelRiskShape))
    def get(self, request: Request, model: str) -> Response:
        """The questions, what was signed, and when the next attestation falls due."""
        found = visible_model(request, model)
        content = {
            "model": found.slug,
            "risk_tier": found.risk_tier,
            "attestation_due": due_of(found),
            "decides": decided_by_tier(found.risk_tier),
            "questions": questionnaire().questions,
            "signed": signed_of(found),
        }
        return Response(ModelRiskShape(content).data)

    @extend_schema(
        operation_id="model_risk_sign",
        request=NewRiskShape,
        responses=answers(201, RiskShape, 400, 409, 415, 422, 429),
    )
    def post(self, request: Request, model: str) -> Response:
        """Answer and sign; the tier that follows is set at once."""
        found = visible_model(request, model)
        shape = NewRiskShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            row = sign_risk(actor=person_of(request), model_id=found.pk, **shape.validated_data)
        return Response(RiskShape(row).data, status=201)


class AttestationFilter(filters.FilterSet):
    model = filters.CharFilter(field_name="model__slug")
    open = filters.BooleanFilter(field_name="signed_at", lookup_expr="isnull")

    class Meta:
        model = Attestation
        fields = ["model", "open"]


@extend_schema_view(
    get=extend_schema(
        operation_id="attestations_list", responses=answers(200, AttestationShape(many=True), 422)
    )
)
class AttestationListView(ListAPIView[Attestation]):
    """Attestations of the caller's teams, newest first."""

    serializer_class = AttestationShape
    filterset_class = AttestationFilter
    queryset = Attestation.objects.none()

    def get_queryset(self) -> AttestationQuerySet:
        return Attestation.objects.visible_to(self.request.user).select_related("model")


class AttestationSignView(APIView):
    @extend_schema(
        operation_id="attestations_sign",
        request=NewAttestationShape,
        responses=answers(200, AttestationShape, 400, 409, 415, 422, 429),
    )
    def post(self, request: Request, attestation: int) -> Response:
        """Sign an open attestation with your password."""
        rows = Attestation.objects.visible_to(request.user)
        found = get_object_or_404(rows, pk=attestation)
        shape = NewAttestationShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            row = attest(actor=person_of(request), attestation_id=found.pk, **shape.validated_data)
        return Response(AttestationShape(row).data)
