"""Teams by API, for administrators."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.people import PERMISSIONS
from accounts.api.problems import Unprocessable
from accounts.directory import members_of
from accounts.models import Team
from accounts.services.teams import create_team, rename_team
from accounts.sessions import person_of


class TeamShape(serializers.ModelSerializer[Team]):
    class Meta:
        model = Team
        fields = ["name", "slug", "created_at"]


class MemberShape(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    email = serializers.CharField()
    active = serializers.BooleanField()
    roles = serializers.ListField(child=serializers.CharField())


class WholeTeamShape(serializers.Serializer[Any]):
    name = serializers.CharField()
    slug = serializers.CharField()
    members = MemberShape(many=True)


class NewTeamShape(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)
    slug = serializers.SlugField(max_length=80, help_text="Small letters; it stays as it is")


class TeamNameShape(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=80)


@extend_schema_view(get=extend_schema(operation_id="teams_list"))
class TeamsView(ListAPIView[Team]):
    """Every team, newest first."""

    permission_classes = PERMISSIONS
    serializer_class = TeamShape
    queryset = Team.objects.none()

    def get_queryset(self) -> QuerySet[Team]:
        return Team.objects.all()

    @extend_schema(operation_id="teams_make", request=NewTeamShape, responses={201: TeamShape})
    def post(self, request: Request) -> Response:
        """Make a team."""
        shape = NewTeamShape(data=request.data)
        shape.is_valid(raise_exception=True)
        try:
            made = create_team(actor=person_of(request), **shape.validated_data)
        except ValueError as error:
            raise Unprocessable("invalid", str(error)) from error
        made.refresh_from_db()
        return Response(TeamShape(made).data, status=201)


class TeamView(APIView):
    permission_classes = PERMISSIONS

    @extend_schema(operation_id="teams_read", responses=WholeTeamShape)
    def get(self, request: Request, team: str) -> Response:
        """Who is in it."""
        return Response(_whole(get_object_or_404(Team, slug=team)))

    @extend_schema(operation_id="teams_rename", request=TeamNameShape, responses=WholeTeamShape)
    def put(self, request: Request, team: str) -> Response:
        """Give it another name; its short name stays."""
        found = get_object_or_404(Team, slug=team)
        shape = TeamNameShape(data=request.data)
        shape.is_valid(raise_exception=True)
        try:
            named = rename_team(actor=person_of(request), team_id=found.pk, **shape.validated_data)
        except ValueError as error:
            raise Unprocessable("invalid", str(error)) from error
        return Response(_whole(named))


def _whole(team: Team) -> dict[str, Any]:
    content = {"name": team.name, "slug": team.slug, "members": members_of(team)}
    return dict(WholeTeamShape(content).data)
