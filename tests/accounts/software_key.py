"""An authenticator in software: makes real registrations and assertions, for tests."""

import hashlib
import json
import os
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from django.conf import settings
from fido2.cose import ES256
from fido2.utils import websafe_decode, websafe_encode
from fido2.webauthn import AttestationObject, AttestedCredentialData, AuthenticatorData


class SoftwareKey:
    """One credential; `verified` is whether its person unlocked it."""

    def __init__(self, *, origin: str = "", verified: bool = True) -> None:
        self.origin, self.verified = origin or settings.PUBLIC_URL, verified
        self.private = ec.generate_private_key(ec.SECP256R1())
        self.id = os.urandom(16)
        self.counter = 0
        self.handle = b""

    def create(self, options: dict[str, Any]) -> dict[str, Any]:
        asked = options["publicKey"]
        self.handle = websafe_decode(asked["user"]["id"])
        key = ES256.from_cryptography_key(self.private.public_key())
        credential = AttestedCredentialData.create(b"\0" * 16, self.id, key)
        data = self._data(asked["rp"]["id"], 0x40, credential)
        sent = AttestationObject.create("none", data, {})
        said = self._said("webauthn.create", asked["challenge"])
        return self._sent(clientDataJSON=said, attestationObject=bytes(sent))

    def get(self, options: dict[str, Any]) -> dict[str, Any]:
        asked = options["publicKey"]
        self.counter += 1
        data = self._data(asked["rpId"], 0, b"")
        said = self._said("webauthn.get", asked["challenge"])
        signed = bytes(data) + hashlib.sha256(said).digest()
        signature = self.private.sign(signed, ec.ECDSA(hashes.SHA256()))
        return self._sent(
            clientDataJSON=said,
            authenticatorData=bytes(data),
            signature=signature,
            userHandle=self.handle,
        )

    def _data(self, host: str, more: int, credential: bytes) -> AuthenticatorData:
        flags = 0x01 | (0x04 if self.verified else 0) | more
        made: AuthenticatorData = AuthenticatorData.create(
            hashlib.sha256(host.encode()).digest(),
            AuthenticatorData.FLAG(flags),
            self.counter,
            credential,
        )
        return made

    def _said(self, kind: str, challenge: str) -> bytes:
        said = {"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _sent(self, **response: bytes) -> dict[str, Any]:
        return {
            "id": websafe_encode(self.id),
            "rawId": websafe_encode(self.id),
            "type": "public-key",
            "response": {name: websafe_encode(value) for name, value in response.items()},
            "clientExtensionResults": {},
        }
