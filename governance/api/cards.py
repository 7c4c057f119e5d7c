"""Cards by API: read as JSON or Markdown, changed with the revision that was read."""

import json
import re
from collections.abc import Mapping
from typing import Any

from django.http import Http404, HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.http import parse_etags
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.problems import Problem
from accounts.sessions import person_of
from audit.chain import sha256_of
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.api.serializers import CardChangeSerializer, CardSerializer
from governance.exports import card_markdown
from governance.reads.cards import CardPage, card_of, exported, readers_card
from governance.reads.downloads import BY_FORMAT, FORMATS, Format
from governance.reads.papers import CannotPrint
from governance.reads.recommended_now import PAPERS, with_recommended
from governance.reads.written_numbers import in_plain_words
from governance.services.cards import revise_card
from registry.models import Version

# The revision is what a change is held against; what follows it tells copies apart.
IF_MATCH = re.compile(r'(?:W/)?"(\d{1,9})(?:-[0-9a-f]{12})?"')
REVISION = OpenApiParameter(
    "revision",
    str,
    description=(
        "A number, `newest` (the one that a change is made to) or `published`; without it the "
        "published revision, or the draft where nothing is published"
    ),
)
FORMAT = OpenApiParameter(
    "format",
    str,
    enum=[one.id for one in FORMATS],
    description="The file to answer with; the header Ombud-Losses counts what it does not hold",
)
LOSSES = OpenApiParameter(
    "losses", str, description="With any value: what the format does not hold, instead of the file"
)
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
            return card_markdown(in_plain_words(data)).encode()
        return json.dumps(data).encode() if data else b""


class FileRenderer(BaseRenderer):
    """Lets `?format=` name a file of `reads.downloads`; what is rendered here are problems."""

    media_type = "application/problem+json"
    charset = "utf-8"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return json.dumps(data).encode() if data else b""


def _renderer(name: str) -> type[FileRenderer]:
    return type(f"{name.title()}Renderer", (FileRenderer,), {"format": name})


# One address, several documents: a card, a report of losses, or another project's JSON.
GIVEN: dict[Any, Any] = {
    (200, one.media_type): OpenApiTypes.ANY if "json" in one.media_type else OpenApiTypes.BINARY
    for one in FORMATS
} | {code: body for code, body in answers(200, None, 400, 422).items() if code != 200}
FILES = [one.id for one in FORMATS if one.id not in {"json", "markdown"}]


class CardView(APIView):
    """The card of a version."""

    renderer_classes = [JSONRenderer, MarkdownRenderer, *(_renderer(name) for name in FILES)]

    @extend_schema(
        operation_id="cards_retrieve",
        parameters=[REVISION, FORMAT, LOSSES],
        responses=GIVEN,
    )
    def get(self, request: Request, model: str, version: int) -> HttpResponseBase:
        found = _visible(request, model, version)
        page = _asked(found.pk, request)
        if page is None:
            raise Http404('There is no such card; PATCH with If-Match: "0" writes the first.')
        content = exported(page)
        etag = _etag(page, content)
        if etag in parse_etags(request.headers.get("If-None-Match", "")):
            return Response(status=304, headers={"ETag": etag})
        wanted = request.query_params.get("format", "json")
        if "losses" in request.query_params or wanted in FILES:
            return _file(BY_FORMAT[wanted], page, found, request)
        return Response(content, headers={"ETag": etag})

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
                expected_revision=expected_revision(request),
            )
        page = card_of(found.pk)
        if page is None:
            raise Http404("The card is gone.")
        content = exported(page)
        return Response(content, headers={"ETag": _etag(page, content)})


def _etag(page: CardPage, content: dict[str, Any]) -> str:
    """Of all that is answered: a revision stays, its numbers are judged anew each night."""
    return f'"{page.revision.number}-{sha256_of(content)[:12]}"'


def _file(form: Format, page: CardPage, found: Version, request: Request) -> HttpResponse:
    """The file, or the report of what is not in it as the card holds it."""
    card, name = exported(page), f"{found.model.slug}-{found.number}"
    if form.id in PAPERS:
        card = with_recommended(request.user, found.pk, found.model_id, card)
    try:
        made = form.make(card)
    except CannotPrint as error:
        raise Problem(422, "cannot_print", str(error)) from error
    if "losses" in request.query_params:
        report = [loss.as_dict() for loss in made.losses]
        return JsonResponse({"format": form.id, "losses": report})
    answer = HttpResponse(made.document, content_type=form.media_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}.{form.suffix}"'
    answer["Ombud-Losses"] = str(len(made.losses))
    return answer


def _visible(request: Request, model: str, version: int) -> Version:
    rows = Version.objects.visible_to(request.user).select_related("model")
    found = rows.filter(model__slug=model, number=version).first()
    if found is None:
        raise Http404("There is no such version that you may see.")
    return found


def _asked(version_id: int, request: Request) -> CardPage | None:
    """The revision that is asked for; what readers are given if none is."""
    text = request.query_params.get("revision")
    if text is None:
        return readers_card(version_id)
    if text == "newest":
        return card_of(version_id)
    if text == "published":
        page = readers_card(version_id)
        return page if page and page.published else None
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise Problem(400, "invalid", "revision: a whole number, newest or published.")
    return card_of(version_id, int(text))


def expected_revision(request: Request) -> int:
    text = request.headers.get("If-Match")
    if text is None:
        detail = 'Send If-Match with the ETag you read, or "0" for a first card.'
        raise Problem(428, "precondition_required", detail)
    found = IF_MATCH.fullmatch(text.strip())
    if found is None:
        raise Problem(400, "invalid", 'If-Match: one revision in quotes, such as "3".')
    return int(found.group(1))
