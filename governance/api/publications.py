"""Publications of a card by API: what was published, and the newest revision published."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions import person_of
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.api.proving import SignedSerializer
from governance.models import CardPublication
from governance.services.publishing import publish_card
from registry.models import Version


class PublicationShape(serializers.ModelSerializer[CardPublication]):
    revision = serializers.IntegerField(source="revision.number")
    card_digest = serializers.CharField(source="revision.digest")

    class Meta:
        model = CardPublication
        fields = [
            "revision",
            "card_digest",
            "risk_tier",
            "printed_name",
            "role",
            "meaning",
            "reason",
            "digest",
            "method",
            "at",
        ]


class PublicationListShape(serializers.Serializer[Any]):
    results = PublicationShape(many=True)


class NewPublicationShape(SignedSerializer):
    """The proof is needed where the risk tier has the card signed."""

    password = serializers.CharField(
        max_length=1000,
        trim_whitespace=False,
        write_only=True,
        required=False,
        allow_blank=True,
        default="",
        help_text="Your own, for models of medium and high risk: a token alone does not sign",
    )
    digest = serializers.RegexField(
        r"^[0-9a-f]{64}$", help_text="`revision.digest` of the newest revision, as you read it"
    )
    reason = serializers.CharField(max_length=4000)


class PublicationsView(APIView):
    @extend_schema(
        operation_id="card_publications_list", responses=answers(200, PublicationListShape)
    )
    def get(self, request: Request, model: str, version: int) -> Response:
        """Every publication of the card, newest first; the first is in force."""
        rows = CardPublication.objects.filter(card__version=_visible(request, model, version))
        found = rows.select_related("revision")
        return Response({"results": PublicationShape(found, many=True).data})

    @extend_schema(
        operation_id="card_publications_create",
        request=NewPublicationShape,
        responses=answers(201, PublicationShape, 400, 409, 415, 422, 429),
    )
    def post(self, request: Request, model: str, version: int) -> Response:
        """Publish the newest revision: signed, unless the model is of low risk."""
        found = _visible(request, model, version)
        shape = NewPublicationShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            row = publish_card(
                actor=person_of(request), version_id=found.pk, **shape.validated_data
            )
        return Response(PublicationShape(row).data, status=201)


def _visible(request: Request, model: str, version: int) -> Version:
    rows = Version.objects.visible_to(request.user)
    found = rows.filter(model__slug=model, number=version).first()
    if found is None:
        raise Http404("There is no such version that you may see.")
    return found
