from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.services.tokens import find_live

NOT_LIVE = "This token is unknown, expired or revoked. Make a new one."


class TokenAuthentication(BaseAuthentication):
    """`Authorization: Bearer ombud_…`: hashed, scoped, expiring."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        parts = get_authorization_header(request).split()
        if not parts or parts[0].lower() != b"bearer":
            return None
        if len(parts) != 2:
            raise AuthenticationFailed("Send one token: Authorization: Bearer ombud_…")
        return bearer(parts[1].decode("latin-1"))

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="ombud"'


def bearer(text: str) -> tuple[User, ApiToken]:
    """The user and token behind a bearer text.

    Raises:
        AuthenticationFailed: it is unknown, expired or revoked (deliberately not said which).
    """
    token = find_live(text)
    if token is None:
        raise AuthenticationFailed(NOT_LIVE)
    return token.user, token


def bearer_text(header: str) -> str | None:
    """The token in an Authorization header, None if it holds no bearer's."""
    return header[7:].strip() if header.lower().startswith("bearer ") else None


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # untyped there
    target_class = "accounts.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
