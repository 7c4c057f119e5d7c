"""When a number of a card is supported, stale or contradicted by what was measured since. Pure."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class ClaimState(StrEnum):
    SUPPORTED = "supported"
    STALE = "stale"
    CONTRADICTED = "contradicted"


# How old the newest measurement may be, in days, by tier of risk.
FRESH_DAYS: Mapping[str, int] = {"high": 35, "medium": 65, "low": 95}
# Where the claim has no interval of its own: this share of its value, or at least so much.
SHARE = 0.10
LEAST = 0.02


@dataclass(frozen=True)
class Claimed:
    """A number as the card states it."""

    value: float
    tolerance: float | None


@dataclass(frozen=True)
class Seen:
    """The newest measurement of the same thing."""

    value: float
    low: float | None
    high: float | None
    at: datetime


class Worse(StrEnum):
    """In which direction a measure becomes worse."""

    UP = "up"
    DOWN = "down"
    BOTH = "both"


@dataclass(frozen=True)
class Judgement:
    state: ClaimState
    reason: str


def tolerance_of(claimed: Claimed) -> float:
    """How far a measurement may lie from the number: its own interval, or a share of it."""
    if claimed.tolerance is not None and math.isfinite(claimed.tolerance):
        return claimed.tolerance
    return max(LEAST, SHARE * abs(claimed.value))


def judge(
    claimed: Claimed,
    seen: Seen | None,
    *,
    tier: str,
    now: datetime,
    worse: Worse = Worse.BOTH,
) -> Judgement:
    """Age first: an old measurement neither supports nor contradicts.

    What lies outside on the good side is better than claimed, which contradicts nothing; of a
    measure without a bad direction both sides contradict.
    """
    days = FRESH_DAYS[tier]
    if seen is None:
        return Judgement(ClaimState.STALE, "Nothing that could support it is stored any more.")
    if now - seen.at > timedelta(days=days):
        reason = f"The newest measurement is older than {days} days."
        return Judgement(ClaimState.STALE, reason)
    allowed = tolerance_of(claimed)
    low = seen.value if seen.low is None else seen.low
    high = seen.value if seen.high is None else seen.high
    span = f"{claimed.value:.4g} ± {allowed:.4g}"
    above, below = low > claimed.value + allowed, high < claimed.value - allowed
    if (above and worse is Worse.DOWN) or (below and worse is Worse.UP):
        reason = f"Better than claimed: measured {_range(seen, low, high)}, claimed {span}."
        return Judgement(ClaimState.SUPPORTED, reason)
    if above or below:
        reason = f"Measured {_range(seen, low, high)}, outside {span}."
        return Judgement(ClaimState.CONTRADICTED, reason)
    reason = f"Measured {_range(seen, low, high)}, within {span}."
    return Judgement(ClaimState.SUPPORTED, reason)


def _range(seen: Seen, low: float, high: float) -> str:
    return f"{seen.value:.4g}" if low == high else f"{seen.value:.4g} ({low:.4g} to {high:.4g})"
