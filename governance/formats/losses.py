"""What an export could not carry as it is, and where it went instead."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from governance.card_fields import BY_ID

NOWHERE = "left out"


@dataclass(frozen=True)
class Loss:
    """One field of the card that the format does not hold as the card does."""

    field: str
    went: str
    why: str

    def as_dict(self) -> dict[str, str]:
        return asdict(self)


@dataclass(frozen=True)
class Export:
    """A document, and what of the card is not in it as it was."""

    document: Any
    losses: tuple[Loss, ...]


def texts_of(card: Mapping[str, Any]) -> dict[str, str]:
    """People's words by section; sections that nobody wrote are left out."""
    return {part["id"]: part["text"] for part in card["sections"] if part["text"]}


def moved(texts: Mapping[str, str], kept: Iterable[str], went: str) -> list[Loss]:
    """The written sections for which the format has no field of its own."""
    why = "The format has no such field."
    return [Loss(BY_ID[name].title, went, why) for name in texts if name not in set(kept)]


def facts_lost(card: Mapping[str, Any], *names: str, went: str = NOWHERE) -> list[Loss]:
    """The groups of facts that are there and that the format has no field for."""
    why = "The format has no such field."
    return [Loss(name.capitalize(), went, why) for name in names if card["facts"].get(name)]


def sources_lost(card: Mapping[str, Any]) -> list[Loss]:
    """The measurements that the numbers are bound to."""
    if not card["claims"]:
        return []
    why = "A number is not bound to a measurement there."
    return [Loss("Measurement, sample size and time of numbers", NOWHERE, why)]
