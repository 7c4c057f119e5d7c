"""Id tokens of OpenID Connect: signature, issuer, audience, times, nonce; all of them or none."""

import time
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

# Signatures by a key that only the provider has; never by the secret that we share with it.
ALGORITHMS = ["RS256", "PS256", "ES256"]
# Clocks of two servers differ a little.
LEEWAY = 30


class NotProved(ValueError):
    """The provider's answer does not prove who somebody is."""


@dataclass(frozen=True)
class Expected:
    """Who must have made the token, for whom, in answer to what; `since`: signed in not before."""

    issuer: str
    audience: str
    nonce: str
    since: float | None = None


def checked(token: str, keys: Any, expected: Expected) -> dict[str, Any]:
    """The token's claims.

    Raises:
        NotProved: anything at all is not as it must be.
    """
    try:
        decoded = jwt.decode(token, KeySet.import_key_set(keys), algorithms=ALGORITHMS)
        _registry(expected).validate(decoded.claims)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise NotProved(f"The id token is not right: {error}") from error
    claims: dict[str, Any] = decoded.claims
    _check_party(claims, expected.audience)
    _check_fresh(claims, expected.since)
    return claims


def _registry(expected: Expected) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        now=int(time.time()),
        leeway=LEEWAY,
        iss={"essential": True, "value": expected.issuer},
        aud={"essential": True, "value": expected.audience},
        nonce={"essential": True, "value": expected.nonce},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    )


def _check_party(claims: dict[str, Any], audience: str) -> None:
    """A token for several parties names the one that it was made for."""
    several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
    if claims.get("azp", None if several else audience) != audience:
        raise NotProved("The id token was made for somebody else.")


def _check_fresh(claims: dict[str, Any], since: float | None) -> None:
    if since is None:
        return
    signed_in = claims.get("auth_time")
    # bool is an int in Python; a time it is not.
    if isinstance(signed_in, bool) or not isinstance(signed_in, int | float):
        raise NotProved("The provider does not say when you signed in.")
    if signed_in < since - LEEWAY or signed_in > time.time() + LEEWAY:
        raise NotProved("The provider did not ask you to sign in anew.")
