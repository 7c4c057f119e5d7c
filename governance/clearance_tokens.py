"""What a clearance token says, how long it lives, and what holds when it has expired. Pure.

A token is a compact JWS (RFC 7515), signed with Ed25519, that a serving system can check without
the network: `clients/ombud_clearance.py` does.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from governance.states import ClearanceState

ALGORITHM = "EdDSA"
TYPE = "ombud-clearance+jwt"
LIST_TYPE = "ombud-revocations+jwt"
LIST_LIFE = timedelta(minutes=15)
MAY_SERVE = (ClearanceState.CLEARED, ClearanceState.CONDITIONAL)


@dataclass(frozen=True)
class Life:
    """How long a token of a risk tier lives, and whether a model stops when it has expired."""

    length: timedelta
    on_expiry: str


LIVES = {
    "high": Life(timedelta(hours=1), "closed"),
    "medium": Life(timedelta(hours=24), "closed"),
    "low": Life(timedelta(hours=72), "open"),
}
LONGEST = max(life.length for life in LIVES.values())


@dataclass(frozen=True)
class Answer:
    """A clearance as it is, with what binds it to bytes, card and trail."""

    clearance_id: int
    model: str
    version: int
    environment: str
    role: str
    traffic_share: str
    risk_tier: str
    artifact_digest: str
    state: str
    reasons: tuple[str, ...]
    since: datetime
    card: dict[str, Any] | None
    audit: dict[str, Any] | None
    conditions: tuple[str, ...] = ()
    ends: datetime | None = None


def claims_of(answer: Answer, *, issuer: str, now: datetime) -> dict[str, Any]:
    """The payload of the token; it outlives no condition that ends on a day."""
    life = LIVES[answer.risk_tier]
    expires = now + life.length
    ends = expires if answer.ends is None else min(expires, answer.ends)
    return {
        "iss": issuer,
        "sub": f"{answer.model}/{answer.version}",
        "jti": token_id(answer.clearance_id),
        "iat": seconds(now),
        "nbf": seconds(now),
        "exp": seconds(ends),
        "on_expiry": life.on_expiry,
        "model": answer.model,
        "version": answer.version,
        "environment": answer.environment,
        "role": answer.role,
        "traffic_share": answer.traffic_share,
        "risk_tier": answer.risk_tier,
        "artifact_digest": answer.artifact_digest,
        "state": answer.state,
        "reasons": list(answer.reasons),
        "conditions": list(answer.conditions),
        "since": seconds(answer.since),
        "card": answer.card,
        "audit": answer.audit,
    }


def token_id(clearance_id: int) -> str:
    """Every change of a clearance is a new row, so the row names all tokens that are revoked."""
    return f"clearance-{clearance_id}"


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())
