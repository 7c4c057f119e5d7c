"""One-time codes of an authenticator app (RFC 6238): SHA-1, six digits, thirty seconds. Pure."""

import base64
import hmac
import secrets
import time
from urllib.parse import quote, urlencode

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

PERIOD = 30
DIGITS = 6
# One step to either side: clocks of telephones differ by some seconds, people type slowly.
TOLERANCE = 1
ISSUER = "Ombud"


def new_secret() -> str:
    return base64.b32encode(secrets.token_bytes(20)).decode()


def code_of(secret: str, step: int) -> str:
    # SHA-1 is what authenticator apps can do; HMAC does not need its collision resistance.
    app = HOTP(base64.b32decode(secret), DIGITS, SHA1(), enforce_key_length=False)  # noqa: S303
    return app.generate(step).decode()


def step_at(now: float | None = None) -> int:
    return int(time.time() if now is None else now) // PERIOD


def accepted_step(secret: str, code: str, *, after: int = 0) -> int | None:
    """The step whose code this is, if it is near now and later than `after`: a code counts once."""
    given = "".join(code.split())
    now = step_at()
    for step in range(max(now - TOLERANCE, after + 1), now + TOLERANCE + 1):
        if hmac.compare_digest(code_of(secret, step).encode(), given.encode()):
            return step
    return None


def address(secret: str, name: str) -> str:
    """What the QR code says to the app."""
    asked = urlencode({"secret": secret, "issuer": ISSUER}, quote_via=quote)
    return f"otpauth://totp/{quote(f'{ISSUER}:{name}')}?{asked}"
