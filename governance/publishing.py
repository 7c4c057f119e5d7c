"""Published or draft: what a revision of a card is, who publishes, and how that is said. Pure."""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

MEANING = "I read this card, had no hand in the version, and publish it"
MEANING_UNSIGNED = "I publish this card"
UNSIGNED_TIERS = frozenset({"low"})


class CardState(StrEnum):
    """What one revision is for the card's readers."""

    DRAFT = "draft"
    PUBLISHED = "published"
    EARLIER_DRAFT = "earlier draft"
    PUBLISHED_EARLIER = "published earlier"


def needs_signature(risk_tier: str) -> bool:
    """Whether somebody without a hand in the version signs, or whoever may edit publishes."""
    return risk_tier not in UNSIGNED_TIERS


def state_of(number: int, *, newest: int, published: Collection[int]) -> CardState:
    """Only the newest revision can be published, so the highest published one is in force."""
    if number in published:
        in_force = number == max(published)
        return CardState.PUBLISHED if in_force else CardState.PUBLISHED_EARLIER
    return CardState.DRAFT if number == newest else CardState.EARLIER_DRAFT


def status_sentence(publication: Mapping[str, Any]) -> str:
    """What an exported card says about itself: published by whom, or that it is a draft."""
    said = f"{_own(publication)} {_others(publication)}"
    return said.strip()


def clock(text: object) -> str:
    """An instant of an exported card as people read it; what is none stays as it is."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return str(text)
    return f"{found.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if found.tzinfo else str(text)


def _own(publication: Mapping[str, Any]) -> str:
    state, signed = publication["state"], publication["by"]
    if signed is None:
        return "DRAFT: nobody has published this revision."
    proved = ", signed" if signed["method"] else ""
    role = str(signed["role"]).replace("_", " ")
    said = f"by {signed['name']} ({role}){proved}, {clock(signed['at'])}: “{signed['meaning']}”."
    return f"Published {said}" if state == CardState.PUBLISHED else f"Was published {said}"


def _others(publication: Mapping[str, Any]) -> str:
    this, state = publication["revision"], publication["state"]
    published, newest = publication["published_revision"], publication["newest_revision"]
    if state == CardState.PUBLISHED:
        return f"Revision {newest} is a newer draft." if newest > this else ""
    return f"Published is revision {published}." if published else "No revision is published yet."
