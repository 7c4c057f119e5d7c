"""Lending one's role as a signer by API; a person's own business, never a service account's."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.problems import Unprocessable
from accounts.models import Delegation, Team, User
from accounts.querysets import DelegationQuerySet
from accounts.roles import SIGNING_ROLES
from accounts.services.delegations import CannotLend, end_delegation, lend
from accounts.sessions import person_of


class DelegationShape(serializers.ModelSerializer[Delegation]):
    giver = serializers.CharField(source="giver.email")
    taker = serializers.CharField(source="taker.email")
    team = serializers.CharField(
        source="team.slug",
        allow_null=True,
        default=None,
        help_text="Null: the whole organisation",
    )
    role = serializers.ChoiceField(choices=[(role.value, role.label) for role in SIGNING_ROLES])

    class Meta:
        model = Delegation
        fields = ["id", "giver", "taker", "team", "role", "begins_on", "ends_on", "reason"]
        fields += ["given_at", "ended_at"]


class NewDelegationShape(serializers.Serializer[Any]):
    taker = serializers.EmailField(help_text="A colleague of that team")
    team = serializers.CharField(
        max_length=80, required=False, allow_null=True, default=None, help_text="Slug"
    )
    role = serializers.ChoiceField(choices=[(role.value, role.label) for role in SIGNING_ROLES])
    begins_on = serializers.DateField()
    ends_on = serializers.DateField(help_text="The last day, at most 90 days")
    reason = serializers.CharField(max_length=2000)


class EndDelegationShape(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=2000)


@extend_schema_view(get=extend_schema(responses=DelegationShape(many=True)))
class DelegationListView(ListAPIView[Delegation]):
    """What you lent and were lent; auditors and administrators see all. POST lends."""

    serializer_class = DelegationShape
    queryset = Delegation.objects.none()

    def get_queryset(self) -> DelegationQuerySet:
        rows = Delegation.objects.visible_to(self.request.user)
        return rows.select_related("giver", "taker", "team").order_by("-pk")

    @extend_schema(
        operation_id="delegations_create",
        request=NewDelegationShape,
        responses={201: DelegationShape},
    )
    def post(self, request: Request) -> Response:
        """Let a colleague sign in your role on some days."""
        shape = NewDelegationShape(data=request.data)
        shape.is_valid(raise_exception=True)
        said = dict(shape.validated_data)
        team = said.pop("team")
        taker = User.objects.filter(email=said.pop("taker").lower()).first()
        try:
            made = lend(
                actor=person_of(request),
                taker_id=taker.pk if taker else 0,
                team_id=_team_id(team),
                **said,
            )
        except CannotLend as error:
            raise _told(error) from error
        return Response(DelegationShape(made).data, status=201)


class DelegationEndView(APIView):
    @extend_schema(
        operation_id="delegations_end", request=EndDelegationShape, responses={200: DelegationShape}
    )
    def post(self, request: Request, delegation: int) -> Response:
        """End one at once; what was signed by it stays signed."""
        found = get_object_or_404(Delegation.objects.visible_to(request.user), pk=delegation)
        shape = EndDelegationShape(data=request.data)
        shape.is_valid(raise_exception=True)
        try:
            ended = end_delegation(
                actor=person_of(request), delegation_id=found.pk, **shape.validated_data
            )
        except CannotLend as error:
            raise _told(error) from error
        return Response(DelegationShape(ended).data)


def _team_id(slug: str | None) -> int | None:
    if slug is None:
        return None
    rows = Team.objects.filter(slug=slug.replace("\0", ""))
    return rows.values_list("pk", flat=True).first() or 0


def _told(error: CannotLend) -> Unprocessable:
    one = {"field": error.field, "code": "invalid", "message": str(error)}
    return Unprocessable("invalid", str(error), errors=[one])
