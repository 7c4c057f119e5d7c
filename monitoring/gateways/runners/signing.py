"""Signatures between us and runners: both ways the same, over id, time and the whole body.

X-Ombud-Id: a UUID, once for each message
X-Ombud-Timestamp: seconds since 1970
X-Ombud-Signature: v1,base64(HMAC-SHA256(secret, "<id>.<timestamp>.<body>"))
"""

import base64
import hashlib
import hmac
import re
import uuid
from collections.abc import Mapping
from datetime import datetime

ID, STAMP, SIGNATURE = "X-Ombud-Id", "X-Ombud-Timestamp", "X-Ombud-Signature"
OLDEST_SECONDS = 300
AHEAD_SECONDS = 60
SHORTEST_SECRET = 32


class SignatureInvalid(Exception):
    """Not from who shares the secret, too old, or not signed at all."""


def signed(body: bytes, secret: str, now: datetime) -> dict[str, str]:
    """The headers of one message of ours."""
    message, stamp = str(uuid.uuid4()), str(int(now.timestamp()))
    return {ID: message, STAMP: stamp, SIGNATURE: _signature(secret, message, stamp, body)}


def verified(body: bytes, headers: Mapping[str, str], secret: str, now: datetime) -> str:
    """The id of a message, if it was signed with the secret lately.

    Raises:
        SignatureInvalid: what is wrong, in a sentence.
    """
    lowered = {name.lower(): value for name, value in headers.items()}
    message, stamp = lowered.get(ID.lower(), ""), lowered.get(STAMP.lower(), "")
    if len(secret) < SHORTEST_SECRET:
        raise SignatureInvalid("This runner has no secret of 32 characters or more.")
    if not _is_uuid(message) or not re.fullmatch(r"[0-9]{1,12}", stamp):
        raise SignatureInvalid("The message's id or time is missing.")
    given = lowered.get(SIGNATURE.lower(), "").encode("utf-8", "replace")
    if not hmac.compare_digest(given, _signature(secret, message, stamp, body).encode()):
        raise SignatureInvalid("The signature does not match.")
    age = now.timestamp() - int(stamp)
    if not -AHEAD_SECONDS <= age <= OLDEST_SECONDS:
        raise SignatureInvalid("The message is too old, or from a clock that is ahead.")
    return message


def _is_uuid(value: str) -> bool:
    try:
        return str(uuid.UUID(value)) == value
    except ValueError:
        return False


def _signature(secret: str, message: str, stamp: str, body: bytes) -> str:
    text = f"{message}.{stamp}.".encode() + body
    code = hmac.new(secret.encode(), text, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(code).decode()}"
