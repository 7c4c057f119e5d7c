"""What an export could not carry as it is, and where it went instead."""

from collections.abc import Iterable, Iterator, Mapping
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


def signatures(card: Mapping[str, Any]) -> list[str]:
    """Each signature in one line, for formats that have no field for signatures."""
    return [
        f"{one['name']}, {one['at']}: {one['decision']}, {one['meaning']} ({one['digest']})"
        for one in card["facts"].get("approvals") or ()
    ]


def moved(texts: Mapping[str, str], kept: Iterable[str], went: str) -> list[Loss]:
    """The written sections for which the format has no field of its own."""
    why = "The format has no such field."
    return [Loss(BY_ID[name].title, went, why) for name in texts if name not in set(kept)]


def facts_lost(card: Mapping[str, Any], document: Any) -> list[Loss]:
    """The facts whose values are nowhere in the document, by group; found by looking for each.

    So a format cannot drop a fact unseen, whatever its fields are.
    """
    said = set(_leaves(document)) | {part for text in _leaves(document) for part in text.split()}
    whole = "\n".join(said)
    found = []
    for group, facts in card["facts"].items():
        lost = [name for name, value in _named(facts) if value not in said and value not in whole]
        if lost:
            names = ", ".join(dict.fromkeys(lost))
            title = f"{group.replace('_', ' ').capitalize()}: {names.replace('_', ' ')}"
            found.append(Loss(title[:300], NOWHERE, "The format has no such field."))
    return found


def _named(facts: Any, name: str = "all") -> Iterator[tuple[str, str]]:
    """Each value of a group of facts under the name that it has there."""
    if isinstance(facts, Mapping):
        for key, value in facts.items():
            yield from _named(value, str(key))
    elif isinstance(facts, list | tuple):
        for value in facts:
            yield from _named(value, name)
    elif facts not in (None, "", False):
        yield name, str(facts)


def _leaves(document: Any) -> Iterator[str]:
    for _, value in _named(document):
        yield value


def sources_lost(card: Mapping[str, Any]) -> list[Loss]:
    """The measurements that the numbers are bound to."""
    if not card["claims"]:
        return []
    why = "A number is not bound to a measurement there."
    return [Loss("Measurement, sample size and time of numbers", NOWHERE, why)]
