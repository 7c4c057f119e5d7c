"""Signed clearances, the list of revoked ones, and the public keys."""

from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.http import require_safe
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.problems import Problem
from governance.api.documentation import answers
from governance.clearance_tokens import LIST_LIFE, LIST_TYPE, TYPE, Answer, claims_of, seconds
from governance.gateways import keys
from governance.reads.clearance_tokens import Revoked, answers_of, proof_of, revoked
from governance.reads.status import DEFAULT_ENVIRONMENT

KEPT_SECONDS = 300


class TokenSerializer(serializers.Serializer[Any]):
    version = serializers.IntegerField()
    role = serializers.CharField()
    state = serializers.CharField(help_text="cleared, conditional, suspended")
    expires_at = serializers.DateTimeField()
    token = serializers.CharField(help_text="Compact JWS, EdDSA; see clients/ombud_clearance.py")
    proof = serializers.DictField(
        allow_null=True,
        help_text="That the token's audit event is in a signed checkpoint, for "
        "clients/ombud_verify.py; null until the next checkpoint",
    )


class TokensSerializer(serializers.Serializer[Any]):
    model = serializers.CharField()
    environment = serializers.CharField()
    clearances = TokenSerializer(many=True)


class RevocationsSerializer(serializers.Serializer[Any]):
    revocations = serializers.CharField(help_text="Compact JWS with `revoked`: [{jti, at, …}]")
    count = serializers.IntegerField()
    expires_at = serializers.DateTimeField()


class ClearanceTokensView(APIView):
    """A signed clearance for each version that serves, the champion first."""

    @extend_schema(
        operation_id="clearance_tokens",
        parameters=[OpenApiParameter("environment", str, description="production, if not named")],
        responses=answers(200, TokensSerializer, 422),
    )
    def get(self, request: Request, model: str) -> Response:
        """May be kept and shown until it expires; look at the list of revocations meanwhile."""
        environment = request.query_params.get("environment", DEFAULT_ENVIRONMENT)[:40]
        found = answers_of(request.user, model=model, environment=environment)
        if not found:
            detail = f"Nothing of {model[:80]!r} serves in {environment!r}, or you may not see it."
            raise Problem(404, "not_found", detail)
        now = timezone.now()
        told = [_token(one, now) for one in found]
        return Response({"model": model, "environment": environment, "clearances": told})


class RevocationsView(APIView):
    """Tokens that no longer hold though they have not expired, as one signed list."""

    @extend_schema(
        operation_id="clearance_revocations",
        responses=answers(200, RevocationsSerializer),
    )
    def get(self, request: Request) -> Response:
        """Names what was suspended or ended; entries fall away when their tokens have expired."""
        now = timezone.now()
        found = revoked(now)
        claims = {
            "iss": settings.PUBLIC_URL,
            "iat": seconds(now),
            "exp": seconds(now + LIST_LIFE),
            "revoked": [_entry(one) for one in found],
        }
        signed = keys.sign(claims, kind=LIST_TYPE)
        told = {"revocations": signed, "count": len(found), "expires_at": now + LIST_LIFE}
        return Response(told)


@require_safe
def jwks(_request: HttpRequest) -> JsonResponse:
    """The public keys (RFC 7517), for everybody."""
    answer = JsonResponse({"keys": keys.published()})
    answer["Cache-Control"] = f"public, max-age={KEPT_SECONDS}"
    return answer


def _token(one: Answer, now: datetime) -> dict[str, Any]:
    claims = claims_of(one, issuer=settings.PUBLIC_URL, now=now)
    return {
        "version": one.version,
        "role": one.role,
        "state": one.state,
        "expires_at": datetime.fromtimestamp(claims["exp"], tz=now.tzinfo),
        "token": keys.sign(claims, kind=TYPE),
        "proof": proof_of(one),
    }


def _entry(one: Revoked) -> dict[str, Any]:
    return {
        "jti": one.id,
        "at": seconds(one.at),
        "model": one.model,
        "version": one.version,
        "environment": one.environment,
    }
