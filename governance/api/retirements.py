"""Retirements by API: what is on its way out, objections, the checklist and the tombstone."""

from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.problems import Problem
from accounts.sessions import person_of
from audit.proofs import NotProvable
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.api.retirement_shapes import (
    NewAnswerShape,
    ReplacementShape,
    RetirementDetailShape,
    RetirementShape,
    TombstoneShape,
)
from governance.api.serializers import ReasonSerializer
from governance.models import Retirement
from governance.reads.retirements import retirement_page
from governance.reads.tombstones import proof_of
from governance.retirement_querysets import RetirementQuerySet
from governance.retirement_states import RetirementState
from governance.services.no_objections import say_no_objection
from governance.services.retirements import (
    answer_objection,
    name_replacement,
    object_to,
    retry_step,
)


class RetirementFilter(filters.FilterSet):
    model = filters.CharFilter(field_name="model__slug")
    state = filters.ChoiceFilter(choices=[(s.value, s.value) for s in RetirementState])

    class Meta:
        model = Retirement
        fields = ["model", "state"]


@extend_schema_view(
    get=extend_schema(
        operation_id="retirements_list", responses=answers(200, RetirementShape(many=True), 422)
    )
)
class RetirementListView(ListAPIView[Retirement]):
    """Versions on their way out, newest first, of the caller's teams."""

    serializer_class = RetirementShape
    filterset_class = RetirementFilter
    queryset = Retirement.objects.none()

    def get_queryset(self) -> RetirementQuerySet:
        return Retirement.objects.visible_to(self.request.user).select_related(
            "model", "version", "replacement", "policy__model", "policy__team"
        )


class RetirementView(APIView):
    @extend_schema(operation_id="retirements_read", responses=answers(200, RetirementDetailShape))
    def get(self, request: Request, retirement: int) -> Response:
        """One retirement: its rules, objections and the steps of its clean-up."""
        return _detail(request, retirement)


class ObjectionListView(APIView):
    @extend_schema(
        operation_id="retirements_object",
        request=ReasonSerializer,
        responses=answers(201, RetirementDetailShape, 400, 409, 415, 422),
    )
    def post(self, request: Request, retirement: int) -> Response:
        """Object within the notice: nothing is asked for until somebody else answers."""
        retirement_page(request.user, retirement)
        shape = ReasonSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            object_to(actor=person_of(request), retirement_id=retirement, **shape.validated_data)
        return _detail(request, retirement, 201)


class NoObjectionListView(APIView):
    @extend_schema(
        operation_id="retirements_do_not_object",
        request=None,
        responses=answers(201, RetirementDetailShape, 409),
    )
    def post(self, request: Request, retirement: int) -> Response:
        """Say within the notice that one does not object; objecting later takes it back."""
        retirement_page(request.user, retirement)
        with refusals_as_problems():
            say_no_objection(actor=person_of(request), retirement_id=retirement)
        return _detail(request, retirement, 201)


class ObjectionAnswerView(APIView):
    @extend_schema(
        operation_id="retirements_answer_objection",
        request=NewAnswerShape,
        responses=answers(200, RetirementDetailShape, 400, 409, 415, 422),
    )
    def post(self, request: Request, retirement: int, objection: int) -> Response:
        """Uphold, which ends the retirement, or overrule; never one's own objection."""
        page = retirement_page(request.user, retirement)
        if objection not in {one.row.pk for one in page.objections}:
            raise Problem(404, "not_found", "There is no such objection.")
        shape = NewAnswerShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            answer_objection(
                actor=person_of(request), objection_id=objection, **shape.validated_data
            )
        return _detail(request, retirement)


class ReplacementView(APIView):
    @extend_schema(
        operation_id="retirements_name_replacement",
        request=ReplacementShape,
        responses=answers(200, RetirementDetailShape, 400, 409, 415, 422),
    )
    def put(self, request: Request, retirement: int) -> Response:
        """Say which version takes its place, or null for none with the reason."""
        retirement_page(request.user, retirement)
        shape = ReplacementShape(data=request.data)
        shape.is_valid(raise_exception=True)
        said = shape.validated_data
        with refusals_as_problems():
            name_replacement(
                actor=person_of(request),
                retirement_id=retirement,
                number=said["version"],
                reason=said.get("reason", ""),
            )
        return _detail(request, retirement)


class StepRetryView(APIView):
    @extend_schema(
        operation_id="retirements_retry_step",
        request=ReasonSerializer,
        responses=answers(200, RetirementDetailShape, 400, 409, 415, 422),
    )
    def post(self, request: Request, retirement: int, step: int) -> Response:
        """Have a step that failed tried again now."""
        page = retirement_page(request.user, retirement)
        if step not in {one.step.pk for one in page.steps}:
            raise Problem(404, "not_found", "There is no such step.")
        shape = ReasonSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            retry_step(actor=person_of(request), step_id=step, **shape.validated_data)
        return _detail(request, retirement)


class TombstoneView(APIView):
    @extend_schema(
        operation_id="retirements_tombstone", responses=answers(200, TombstoneShape, 409)
    )
    def get(self, request: Request, retirement: int) -> Response:
        """What is kept of a retired version, with the proof that it stands on the audit trail.

        `clients/ombud_verify.py` checks the answer without this server.
        """
        page = retirement_page(request.user, retirement)
        try:
            told = proof_of(page.row)
        except NotProvable as error:
            raise Problem(409, "not_provable_yet", str(error)) from error
        return Response(told)


def _detail(request: Request, retirement: int, status: int = 200) -> Response:
    page = retirement_page(request.user, retirement)
    found: Any = page.row
    found.answered = [one.row for one in page.objections]
    found.linked, found.silent = page.rules, page.silent
    return Response(RetirementDetailShape(found).data, status=status)
