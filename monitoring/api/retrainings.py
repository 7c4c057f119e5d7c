"""Retraining over the API: policies, data suites, retrainings, and what runners call back."""

from typing import Any

from django.http import Http404, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions import person_of
from monitoring.api.answers import answering
from monitoring.api.retraining_shapes import (
    PolicyInput,
    PolicyOutput,
    ReasonInput,
    RefusalOutput,
    RetrainingDetailOutput,
    RetrainingOutput,
    SuiteInput,
    SuiteOutput,
)
from monitoring.gateways.retraining_files import snapshot_pieces
from monitoring.models import Retraining
from monitoring.reads.retrainings import (
    policies_of,
    policy_of,
    refusals_of,
    retraining_of,
    retrainings_of,
    suites_of,
)
from monitoring.services.retraining_policies import (
    switch_off,
    switch_on,
    write_policy,
    write_suite,
)
from monitoring.services.retrainings import (
    cancel_retraining,
    retry_retraining,
    start_retraining,
)
from registry.api.answers import problems
from registry.models import Model

WRITTEN = problems(400, 401, 403, 404, 409, 415, 422)


class PolicyListView(APIView):
    """The versions of a model's retraining policy; and the next one."""

    @extend_schema(
        operation_id="retraining_policies_list",
        responses={200: PolicyOutput(many=True), **problems(401, 404)},
    )
    def get(self, request: Request, model: str) -> Response:
        found = _model(request, model)
        seen = policies_of(request.user, found.pk)
        return Response([PolicyOutput(one).data for one in seen])

    @extend_schema(
        operation_id="retraining_policy_write",
        request=PolicyInput,
        responses={201: PolicyOutput, **WRITTEN},
    )
    def post(self, request: Request, model: str) -> Response:
        found = _model(request, model)
        said = _said(PolicyInput, request)
        with answering():
            made = write_policy(actor=person_of(request), model_id=found.pk, **said)
        return Response(_policy(request, made.pk), status=201)


class PolicySwitchOnView(APIView):
    """Let a policy work; at medium and high risk somebody has to approve it first."""

    @extend_schema(
        operation_id="retraining_policy_switch_on",
        request=None,
        responses={200: PolicyOutput, **WRITTEN},
    )
    def post(self, request: Request, policy: int) -> Response:
        _policy(request, policy)
        with answering():
            switch_on(actor=person_of(request), policy_id=policy)
        return Response(_policy(request, policy))


class PolicySwitchOffView(APIView):
    """End a policy; what it started goes on."""

    @extend_schema(
        operation_id="retraining_policy_switch_off",
        request=ReasonInput,
        responses={200: PolicyOutput, **WRITTEN},
    )
    def post(self, request: Request, policy: int) -> Response:
        _policy(request, policy)
        said = _said(ReasonInput, request)
        with answering():
            switch_off(actor=person_of(request), policy_id=policy, **said)
        return Response(_policy(request, policy))


class RefusalListView(APIView):
    """When a policy wanted to retrain and was not let, and why."""

    @extend_schema(
        operation_id="retraining_refusals_list",
        responses={200: RefusalOutput(many=True), **problems(401, 404)},
    )
    def get(self, request: Request, model: str) -> Response:
        found = _model(request, model)
        refused = refusals_of(request.user, found.pk)
        return Response([RefusalOutput(one).data for one in refused])


class SuiteListView(APIView):
    """The versions of a model's data suite, the newest first; and the next one."""

    @extend_schema(
        operation_id="data_suites_list",
        responses={200: SuiteOutput(many=True), **problems(401, 404)},
    )
    def get(self, request: Request, model: str) -> Response:
        found = _model(request, model)
        return Response([SuiteOutput(one).data for one in suites_of(request.user, found.pk)])

    @extend_schema(
        operation_id="data_suite_write",
        request=SuiteInput,
        responses={201: SuiteOutput, **WRITTEN},
    )
    def post(self, request: Request, model: str) -> Response:
        found = _model(request, model)
        said = _said(SuiteInput, request)
        with answering():
            made = write_suite(actor=person_of(request), model_id=found.pk, **said)
        return Response(SuiteOutput(made).data, status=201)


class RetrainingListView(APIView):
    """The retrainings of a model, the newest hundred; and one that is started now."""

    @extend_schema(
        operation_id="retrainings_list",
        responses={200: RetrainingOutput(many=True), **problems(401, 404)},
    )
    def get(self, request: Request, model: str) -> Response:
        found = _model(request, model)
        seen = retrainings_of(request.user, model_id=found.pk)
        return Response([RetrainingOutput(one).data for one in seen])

    @extend_schema(
        operation_id="retraining_start",
        request=ReasonInput,
        responses={201: RetrainingDetailOutput, **WRITTEN},
    )
    def post(self, request: Request, model: str) -> Response:
        found = _model(request, model)
        said = _said(ReasonInput, request)
        with answering():
            made = start_retraining(actor=person_of(request), model_id=found.pk, **said)
        return Response(_retraining(request, made.pk), status=201)


class RetrainingView(APIView):
    """One retraining with its steps and the last lines of their logs."""

    @extend_schema(
        operation_id="retraining_read",
        responses={200: RetrainingDetailOutput, **problems(401, 404)},
    )
    def get(self, request: Request, retraining: int) -> Response:
        return Response(_retraining(request, retraining))


class RetrainingCancelView(APIView):
    """End a retraining before its end, with the reason."""

    @extend_schema(
        operation_id="retraining_cancel",
        request=ReasonInput,
        responses={200: RetrainingDetailOutput, **WRITTEN},
    )
    def post(self, request: Request, retraining: int) -> Response:
        _retraining(request, retraining)
        said = _said(ReasonInput, request)
        with answering():
            cancel_retraining(actor=person_of(request), retraining_id=retraining, **said)
        return Response(_retraining(request, retraining))


class RetrainingRetryView(APIView):
    """Have the step that failed done again."""

    @extend_schema(
        operation_id="retraining_retry",
        request=ReasonInput,
        responses={200: RetrainingDetailOutput, **WRITTEN},
    )
    def post(self, request: Request, retraining: int) -> Response:
        _retraining(request, retraining)
        said = _said(ReasonInput, request)
        with answering():
            retry_retraining(actor=person_of(request), retraining_id=retraining, **said)
        return Response(_retraining(request, retraining))


class SnapshotView(APIView):
    """The data of a retraining as Parquet, for a runner outside; 404 before it was collected."""

    @extend_schema(
        operation_id="retraining_snapshot",
        responses={
            (200, "application/vnd.apache.parquet"): OpenApiResponse(OpenApiTypes.BINARY),
            **problems(401, 404),
        },
    )
    def get(self, request: Request, retraining: int) -> StreamingHttpResponse:
        found = get_object_or_404(Retraining.objects.visible_to(request.user), pk=retraining)
        pieces = snapshot_pieces(found)
        if pieces is None:
            raise Http404
        answer = StreamingHttpResponse(pieces, content_type="application/vnd.apache.parquet")
        answer["Content-Disposition"] = f'attachment; filename="retraining-{found.pk}.parquet"'
        return answer


def _model(request: Request, slug: str) -> Model:
    found: Model = get_object_or_404(Model.objects.visible_to(request.user), slug=slug)
    return found


def _said(shape: Any, request: Request) -> dict[str, Any]:
    sent = shape(data=request.data)
    sent.is_valid(raise_exception=True)
    return dict(sent.validated_data)


def _policy(request: Request, policy_id: int) -> dict[str, Any]:
    seen = policy_of(request.user, policy_id)
    if seen is None:
        raise Http404
    return dict(PolicyOutput(seen).data)


def _retraining(request: Request, retraining_id: int) -> dict[str, Any]:
    seen = retraining_of(request.user, retraining_id)
    if seen is None:
        raise Http404
    return dict(RetrainingDetailOutput(seen).data)
