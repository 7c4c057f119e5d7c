"""The false-alarm budget of a model over the API."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions import person_of
from monitoring.api.answers import answering
from monitoring.api.serializers import Finite
from monitoring.reads.settings import budget_of
from monitoring.services.budgets import LONGEST_DAYS, MOST_ALARMS, set_alarm_budget
from registry.api.answers import problems
from registry.api.serializers import Strict
from registry.models import Model


class BudgetInput(Strict):
    false_alarms = Finite(
        min_value=0.001, max_value=MOST_ALARMS, help_text="Of all monitors of the model together"
    )
    days = Finite(min_value=1, max_value=LONGEST_DAYS)


class BudgetOutput(serializers.Serializer[Any]):
    false_alarms = serializers.FloatField()
    days = serializers.FloatField()


class BudgetView(APIView):
    """How many false alarms a model may raise in how many days; one in 90 if nobody said."""

    @extend_schema(
        operation_id="alarm_budget_read", responses={200: BudgetOutput, **problems(401, 404)}
    )
    def get(self, request: Request, model: str) -> Response:
        return Response(BudgetOutput(budget_of(_model(request, model).pk)).data)

    @extend_schema(
        operation_id="alarm_budget_set",
        request=BudgetInput,
        responses={200: BudgetOutput, **problems(400, 401, 403, 404, 415, 422)},
    )
    def put(self, request: Request, model: str) -> Response:
        found = _model(request, model)
        sent = BudgetInput(data=request.data)
        sent.is_valid(raise_exception=True)
        with answering():
            budget = set_alarm_budget(
                actor=person_of(request), model_id=found.pk, **sent.validated_data
            )
        return Response(BudgetOutput(budget).data)


def _model(request: Request, slug: str) -> Model:
    return get_object_or_404(Model.objects.visible_to(request.user), slug=slug)
