"""Findings and waivers by API."""

from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions import person_of
from governance.api.control_shapes import (
    EntryShape,
    FindingChangeShape,
    FindingDetailShape,
    FindingShape,
    MoveShape,
    NewFindingShape,
    NewWaiverShape,
    NoteShape,
    WaiverDecisionShape,
    WaiverShape,
)
from governance.api.controls import visible_model
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.api.serializers import ReasonSerializer
from governance.models import Finding, FindingKind, FindingSeverity, Waiver
from governance.querysets import FindingQuerySet, WaiverQuerySet
from governance.reads.controls import current_control
from governance.reads.findings import finding_page, waiver_page
from governance.services import findings as work
from governance.services import waivers
from governance.states import FindingState, WaiverState


class FindingFilter(filters.FilterSet):
    model = filters.CharFilter(field_name="model__slug")
    kind = filters.ChoiceFilter(choices=FindingKind.choices)
    severity = filters.ChoiceFilter(choices=FindingSeverity.choices)
    state = filters.ChoiceFilter(choices=[(s.value, s.value) for s in FindingState])

    class Meta:
        model = Finding
        fields = ["model", "kind", "severity", "state"]


@extend_schema_view(
    get=extend_schema(
        operation_id="findings_list", responses=answers(200, FindingShape(many=True), 422)
    )
)
class FindingListView(ListAPIView[Finding]):
    """Findings of the caller's teams, newest first; POST raises one."""

    serializer_class = FindingShape
    filterset_class = FindingFilter
    queryset = Finding.objects.none()

    def get_queryset(self) -> FindingQuerySet:
        return Finding.objects.visible_to(self.request.user).select_related(
            "model", "version", "owner", "raised_by", "closed_by"
        )

    @extend_schema(
        operation_id="findings_raise",
        request=NewFindingShape,
        responses=answers(201, FindingDetailShape, 400, 409, 415, 422),
    )
    def post(self, request: Request) -> Response:
        shape = NewFindingShape(data=request.data)
        shape.is_valid(raise_exception=True)
        said = dict(shape.validated_data)
        model = visible_model(request, said.pop("model"))
        said["owner_email"], said["link"] = said.pop("owner"), said["link"] or {}
        with refusals_as_problems():
            row = work.raise_finding(
                actor=person_of(request), model_id=model.pk, said=work.NewFinding(**said)
            )
        return _detail(request, row.pk, 201)


class FindingView(APIView):
    @extend_schema(operation_id="findings_read", responses=answers(200, FindingDetailShape))
    def get(self, request: Request, finding: int) -> Response:
        """One finding with its timeline, and the steps that you may take."""
        return _detail(request, finding)

    @extend_schema(
        operation_id="findings_change",
        request=FindingChangeShape,
        responses=answers(200, FindingDetailShape, 400, 409, 415, 422),
    )
    def patch(self, request: Request, finding: int) -> Response:
        """Another owner, severity or due date, with the reason."""
        finding_page(request.user, finding)
        shape = FindingChangeShape(data=request.data)
        shape.is_valid(raise_exception=True)
        said = dict(shape.validated_data)
        said["owner_email"] = said.pop("owner")
        with refusals_as_problems():
            work.change_finding(actor=person_of(request), finding_id=finding, **said)
        return _detail(request, finding)


class FindingMoveView(APIView):
    @extend_schema(
        operation_id="findings_move",
        request=MoveShape,
        responses=answers(200, FindingDetailShape, 400, 409, 415, 422),
    )
    def post(self, request: Request, finding: int) -> Response:
        """One step of its life; closing needs somebody who neither owns nor mended it."""
        finding_page(request.user, finding)
        shape = MoveShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            work.move(actor=person_of(request), finding_id=finding, **shape.validated_data)
        return _detail(request, finding)


class FindingNoteView(APIView):
    @extend_schema(
        operation_id="findings_note",
        request=NoteShape,
        responses=answers(201, FindingDetailShape, 400, 415, 422),
    )
    def post(self, request: Request, finding: int) -> Response:
        """A line on the timeline, with a link to evidence if there is one."""
        finding_page(request.user, finding)
        shape = NoteShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            work.note(actor=person_of(request), finding_id=finding, **shape.validated_data)
        return _detail(request, finding, 201)


class WaiverFilter(filters.FilterSet):
    model = filters.CharFilter(field_name="model__slug")
    state = filters.ChoiceFilter(choices=[(s.value, s.value) for s in WaiverState])

    class Meta:
        model = Waiver
        fields = ["model", "state"]


@extend_schema_view(
    get=extend_schema(
        operation_id="waivers_list", responses=answers(200, WaiverShape(many=True), 422)
    )
)
class WaiverListView(ListAPIView[Waiver]):
    """Waivers of the caller's teams, newest first; POST asks for one."""

    serializer_class = WaiverShape
    filterset_class = WaiverFilter
    queryset = Waiver.objects.none()

    def get_queryset(self) -> WaiverQuerySet:
        return Waiver.objects.visible_to(self.request.user).select_related(
            "model", "finding", "framework", "asked_by"
        )

    @extend_schema(
        operation_id="waivers_ask",
        request=NewWaiverShape,
        responses=answers(201, WaiverShape, 400, 409, 415, 422),
    )
    def post(self, request: Request) -> Response:
        shape = NewWaiverShape(data=request.data)
        shape.is_valid(raise_exception=True)
        said = dict(shape.validated_data)
        model = visible_model(request, said.pop("model"))
        said["finding_id"], about = said.pop("finding"), said.pop("control")
        control = about and current_control(request.user, about["framework"], about["control"])
        with refusals_as_problems():
            row = waivers.ask_waiver(
                actor=person_of(request), model_id=model.pk, control=control, **said
            )
        return Response(WaiverShape(row).data, status=201)


class WaiverDecisionView(APIView):
    @extend_schema(
        operation_id="waivers_decide",
        request=WaiverDecisionShape,
        responses=answers(200, WaiverShape, 400, 409, 415, 422, 429),
    )
    def post(self, request: Request, waiver: int) -> Response:
        """Grant or refuse, signed with your password."""
        return _waiver(request, waiver, WaiverDecisionShape, waivers.decide_waiver)


class WaiverWithdrawView(APIView):
    @extend_schema(
        operation_id="waivers_withdraw",
        request=ReasonSerializer,
        responses=answers(200, WaiverShape, 400, 409, 415, 422),
    )
    def post(self, request: Request, waiver: int) -> Response:
        """Take back what was asked for, or end it before its day."""
        return _waiver(request, waiver, ReasonSerializer, waivers.withdraw_waiver)


def _waiver(request: Request, waiver: int, wanted: Any, service: Any) -> Response:
    waiver_page(request.user, waiver)
    shape = wanted(data=request.data)
    shape.is_valid(raise_exception=True)
    with refusals_as_problems():
        row = service(actor=person_of(request), waiver_id=waiver, **shape.validated_data)
    return Response(WaiverShape(row).data)


def _detail(request: Request, pk: int, status: int = 200) -> Response:
    page = finding_page(request.user, pk)
    rows = Finding.objects.select_related("model", "version", "owner", "raised_by", "closed_by")
    content = {
        "finding": FindingShape(rows.get(pk=pk)).data,
        "timeline": EntryShape(page.entries, many=True).data,
        "steps": list(page.verbs),
    }
    headers = {"Location": f"/api/v1/findings/{pk}"} if status == 201 else None
    return Response(content, status=status, headers=headers)
