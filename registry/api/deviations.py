"""What MLflow says that was not approved, and having it put back."""

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
from registry.models import Deviation, Model
from registry.querysets import DeviationQuerySet
from registry.services.putting_back import put_back


class DeviationOutput(serializers.ModelSerializer[Deviation]):
    version = serializers.IntegerField(source="version.number", default=None, allow_null=True)

    class Meta:
        model = Deviation
        fields = ["id", "kind", "what", "version", "environment", "expected", "found"]
        fields += ["message", "noticed_at", "gone_at"]


class PutBackInput(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=1000)


@extend_schema_view(
    get=extend_schema(responses={200: DeviationOutput(many=True), **problems(401, 404, 422)})
)
class DeviationListView(ListAPIView[Deviation]):
    """What was changed in MLflow outside of approved changes, newest first; `gone_at` is null while
    it lasts."""

    serializer_class = DeviationOutput
    queryset = Deviation.objects.none()

    def get_queryset(self) -> DeviationQuerySet:
        model = _visible(self.request, self.kwargs["model"])
        rows = Deviation.objects.visible_to(self.request.user).filter(model=model)
        return rows.select_related("version").order_by("-noticed_at", "-pk")


class PutBackView(APIView):
    @extend_schema(
        operation_id="models_put_back",
        request=PutBackInput,
        responses={202: DeviationOutput(many=True), **problems(401, 403, 404, 415, 422)},
    )
    def post(self, request: Request, model: str) -> Response:
        """Have aliases and tags in MLflow set again as approved; a worker does it."""
        found = _visible(request, model)
        shape = PutBackInput(data=request.data)
        shape.is_valid(raise_exception=True)
        with answering():
            put_back(actor=person_of(request), model_id=found.pk, **shape.validated_data)
        lasting = found.deviations.lasting().select_related("version")
        return Response(DeviationOutput(lasting, many=True).data, status=202)


def _visible(request: Any, slug: str) -> Model:
    return get_object_or_404(Model.objects.visible_to(request.user), slug=slug)
