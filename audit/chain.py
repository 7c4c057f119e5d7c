"""Canonical JSON and the chain's digest: pure, so that an export can be verified without Django.

An event's digest covers its sequence number and the previous event's digest, so an edited, removed,
swapped or inserted event breaks the chain at its place. Domain tag 0x00 marks a leaf (RFC 6962).
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

GENESIS = bytes(32)
LEAF = b"\x00"


def plain(value: Any) -> Any:
    """`value` in the types of canonical JSON: no floats (as text), decimals as text, times in UTC.

    Raises:
        TypeError: the value has no canonical form.
    """
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, set | frozenset):
        return [plain(item) for item in sorted(value)]
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return _plain_scalar(value)


def _plain_scalar(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | str):
        return value
    for kind, form in SCALARS:
        if isinstance(value, kind):
            return form(value)
    raise TypeError(f"{type(value).__name__} has no canonical form; pass text or a number")


def moment(value: datetime) -> str:
    """A time as the chain writes it: UTC, always with six digits of microseconds."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def canonical(content: Mapping[str, Any]) -> bytes:
    """Canonical JSON: sorted keys, no spaces, UTF-8 as it was sent."""
    text = json.dumps(
        plain(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


SCALARS: list[tuple[type, Callable[[Any], str]]] = [
    (float, repr),
    (Decimal, str),
    (datetime, moment),
    (date, str),
    (bytes, bytes.hex),
]


def digest(*, content: Mapping[str, Any], sequence: int, previous: bytes) -> bytes:
    """SHA-256 of one event: domain tag, sequence number, previous digest, canonical content."""
    return hashlib.sha256(
        LEAF + sequence.to_bytes(8, "big") + previous + canonical(content)
    ).digest()


def sha256_of(content: Mapping[str, Any]) -> str:
    """Hex digest of a record's canonical JSON, as evidence and signatures are bound."""
    return hashlib.sha256(canonical(content)).hexdigest()
