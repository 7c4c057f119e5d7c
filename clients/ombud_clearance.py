"""May this model serve? Checks an Ombud clearance without the network (Python 3.10+, cryptography).

    answer = check(token, jwks=jwks, revocations=signed_list, digest=digest_of_the_model_in_hand)
    if not answer.may_serve: raise SystemExit(answer.why)

Get the token from `GET /api/v1/models/{model}/clearance`, the keys from `/.well-known/jwks.json`,
the list from `GET /api/v1/clearance/revocations`; keep all three in files and renew them.
"""

import base64
import json
import time
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SERVES = ("cleared", "conditional")
TOKEN, LIST = "ombud-clearance+jwt", "ombud-revocations+jwt"
SKEW = 60  # seconds by which clocks may differ
Claims = dict[str, Any]


@dataclass
class Answer:
    may_serve: bool
    why: str
    claims: Claims = field(default_factory=dict)  # what the token says, if its signature is good


class Bad(Exception):
    """The token or the list is not what it should be."""


def check(
    token: str, *, jwks: Claims, revocations: str | None, digest: str | None, now: float = 0
) -> Answer:
    """Whether a version may serve now, and why not if it may not.

    `digest` is that of the model in hand (None: not checked), `revocations` the newest list. With
    a token or list that is expired, missing or bad it serves on only where its tier says `open`.
    """
    now = now or time.time()
    try:
        claims = _opened(token, jwks, TOKEN)
    except Bad as error:
        return Answer(may_serve=False, why=f"The token is not good: {error}.")
    listed, doubt = _listed(revocations, jwks, now)
    if claims["exp"] < now - SKEW:
        doubt = "The token has expired."
    why = _refused(claims, listed, digest, now)
    if not why and doubt and claims["on_expiry"] != "open":
        why = f"{doubt} This risk tier stops then."
    return Answer(not why, why or (f"{doubt} It serves on." if doubt else ""), claims)


def _refused(claims: Claims, listed: set[str], digest: str | None, now: float) -> str:
    if claims["nbf"] > now + SKEW:
        return "The token is not valid yet; are the clocks right?"
    if digest is not None and digest != claims["artifact_digest"]:
        return "The model in hand is not the one that was cleared."
    if claims["state"] not in SERVES:
        return f"It is {claims['state']}: {' '.join(claims['reasons'])}"
    return "It was revoked." if claims["jti"] in listed else ""


def _listed(text: str | None, jwks: Claims, now: float) -> tuple[set[str], str]:
    """The revoked tokens, and what is wrong with the list."""
    try:
        listed = _opened(text or "", jwks, LIST)
    except Bad as error:
        return set(), f"The list is not good: {error}." if text else "There is no list."
    old = "The list of revocations is too old." if listed["exp"] < now - SKEW else ""
    return {one["jti"] for one in listed["revoked"]}, old


def _opened(text: str, jwks: Claims, kind: str) -> Claims:
    """The claims of a compact JWS, its signature checked; Bad for anything that is not right."""
    try:
        head, body, signature = text.strip().split(".")
        header = json.loads(_bytes(head))
        if header.get("alg") != "EdDSA" or header.get("typ") != kind:
            raise Bad("another algorithm or kind than expected")
        key = {one["kid"]: one for one in jwks["keys"]}[header.get("kid")]
        public = Ed25519PublicKey.from_public_bytes(_bytes(key["x"]))
        public.verify(_bytes(signature), f"{head}.{body}".encode())
        return dict(json.loads(_bytes(body)))
    except InvalidSignature:
        raise Bad("the signature does not fit the content") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Bad(f"it cannot be read, or its key is not known ({error!r})") from None


def _bytes(text: str) -> bytes:
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if base64.urlsafe_b64encode(raw).decode().rstrip("=") != text:  # one spelling of every token
        raise ValueError("it is not in the base64 of RFC 7515")
    return raw
