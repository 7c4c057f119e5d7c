"""Numbers in a card's words that are bound to nothing, by API."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from governance.api.documentation import answers
from governance.api.requests import visible_version
from governance.reads.cards import card_of
from governance.reads.written_numbers import unbound_of


class UnboundNumberShape(serializers.Serializer[Any]):
    section = serializers.CharField()
    shown = serializers.CharField(help_text="As it is written")
    name = serializers.CharField(help_text="Something measured is as large: bind it to this")
    measure = serializers.CharField(source="label")
    value = serializers.FloatField(allow_null=True)


class UnboundNumbersView(APIView):
    @extend_schema(
        operation_id="cards_unbound_numbers", responses=answers(200, UnboundNumberShape(many=True))
    )
    def get(self, request: Request, model: str, version: int) -> Response:
        """Numbers in the newest revision's words that look measured and are no claims yet."""
        found = visible_version(request, model, version)
        page = card_of(found.pk)
        rows = unbound_of(found.pk, page.written) if page else []
        return Response(UnboundNumberShape(rows, many=True).data)
