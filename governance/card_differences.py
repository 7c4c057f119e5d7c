"""How two cards differ: words, facts, claims and completeness. Pure: two exported cards in."""

import difflib
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from governance.card_fields import SECTIONS, Section
from governance.exports import FACT_TITLES
from governance.units import Change, change_of, unit_of_claim, unit_of_fact

Card = Mapping[str, Any]
Words = tuple[tuple[str, str], ...]

WORD = re.compile(r"\S+\s*|\s+")
LINE = re.compile(r"[^\n]*\n|[^\n]+")
# Pairs of words that are compared: the time of a comparison grows with them.
MOST_PAIRS = 250_000
LONG_RUN, KEPT_OF_RUN = 60, 20
# What looks like a number and counts nothing.
NAMES = frozenset({"number", "parent", "version", "id", "run", "name", "digest"})
LISTS = {"deployments": "Deployments", "approvals": "Signatures", "guidelines": "Guidelines signed"}


@dataclass(frozen=True)
class SectionDifference:
    """A section that changed: words that stayed (' '), went ('-') and came ('+')."""

    section: Section
    words: Words

    @property
    def kind(self) -> str:
        marks = {mark for mark, _ in self.words}
        return {frozenset("+"): "new", frozenset("-"): "gone"}.get(frozenset(marks), "changed")

    @property
    def added(self) -> int:
        return self._count("+")

    @property
    def removed(self) -> int:
        return self._count("-")

    @property
    def shortened(self) -> Words:
        """Without the middle of what stayed; ('…', how many words) stands for it."""
        return tuple(part for mark, text in self.words for part in _shortened(mark, text))

    def _count(self, wanted: str) -> int:
        return sum(len(text.split()) for mark, text in self.words if mark == wanted)


@dataclass(frozen=True)
class FactDifference:
    """One fact on both sides; `change` where both are numbers, items where both are lists."""

    group: str
    name: str
    before: Any
    after: Any
    change: Change | None
    came: tuple[str, ...] = ()
    went: tuple[str, ...] = ()


@dataclass(frozen=True)
class ClaimDifference:
    """A claim that is new, gone or changed, with what changed of it."""

    label: str
    kind: str
    before: Card | None
    after: Card | None
    change: Change | None
    parts: tuple[str, ...] = ()


@dataclass(frozen=True)
class CardDifference:
    """Everything in which two cards differ, and how many claims stayed as they were."""

    sections: tuple[SectionDifference, ...]
    facts: tuple[FactDifference, ...]
    claims: tuple[ClaimDifference, ...]
    same_claims: int
    percent: Change
    newly_written: tuple[str, ...]
    no_longer_written: tuple[str, ...]

    @property
    def nothing(self) -> bool:
        return not (self.sections or self.facts or self.claims)


def difference_between(before: Card, after: Card) -> CardDifference:
    """Both as `exported` makes them."""
    old, new = _texts(before), _texts(after)
    claims = tuple(_claims(before["claims"], after["claims"]))
    return CardDifference(
        sections=tuple(
            SectionDifference(section, words_between(old[section.id], new[section.id]))
            for section in SECTIONS
            if old[section.id] != new[section.id]
        ),
        facts=tuple(_facts(before["facts"], after["facts"])),
        claims=tuple(one for one in claims if one.kind != "same"),
        same_claims=sum(one.kind == "same" for one in claims),
        percent=change_of(before["completeness"]["percent"], after["completeness"]["percent"], "%"),
        newly_written=tuple(s.title for s in SECTIONS if new[s.id] and not old[s.id]),
        no_longer_written=tuple(s.title for s in SECTIONS if old[s.id] and not new[s.id]),
    )


def _texts(card: Card) -> dict[str, str]:
    """Every section of today's table; a card written before a section was there has it empty."""
    said = {part["id"]: part["text"] for part in card["sections"]}
    return {section.id: said.get(section.id, "") for section in SECTIONS}


def words_between(old: str, new: str) -> Words:
    """What stayed (' '), went ('-') and came ('+'), word by word; spaces stay with their words.

    Where too much changed for that, lines are compared, and words where few of them changed.
    """
    before, after = WORD.findall(old), WORD.findall(new)
    start, end = _common(before, after)
    middle = before[start : len(before) - end], after[start : len(after) - end]
    if len(middle[0]) * len(middle[1]) <= MOST_PAIRS:
        found = _matched(*middle)
    else:
        found = _by_lines("".join(middle[0]), "".join(middle[1]))
    ends = before[:start], before[len(before) - end :]
    return (*_piece(" ", ends[0]), *found, *_piece(" ", ends[1]))


def _common(before: list[str], after: list[str]) -> tuple[int, int]:
    """How many pieces are the same at the beginning and, beyond these, at the end."""
    shorter = min(len(before), len(after))
    start = next((n for n in range(shorter) if before[n] != after[n]), shorter)
    rest = shorter - start
    end = next((n for n in range(rest) if before[-1 - n] != after[-1 - n]), rest)
    return start, end


def _by_lines(old: str, new: str) -> Iterator[tuple[str, str]]:
    gone = ""
    for mark, text in _matched(LINE.findall(old), LINE.findall(new)):
        if mark == "-":
            gone = text
            continue
        yield from _replaced(gone, text if mark == "+" else "")
        yield from _piece(" ", [text] if mark == " " else [])
        gone = ""
    yield from _replaced(gone, "")


def _replaced(old: str, new: str) -> Iterator[tuple[str, str]]:
    yield from _matched(WORD.findall(old), WORD.findall(new))


def _matched(before: list[str], after: list[str]) -> Iterator[tuple[str, str]]:
    """Piece by piece; as wholly replaced where there are too many pairs to compare."""
    if len(before) * len(after) > MOST_PAIRS:
        yield from (*_piece("-", before), *_piece("+", after))
        return
    compared = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, a, b, c, d in compared.get_opcodes():
        if kind == "equal":
            yield from _piece(" ", before[a:b])
        else:
            yield from (*_piece("-", before[a:b]), *_piece("+", after[c:d]))


def _piece(mark: str, parts: list[str]) -> list[tuple[str, str]]:
    return [(mark, "".join(parts))] if parts else []


def _shortened(mark: str, text: str) -> Iterator[tuple[str, str]]:
    parts = WORD.findall(text)
    if mark != " " or len(parts) <= LONG_RUN:
        yield mark, text
        return
    yield " ", "".join(parts[:KEPT_OF_RUN])
    yield "…", str(len(parts) - 2 * KEPT_OF_RUN)
    yield " ", "".join(parts[-KEPT_OF_RUN:])


def _facts(before: Card, after: Card) -> Iterator[FactDifference]:
    for group, title in FACT_TITLES.items():
        old, new = dict(_flat(before.get(group))), dict(_flat(after.get(group)))
        for path in dict.fromkeys([*old, *new]):
            if old.get(path) != new.get(path):
                yield _fact(title, group, path, old.get(path), new.get(path))
    for group, title in LISTS.items():
        counts = len(before.get(group) or ()), len(after.get(group) or ())
        if (before.get(group) or []) != (after.get(group) or []):
            yield FactDifference(title, "number", *counts, change_of(*counts, ""))


def _flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, item in (value or {}).items():
        if isinstance(item, Mapping):
            yield from _flat(item, f"{prefix}{name}.")
        elif item not in (None, "", []):
            yield f"{prefix}{name}", item


def _fact(title: str, group: str, path: str, before: Any, after: Any) -> FactDifference:
    name = path.replace("_", " ").replace(".", " · ")
    if isinstance(before, list) or isinstance(after, list):
        old, new = _items(before), _items(after)
        came, went = _without(new, old), _without(old, new)
        return FactDifference(title, name, ", ".join(old), ", ".join(new), None, came, went)
    change = None
    numbers = _number(before), _number(after)
    counts = path.rpartition(".")[2] not in NAMES
    if counts and numbers[0] is not None and numbers[1] is not None:
        change = change_of(numbers[0], numbers[1], unit_of_fact(f"{group}.{path}"))
    return FactDifference(title, name, before, after, change)


def _items(value: Any) -> list[str]:
    return [_item(one) for one in value] if isinstance(value, list) else []


def _item(one: Any) -> str:
    if isinstance(one, Mapping):
        return f"{one['name']} ({one['dtype']})" if "dtype" in one else str(dict(one))
    return str(one)


def _without(items: list[str], others: list[str]) -> tuple[str, ...]:
    return tuple(one for one in items if one not in set(others))


def _number(value: Any) -> float | None:
    """A number, also one that a training run recorded as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def _claims(before: list[Card], after: list[Card]) -> Iterator[ClaimDifference]:
    old, new = ({claim["key"]: claim for claim in side} for side in (before, after))
    for key in dict.fromkeys([*new, *old]):
        yield _claim(old.get(key), new.get(key))


def _claim(before: Card | None, after: Card | None) -> ClaimDifference:
    here = after or before
    if here is None:
        raise ValueError("A claim is on one of two sides.")
    if before is None or after is None:
        kind = "new" if before is None else "gone"
        return ClaimDifference(here["label"], kind, before, after, None)
    change = change_of(before["value"], after["value"], unit_of_claim(here["key"], here["label"]))
    parts = tuple(_parts(before, after))
    return ClaimDifference(
        here["label"], "changed" if parts else "same", before, after, change, parts
    )


def _parts(before: Card, after: Card) -> Iterator[str]:
    """Which parts of a claim changed, each once."""
    for name in ("value", "tolerance", "state"):
        if before.get(name) != after.get(name):
            yield name
    if (before["low"], before["high"]) != (after["low"], after["high"]):
        yield "interval"
