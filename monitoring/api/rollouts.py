"""Rollouts over the API: started, read, paused, resumed and stopped."""

from collections.abc import Callable
from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import User
from accounts.sessions import person_of
from monitoring.api.answers import answering
from monitoring.api.serializers import Finite
from monitoring.models import Experiment, Rollout
from monitoring.reads.rollouts import Followed, rollout_of
from monitoring.services import rollouts
from registry.api.answers import problems
from registry.api.serializers import Strict


class StepInput(Strict):
    share = serializers.DecimalField(max_digits=5, decimal_places=4)
    hours = serializers.IntegerField(min_value=0, max_value=8_784, default=0)
    rows = serializers.IntegerField(min_value=0, max_value=10**12, default=0)


class GuardInput(Strict):
    metric = serializers.CharField(
        max_length=40,
        help_text="An endpoint, latency_p95 (margin in ms) or demographic_parity_ratio (lowest)",
    )
    margin = Finite()


class RolloutInput(Strict):
    environment = serializers.CharField(max_length=40, default="production")
    steps = StepInput(many=True, required=False)
    guards = GuardInput(many=True)
    false_stop = Finite(required=False)


class WhyInput(Strict):
    reason = serializers.CharField(max_length=500)


class SharePeriodOutput(serializers.Serializer[Any]):
    share = serializers.DecimalField(max_digits=5, decimal_places=4)
    began_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)
    reason = serializers.CharField()


class RolloutLookOutput(serializers.Serializer[Any]):
    as_of = serializers.DateTimeField()
    did = serializers.CharField()
    findings = serializers.ListField(child=serializers.DictField())


class RolloutOutput(serializers.Serializer[Followed]):
    environment = serializers.CharField(source="rollout.environment")
    key = serializers.CharField(source="rollout.key")
    salt = serializers.CharField(source="rollout.salt")
    state = serializers.CharField(source="rollout.state")
    reason = serializers.CharField(source="rollout.reason")
    step = serializers.IntegerField(source="rollout.step", help_text="Counted from 0")
    steps = serializers.ListField(source="rollout.steps", child=serializers.DictField())
    guards = serializers.ListField(source="rollout.guards", child=serializers.DictField())
    false_stop = serializers.FloatField(source="rollout.false_stop")
    share = serializers.DecimalField(max_digits=5, decimal_places=4)
    started_by = serializers.CharField(source="rollout.started_by.name")
    started_at = serializers.DateTimeField(source="rollout.started_at")
    periods = SharePeriodOutput(many=True)
    looks = RolloutLookOutput(many=True)


class RolloutView(APIView):
    @extend_schema(
        operation_id="rollout_read", responses={200: RolloutOutput, **problems(401, 404)}
    )
    def get(self, request: Request, experiment: int) -> Response:
        """Steps, guard-rails, shares so far and the newest twenty looks."""
        return Response(_told(_seen(request, experiment)))

    @extend_schema(
        operation_id="rollout_start",
        request=RolloutInput,
        responses={201: RolloutOutput, **problems(400, 401, 403, 404, 415, 422)},
    )
    def post(self, request: Request, experiment: int) -> Response:
        """Give the challenger its first share; the machine raises it by the declared steps."""
        found = _seen(request, experiment)
        sent = RolloutInput(data=request.data)
        sent.is_valid(raise_exception=True)
        with answering():
            rollouts.start_rollout(
                actor=person_of(request), experiment_id=found.pk, **sent.validated_data
            )
        return Response(_told(found), status=201)


class _MoveView(APIView):
    def move(self, request: Request, experiment: int, service: Callable[..., Rollout]) -> Response:
        found = _seen(request, experiment)
        sent = WhyInput(data=request.data)
        sent.is_valid(raise_exception=True)
        actor: User = person_of(request)
        with answering():
            service(actor=actor, experiment_id=found.pk, reason=sent.validated_data["reason"])
        return Response(_told(found))


MOVED = {200: RolloutOutput, **problems(400, 401, 403, 404, 415, 422)}


class RolloutPauseView(_MoveView):
    @extend_schema(operation_id="rollout_pause", request=WhyInput, responses=MOVED)
    def post(self, request: Request, experiment: int) -> Response:
        """No further step until it is resumed; the guard-rails hold on."""
        return self.move(request, experiment, rollouts.pause_rollout)


class RolloutResumeView(_MoveView):
    @extend_schema(operation_id="rollout_resume", request=WhyInput, responses=MOVED)
    def post(self, request: Request, experiment: int) -> Response:
        """Steps are taken again."""
        return self.move(request, experiment, rollouts.resume_rollout)


class RolloutStopView(_MoveView):
    @extend_schema(operation_id="rollout_stop", request=WhyInput, responses=MOVED)
    def post(self, request: Request, experiment: int) -> Response:
        """The challenger gets no traffic any more, at once."""
        return self.move(request, experiment, rollouts.stop_rollout)


def _seen(request: Request, experiment: int) -> Experiment:
    found = Experiment.objects.visible_to(request.user).filter(pk=experiment).first()
    if found is None:
        raise Http404
    return found


def _told(experiment: Experiment) -> dict[str, Any]:
    found = rollout_of(experiment)
    if found is None:
        raise Http404
    return dict(RolloutOutput(found).data)
