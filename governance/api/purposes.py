"""What a model is for by API, and the approvals that have to be given anew."""

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions import person_of
from governance.api.controls import visible_model
from governance.api.documentation import answers
from governance.api.guideline_shapes import (
    NewPurposeShape,
    PurposeChangeShape,
    PurposeShape,
    RevalidationShape,
)
from governance.api.problems import refusals_as_problems
from governance.models import Revalidation
from governance.purposes import purpose_of
from governance.querysets import RevalidationQuerySet
from governance.reads.revalidations import purpose_page
from governance.services.purposes import change_purpose


class PurposeView(APIView):
    @extend_schema(operation_id="model_purpose_read", responses=answers(200, PurposeShape))
    def get(self, request: Request, model: str) -> Response:
        """Purpose, KPIs and business requirements, how they changed, and what that reopened."""
        page = purpose_page(request.user, model)
        content = {
            "model": page.model.slug,
            **purpose_of(page.model),
            "changes": [line.row for line in page.changes],
            "waiting": page.waiting,
        }
        return Response(PurposeShape(content).data)

    @extend_schema(
        operation_id="model_purpose_change",
        request=NewPurposeShape,
        responses=answers(201, PurposeChangeShape, 400, 409, 415, 422),
    )
    def post(self, request: Request, model: str) -> Response:
        """Change what is named, with the reason; approvals under the earlier purpose reopen."""
        found = visible_model(request, model)
        shape = NewPurposeShape(data=request.data)
        shape.is_valid(raise_exception=True)
        wanted = dict(shape.validated_data)
        with refusals_as_problems():
            row = change_purpose(
                actor=person_of(request),
                model_id=found.pk,
                reason=wanted.pop("reason"),
                changes=wanted,
            )
        return Response(PurposeChangeShape(row).data, status=201)


class RevalidationFilter(filters.FilterSet):
    model = filters.CharFilter(field_name="model__slug")
    open = filters.BooleanFilter(field_name="settled_at", lookup_expr="isnull")

    class Meta:
        model = Revalidation
        fields = ["model", "open"]


@extend_schema_view(
    get=extend_schema(
        operation_id="revalidations_list", responses=answers(200, RevalidationShape(many=True), 422)
    )
)
class RevalidationListView(ListAPIView[Revalidation]):
    """Approvals of the caller's teams that have or had to be given anew."""

    serializer_class = RevalidationShape
    filterset_class = RevalidationFilter
    queryset = Revalidation.objects.none()

    def get_queryset(self) -> RevalidationQuerySet:
        rows = Revalidation.objects.visible_to(self.request.user)
        return rows.select_related("model", "version")
