"""Which version answers a unit: one read, to be kept for some seconds."""

from typing import Any

from django.http import HttpResponse, HttpResponseNotModified
from django.utils.http import parse_etags
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.problems import Problem, Unprocessable
from monitoring.reads.rollouts import Assignment, assignment_of
from monitoring.stats.experiments.assignment import complaint_about
from registry.api.answers import problems

KEPT_SECONDS = 10


class AssignmentOutput(serializers.Serializer[Any]):
    """With salt, experiment and share any unit is assigned offline: clients/ombud_assignment.py."""

    model = serializers.CharField()
    environment = serializers.CharField()
    role = serializers.CharField(
        allow_null=True, help_text="champion or challenger; null without `unit`"
    )
    version = serializers.IntegerField(allow_null=True, help_text="Null where nothing serves")
    champion = serializers.IntegerField(allow_null=True)
    challenger = serializers.IntegerField(allow_null=True)
    experiment = serializers.CharField(help_text="What is hashed; empty where none runs")
    salt = serializers.CharField(allow_blank=True)
    share = serializers.CharField(help_text="Of the challenger, from 0 to 1")


class AssignmentView(APIView):
    @extend_schema(
        operation_id="assignment_read",
        parameters=[
            OpenApiParameter(
                "unit", str, description="1 to 200 visible ASCII characters; it is not stored"
            ),
            OpenApiParameter("environment", str, description="production, if not named"),
        ],
        responses={200: AssignmentOutput, 304: None, **problems(401, 404, 422)},
    )
    def get(self, request: Request, model: str) -> Response | HttpResponse:
        """The version that answers a unit now; the same unit keeps it while the share rises."""
        unit = request.GET.get("unit")
        if unit is not None and (wrong := complaint_about(unit)):
            complaint = {"field": "unit", "code": "invalid", "message": wrong}
            raise Unprocessable("invalid", wrong, errors=[complaint])
        environment = request.GET.get("environment", "production")[:40]
        found = assignment_of(request.user, slug=model, environment=environment)
        if found is None:
            raise Problem(404, "not_found", "No such model that you may see.")
        return _answer(request, found, unit)


def _answer(request: Request, found: Assignment, unit: str | None) -> Response | HttpResponse:
    role = found.role(unit) if unit is not None else None
    etag = f'W/"{found.etag}-{role or "all"}"'
    known = parse_etags(request.headers.get("If-None-Match", ""))
    answer: Response | HttpResponse
    answer = HttpResponseNotModified() if etag in known else Response(_told(found, role))
    answer["ETag"] = etag
    answer["Cache-Control"] = f"private, max-age={KEPT_SECONDS}"
    answer["Vary"] = "Authorization, Cookie"
    return answer


def _told(found: Assignment, role: str | None) -> dict[str, Any]:
    version = found.challenger if role == "challenger" else found.champion
    return {
        "model": found.model,
        "environment": found.environment,
        "role": role,
        "version": None if role is None else version,
        "champion": found.champion,
        "challenger": found.challenger,
        "experiment": found.experiment,
        "salt": found.salt,
        "share": f"{found.share.normalize():f}",
    }
