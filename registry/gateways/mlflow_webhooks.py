"""Is this webhook really from our MLflow server, and what does it say?

The signature is base64(HMAC-SHA256(secret, "<delivery id>.<timestamp>.<raw body>")). The delivery
id and the timestamp are checked for their form first, so that nobody can shift bytes between the
three parts. A delivery that passes may still be a replay: the caller keeps the ids it has seen.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

SIGNATURE_HEADER = "x-mlflow-signature"
DELIVERY_HEADER = "x-mlflow-delivery-id"
TIMESTAMP_HEADER = "x-mlflow-timestamp"
MAX_BODY_BYTES = 1024 * 1024
MAX_AGE_SECONDS = 300


class WebhookInvalid(Exception):
    """Not from our MLflow server, too old, or not a webhook at all."""


@dataclass(frozen=True)
class WebhookDelivery:
    """One verified delivery; `model` and `version` are "" where the event names none."""

    delivery_id: str
    sent_at: datetime
    event: str
    model: str
    version: str
    data: Mapping[str, Any]


def verify_webhook(
    raw_body: bytes,
    headers: Mapping[str, str],
    secret: str,
    now: datetime,
    max_age: int = MAX_AGE_SECONDS,
) -> WebhookDelivery:
    """The delivery, if it was signed with our secret at most `max_age` seconds ago."""
    if not secret:
        raise WebhookInvalid("No webhook secret is configured; webhooks are not accepted.")
    if len(raw_body) > MAX_BODY_BYTES:
        raise WebhookInvalid("The body is larger than 1 MiB.")
    lowered = {name.lower(): value for name, value in headers.items()}
    delivery_id = _delivery_id(lowered.get(DELIVERY_HEADER, ""))
    stamp = lowered.get(TIMESTAMP_HEADER, "")
    if not re.fullmatch(r"[0-9]{1,12}", stamp):
        raise WebhookInvalid("The timestamp header is missing or not in whole seconds.")
    _check_signature(lowered.get(SIGNATURE_HEADER, ""), secret, delivery_id, stamp, raw_body)
    age = now.timestamp() - int(stamp)
    if not 0 <= age <= max_age:
        raise WebhookInvalid(f"The delivery is {age:.0f} s old; 0 to {max_age} s are accepted.")
    return _delivery(delivery_id, datetime.fromtimestamp(int(stamp), UTC), raw_body)


def _delivery_id(value: str) -> str:
    try:
        same = str(uuid.UUID(value)) == value
    except ValueError:
        same = False
    if not same:
        raise WebhookInvalid("The delivery id header is missing or not a UUID.")
    return value


def _check_signature(
    header: str, secret: str, delivery_id: str, stamp: str, raw_body: bytes
) -> None:
    version, _, code = header.partition(",")
    try:
        given = base64.b64decode(code.encode("ascii", "replace"), validate=True)
    except (binascii.Error, ValueError):
        given = b""
    signed = f"{delivery_id}.{stamp}.".encode() + raw_body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    if version != "v1" or not hmac.compare_digest(given, expected):
        raise WebhookInvalid("The signature does not match.")


def _delivery(delivery_id: str, sent_at: datetime, raw_body: bytes) -> WebhookDelivery:
    try:
        body = json.loads(raw_body)
    except (ValueError, RecursionError) as error:
        raise WebhookInvalid("The body is not JSON.") from error
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(body, dict) or not isinstance(data, dict):
        raise WebhookInvalid("The body is not an MLflow event.")
    event = f"{body.get('entity')}.{body.get('action')}"
    if not re.fullmatch(r"[a-z_]{1,60}\.[a-z_]{1,60}", event):
        raise WebhookInvalid("The event has no known form.")
    model = _short(data.get("name", ""), 256)
    return WebhookDelivery(
        delivery_id, sent_at, event, model, _short(data.get("version", ""), 20), data
    )


def _short(value: object, most: int) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > most:
        raise WebhookInvalid("The event names its model or version in an unknown form.")
    return value
