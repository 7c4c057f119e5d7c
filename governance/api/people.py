"""Somebody with what they own, by API: read, handed over, closed. For administrators."""

from dataclasses import asdict
from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.people import PERMISSIONS, PersonShape, WhyShape
from accounts.directory import person_facts
from accounts.models import Team, User
from accounts.sessions import person_of
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.reads.leaving import OwnedInTeam, open_work
from governance.services.leaving import close_account, hand_over


class OwnedShape(serializers.Serializer[Any]):
    team = serializers.CharField(source="team.slug")
    models = serializers.SerializerMethodField()
    findings = serializers.SerializerMethodField()
    incidents = serializers.SerializerMethodField()

    def get_models(self, owned: OwnedInTeam) -> list[str]:
        return [one.slug for one in owned.models]

    def get_findings(self, owned: OwnedInTeam) -> list[int]:
        return [one.pk for one in owned.findings]

    def get_incidents(self, owned: OwnedInTeam) -> list[int]:
        return [one.pk for one in owned.incidents]


class WholePersonShape(PersonShape):
    owns = OwnedShape(many=True, help_text="By team; handed over before the account is closed")
    waiting = serializers.IntegerField(help_text="Requests that they may sign now")


class HandOverShape(serializers.Serializer[Any]):
    team = serializers.SlugField()
    new_owner = serializers.EmailField(help_text="Another active person of the team")
    reason = serializers.CharField(max_length=1000)


class HandedOverShape(serializers.Serializer[Any]):
    models = serializers.IntegerField()
    findings = serializers.IntegerField()
    incidents = serializers.IntegerField()


class PersonView(APIView):
    permission_classes = PERMISSIONS

    @extend_schema(operation_id="people_read", responses=answers(200, WholePersonShape))
    def get(self, request: Request, person: int) -> Response:
        """One person: roles with who gave them, ways to come in, what they own."""
        found = get_object_or_404(User, pk=person)
        facts, work = person_facts(found), open_work(found)
        content = {name: getattr(facts, name) for name in facts.__dataclass_fields__}
        content |= {"owns": work.owned, "waiting": work.waiting_count}
        return Response(WholePersonShape(content).data)


class HandOverView(APIView):
    permission_classes = PERMISSIONS

    @extend_schema(
        operation_id="people_hand_over",
        request=HandOverShape,
        responses=answers(200, HandedOverShape, 422),
    )
    def post(self, request: Request, person: int) -> Response:
        """Give everything that somebody owns in a team to another member of it."""
        found = get_object_or_404(User, pk=person)
        shape = HandOverShape(data=request.data)
        shape.is_valid(raise_exception=True)
        said = dict(shape.validated_data)
        team = get_object_or_404(Team, slug=said.pop("team"))
        with refusals_as_problems():
            done = hand_over(actor=person_of(request), user_id=found.pk, team_id=team.pk, **said)
        return Response(HandedOverShape(asdict(done)).data)


class ClosingView(APIView):
    permission_classes = PERMISSIONS

    @extend_schema(
        operation_id="people_close",
        request=WhyShape,
        responses=answers(200, PersonShape, 409, 422),
    )
    def post(self, request: Request, person: int) -> Response:
        """Close an account that owns nothing any more: sessions and tokens end at once."""
        found = get_object_or_404(User, pk=person)
        shape = WhyShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            closed = close_account(
                actor=person_of(request), user_id=found.pk, **shape.validated_data
            )
        return Response(PersonShape(person_facts(closed)).data)
