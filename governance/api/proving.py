"""What proves a signature by API: the person's own password and, with an app, its code."""

from typing import Any

from rest_framework import serializers

from accounts.proofs import Proof


class SignedSerializer(serializers.Serializer[Any]):
    password = serializers.CharField(
        max_length=1000,
        trim_whitespace=False,
        write_only=True,
        help_text="Your own: a token alone does not sign",
    )
    code = serializers.CharField(
        max_length=12,
        required=False,
        default="",
        allow_blank=True,
        write_only=True,
        help_text="What your authenticator app shows, if you have one: each code counts once",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        proof = Proof(password=attrs["password"], code=attrs.pop("code", ""))
        return attrs | {"password": proof}
