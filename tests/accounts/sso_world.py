"""Ombud with a provider, and the browser's way there and back."""

import hashlib
import html
import re
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.test import Client

from tests.accounts.oidc_provider import CLIENT, SECRET, Provider


def connected(changed: Any, provider: Provider, teams: Any = ()) -> Provider:
    changed.OIDC_ISSUER = provider.issuer
    changed.OIDC_PROVIDER = f"oidc-{hashlib.sha256(provider.issuer.encode()).hexdigest()[:16]}"
    changed.OIDC_CLIENT_ID, changed.OIDC_CLIENT_SECRET = CLIENT, SECRET
    changed.OIDC_NAME = "Aviation ID"
    changed.OIDC_TEAMS = teams
    provider.person = known("Olga", "olga@example.org")
    return provider


def known(name: str, email: str, **more: Any) -> dict[str, Any]:
    person = {"sub": f"sub-{name}", "email": email, "email_verified": True, "name": name}
    return person | more


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


def away(answer: Any) -> str:
    """The address of the provider that a page sends the browser to."""
    found = re.search(r'href="(http://127[^"]+)"', answer.content.decode())
    assert found, answer.content
    address = html.unescape(found[1])
    assert answer["Refresh"] == f"0; url={address}"
    return address


def back_from(address: str) -> str:
    """Where the provider sends the browser, as path and query."""
    opener = urllib.request.build_opener(_Stay)
    try:
        opener.open(address, timeout=5)
    except urllib.error.HTTPError as redirect:
        parts = urlsplit(redirect.headers["Location"])
        assert f"{parts.scheme}://{parts.netloc}" == settings.PUBLIC_URL
        return f"{parts.path}?{parts.query}"
    raise AssertionError("the provider did not send anybody back")


def entered(client: Client, **sent: str) -> Any:
    """Through the provider and back."""
    return client.get(back_from(away(client.post("/accounts/sso/login", sent))))


def is_in(client: Client) -> bool:
    return client.get("/accounts/me").status_code == 200
