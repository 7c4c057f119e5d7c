"""A model as it was at a moment, by API."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.problems import Unprocessable
from accounts.sessions import person_of
from governance.api.documentation import answers
from governance.reads.as_of import as_of
from registry.models import Model


def _list() -> serializers.ListField:
    return serializers.ListField(child=serializers.DictField())


class AsOfShape(serializers.Serializer[Any]):
    model = serializers.DictField(help_text="Its own words and tier as they were")
    at = serializers.DateTimeField()
    registered = serializers.BooleanField()
    versions = _list()
    serving = _list()
    clearances = _list()
    policies = _list()
    proposals = _list()
    changes = _list()
    pending = _list()
    findings = _list()
    waivers = _list()
    incidents = _list()
    measurements = _list()
    recommendations = _list()
    risk = serializers.DictField(allow_null=True)
    attestation = serializers.DictField(allow_null=True)
    answers = _list()
    watches = _list()
    not_found = serializers.ListField(child=serializers.CharField())


class AsOfView(APIView):
    @extend_schema(
        operation_id="model_as_of",
        parameters=[
            OpenApiParameter(
                "at", str, required=True, description="ISO 8601 with zone; not in the future"
            )
        ],
        responses=answers(200, AsOfShape, 422),
    )
    def get(self, request: Request, model: str) -> Response:
        """What was in force for the model at that moment; what cannot be told is said."""
        rows = Model.objects.visible_to(person_of(request)).select_related("team", "owner")
        row = get_object_or_404(rows, slug=model)
        return Response(asdict(as_of(row, _at(request))))


def _at(request: Request) -> datetime:
    try:
        said = parse_datetime(request.query_params.get("at", ""))
        moment = said.astimezone(UTC) if said and timezone.is_aware(said) else None
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment > timezone.now():
        told = "A past time with its zone, such as 2026-04-01T12:00:00Z."
        errors = [{"field": "at", "code": "invalid", "message": told}]
        raise Unprocessable("invalid", told, errors=errors)
    return moment
