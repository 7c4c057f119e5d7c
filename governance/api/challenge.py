"""Effective challenge per team by API, as JSON or CSV, and its switch."""

from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import Team
from accounts.policies import require
from accounts.sessions import person_of
from audit.api.spreadsheets import FORMAT, SpreadsheetRenderer
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.challenge_figures import Figures
from governance.models import ChallengeSwitch, EvidenceKind
from governance.policies import can_switch_challenge
from governance.reads.challenge import (
    PERIODS,
    TeamChallenge,
    challenge_of,
    days_of,
    team_to_switch,
    teams_seen,
)
from governance.services.challenge import (
    ONLY_WHO_ANSWERS,
    ONLY_WHO_CHALLENGES,
    switch_challenge,
)


def _some(help_text: str = "") -> serializers.FloatField:
    return serializers.FloatField(allow_null=True, help_text=help_text)


class ChallengeShape(serializers.Serializer[Any]):
    """One team. Where `hidden` says why, every figure is null."""

    team = serializers.CharField()
    on = serializers.BooleanField()
    since = serializers.DateTimeField(allow_null=True)
    until = serializers.DateTimeField()
    hidden = serializers.CharField(allow_blank=True)
    decisions = serializers.IntegerField(allow_null=True)
    requests = serializers.IntegerField(allow_null=True)
    unopened_share = _some("Of the decisions: signed without opening any evidence")
    unopened_low = _some()
    unopened_high = _some()
    only_request_share = _some("Of the decisions: only the request's own page was opened")
    opened_card = _some("Of the decisions: the card was opened before")
    opened_version = _some()
    opened_purpose = _some()
    opened_measurements = _some()
    opened_incidents = _some()
    opened_findings = _some()
    opened_guidelines = _some()
    submission_hours_low = _some("From submission to signature: lower quartile")
    submission_hours_median = _some()
    submission_hours_high = _some()
    opening_hours_low = _some("From the first opening to signature: lower quartile")
    opening_hours_median = _some()
    opening_hours_high = _some()
    conditions_share = _some("Of the requests: who signed them set conditions")
    rejected_share = _some("Of the decisions")
    rejected_low = _some()
    rejected_high = _some()
    overturned_share = _some("Of the changes that are old enough to tell")
    overturned_low = _some()
    overturned_high = _some()
    overturned_of = serializers.IntegerField(allow_null=True)
    too_recent = serializers.IntegerField(allow_null=True)


class ChallengeListShape(serializers.Serializer[Any]):
    days = serializers.IntegerField()
    results = ChallengeShape(many=True)


class SwitchShape(serializers.Serializer[Any]):
    on = serializers.BooleanField()
    reason = serializers.CharField(max_length=400)


class SwitchedShape(serializers.ModelSerializer[ChallengeSwitch]):
    team = serializers.SlugRelatedField[Team](slug_field="slug", read_only=True)

    class Meta:
        model = ChallengeSwitch
        fields = ["team", "on", "reason", "switched_at"]


class ChallengeView(GenericAPIView[Any]):
    serializer_class = ChallengeShape
    renderer_classes = (JSONRenderer, SpreadsheetRenderer)
    pagination_class = None
    queryset = ChallengeSwitch.objects.none()

    @extend_schema(
        operation_id="challenge_read",
        parameters=[
            OpenApiParameter("days", int, enum=list(PERIODS), description="365, if not named"),
            OpenApiParameter("format", str, enum=["json", "csv"]),
        ],
        responses=answers(200, ChallengeListShape),
    )
    def get(self, request: Request) -> Response:
        """Figures per team that you may look at; never of a person."""
        person = person_of(request)
        require(bool(teams_seen(person)), ONLY_WHO_CHALLENGES)
        days = days_of(request.GET.get("days", ""))
        rows = [_row(one) for one in challenge_of(person, days=days, now=timezone.now())]
        answer = Response({"days": days, "results": ChallengeShape(rows, many=True).data})
        if request.accepted_renderer.format == FORMAT:
            answer["Content-Disposition"] = 'attachment; filename="ombud-challenge.csv"'
        return answer


class ChallengeSwitchView(APIView):
    @extend_schema(
        operation_id="challenge_switch",
        request=SwitchShape,
        responses=answers(200, SwitchedShape, 400, 409, 415, 422),
    )
    def put(self, request: Request, team: str) -> Response:
        """Count it for a team from now on, or not any more."""
        person = person_of(request)
        found = team_to_switch(person, team)
        require(can_switch_challenge(person, found.pk), ONLY_WHO_ANSWERS)
        shape = SwitchShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            row = switch_challenge(actor=person, team_id=found.pk, **shape.validated_data)
        return Response(SwitchedShape(row).data)


def _row(one: TeamChallenge) -> dict[str, Any]:
    empty: dict[str, Any] = dict.fromkeys(ChallengeShape().fields)
    said = {
        "team": one.team.slug,
        "on": one.on,
        "since": one.since,
        "until": one.until,
        "hidden": one.hidden,
    }
    return empty | said | (_figures(one.figures) if one.figures else {})


def _figures(found: Figures) -> dict[str, Any]:
    told: dict[str, Any] = {
        "decisions": found.decisions,
        "requests": found.requests,
        "only_request_share": found.only_request["value"],
        "conditions_share": found.changes_asked["value"],
        "overturned_of": found.overturned["of"],
        "too_recent": found.too_recent,
    }
    for name in ("unopened", "rejected", "overturned"):
        part = getattr(found, name)
        told |= {
            f"{name}_share": part["value"],
            f"{name}_low": part["low"],
            f"{name}_high": part["high"],
        }
    for name, spread in (("submission", found.from_submission), ("opening", found.from_opening)):
        told |= {
            f"{name}_hours_{part}": getattr(spread, part) for part in ("low", "median", "high")
        }
    others = (kind for kind in EvidenceKind.values if kind != EvidenceKind.REQUEST)
    return told | {f"opened_{kind}": found.opened[kind]["value"] for kind in others}
