"""Frameworks by API: read, and a team's own added as the YAML file that it is."""

from collections.abc import Mapping
from typing import IO, Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Team
from accounts.policies import require
from accounts.sessions import person_of
from governance.api.control_shapes import (
    FrameworkDetailShape,
    FrameworkShape,
    RuleChangeShape,
)
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.framework_files import LARGEST
from governance.policies import can_add_framework
from governance.reads.frameworks import changes_of, framework_detail, frameworks_for
from governance.services.frameworks import ONLY_JUDGES, add_framework


class YamlParser(BaseParser):
    """At most one byte more than is taken: the service says that it is too large."""

    media_type = "application/yaml"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Mapping[str, Any]:
        return {"raw": stream.read(LARGEST + 1)}


class FrameworkListView(APIView):
    parser_classes = [YamlParser]

    @extend_schema(
        operation_id="frameworks_list", responses=answers(200, FrameworkShape(many=True))
    )
    def get(self, request: Request) -> Response:
        """Every framework that you may see: the shipped ones and your teams' own."""
        lines = frameworks_for(request.user)
        return Response(FrameworkShape(lines, many=True).data)

    @extend_schema(
        operation_id="frameworks_add",
        request={"application/yaml": OpenApiTypes.BINARY},
        parameters=[OpenApiParameter("team", str, required=True, description="Slug of the team")],
        responses=answers(201, FrameworkDetailShape, 400, 409, 415, 422),
    )
    def post(self, request: Request) -> Response:
        """Add a team's framework, or a new edition of it; problems name the line."""
        slug = request.query_params.get("team", "").replace("\0", "")
        team_id = Team.objects.filter(slug=slug).values_list("pk", flat=True).first() or 0
        require(can_add_framework(person_of(request), team_id), ONLY_JUDGES)
        raw = request.data.get("raw", b"") if isinstance(request.data, Mapping) else b""
        with refusals_as_problems():
            edition = add_framework(actor=person_of(request), team_id=team_id, raw=raw)
        detail = framework_detail(request.user, edition.framework.slug)
        return Response(FrameworkDetailShape(detail).data, status=201)


class FrameworkView(APIView):
    @extend_schema(operation_id="frameworks_read", responses=answers(200, FrameworkDetailShape))
    def get(self, request: Request, framework: str) -> Response:
        """One framework with its controls."""
        return Response(FrameworkDetailShape(framework_detail(request.user, framework)).data)


class FrameworkChangesView(APIView):
    @extend_schema(
        operation_id="frameworks_changes", responses=answers(200, RuleChangeShape(many=True))
    )
    def get(self, request: Request, framework: str) -> Response:
        """What changed in its rules, and for your models what is to be assessed and missing."""
        framework_detail(request.user, framework)
        changes = changes_of(request.user, framework)
        return Response(RuleChangeShape(changes, many=True).data)
