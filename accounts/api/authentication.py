from typing import Any

from django.http import HttpRequest
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.models import ApiToken, User
from accounts.services.tokens import find_live


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
        raise AuthenticationFailed("This token is unknown, expired or revoked. Make a new one.")
    return token.user, token


def user_of(request: HttpRequest) -> tuple[Any, ApiToken | None]:
    """Who calls a plain Django view: by token, else by session."""
    header = request.headers.get("Authorization", "")
    if header.lower().startswith("bearer "):
        return bearer(header[7:].strip())
    return request.user, None


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # untyped there
    target_class = "accounts.api.authentication.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer"}
