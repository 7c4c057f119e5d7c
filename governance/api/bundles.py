"""Bundles to take along, by API."""

from typing import Any

from django.http import StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.problems import Unprocessable
from accounts.policies import require
from accounts.roles import Scope
from accounts.sessions import person_of
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.models import Bundle, Sample
from governance.policies import can_audit
from governance.reads.bundles import pieces_of
from governance.sample_querysets import BundleQuerySet
from governance.services import bundles as work
from governance.services.samples import ONLY_AUDITORS
from registry.models import Model


class BundleShape(serializers.ModelSerializer[Bundle]):
    model = serializers.CharField(source="model.slug", default=None, allow_null=True)

    class Meta:
        model = Bundle
        fields = [
            "id",
            "sample",
            "model",
            "since",
            "until",
            "state",
            "requested_at",
            "built_at",
            "size",
            "files",
            "sha256",
            "manifest_sha256",
            "error",
        ]


class NewBundleShape(serializers.Serializer[Any]):
    """A sample, or a model with a first and a last day."""

    sample = serializers.IntegerField(required=False, min_value=1, max_value=2**62)
    model = serializers.SlugField(required=False, max_length=80)
    since = serializers.DateField(required=False)
    until = serializers.DateField(required=False, help_text="Its day included")


@extend_schema_view(
    get=extend_schema(operation_id="bundles_list", responses=answers(200, BundleShape(many=True)))
)
class BundleListView(ListAPIView[Bundle]):
    """Bundles, newest first, for auditors; POST has one made."""

    audits = True

    serializer_class = BundleShape
    queryset = Bundle.objects.none()

    def get_queryset(self) -> BundleQuerySet:
        return Bundle.objects.visible_to(self.request.user).select_related("model")

    @extend_schema(
        operation_id="bundles_ask",
        request=NewBundleShape,
        responses=answers(202, BundleShape, 400, 409, 415, 422),
    )
    def post(self, request: Request) -> Response:
        """A job makes it; ask again until its state is `built`."""
        person = person_of(request)
        require(can_audit(person), ONLY_AUDITORS)
        shape = NewBundleShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            row = self._asked(request, dict(shape.validated_data))
        headers = {"Location": f"/api/v1/bundles/{row.pk}"}
        return Response(BundleShape(row).data, status=202, headers=headers)

    def _asked(self, request: Request, said: dict[str, Any]) -> Bundle:
        person = person_of(request)
        if set(said) == {"sample"}:
            sample = get_object_or_404(Sample.objects.visible_to(person), pk=said["sample"])
            return work.ask_sample_bundle(actor=person, sample_id=sample.pk)
        if set(said) != {"model", "since", "until"}:
            told = "Name a sample alone, or a model with since and until."
            errors = [{"field": "sample", "code": "invalid", "message": told}]
            raise Unprocessable("invalid", told, errors=errors)
        model = get_object_or_404(Model.objects.visible_to(person), slug=said.pop("model"))
        return work.ask_model_bundle(actor=person, model_id=model.pk, **said)


class BundleView(APIView):
    @extend_schema(operation_id="bundles_read", responses=answers(200, BundleShape))
    def get(self, request: Request, bundle: int) -> Response:
        return Response(BundleShape(_visible(request, bundle)).data)


class BundleFileView(APIView):
    scope = Scope.READ  # nothing is changed but the trail, which tells who took it

    @extend_schema(
        operation_id="bundles_take",
        request=None,
        responses={k: v for k, v in answers(200, None, 409).items() if k != 200}
        | {(200, "application/zip"): OpenApiTypes.BINARY},
    )
    def post(self, request: Request, bundle: int) -> StreamingHttpResponse:
        """The file. That you took it is an event of the trail, hence POST."""
        _visible(request, bundle)
        with refusals_as_problems():
            row = work.take_bundle(actor=person_of(request), bundle_id=bundle)
        answer = StreamingHttpResponse(pieces_of(row), content_type="application/zip")
        answer["Content-Disposition"] = f'attachment; filename="ombud-bundle-{row.pk}.zip"'
        return answer


def _visible(request: Request, bundle: int) -> Bundle:
    rows = Bundle.objects.visible_to(person_of(request))
    return get_object_or_404(rows.select_related("model"), pk=bundle)
