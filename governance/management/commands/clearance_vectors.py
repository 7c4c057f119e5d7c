"""`manage.py clearance_vectors FILE`: test vectors of the offline verifier, always the same.

Signed with keys that are published here, for tests alone; each case says what a verifier answers.
"""

import base64
import hashlib
import hmac
import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from joserfc import jws
from joserfc.jwk import OKPKey

from governance.clearance_tokens import ALGORITHM, LIST_TYPE, TYPE

NOW = 1_790_000_000
DIGEST = "ab" * 32
KNOWN, UNKNOWN = (
    OKPKey.import_key(
        {
            "kty": "OKP",
            "crv": "Ed25519",
            "d": base64.urlsafe_b64encode(seed).rstrip(b"=").decode(),
            "x": public,
        }
    )
    for seed, public in (
        (bytes(range(32)), "A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg"),
        (bytes(range(1, 33)), "ebVWLo_mVPlAeLES6KmLp5AfhTrmlb7X4OORC60ElmQ"),
    )
)
CLAIMS: dict[str, Any] = {
    "iss": "https://ombud.example",
    "sub": "flight-delay/1",
    "jti": "clearance-7",
    "iat": NOW - 60,
    "nbf": NOW - 60,
    "exp": NOW + 3600,
    "on_expiry": "closed",
    "model": "flight-delay",
    "version": 1,
    "environment": "production",
    "role": "champion",
    "traffic_share": "1",
    "risk_tier": "medium",
    "artifact_digest": DIGEST,
    "state": "cleared",
    "reasons": [],
    "since": NOW - 86_400,
    "card": {"revision": 3, "digest": "cd" * 32},
    "audit": {"sequence": 42, "digest": "ef" * 32},
}


class Command(BaseCommand):
    help = "Write the test vectors of the offline clearance verifier."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)

    def handle(self, *args: Any, **options: Any) -> None:
        told = json.dumps(vectors(), indent=1, ensure_ascii=False) + "\n"
        options["file"].write_text(told)
        self.stdout.write(f"{len(vectors()['cases'])} cases in {options['file']}")


def vectors() -> dict[str, Any]:
    """Keys, the moment and digest that the verifier is told, and the cases."""
    public = {**KNOWN.as_dict(private=False), "kid": KNOWN.thumbprint(), "alg": ALGORITHM}
    good = _signed(CLAIMS)
    opened = {**CLAIMS, "exp": NOW - 3600}
    return {
        "now": NOW,
        "digest": DIGEST,
        "jwks": {"keys": [public]},
        "cases": [
            _case("good", good, serves=True),
            _case("conditional", _signed({**CLAIMS, "state": "conditional"}), serves=True),
            _case("suspended", _signed({**CLAIMS, "state": "suspended", "reasons": ["Look."]})),
            _case("expired, closed", _signed(opened)),
            _case("expired, open", _signed({**opened, "on_expiry": "open"}), serves=True),
            _case("expired within the skew", _signed({**CLAIMS, "exp": NOW - 30}), serves=True),
            _case("not valid yet", _signed({**CLAIMS, "nbf": NOW + 3600})),
            _case("wrong digest", _signed({**CLAIMS, "artifact_digest": "00" * 32})),
            _case("revoked", good, revocations=_list("clearance-7")),
            _case("another is revoked", good, serves=True, revocations=_list("clearance-8")),
            _case("list has expired", good, revocations=_list("clearance-8", exp=NOW - 3600)),
            _case("list is missing", good, revocations=None),
            _case("list is a token", good, revocations=good),
            _case("unknown key", _signed(CLAIMS, key=UNKNOWN)),
            _case("known name, other key", _signed(CLAIMS, key=UNKNOWN, kid=KNOWN.thumbprint())),
            _case("no algorithm", _unsigned(CLAIMS)),
            _case("public key as a secret", _confused(CLAIMS)),
            _case("altered payload", _altered(good)),
            _case("a list as a token", _list("clearance-8")),
            _case("cut off", good[:-20]),
            _case("no token", ""),
        ],
    }


def _case(name: str, token: str, *, serves: bool = False, **more: Any) -> dict[str, Any]:
    listed = more.get("revocations", _list())
    return {"name": name, "token": token, "revocations": listed, "may_serve": serves}


def _signed(claims: dict[str, Any], *, key: Any = KNOWN, kid: str = "", kind: str = TYPE) -> str:
    header = {"alg": ALGORITHM, "kid": kid or key.thumbprint(), "typ": kind}
    return jws.serialize_compact(header, _json(claims), key, algorithms=[ALGORITHM])


def _list(*ids: str, exp: int = NOW + 600) -> str:
    revoked = [{"jti": one, "at": NOW - 10} for one in ids]
    return _signed({"iat": NOW - 60, "exp": exp, "revoked": revoked}, kind=LIST_TYPE)


def _unsigned(claims: dict[str, Any]) -> str:
    header = {"alg": "none", "kid": KNOWN.thumbprint(), "typ": TYPE}
    return f"{_text(_json(header))}.{_text(_json(claims))}."


def _confused(claims: dict[str, Any]) -> str:
    """HS256 with the public key as its secret: a verifier that trusts `alg` would take it."""
    header = {"alg": "HS256", "kid": KNOWN.thumbprint(), "typ": TYPE}
    signed = f"{_text(_json(header))}.{_text(_json(claims))}"
    secret = str(KNOWN.as_dict(private=False)["x"]).encode()
    return f"{signed}.{_text(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"


def _altered(token: str) -> str:
    head, _, signature = token.split(".")
    return f"{head}.{_text(_json({**CLAIMS, 'version': 2}))}.{signature}"


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
