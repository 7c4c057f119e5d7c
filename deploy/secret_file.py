"""Secrets of the embedded servers: made at random at the first start, kept in var/ (mode 600)."""

import base64
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from deploy.refusal import Refusal


def fernet_key() -> str:
    """32 random bytes in URL-safe base 64, the form that Fernet asks for."""
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def password() -> str:
    return secrets.token_urlsafe(32)


MAKERS: dict[str, Callable[[], str]] = {
    "secret_key": lambda: secrets.token_urlsafe(64),
    "postgresql_administrator": password,
    "postgresql_password": password,
    "valkey_password": password,
    "mlflow_encryption_key": fernet_key,
    "mlflow_webhook_secret": password,
}


def read_or_make(path: Path) -> dict[str, str]:
    """The secrets of this folder; those that are missing are made and written first."""
    known = read(path)
    missing = {name: make() for name, make in MAKERS.items() if name not in known}
    if missing:
        write(path, known | missing)
    return known | missing


def read(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text())
    except ValueError as error:
        raise Refusal(
            f"{path} is not readable as JSON ({error}). Put the backup of it back; without it the "
            "database beside it cannot be opened."
        ) from error
    return {str(name): str(value) for name, value in content.items()}


def write(path: Path, content: dict[str, str]) -> None:
    """Written beside and renamed: a crash leaves the old file or the new one, never half."""
    beside = path.with_suffix(".new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as stream:
        json.dump(content, stream, indent=1)
        stream.flush()
        os.fsync(stream.fileno())
    beside.rename(path)
