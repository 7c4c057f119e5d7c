"""Cards by API: read as JSON or Markdown, changed with the revision that was read."""

import json
import re
from collections.abc import Mapping
from typing import Any

from django.http import Http404
from django.utils.http import parse_etags
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.problems import Problem
from accounts.sessions import person_of
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.api.serializers import CardChangeSerializer, CardSerializer
from governance.exports import card_markdown
from governance.reads.cards import card_of, exported
from governance.services.cards import revise_card
from registry.models import Version

IF_MATCH = re.compile(r'(?:W/)?"(\d{1,9})"')
REVISION = OpenApiParameter("revision", int, description="An earlier revision")
MATCH = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, required=True, description='"0" before the first'
)


class MarkdownRenderer(BaseRenderer):
    """A card as text that people read; problems stay JSON."""

    media_type = "text/markdown"
    format = "markdown"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if isinstance(data, dict) and "sections" in data:
            return card_markdown(data).encode()
        return json.dumps(data).encode() if data else b""


class CardView(APIView):
    """The card of a version."""

    renderer_classes = [JSONRenderer, MarkdownRenderer]

    @extend_schema(
        operation_id="cards_retrieve",
        parameters=[REVISION],
        responses=answers(200, CardSerializer, 400),
    )
    def get(self, request: Request, model: str, version: int) -> Response:
        found = _visible(request, model, version)
        page = card_of(found.pk, _revision(request))
        if page is None:
            raise Http404('There is no such card; PATCH with If-Match: "0" writes the first.')
        if page.etag in parse_etags(request.headers.get("If-None-Match", "")):
            return Response(status=304, headers={"ETag": page.etag})
        return Response(exported(page), headers={"ETag": page.etag})

    @extend_schema(
        operation_id="cards_partial_update",
        parameters=[MATCH],
        request=CardChangeSerializer,
        responses=answers(200, CardSerializer, 400, 412, 415, 422, 428),
    )
    def patch(self, request: Request, model: str, version: int) -> Response:
        """Change the named sections; the others stay."""
        found = _visible(request, model, version)
        shape = CardChangeSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            revise_card(
                actor=person_of(request),
                version_id=found.pk,
                sections=shape.validated_data["sections"],
                note=shape.validated_data["note"],
                expected_revision=_expected(request),
            )
        page = card_of(found.pk)
        if page is None:
            raise Http404("The card is gone.")
        return Response(exported(page), headers={"ETag": page.etag})


def _visible(request: Request, model: str, version: int) -> Version:
    rows = Version.objects.visible_to(request.user)
    found = rows.filter(model__slug=model, number=version).first()
    if found is None:
        raise Http404("There is no such version that you may see.")
    return found


def _revision(request: Request) -> int | None:
    text = request.query_params.get("revision")
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise Problem(400, "invalid", "revision: a whole number.")
    return int(text)


def _expected(request: Request) -> int:
    text = request.headers.get("If-Match")
    if text is None:
        detail = 'Send If-Match with the ETag you read, or "0" for a first card.'
        raise Problem(428, "precondition_required", detail)
    found = IF_MATCH.fullmatch(text.strip())
    if found is None:
        raise Problem(400, "invalid", 'If-Match: one revision in quotes, such as "3".')
    return int(found.group(1))
