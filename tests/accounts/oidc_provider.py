"""A small real OpenID Connect provider on the loopback address, for tests.

Discovery, authorize (whoever comes is already known to it), token with client secret, PKCE and
codes that work once, JWKS, userinfo. `lies` changes what the next id token says.
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "ombud", "a secret: of the client"


class Provider(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answers)
        self.issuer = f"http://127.0.0.1:{self.server_port}"
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.signs_with = self.key
        self.person: dict[str, Any] = {}
        self.signed_in_at = time.time()
        self.lies: dict[str, Any] = {}
        self.in_userinfo_only = False
        self.codes: dict[str, dict[str, str]] = {}
        self.tokens: set[str] = set()
        self.discovery_lies: dict[str, Any] = {}
        self.asked: dict[str, str] = {}

    def discovery(self) -> dict[str, Any]:
        own = {
            name: f"{self.issuer}/{path}"
            for name, path in {
                "authorization_endpoint": "authorize",
                "token_endpoint": "token",
                "jwks_uri": "jwks",
                "userinfo_endpoint": "userinfo",
            }.items()
        }
        return own | {"issuer": self.issuer} | self.discovery_lies

    def authorize(self, asked: dict[str, str]) -> str:
        assert asked["response_type"] == "code"
        assert asked["client_id"] == CLIENT
        assert asked["code_challenge_method"] == "S256"
        self.asked = asked
        if asked.get("prompt") == "login":
            self.signed_in_at = time.time()
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, sent: dict[str, str]) -> dict[str, Any] | None:
        asked = self.codes.pop(sent.get("code", ""), None)
        proof = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        if (
            asked is None
            or (sent.get("client_id"), sent.get("client_secret")) != (CLIENT, SECRET)
            or base64.urlsafe_b64encode(proof).decode().rstrip("=") != asked["code_challenge"]
            or sent["redirect_uri"] != asked["redirect_uri"]
        ):
            return None
        access = secrets.token_urlsafe(16)
        self.tokens.add(access)
        return {
            "access_token": access,
            "token_type": "Bearer",
            "id_token": self.id_token(asked),
        }

    def id_token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT,
            "iat": now,
            "exp": now + 300,
            "auth_time": int(self.signed_in_at),
            "nonce": asked["nonce"],
        }
        told = {"sub": self.person["sub"]} if self.in_userinfo_only else self.person
        said = {k: v for k, v in (claims | told | self.lies).items() if v is not None}
        return jwt.encode({"alg": "RS256", "kid": "one"}, said, self.signs_with)


class Answers(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/authorize":
            self.send_response(302)
            self.send_header("Location", self.server.authorize(asked))
            self.end_headers()
        elif parts.path == "/.well-known/openid-configuration":
            self._json(self.server.discovery())
        elif parts.path == "/jwks":
            self._json(dict(KeySet([self.server.key]).as_dict(private=False)))
        elif parts.path == "/userinfo":
            known = self.headers.get("Authorization", "")[7:] in self.server.tokens
            self._json(self.server.person if known else None)
        else:
            self._json(None, 404)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self._json(self.server.token({k: v[0] for k, v in parse_qs(body).items()}))

    def _json(self, content: dict[str, Any] | None, status: int = 400) -> None:
        self.send_response(200 if content is not None else status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(content or {"error": "invalid_request"}).encode())

    def log_message(self, *_: Any) -> None:
        """Quiet."""


@contextmanager
def running():
    provider = Provider()
    thread = threading.Thread(target=provider.serve_forever, daemon=True)
    thread.start()
    try:
        yield provider
    finally:
        provider.shutdown()
        provider.server_close()
        thread.join()
