"""Approving a retraining policy by API: a signature like any other."""

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.sessions import person_of
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.api.proving import SignedSerializer
from governance.services.retraining_policies import LONGEST_REASON, sign_retraining_policy
from monitoring.api.retraining_shapes import PolicyOutput
from monitoring.reads.retrainings import policy_of


class SignRetrainingShape(SignedSerializer):
    reason = serializers.CharField(max_length=LONGEST_REASON)
    digest = serializers.CharField(max_length=64, help_text="Of the policy that you read")


class PolicyApproveView(APIView):
    @extend_schema(
        operation_id="retraining_policy_approve",
        request=SignRetrainingShape,
        responses=answers(200, PolicyOutput, 400, 409, 415, 422, 429),
    )
    def post(self, request: Request, policy: int) -> Response:
        """Approve a policy that was asked for; nobody approves their own."""
        if policy_of(request.user, policy) is None:
            raise Http404
        shape = SignRetrainingShape(data=request.data)
        shape.is_valid(raise_exception=True)
        with refusals_as_problems():
            sign_retraining_policy(
                actor=person_of(request), policy_id=policy, **shape.validated_data
            )
        return Response(PolicyOutput(policy_of(request.user, policy)).data)
