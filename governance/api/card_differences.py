"""How two cards of a model differ, by API."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api.documentation import answers
from governance.reads.card_differences import as_answer, compared
from registry.models import Version

HOW = "A revision's number, `newest` or `published`; of another version of the model as `2:3`"
FROM = OpenApiParameter("from", str, description=f"{HOW}. Without it the one published before")
TO = OpenApiParameter("to", str, description=f"{HOW}. Without it the newest")


class ChangeShape(serializers.Serializer[Any]):
    absolute = serializers.FloatField()
    relative = serializers.FloatField(
        allow_null=True, help_text="Of what it was; null where that was nothing"
    )
    unit = serializers.CharField(
        help_text="`share`: 0.01 is one percentage point; `answer`: that of the prediction"
    )
    words = serializers.CharField()


class WordsShape(serializers.Serializer[Any]):
    mark = serializers.ChoiceField(choices=["same", "removed", "added"])
    text = serializers.CharField()


class SectionDifferenceShape(serializers.Serializer[Any]):
    id = serializers.CharField()
    title = serializers.CharField()
    kind = serializers.CharField(help_text="new, gone or changed")
    added_words = serializers.IntegerField()
    removed_words = serializers.IntegerField()
    words = WordsShape(many=True)


class FactDifferenceShape(serializers.Serializer[Any]):
    group = serializers.CharField()
    fact = serializers.CharField()
    before = serializers.JSONField()
    after = serializers.JSONField()
    came = serializers.ListField(child=serializers.CharField())
    went = serializers.ListField(child=serializers.CharField())
    change = ChangeShape(allow_null=True)


class ClaimDifferenceShape(serializers.Serializer[Any]):
    # A field of this name hides DRF's own label, which is not used here.
    label = serializers.CharField()  # type: ignore[assignment]
    kind = serializers.CharField(help_text="new, gone or changed")
    changed = serializers.ListField(
        child=serializers.ChoiceField(choices=["value", "tolerance", "state", "interval"])
    )
    before = serializers.DictField(allow_null=True)
    after = serializers.DictField(allow_null=True)
    change = ChangeShape(allow_null=True)


class SideShape(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    revision = serializers.IntegerField()
    state = serializers.CharField()
    at = serializers.DateTimeField()
    author = serializers.CharField()
    digest = serializers.CharField()


class CompletenessDifferenceShape(serializers.Serializer[Any]):
    percent = ChangeShape()
    newly_written = serializers.ListField(child=serializers.CharField())
    no_longer_written = serializers.ListField(child=serializers.CharField())


class CardDifferenceShape(serializers.Serializer[Any]):
    """Used for documentation; `from` and `to` are the two sides."""

    model = serializers.CharField()
    to = SideShape()
    sections = SectionDifferenceShape(many=True)
    facts = FactDifferenceShape(many=True)
    claims = ClaimDifferenceShape(many=True)
    unchanged_claims = serializers.IntegerField()
    completeness = CompletenessDifferenceShape()

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {"from": SideShape(), **super().get_fields()}


class CardDifferencesView(APIView):
    @extend_schema(
        operation_id="card_differences_retrieve",
        parameters=[FROM, TO],
        responses=answers(200, CardDifferenceShape),
    )
    def get(self, request: Request, model: str, version: int) -> Response:
        """What differs between two revisions, of this version or of two versions of the model."""
        rows = Version.objects.visible_to(request.user)
        found = rows.filter(model__slug=model, number=version).first()
        if found is None:
            raise Http404("There is no such version that you may see.")
        asked = request.query_params
        both = compared(found, asked.get("from", ""), asked.get("to", ""))
        if both is None:
            raise Http404("One of the two cards is not there.")
        return Response(as_answer(model, both))
