"""Signing challenges: what a passkey is asked before somebody signs by API."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.services.passkeys import LIVES
from accounts.sessions import person_of
from governance.api.documentation import answers
from governance.api.problems import refusals_as_problems
from governance.reads.signing import ACTS, record_to_sign
from governance.services.challenges import ask_passkey


class NewSigningChallengeShape(serializers.Serializer[Any]):
    act = serializers.ChoiceField(choices=ACTS)
    record = serializers.CharField(
        max_length=300,
        help_text=(
            "As in the address of the signed call: a number, a slug, or "
            "model/version/guideline for answers"
        ),
    )
    digest = serializers.CharField(
        max_length=64,
        required=False,
        default="",
        allow_blank=True,
        help_text="Of a change request, an erasure or a policy: the digest that you read",
    )


class SigningChallengeShape(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="Sent along with the passkey's answer as `challenge`")
    about = serializers.CharField(help_text="What the answer signs, and nothing else")
    seconds = serializers.IntegerField(help_text="How long it may be answered")
    options = serializers.DictField(help_text="For navigator.credentials.get()")


class SigningChallengeView(APIView):
    @extend_schema(
        operation_id="signing_challenges_ask",
        request=NewSigningChallengeShape,
        responses=answers(201, SigningChallengeShape, 400, 409, 415, 422, 429),
    )
    def post(self, request: Request) -> Response:
        """Ask for a challenge: bound to you, one record and one act, answered once."""
        person = person_of(request)
        shape = NewSigningChallengeShape(data=request.data)
        shape.is_valid(raise_exception=True)
        said = shape.validated_data
        with refusals_as_problems():
            row, options = ask_passkey(
                actor=person,
                subject=record_to_sign(person, said["act"], said["record"]),
                act=said["act"],
                digest=said["digest"],
            )
        content = {
            "id": row.pk,
            "about": row.ceremony["about"],
            "seconds": LIVES,
            "options": options,
        }
        return Response(SigningChallengeShape(content).data, status=201)
