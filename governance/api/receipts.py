"""Receipts over the API: for one prediction, what was in force at its instant."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.problems import Problem, Unprocessable
from accounts.sessions import person_of
from governance.api.documentation import answers
from governance.reads.receipts import receipt_of
from monitoring.services.lookups import AROUND, find_prediction
from registry.models import Model

LONGEST_ID = 100


def erased_words(on: datetime) -> str:
    day = f"{on.day} {on:%b %Y}"
    return f"The rows of this prediction were erased on {day} at its subject's request."


class PartSerializer(serializers.Serializer[Any]):
    prediction = serializers.DictField()
    version = serializers.DictField()
    deployments = serializers.ListField(child=serializers.DictField())
    clearances = serializers.ListField(child=serializers.DictField())
    card = serializers.DictField(allow_null=True)
    approvals = serializers.ListField(child=serializers.DictField())
    incidents = serializers.ListField(child=serializers.DictField())
    findings = serializers.ListField(child=serializers.DictField())
    measurements = serializers.ListField(child=serializers.DictField())
    outcomes = serializers.ListField(child=serializers.DictField())
    explanation = serializers.DictField(
        allow_null=True, help_text="What each feature added to the answer, if it was explained"
    )
    not_found = serializers.ListField(child=serializers.CharField())


class ReceiptSerializer(serializers.Serializer[Any]):
    prediction_id = serializers.CharField()
    model = serializers.CharField()
    receipts = PartSerializer(many=True, help_text="One for each version that answered")
    looked_at_everything = serializers.BooleanField(
        help_text="False: the log is long; say `at` to look around that time"
    )


class ReceiptView(APIView):
    """As of a prediction's instant: version, clearance, card, signatures, what was known."""

    @extend_schema(
        operation_id="receipt_read",
        parameters=[
            OpenApiParameter("model", str, required=True),
            OpenApiParameter("at", str, description="About when (ISO 8601 with zone), to a day"),
        ],
        responses=answers(200, ReceiptSerializer, 422),
    )
    def get(self, request: Request, prediction: str) -> Response:
        """What is not known is said in `not_found`; 404 says whether all of the log was read."""
        user = person_of(request)
        slug = request.query_params.get("model", "")[:80]
        model = get_object_or_404(Model.objects.visible_to(user), slug=slug)
        found = find_prediction(
            actor=user, model_id=model.pk, prediction_id=prediction[:LONGEST_ID], at=_at(request)
        )
        if found.erased_on is not None:
            raise Problem(404, "erased", erased_words(found.erased_on))
        if not found.predictions:
            raise Problem(404, "not_found", not_there(prediction, everywhere=found.everywhere))
        return Response(
            {
                "prediction_id": prediction,
                "model": model.slug,
                "receipts": [
                    asdict(receipt_of(one, found.outcomes, prediction)) for one in found.predictions
                ],
                "looked_at_everything": found.everywhere,
            }
        )


def not_there(prediction: str, *, everywhere: bool) -> str:
    """Why nothing is shown, and what helps."""
    if everywhere:
        return f"No version logged a prediction {prediction[:LONGEST_ID]!r}."
    days = AROUND.days
    return (
        f"{prediction[:LONGEST_ID]!r} is not in the newest part of the log. Say about when it was "
        f"made (`at`), then {days} day before and after are looked at."
    )


def _at(request: Request) -> datetime | None:
    text = request.query_params.get("at")
    if not text:
        return None
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None or timezone.is_naive(moment):
        complaint = "A time with its zone, such as 2026-04-01T12:00:00Z."
        errors = [{"field": "at", "code": "invalid", "message": complaint}]
        raise Unprocessable("invalid", complaint, errors=errors)
    return moment
