"""Administering people by API. Ways into somebody's account are opened in the browser only."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.permissions import SignedInWithScope
from accounts.api.problems import Unprocessable
from accounts.directory import STATES, lines_of, people_found, person_facts
from accounts.models import Membership, Team, User
from accounts.policies import can_administer
from accounts.roles import Role
from accounts.services.administrators import ONLY_ADMINISTRATORS
from accounts.services.closing import reopen_account
from accounts.services.invitations import invite_new
from accounts.services.people import grant_role, withdraw_role
from accounts.sessions import person_of


class ForAdministrators(BasePermission):
    """Refused for everybody else, before anything is looked up."""

    message = ONLY_ADMINISTRATORS

    def has_permission(self, request: Request, view: Any) -> bool:
        return can_administer(person_of(request))


PERMISSIONS = [SignedInWithScope, ForAdministrators]


class PersonLineShape(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    email = serializers.CharField()
    service = serializers.BooleanField(help_text="A service account: it uses tokens")
    active = serializers.BooleanField()
    invited = serializers.BooleanField(help_text="A link to choose a password is out")
    second_factor = serializers.BooleanField()
    last_sign_in = serializers.DateTimeField(allow_null=True)
    roles = serializers.ListField(child=serializers.CharField())


class GivenRoleShape(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="pk")
    role = serializers.CharField()
    team = serializers.CharField(
        source="team_slug", allow_null=True, help_text="Slug; null: the whole organisation"
    )
    since = serializers.DateTimeField()
    by = serializers.CharField(help_text="Who gave it; empty: before that was kept")
    reason = serializers.CharField()
    only_one = serializers.BooleanField(help_text="Nobody else holds it there")


class PersonShape(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="person.pk")
    name = serializers.CharField(source="person.name")
    email = serializers.CharField(source="person.email")
    kind = serializers.CharField(source="person.kind")
    active = serializers.BooleanField(source="person.is_active")
    last_sign_in = serializers.DateTimeField(source="person.last_login", allow_null=True)
    password = serializers.BooleanField(source="factors.password", help_text="One is chosen")
    app = serializers.BooleanField(source="factors.app")
    passkeys = serializers.IntegerField(source="factors.passkey_count")
    single_sign_on = serializers.BooleanField()
    live_tokens = serializers.IntegerField()
    roles = GivenRoleShape(many=True)


class NewPersonShape(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120)
    email = serializers.EmailField(max_length=254)


class InvitedShape(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="person.pk")
    name = serializers.CharField(source="person.name")
    email = serializers.CharField(source="person.email")
    link = serializers.CharField(
        source="address", help_text="Where they choose a password, once; empty: sent by mail"
    )
    until = serializers.DateTimeField()


class NewRoleShape(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=Role.choices)
    team = serializers.SlugField(allow_null=True, help_text="Slug; null: the whole organisation")
    reason = serializers.CharField(max_length=1000)


class WhyShape(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=1000, help_text="Kept on the audit trail")


@extend_schema_view(
    get=extend_schema(
        operation_id="people_list",
        parameters=[
            OpenApiParameter("q", str, description="Part of a name or an address"),
            OpenApiParameter("state", str, enum=STATES, description="open, if not named"),
            OpenApiParameter("team", str, description="Slug"),
            OpenApiParameter("role", str),
        ],
    )
)
class PeopleView(ListAPIView[User]):
    """Everybody, newest first; for administrators."""

    permission_classes = PERMISSIONS
    serializer_class = PersonLineShape
    queryset = User.objects.none()

    def get_queryset(self) -> QuerySet[User]:
        said = {name: self.request.GET.get(name, "") for name in ("q", "state", "team", "role")}
        if any("\0" in value for value in said.values()):
            return User.objects.none()
        return people_found(words=said.pop("q"), **said)

    def paginate_queryset(self, queryset: Any) -> Any:
        return lines_of(list(super().paginate_queryset(queryset) or []))

    @extend_schema(
        operation_id="people_invite", request=NewPersonShape, responses={201: InvitedShape}
    )
    def post(self, request: Request) -> Response:
        """Make a person, who chooses a password by a link."""
        shape = NewPersonShape(data=request.data)
        shape.is_valid(raise_exception=True)
        made = _done(invite_new, actor=person_of(request), **shape.validated_data)
        return Response(InvitedShape(made).data, status=201)


class PersonRolesView(APIView):
    permission_classes = PERMISSIONS

    @extend_schema(
        operation_id="people_give_role", request=NewRoleShape, responses={201: PersonShape}
    )
    def post(self, request: Request, person: int) -> Response:
        """Give a role in a team; it counts at once. Nobody gives one to themselves."""
        found = get_object_or_404(User, pk=person)
        shape = NewRoleShape(data=request.data)
        shape.is_valid(raise_exception=True)
        said = dict(shape.validated_data)
        team_id = _team_id(said.pop("team"))
        _done(grant_role, actor=person_of(request), user_id=person, team_id=team_id, **said)
        return Response(PersonShape(person_facts(found)).data, status=201)


class PersonRoleTakeView(APIView):
    permission_classes = PERMISSIONS

    @extend_schema(operation_id="people_take_role", request=WhyShape, responses=PersonShape)
    def post(self, request: Request, person: int, membership: int) -> Response:
        """Take a role away; the last administrator's stays."""
        rows = Membership.objects.select_related("user")
        held = get_object_or_404(rows, pk=membership, user=person)
        shape = WhyShape(data=request.data)
        shape.is_valid(raise_exception=True)
        _done(
            withdraw_role, actor=person_of(request), membership_id=held.pk, **shape.validated_data
        )
        return Response(PersonShape(person_facts(held.user)).data)


class PersonReopenView(APIView):
    permission_classes = PERMISSIONS

    @extend_schema(operation_id="people_reopen", request=WhyShape, responses=PersonShape)
    def post(self, request: Request, person: int) -> Response:
        """Let somebody in again, with the roles that they hold."""
        get_object_or_404(User, pk=person)
        shape = WhyShape(data=request.data)
        shape.is_valid(raise_exception=True)
        found = _done(
            reopen_account, actor=person_of(request), user_id=person, **shape.validated_data
        )
        return Response(PersonShape(person_facts(found)).data)


def _team_id(slug: str | None) -> int | None:
    if slug is None:
        return None
    found = Team.objects.filter(slug=slug).first()
    if found is None:
        raise Unprocessable("invalid", "There is no such team.")
    return found.pk


def _done(service: Any, **said: Any) -> Any:
    try:
        return service(**said)
    except ValueError as error:
        raise Unprocessable("invalid", str(error)) from error
