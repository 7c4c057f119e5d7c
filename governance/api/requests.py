"""Change requests by API: asked for, read, decided, withdrawn."""

from typing import Any

from django.http import Http404
from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView, RetrieveAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions import person_of
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.api.serializers import (
    ConditionsSerializer,
    NewArchiveSerializer,
    NewDecisionSerializer,
    NewRequestSerializer,
    ReasonSerializer,
    RequestDetailSerializer,
    RequestSerializer,
    SignOffSerializer,
)
from governance.models import ChangeRequest
from governance.querysets import ChangeRequestQuerySet
from governance.services.requests import refresh_evidence, set_conditions, submit, withdraw
from governance.services.signoffs import decide
from governance.states import RequestKind, RequestState
from registry.api import views as archives
from registry.models import Archive, Version


class RequestFilter(filters.FilterSet):
    model = filters.CharFilter(field_name="model__slug")
    version = filters.NumberFilter(field_name="version__number")
    kind = filters.ChoiceFilter(choices=[(kind.value, kind.value) for kind in RequestKind])
    state = filters.ChoiceFilter(choices=[(state.value, state.value) for state in RequestState])

    class Meta:
        model = ChangeRequest
        fields = ["model", "version", "kind", "state"]


@extend_schema_view(get=extend_schema(responses=answers(200, RequestSerializer(many=True), 422)))
class RequestListView(ListAPIView[ChangeRequest]):
    """Change requests of the caller's teams, newest first; POST asks for a change."""

    serializer_class = RequestSerializer
    filterset_class = RequestFilter
    queryset = ChangeRequest.objects.none()

    def get_queryset(self) -> ChangeRequestQuerySet:
        return ChangeRequest.objects.visible_to(self.request.user).select_related(
            "model", "version", "requested_by"
        )

    @extend_schema(
        operation_id="change_requests_create",
        request=NewRequestSerializer,
        responses=answers(201, RequestDetailSerializer, 400, 409, 415, 422),
    )
    def post(self, request: Request) -> Response:
        shape = NewRequestSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        wanted = dict(shape.validated_data)
        version = visible_version(request, wanted.pop("model"), wanted.pop("version"))
        return submitted(request, version, **wanted)


@extend_schema_view(get=extend_schema(responses=answers(200, RequestDetailSerializer)))
class RequestView(RetrieveAPIView[ChangeRequest]):
    """One change request with gates, evidence and signatures."""

    serializer_class = RequestDetailSerializer
    queryset = ChangeRequest.objects.none()

    def get_queryset(self) -> ChangeRequestQuerySet:
        return _with_parts(self.request)


class DecisionView(APIView):
    @extend_schema(
        operation_id="change_requests_decide",
        request=NewDecisionSerializer,
        responses=answers(201, SignOffSerializer, 400, 409, 415, 422, 429),
    )
    def post(self, request: Request, pk: int) -> Response:
        """Sign for or against, with password and code of your app, over the digest you read."""
        found = visible_request(request, pk)
        shape = NewDecisionSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        words = dict(shape.validated_data)
        with refusals_as_problems():
            signoff = decide(
                actor=person_of(request),
                request_id=found.pk,
                expected_digest=words.pop("digest"),
                **words,
            )
        return Response(SignOffSerializer(signoff).data, status=201)


class WithdrawView(APIView):
    @extend_schema(
        operation_id="change_requests_withdraw",
        request=ReasonSerializer,
        responses=answers(200, RequestDetailSerializer, 400, 409, 415, 422),
    )
    def post(self, request: Request, pk: int) -> Response:
        """Take an open request back."""
        found = visible_request(request, pk)
        shape = ReasonSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            withdraw(actor=person_of(request), request_id=found.pk, **shape.validated_data)
        return _detail(request, pk)


class RefreshView(APIView):
    @extend_schema(
        operation_id="change_requests_refresh",
        request=None,
        responses=answers(200, RequestDetailSerializer, 409, 422),
    )
    def post(self, request: Request, pk: int) -> Response:
        """Freeze today's evidence; signatures over the earlier one do not count any more."""
        found = visible_request(request, pk)
        with refusals_as_problems():
            refresh_evidence(actor=person_of(request), request_id=found.pk)
        return _detail(request, pk)


class ConditionsView(APIView):
    @extend_schema(
        operation_id="change_requests_set_conditions",
        request=ConditionsSerializer,
        responses=answers(200, RequestDetailSerializer, 400, 409, 415, 422),
    )
    def put(self, request: Request, pk: int) -> Response:
        """Ask for the same under other conditions: what was signed before does not count then."""
        found = visible_request(request, pk)
        shape = ConditionsSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            set_conditions(actor=person_of(request), request_id=found.pk, **shape.validated_data)
        return _detail(request, pk)


class ArchiveListView(archives.ArchiveListView):
    """The registry's list of archives, and beside it the way to ask for one."""

    @extend_schema(
        operation_id="archives_create",
        request=NewArchiveSerializer,
        responses=answers(201, RequestDetailSerializer, 400, 409, 415, 422),
    )
    def post(self, request: Request) -> Response:
        """Ask for a retired version to be archived: answers with the change request."""
        shape = NewArchiveSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        wanted = shape.validated_data
        version = visible_version(request, wanted["model"], wanted["version"])
        return submitted(request, version, kind=RequestKind.ARCHIVE, reason=wanted["reason"])


class RestoreView(APIView):
    @extend_schema(
        operation_id="archives_restore",
        request=ReasonSerializer,
        responses=answers(201, RequestDetailSerializer, 400, 409, 415, 422),
    )
    def post(self, request: Request, pk: int) -> Response:
        """Ask for an archive to be restored: answers with the change request."""
        archive = Archive.objects.visible_to(request.user).filter(pk=pk).first()
        if archive is None:
            raise Http404("There is no such archive that you may see.")
        shape = ReasonSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        return submitted(request, archive.version, kind=RequestKind.RESTORE, **shape.validated_data)


def visible_version(request: Request, model: str, number: int) -> Version:
    rows = Version.objects.visible_to(request.user)
    found = rows.filter(model__slug=model, number=number).first()
    if found is None:
        raise Http404("There is no such version that you may see.")
    return found


def submitted(request: Request, version: Version, **wanted: Any) -> Response:
    with refusals_as_problems():
        found = submit(actor=person_of(request), version_id=version.pk, **wanted)
    location = {"Location": f"/api/v1/change-requests/{found.pk}"}
    return _detail(request, found.pk, status=201, headers=location)


def _with_parts(request: Any) -> ChangeRequestQuerySet:
    return (
        ChangeRequest.objects.visible_to(request.user)
        .select_related("model", "version", "requested_by", "policy")
        .prefetch_related("gates", "signoffs__request", "in_force")
    )


def visible_request(request: Request, pk: int) -> ChangeRequest:
    found = ChangeRequest.objects.visible_to(request.user).filter(pk=pk).first()
    if found is None:
        raise Http404("There is no such change request that you may see.")
    return found


def _detail(
    request: Request, pk: int, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    found = _with_parts(request).get(pk=pk)
    return Response(RequestDetailSerializer(found).data, status=status, headers=headers)
