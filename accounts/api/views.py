from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.models import ApiToken
from accounts.reads import memberships_of
from accounts.sessions import person_of


class RoleSerializer(serializers.Serializer[object]):
    role = serializers.CharField()
    team = serializers.CharField(allow_null=True, help_text="Slug; null: the whole organisation")


class MeSerializer(serializers.Serializer[object]):
    email = serializers.EmailField()
    name = serializers.CharField()
    kind = serializers.CharField()
    roles = RoleSerializer(many=True)
    scopes = serializers.ListField(
        child=serializers.CharField(), allow_null=True, help_text="Null when signed in by browser"
    )


class MeView(APIView):
    """Who the caller is, and what they may do."""

    @extend_schema(operation_id="people_me", responses=MeSerializer)
    def get(self, request: Request) -> Response:
        person = person_of(request)
        token = request.auth if isinstance(request.auth, ApiToken) else None
        roles = [{"role": m.role, "team": m.team_slug} for m in memberships_of(person)]
        me = {
            "email": person.email,
            "name": person.name,
            "kind": person.kind,
            "roles": roles,
            "scopes": token.scopes if token else None,
        }
        return Response(MeSerializer(me).data)
