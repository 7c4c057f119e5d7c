"""The key that signs checkpoints: a file outside the database, readable by Ombud alone."""

import os
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from django.conf import settings

from audit.notes import Signer


class KeyUnavailable(Exception):
    """Checkpoints cannot be signed: the message says what to do."""


def signer() -> Signer:
    """The key of this installation, under its name.

    Raises:
        KeyUnavailable: there is no key, others may read it, or it is of another kind.
    """
    return read(Path(settings.AUDIT_KEY))


def read(path: Path) -> Signer:
    try:
        if path.stat().st_mode & 0o077:
            raise KeyUnavailable(f"Others may read {path}: chmod 600 it, and rotate the key.")
        private = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise KeyUnavailable(
            f"There is no audit key at {path} ({error.strerror}). Make one with "
            "`manage.py make_audit_key`, or name it in OMBUD_AUDIT_KEY."
        ) from error
    except ValueError as error:
        raise KeyUnavailable(f"{path} is not a private key in PEM form.") from error
    if not isinstance(private, Ed25519PrivateKey):
        raise KeyUnavailable(f"{path} is not an Ed25519 key.")
    return Signer(settings.AUDIT_ORIGIN, private)


def make(path: Path) -> Signer:
    """A new key in a new file of mode 600.

    Raises:
        FileExistsError: there is a file already; it stays.
    """
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as sink:
        sink.write(pem)
        sink.flush()
        os.fsync(sink.fileno())
    return Signer(settings.AUDIT_ORIGIN, private)
