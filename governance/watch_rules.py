"""The watch after a deployment: what a policy says about it, and how a watch may end. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

GATE = "watched_after"
# A watch that saw too few rows goes on, but not for ever.
AT_MOST_TIMES = 4
KINDS = ("quality", "performance", "fairness", "operations")


class WatchState(StrEnum):
    WATCHING = "watching"
    QUIET = "quiet"
    BROKEN = "broken"
    CUT_SHORT = "cut_short"


class WatchOutcome(StrEnum):
    """What followed a broken guard-rail."""

    ROLLED_BACK = "rolled_back"
    ASKED = "asked"
    NOT_POSSIBLE = "not_possible"
    OVERTAKEN = "overtaken"


@dataclass(frozen=True)
class WatchTerms:
    """For how long, by what, and what follows."""

    hours: int
    rows: int
    kinds: tuple[str, ...]
    margin: float
    automatic: bool
    suspends: bool

    @property
    def period(self) -> timedelta:
        return timedelta(hours=self.hours)


def terms_in(gates: Sequence[Mapping[str, Any]]) -> WatchTerms | None:
    """What a policy's gates say about the watch; None where it asks for none."""
    told = next((one.get("parameters", {}) for one in gates if one["gate"] == GATE), None)
    return None if told is None else terms_of(told)


def terms_of(told: Mapping[str, Any]) -> WatchTerms:
    return WatchTerms(
        hours=int(told.get("hours", 48)),
        rows=int(told.get("rows", 0)),
        kinds=tuple(told.get("kinds", KINDS)),
        margin=float(told.get("margin", 0.02)),
        automatic=bool(told.get("automatic", False)),
        suspends=told.get("when_not_possible", "suspend") == "suspend",
    )


def in_words(terms: WatchTerms) -> str:
    days, rest = divmod(terms.hours, 24)
    day = f"{days} day{'' if days == 1 else 's'}"
    length = day if not rest else f"{terms.hours} hour{'' if terms.hours == 1 else 's'}"
    rows = f", and until {terms.rows:,} predictions were seen" if terms.rows else ""
    then = (
        "it is rolled back by itself"
        if terms.automatic
        else "the reviewers are asked to roll it back"
    )
    return f"It is watched for {length}{rows}; if a guard-rail breaks, {then}."
