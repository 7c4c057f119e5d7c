"""How allauth keeps second factors here: secrets encrypted, passkeys of the public address."""

import base64
import hashlib
from urllib.parse import urlsplit

from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings

from accounts.totp import ISSUER


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # allauth ships no types
    """A copy of the database alone makes no codes: secrets are encrypted with the secret key."""

    def encrypt(self, text: str) -> str:
        return _vault().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return _vault().decrypt(encrypted_text.encode()).decode()

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return {"id": relying_party(), "name": ISSUER}


def public_origin() -> str:
    """Scheme, host and port that people reach this installation at."""
    parts = urlsplit(settings.PUBLIC_URL)
    return f"{parts.scheme}://{parts.netloc}"


def relying_party() -> str:
    """The host that passkeys are made for; never taken from a request's own words."""
    return urlsplit(settings.PUBLIC_URL).hostname or "localhost"


def _vault() -> MultiFernet:
    """Encrypts with the secret key; reads what its fallbacks encrypted too."""
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    return MultiFernet([Fernet(_derived(key)) for key in keys])


def _derived(key: str | bytes) -> bytes:
    secret = key.encode() if isinstance(key, str) else key
    return base64.urlsafe_b64encode(hashlib.sha256(b"ombud second factors\0" + secret).digest())
