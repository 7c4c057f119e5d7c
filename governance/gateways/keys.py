"""Keys that sign clearances: PEM files in a folder outside the database, the newest one signs.

The only module that knows where keys lie. An older key stays published until the last token that
it signed has expired.
"""

import json
import os
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from django.conf import settings
from joserfc import jws
from joserfc.jwk import OKPKey

from governance.clearance_tokens import ALGORITHM, LONGEST

# RFC 9864 gives EdDSA with Ed25519 a name of its own, which verifiers out there do not know yet.
warnings.filterwarnings("ignore", message="EdDSA is deprecated", module=r"joserfc\.")
NAME = "clearance-{number:06d}.pem"
PATTERN = "clearance-*.pem"


class KeysUnusable(Exception):
    """The folder of keys cannot be read or written; the message says where and how to mend it."""


@dataclass(frozen=True)
class Key:
    """One key pair, its number, and since when it is there."""

    number: int
    pair: OKPKey
    since: float

    @property
    def id(self) -> str:
        """The thumbprint of RFC 7638."""
        return str(self.pair.thumbprint())


def sign(claims: dict[str, Any], *, kind: str) -> str:
    """A compact JWS by the newest key, which is made if there is none."""

    key = newest()
    header = {"alg": ALGORITHM, "kid": key.id, "typ": kind}
    payload = json.dumps(claims, separators=(",", ":"), ensure_ascii=False).encode()
    return jws.serialize_compact(header, payload, key.pair, algorithms=[ALGORITHM])


def published() -> list[dict[str, Any]]:
    """The public halves of the newest key and of those whose tokens may still live (JWK)."""
    keys = _keys() or [newest()]
    followers = [*keys[1:], None]
    kept = [
        one
        for one, next_ in zip(keys, followers, strict=True)
        if next_ is None or time.time() < next_.since + LONGEST.total_seconds()
    ]
    return [
        {**one.pair.as_dict(private=False), "kid": one.id, "use": "sig", "alg": ALGORITHM}
        for one in kept
    ]


def newest() -> Key:
    keys = _keys()
    return keys[-1] if keys else rotate()


def rotate() -> Key:
    """Make the next key; it signs from now on."""
    keys = _keys()
    number = keys[-1].number + 1 if keys else 1
    path = _folder() / NAME.format(number=number)
    try:
        _write(path)
    except OSError as error:
        # Another process may have been faster: its key is as good.
        if path.exists():
            return _numbered(number)
        message = f"The key cannot be written to {path.parent} ({error.strerror})."
        raise KeysUnusable(f"{message} Make the folder writable, or put a key there.") from error
    return _numbered(number)


def _numbered(number: int) -> Key:
    return next(one for one in _keys() if one.number == number)


def _write(path: Path) -> None:
    """Whole or not at all, and never over another: written beside, then linked."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    pem = Ed25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    with NamedTemporaryFile(dir=path.parent, prefix=".new-") as beside:
        beside.write(pem)
        beside.flush()
        os.fsync(beside.fileno())
        os.link(beside.name, path)


def _keys() -> list[Key]:
    return [_read(path, path.stat().st_mtime) for path in sorted(_folder().glob(PATTERN))]


def _read(path: Path, since: float) -> Key:
    known = _kept.get((path, since))
    if known is None:
        try:
            pair = OKPKey.import_key(path.read_bytes())
        except (OSError, ValueError) as error:
            message = f"{path} is not a readable Ed25519 key ({error}). Put its backup back."
            raise KeysUnusable(message) from error
        known = _kept[(path, since)] = Key(int(path.stem.rpartition("-")[2]), pair, since)
    return known


_kept: dict[tuple[Path, float], Key] = {}


def _folder() -> Path:
    return Path(settings.CLEARANCE_KEYS)
