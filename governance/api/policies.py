"""Approval policies by API: read, proposed, signed into force."""

from typing import Any

from django_filters import rest_framework as filters
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions import person_of
from governance.api.documentation import answers
from governance.api.policy_shapes import (
    CHANGE_KINDS,
    KINDS,
    NewPolicyChangeShape,
    NewPolicySignatureShape,
    PolicyChangeDetailShape,
    PolicyChangeShape,
    PolicyShape,
)
from governance.api.problems import refusals_as_problems
from governance.api.serializers import ReasonSerializer
from governance.models import ApprovalPolicy, PolicyChange, ProposalState
from governance.reads.policies import change_page, policy_page
from governance.reads.retirement_policies import visible_changes
from governance.services.policy_changes import propose, sign_policy, withdraw_policy
from registry.models import RiskTier


class PolicyFilter(filters.FilterSet):
    kind = filters.ChoiceFilter(choices=KINDS)
    risk_tier = filters.ChoiceFilter(choices=RiskTier.choices)
    current = filters.BooleanFilter()

    class Meta:
        model = ApprovalPolicy
        fields = ["kind", "risk_tier", "current"]


class PolicyChangeFilter(filters.FilterSet):
    kind = filters.ChoiceFilter(choices=CHANGE_KINDS)
    risk_tier = filters.ChoiceFilter(choices=RiskTier.choices)
    state = filters.ChoiceFilter(choices=ProposalState.choices)

    class Meta:
        model = PolicyChange
        fields = ["kind", "risk_tier", "state"]


@extend_schema_view(get=extend_schema(responses=answers(200, PolicyShape(many=True), 422)))
class PolicyListView(ListAPIView[ApprovalPolicy]):
    """Every approval policy, those in force and those before."""

    serializer_class = PolicyShape
    filterset_class = PolicyFilter
    queryset = ApprovalPolicy.objects.order_by("kind", "risk_tier", "-number")


class PolicyView(APIView):
    @extend_schema(operation_id="policies_read", responses=answers(200, PolicyShape))
    def get(self, request: Request, kind: str, tier: str) -> Response:
        """The approval policy in force for a kind of change and a risk tier."""
        return Response(PolicyShape(policy_page(request.user, kind, tier).policy).data)


@extend_schema_view(get=extend_schema(responses=answers(200, PolicyChangeShape(many=True), 422)))
class PolicyChangeListView(ListAPIView[PolicyChange]):
    """Proposed policies, newest first; POST proposes one."""

    serializer_class = PolicyChangeShape
    filterset_class = PolicyChangeFilter
    queryset = PolicyChange.objects.none()

    def get_queryset(self) -> Any:
        rows = visible_changes(self.request.user).prefetch_related("signatures")
        parts = ("base", "policy", "proposed_by", "model", "team", "retirement_policy")
        return rows.select_related(*parts, "retirement_base")

    @extend_schema(
        operation_id="policy_changes_create",
        request=NewPolicyChangeShape,
        responses=answers(201, PolicyChangeDetailShape, 400, 409, 415, 422),
    )
    def post(self, request: Request) -> Response:
        """Propose another policy; others sign it into force."""
        shape = NewPolicyChangeShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            found = propose(actor=person_of(request), **shape.validated_data)
        return _detail(request, found.pk, 201)


class PolicyChangeView(APIView):
    @extend_schema(
        operation_id="policy_changes_read", responses=answers(200, PolicyChangeDetailShape)
    )
    def get(self, request: Request, change: int) -> Response:
        """A proposed policy with everything that would be different."""
        return _detail(request, change, 200)


class PolicyDecisionView(APIView):
    @extend_schema(
        operation_id="policy_changes_decide",
        request=NewPolicySignatureShape,
        responses=answers(201, PolicyChangeDetailShape, 400, 409, 415, 422, 429),
    )
    def post(self, request: Request, change: int) -> Response:
        """Sign for or against a proposal that somebody else made."""
        change_page(request.user, change)
        shape = NewPolicySignatureShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            sign_policy(actor=person_of(request), change_id=change, **shape.validated_data)
        return _detail(request, change, 201)


class PolicyWithdrawView(APIView):
    @extend_schema(
        operation_id="policy_changes_withdraw",
        request=ReasonSerializer,
        responses=answers(200, PolicyChangeDetailShape, 400, 409, 415, 422),
    )
    def post(self, request: Request, change: int) -> Response:
        """Take a proposal back before it is decided."""
        change_page(request.user, change)
        shape = ReasonSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            withdraw_policy(actor=person_of(request), change_id=change, **shape.validated_data)
        return _detail(request, change, 200)


def _detail(request: Request, change: int, status: int) -> Response:
    page = change_page(request.user, change)
    found: Any = page.change
    found.differences = page.differences
    return Response(PolicyChangeDetailShape(found).data, status=status)
