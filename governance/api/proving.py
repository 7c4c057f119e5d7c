"""What proves a signature by API: password and, with an app, its code; or a passkey's answer."""

from typing import Any

from rest_framework import serializers

from accounts.proofs import KeyAnswer, Proof

LONGEST_ANSWER = 20_000
NO_CHALLENGE = "Say which challenge the passkey answers: its id."


class SignedSerializer(serializers.Serializer[Any]):
    """Either `password` (and `code`), or `passkey` with the `challenge` that it answers."""

    password = serializers.CharField(
        max_length=1000,
        required=False,
        default="",
        allow_blank=True,
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
    challenge = serializers.UUIDField(
        required=False,
        allow_null=True,
        write_only=True,
        help_text="The id of the signing challenge that the passkey answers",
    )
    passkey = serializers.DictField(
        required=False,
        allow_null=True,
        write_only=True,
        help_text="The passkey's answer (PublicKeyCredential, as JSON), in place of a password",
    )

    def validate_passkey(self, sent: dict[str, Any] | None) -> dict[str, Any] | None:
        if len(str(sent)) > LONGEST_ANSWER:
            raise serializers.ValidationError("No passkey answers at such length.")
        return sent

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        key, challenge = attrs.pop("passkey", None), attrs.pop("challenge", None)
        if key and not challenge:
            raise serializers.ValidationError({"challenge": NO_CHALLENGE})
        proof = Proof(
            password=attrs.pop("password", ""),
            code=attrs.pop("code", ""),
            key=KeyAnswer(None, key, str(challenge)) if key else None,
            by_api=True,
        )
        return attrs | {"password": proof}
