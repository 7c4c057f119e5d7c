"""Cards of other tools by API: a preview, and the same file again to confirm it."""

from typing import Any

from django.http import Http404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.policies import require
from accounts.sessions import person_of
from governance.api.cards import MATCH, expected_revision
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.importing import LARGEST
from governance.policies import can_edit_card
from governance.reads.card_imports import ImportPlan
from governance.services.card_imports import import_card, preview_import
from governance.services.cards import ONLY_BUILDERS
from registry.models import Version


class ImportRequestSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="README.md with front matter, or the toolkit's JSON")
    confirm = serializers.BooleanField(
        default=False, help_text="Without it nothing is written: the answer is the preview"
    )
    take = serializers.ListField(
        child=serializers.CharField(max_length=40),
        required=False,
        help_text="Keys of the preview that shall be taken; all, if none is named",
    )


class SectionPlanShape(serializers.Serializer[Any]):
    key = serializers.CharField(source="section.id")
    title = serializers.CharField(source="section.title")
    fields_read = serializers.ListField(child=serializers.CharField(), source="paths")
    text = serializers.CharField()
    before = serializers.CharField()
    overwrites = serializers.BooleanField()
    same = serializers.BooleanField()


class NumberPlanShape(serializers.Serializer[Any]):
    key = serializers.CharField()
    name = serializers.CharField(source="stated.label")
    value = serializers.FloatField(source="stated.value")
    low = serializers.FloatField(source="stated.low", allow_null=True)
    high = serializers.FloatField(source="stated.high", allow_null=True)
    field = serializers.CharField(source="stated.path")
    measured = serializers.FloatField(source="measured.value", allow_null=True, default=None)
    same = serializers.BooleanField()


class LostShape(serializers.Serializer[Any]):
    field = serializers.CharField(source="path")
    why = serializers.CharField()


class ImportPlanShape(serializers.Serializer[Any]):
    format = serializers.CharField()
    name = serializers.CharField()
    sha256 = serializers.CharField()
    written = serializers.SerializerMethodField(help_text="Whether the card was changed")
    revision = serializers.SerializerMethodField(help_text="The card's revision afterwards")
    sections = SectionPlanShape(many=True)
    numbers = NumberPlanShape(many=True)
    lost = LostShape(many=True)
    dropped = serializers.ListField(
        child=serializers.CharField(), help_text="Numbers of an earlier import that end"
    )

    def get_written(self, plan: ImportPlan) -> bool:
        return "revision" in self.context

    def get_revision(self, plan: ImportPlan) -> int:
        found: int = self.context.get("revision", plan.expected_revision)
        return found


class CardImportView(APIView):
    parser_classes = [MultiPartParser]

    @extend_schema(
        operation_id="cards_import",
        parameters=[OpenApiParameter("If-Match", OpenApiTypes.STR, OpenApiParameter.HEADER)],
        request=ImportRequestSerializer,
        responses=answers(200, ImportPlanShape, 400, 412, 415, 422, 428),
        description=f"{MATCH.description}; needed to confirm, not for the preview.",
    )
    def post(self, request: Request, model: str, version: int) -> Response:
        """What a Hugging Face or Model Card Toolkit card would change; written on `confirm`."""
        rows = Version.objects.visible_to(request.user)
        found = rows.filter(model__slug=model, number=version).first()
        if found is None:
            raise Http404("There is no such version that you may see.")
        require(can_edit_card(person_of(request), found), ONLY_BUILDERS)
        shape = ImportRequestSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        raw: bytes = shape.validated_data["file"].read(LARGEST + 1)
        person, context = person_of(request), {}
        with refusals_as_problems():
            plan = preview_import(actor=person, version_id=found.pk, raw=raw)
            if shape.validated_data["confirm"]:
                revision = import_card(
                    actor=person,
                    version_id=found.pk,
                    raw=raw,
                    take=shape.validated_data.get("take") or None,
                    expected_revision=expected_revision(request),
                )
                context["revision"] = revision.number
        return Response(ImportPlanShape(plan, context=context).data)
