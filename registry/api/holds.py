"""Legal holds of a model: who placed them, why, and what they forbid."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions import person_of
from registry.api.answers import answering, problems
from registry.models import Model
from registry.models.keeping import LegalHold
from registry.services.holds import lift_hold, place_hold


class HoldOutput(serializers.ModelSerializer[LegalHold]):
    placed_by = serializers.CharField(source="placed_by.name")
    lifted_by = serializers.CharField(source="lifted_by.name", default=None, allow_null=True)

    class Meta:
        model = LegalHold
        fields = ["id", "case", "reason", "placed_by", "placed_at"]
        fields += ["lifted_by", "lifted_at", "lifted_because"]


class HoldInput(serializers.Serializer[Any]):
    case = serializers.CharField(max_length=120)
    reason = serializers.CharField(max_length=1000)


class LiftInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=1000)


@extend_schema_view(
    get=extend_schema(responses={200: HoldOutput(many=True), **problems(401, 404, 422)})
)
class HoldListView(ListAPIView[LegalHold]):
    """The holds of a model, newest first; `lifted_at` is null while one lasts."""

    serializer_class = HoldOutput
    queryset = LegalHold.objects.none()

    def get_queryset(self) -> Any:
        model = _visible(self.request, self.kwargs["model"])
        rows = LegalHold.objects.visible_to(self.request.user).filter(model=model)
        return rows.select_related("placed_by", "lifted_by").order_by("-placed_at", "-pk")

    @extend_schema(
        operation_id="models_holds_place",
        request=HoldInput,
        responses={201: HoldOutput, **problems(401, 403, 404, 415, 422)},
    )
    def post(self, request: Request, model: str) -> Response:
        """Place a legal hold: nothing of the model is purged or erased while it lasts."""
        found = _visible(request, model)
        shape = HoldInput(data=request.data)
        shape.is_valid(raise_exception=True)
        with answering():
            hold = place_hold(actor=person_of(request), model_id=found.pk, **shape.validated_data)
        return Response(HoldOutput(hold).data, status=201)


class HoldLiftView(APIView):
    @extend_schema(
        operation_id="models_holds_lift",
        request=LiftInput,
        responses={200: HoldOutput, **problems(401, 403, 404, 415, 422)},
    )
    def post(self, request: Request, model: str, hold: int) -> Response:
        """Lift a legal hold; other holds of the model stay in force."""
        found = get_object_or_404(
            LegalHold.objects.visible_to(request.user), pk=hold, model__slug=model
        )
        shape = LiftInput(data=request.data)
        shape.is_valid(raise_exception=True)
        with answering():
            lifted = lift_hold(actor=person_of(request), hold_id=found.pk, **shape.validated_data)
        return Response(HoldOutput(lifted).data)


def _visible(request: Any, slug: str) -> Model:
    return get_object_or_404(Model.objects.visible_to(request.user), slug=slug)
