"""Numbers in a card's words: bound ones as claims, and those that nobody bound yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.bound_numbers import WRITTEN, Written, spoken, unbound_in, value_of, written_in
from governance.card_fields import BY_ID
from governance.numbers import Number
from governance.reads.imported_numbers import bound_to, plain_name
from governance.reads.numbers import numbers_of


@dataclass(frozen=True)
class Unbound:
    """A number in the words of a section; `name` and `label` where something measured is as
    large, within the rounding."""

    section: str
    title: str
    shown: str
    name: str = ""
    label: str = ""
    value: float | None = None


def written_numbers(sections: Mapping[str, str], measured: Sequence[Number]) -> tuple[Number, ...]:
    """The bound numbers of all sections, each with the measurement that speaks about it."""
    found = {one.key: one for text in sections.values() for one in written_in(text)}
    return tuple(_number(one, measured) for one in found.values())


def _number(one: Written, measured: Sequence[Number]) -> Number:
    origin = bound_to(one.name, measured)
    wide = 0.0
    if origin is not None and origin.low is not None and origin.high is not None:
        wide = max(origin.value - origin.low, origin.high - origin.value)
    return Number(
        metric=one.name,
        label=f"{origin.label if origin else one.name.replace('_', ' ')}, written as {one.shown}",
        value=one.value,
        source=WRITTEN,
        measurement_id=origin.measurement_id if origin else None,
        tolerance=max(one.rounding, wide),
        key=one.key,
    )


def unbound_of(version_id: int, sections: Mapping[str, str]) -> list[Unbound]:
    """Numbers in the words that are bound to nothing, at most a hundred, with a suggestion where
    something that was measured fits. As many queries as for the version's numbers."""
    found = [(name, shown) for name, text in sections.items() for shown in unbound_in(text)][:100]
    measured = numbers_of([version_id])[version_id] if found else ()
    return [_unbound(name, shown, measured) for name, shown in found]


def _unbound(section: str, shown: str, measured: Sequence[Number]) -> Unbound:
    title = BY_ID[section].title
    read = value_of(shown)
    for number in measured:
        near = read is not None and abs(number.value - read[0]) <= read[1]
        if near and number.measurement_id is not None:
            return Unbound(
                section, title, shown, plain_name(number.label), number.label, number.value
            )
    return Unbound(section, title, shown)


def in_plain_words(card: Mapping[str, Any]) -> dict[str, Any]:
    """An exported card for files and papers: bound numbers as they are read."""
    states = {claim["key"]: claim["state"] for claim in card["claims"]}
    sections = [{**part, "text": spoken(part["text"], states)} for part in card["sections"]]
    return {**card, "sections": sections}
