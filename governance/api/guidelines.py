"""Ethical guidelines by API: written as the YAML file they are, signed in, answered, signed."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Team
from accounts.policies import require
from accounts.sessions import person_of
from governance.api.documentation import answers
from governance.api.frameworks import YamlParser
from governance.api.guideline_shapes import (
    AnswersPageShape,
    AskedShape,
    EndShape,
    GuidelineAnswersShape,
    GuidelineLineShape,
    GuidelineShape,
    NewAnswersShape,
    SignatureShape,
)
from governance.api.problems import refusals_as_problems
from governance.policies import can_write_guideline
from governance.reads.guidelines import (
    answers_page,
    asked_of,
    guideline_lines,
    guideline_page,
    version_for,
)
from governance.refusals import NoSuchStep
from governance.services.guidelines import (
    ONLY_TEAM,
    draft_answers,
    end_guideline,
    sign_answers,
    sign_guideline,
    write_guideline,
)

NO_DRAFT = "Nothing is drafted that could be signed."


class GuidelineListView(APIView):
    parser_classes = [YamlParser]

    @extend_schema(
        operation_id="guidelines_list", responses=answers(200, GuidelineLineShape(many=True))
    )
    def get(self, request: Request) -> Response:
        """Every ethical guideline of your teams."""
        return Response(GuidelineLineShape(guideline_lines(request.user), many=True).data)

    @extend_schema(
        operation_id="guidelines_write",
        request={"application/yaml": OpenApiTypes.BINARY},
        parameters=[OpenApiParameter("team", str, required=True, description="Slug of the team")],
        responses=answers(201, GuidelineShape, 400, 409, 415, 422),
    )
    def post(self, request: Request) -> Response:
        """Draft a guideline, or a new edition of it; somebody else signs it into force."""
        slug = request.query_params.get("team", "").replace("\0", "")
        team_id = Team.objects.filter(slug=slug).values_list("pk", flat=True).first() or 0
        require(can_write_guideline(person_of(request), team_id), ONLY_TEAM)
        raw = request.data.get("raw", b"") if isinstance(request.data, Mapping) else b""
        with refusals_as_problems():
            edition = write_guideline(actor=person_of(request), team_id=team_id, raw=raw)
        return _guideline(request, edition.guideline.slug, 201)


class GuidelineView(APIView):
    @extend_schema(operation_id="guidelines_read", responses=answers(200, GuidelineShape))
    def get(self, request: Request, guideline: str) -> Response:
        """One guideline with every edition, newest first."""
        return _guideline(request, guideline, 200)


class GuidelineSignView(APIView):
    @extend_schema(
        operation_id="guidelines_sign",
        request=SignatureShape,
        responses=answers(200, GuidelineShape, 400, 409, 415, 422, 429),
    )
    def post(self, request: Request, guideline: str) -> Response:
        """Put the draft in force; answers to the earlier edition count no more."""
        page = guideline_page(request.user, guideline)
        shape = SignatureShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            if page.draft is None:
                raise NoSuchStep(NO_DRAFT)
            sign_guideline(
                actor=person_of(request), edition_id=page.draft.pk, **shape.validated_data
            )
        return _guideline(request, guideline, 200)


class GuidelineEndView(APIView):
    @extend_schema(
        operation_id="guidelines_end",
        request=EndShape,
        responses=answers(200, GuidelineShape, 400, 409, 415, 422, 429),
    )
    def post(self, request: Request, guideline: str) -> Response:
        """Take the edition in force out of force: nothing is asked by it any more."""
        page = guideline_page(request.user, guideline)
        shape = EndShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            end_guideline(
                actor=person_of(request), edition_id=page.edition.pk, **shape.validated_data
            )
        return _guideline(request, guideline, 200)


class VersionGuidelinesView(APIView):
    @extend_schema(
        operation_id="version_guidelines_list", responses=answers(200, AskedShape(many=True))
    )
    def get(self, request: Request, model: str, version: int) -> Response:
        """The guidelines in force for a version, and how far each is answered."""
        found = version_for(request.user, model, version)
        return Response(AskedShape(asked_of(found), many=True).data)


class VersionGuidelineView(APIView):
    @extend_schema(operation_id="version_guidelines_read", responses=answers(200, AnswersPageShape))
    def get(self, request: Request, model: str, version: int, guideline: str) -> Response:
        """One guideline for one version: questions, answers, and everything answered before."""
        return Response(
            AnswersPageShape(answers_page(request.user, model, version, guideline)).data
        )

    @extend_schema(
        operation_id="version_guidelines_answer",
        request=NewAnswersShape,
        responses=answers(200, GuidelineAnswersShape, 400, 409, 415, 422),
    )
    def put(self, request: Request, model: str, version: int, guideline: str) -> Response:
        """Write the answers, all or some; each writing is kept as a draft of its own."""
        page = answers_page(request.user, model, version, guideline)
        shape = NewAnswersShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            row = draft_answers(
                actor=person_of(request),
                version_id=page.version.pk,
                guideline=guideline,
                answers=shape.validated_data["answers"],
            )
        return Response(GuidelineAnswersShape(row).data)


class AnswersSignView(APIView):
    @extend_schema(
        operation_id="version_guidelines_sign",
        request=SignatureShape,
        responses=answers(200, GuidelineAnswersShape, 400, 409, 415, 422, 429),
    )
    def post(self, request: Request, model: str, version: int, guideline: str) -> Response:
        """Sign the drafted answers, if you had no hand in the version."""
        page = answers_page(request.user, model, version, guideline)
        shape = SignatureShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            if page.asked.draft is None:
                raise NoSuchStep(NO_DRAFT)
            row = sign_answers(
                actor=person_of(request), answers_id=page.asked.draft.pk, **shape.validated_data
            )
        return Response(GuidelineAnswersShape(row).data)


def _guideline(request: Request, slug: str, status: int) -> Response:
    page: Any = guideline_page(request.user, slug)
    return Response(GuidelineShape(page).data, status=status)
