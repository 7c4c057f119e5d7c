"""The organisation's OpenID Connect provider, spoken with through allauth and trusted in little.

Its address is pinned by the settings; no row of the database adds another one.
"""

import secrets
import time
from typing import Any
from urllib.parse import urlsplit

from allauth.socialaccount.adapter import DefaultSocialAccountAdapter, get_adapter
from allauth.socialaccount.internal import statekit
from allauth.socialaccount.models import SocialApp
from allauth.socialaccount.providers.oauth2.client import OAuth2Error
from allauth.socialaccount.providers.openid_connect.provider import OpenIDConnectProvider
from allauth.socialaccount.providers.openid_connect.views import OpenIDConnectOAuth2Adapter
from django.conf import settings
from django.http import Http404, HttpRequest
from django.urls import reverse
from requests import RequestException

from accounts.id_tokens import Expected, NotProved, checked
from accounts.services.sso import Claims

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
LONGEST_CLAIM = 190


class Door(OpenIDConnectOAuth2Adapter):  # type: ignore[misc]  # allauth ships no types
    """Discovery that must name the pinned issuer, and addresses that nobody listens in on."""

    @property
    def openid_config(self) -> dict[str, Any]:
        if not hasattr(self, "_found"):
            self._found = _discovered()
        return self._found

    def get_callback_url(self, request: HttpRequest, app: SocialApp) -> str:
        return f"{settings.PUBLIC_URL}{reverse('sso-callback')}"


class DoorProvider(OpenIDConnectProvider):  # type: ignore[misc]  # allauth ships no types
    oauth2_adapter_class = Door


class ProviderAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # allauth ships no types
    """One provider, out of the settings; nobody signs themselves up by it."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def list_apps(self, request: HttpRequest, **which: Any) -> list[SocialApp]:
        return [_app()] if settings.OIDC_ISSUER else []

    def get_provider(self, request: HttpRequest, provider: str, **which: Any) -> DoorProvider:
        if not settings.OIDC_ISSUER:
            raise Http404("There is no single sign-on here.")
        return DoorProvider(request, app=_app())


def leave_for(request: HttpRequest, *, about: str, back: str, anew: bool) -> str:
    """The provider's address to send the browser to; the session keeps what must come back."""
    provider = get_adapter().get_provider(request, settings.OIDC_PROVIDER)
    nonce = secrets.token_urlsafe(32)
    asked = {"nonce": nonce} | ({"prompt": "login", "max_age": "0"} if anew else {})
    away = provider.redirect(
        request,
        process="login",
        next_url=back,
        auth_params=asked,
        nonce=nonce,
        about=about,
        anew=anew,
        person=request.user.pk,
        left_at=time.time(),
    )
    if not away.has_header("Location"):
        raise NotProved("The provider cannot be reached now.")
    return str(away["Location"])


def come_back(request: HttpRequest) -> dict[str, Any]:
    """What the session kept for this answer; taken once, by the browser that left.

    Raises:
        NotProved: it did not leave from here, or too long ago.
    """
    state: dict[str, Any] | None = statekit.unstash_state(
        request, state_id=request.GET.get("state", ""), provider_id=settings.OIDC_PROVIDER
    )
    if state is None:
        raise NotProved("This answer belongs to no sign-in that began here.")
    return state


def claims_of(request: HttpRequest, state: dict[str, Any]) -> dict[str, Any]:
    """Everything that the provider says of who came back, checked.

    Raises:
        NotProved: it refused, cannot be reached, or proves nothing.
    """
    if "code" not in request.GET:
        raise NotProved("The provider did not let you in.")
    try:
        return _exchanged(request, state)
    except (OAuth2Error, RequestException, ValueError, KeyError, TypeError) as error:
        if isinstance(error, NotProved):
            raise
        raise NotProved(f"The provider's answer cannot be read: {error}") from error


def _exchanged(request: HttpRequest, state: dict[str, Any]) -> dict[str, Any]:
    provider = get_adapter().get_provider(request, settings.OIDC_PROVIDER)
    door = Door(request, settings.OIDC_PROVIDER)
    answer = door.get_access_token_data(
        request, provider.app, door.get_client(request, provider.app), state["pkce_code_verifier"]
    )
    since = state["left_at"] if state["anew"] else None
    expected = Expected(
        door.openid_config["issuer"], settings.OIDC_CLIENT_ID, state["nonce"], since
    )
    claims = checked(answer["id_token"], _fetched(door.openid_config["jwks_uri"]), expected)
    return claims if "email" in claims else claims | _told(door, answer, claims["sub"])


def _told(door: Door, answer: dict[str, Any], subject: str) -> dict[str, Any]:
    """What the provider tells beside the token; of nobody else (OpenID Connect Core 5.3.2)."""
    if "userinfo_endpoint" not in door.openid_config:
        return {}
    token = {"Authorization": f"Bearer {answer['access_token']}"}
    told = _fetched(door.openid_config["userinfo_endpoint"], headers=token)
    if told.get("sub") != subject:
        raise NotProved("The provider told of somebody else.")
    kept = ("email", "email_verified", "name", settings.OIDC_GROUPS_CLAIM)
    return {name: told[name] for name in kept if name in told}


def person_in(claims: dict[str, Any]) -> Claims:
    groups = claims.get(settings.OIDC_GROUPS_CLAIM)
    return Claims(
        subject=_text(claims, "sub"),
        email=_text(claims, "email").lower(),
        email_verified=claims.get("email_verified") is True,
        name=_text(claims, "name"),
        groups=frozenset(one for one in groups if isinstance(one, str))
        if isinstance(groups, list)
        else frozenset(),
    )


def many_factors(claims: dict[str, Any]) -> bool:
    """Whether the provider says that it asked for more than one (RFC 8176)."""
    methods = claims.get("amr")
    return isinstance(methods, list) and "mfa" in methods


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    good = isinstance(value, str) and len(value) <= LONGEST_CLAIM and "\0" not in value
    return str(value).strip() if good else ""


def _discovered() -> dict[str, Any]:
    found = _fetched(f"{settings.OIDC_ISSUER}/.well-known/openid-configuration")
    if str(found.get("issuer", "")).rstrip("/") != settings.OIDC_ISSUER:
        raise NotProved("The provider calls itself by another address.")
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
        _require_safe(found[name])
    return found


def _fetched(address: str, **more: Any) -> dict[str, Any]:
    _require_safe(address)
    with get_adapter().get_requests_session() as session:
        answer = session.get(address, allow_redirects=False, **more)
        answer.raise_for_status()
        found = answer.json()
    if not isinstance(found, dict):
        raise NotProved("The provider's answer cannot be read.")
    return found


def _require_safe(address: str) -> None:
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise NotProved("The provider is reached by https only.")


def _app() -> SocialApp:
    return SocialApp(
        provider="openid_connect",
        provider_id=settings.OIDC_PROVIDER,
        name=settings.OIDC_NAME,
        client_id=settings.OIDC_CLIENT_ID,
        secret=settings.OIDC_CLIENT_SECRET,
        settings={"server_url": settings.OIDC_ISSUER, "oauth_pkce_enabled": True},
    )
