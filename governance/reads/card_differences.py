"""Two cards of a model side by side: which ones, and how they differ."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from audit.chain import plain
from governance.card_differences import (
    CardDifference,
    ClaimDifference,
    FactDifference,
    SectionDifference,
    difference_between,
)
from governance.models import CardPublication, CardRevision
from governance.publishing import CardState, state_of
from governance.reads.cards import CardPage, card_of, exported, readers_card
from governance.units import Change
from registry.models import Version

# A revision, or one by name; of another version of the model with its number before a colon.
SIDE = re.compile(r"(?:(\d{1,9}):)?(\d{1,9}|newest|published)", re.ASCII)
MOST_OF_OWN, MOST_OF_OTHER, MOST_VERSIONS = 100, 5, 50
MARKS = {" ": "same", "-": "removed", "+": "added"}


@dataclass(frozen=True)
class Side:
    """One of two cards: of which version, and how addresses name it."""

    version: int
    page: CardPage

    @property
    def value(self) -> str:
        return f"{self.version}:{self.page.revision.number}"


@dataclass(frozen=True)
class Compared:
    before: Side
    after: Side
    difference: CardDifference

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.before, self.after


@dataclass(frozen=True)
class Choice:
    """A revision in a picker."""

    value: str
    label: str


@dataclass(frozen=True)
class Choices:
    version: int
    options: tuple[Choice, ...]


def compared(version: Version, before: str, after: str) -> Compared | None:
    """The cards that are named; without names the newest beside what readers had before it.

    None if one of them is not there, or makes no sense.
    """
    newest = _side(version, after or "newest")
    older = _side(version, before or (_earlier(newest.page) if newest else ""))
    if newest is None or older is None:
        return None
    return Compared(older, newest, difference_between(exported(older.page), exported(newest.page)))


def _earlier(page: CardPage) -> str:
    """What a card is compared with: the published one before it, else the revision before it."""
    number = page.revision.number
    published = [one.revision for one in page.publications if one.revision < number]
    return str(published[0] if published else max(number - 1, 1))


def _side(version: Version, text: str) -> Side | None:
    """The card that an address names. The version is one of the same model, so it is visible."""
    found = SIDE.fullmatch(text)
    if found is None:
        return None
    number, which = found.groups()
    of = version if number is None else _sibling(version, int(number))
    page = _page(of, which) if of else None
    return Side(of.number, page) if of and page else None


def _sibling(version: Version, number: int) -> Version | None:
    return Version.objects.filter(model=version.model_id, number=number).first()


def _page(version: Version, which: str) -> CardPage | None:
    if which == "newest":
        return card_of(version.pk)
    if which == "published":
        page = readers_card(version.pk)
        return page if page and page.published else None
    return card_of(version.pk, int(which))


def choices_of(version: Version, chosen: Iterable[Side]) -> tuple[Choices, ...]:
    """What pickers offer: this version's revisions, and the last ones of the model's others."""
    rows = (
        CardRevision.objects.filter(card__version__model=version.model_id)
        .order_by("-card__version__number", "-number")
        .values_list("card__version__number", "number", "at")
    )
    published: dict[int, set[int]] = defaultdict(set)
    for of, number in CardPublication.objects.filter(
        card__version__model=version.model_id
    ).values_list("card__version__number", "revision__number"):
        published[of].add(number)
    listed: dict[int, list[Any]] = defaultdict(list)
    for of, number, at in rows:
        listed[of].append((number, at))
    kept = {(one.version, one.page.revision.number) for one in chosen}
    named = {of for of, _ in kept}
    places = {of: (of != version.number, of not in named, -of) for of in listed}
    order = sorted(listed, key=places.__getitem__)[:MOST_VERSIONS]
    return tuple(
        _choices(of, listed[of], published[of], kept, own=of == version.number) for of in order
    )


def _choices(
    of: int,
    rows: list[Any],
    published: set[int],
    kept: set[tuple[int, int]],
    *,
    own: bool,
) -> Choices:
    newest, most = rows[0][0], MOST_OF_OWN if own else MOST_OF_OTHER
    shown = [
        (number, at)
        for place, (number, at) in enumerate(rows)
        if place < most or number in published or (of, number) in kept
    ]
    return Choices(
        of,
        tuple(
            Choice(
                f"{of}:{number}",
                _label(of, number, at, state_of(number, newest=newest, published=published)),
            )
            for number, at in shown
        ),
    )


def _label(of: int, number: int, at: Any, state: CardState) -> str:
    return f"Version {of}, revision {number}: {state}, {at:%-d %b %Y}"


def as_answer(model: str, found: Compared) -> dict[str, Any]:
    """What the API answers."""
    difference = found.difference
    return {
        "model": model,
        "from": _side_answer(found.before),
        "to": _side_answer(found.after),
        "sections": [_section(one) for one in difference.sections],
        "facts": [_fact(one) for one in difference.facts],
        "claims": [_claim(one) for one in difference.claims],
        "unchanged_claims": difference.same_claims,
        "completeness": {
            "percent": _change(difference.percent),
            "newly_written": list(difference.newly_written),
            "no_longer_written": list(difference.no_longer_written),
        },
    }


def _side_answer(side: Side) -> dict[str, Any]:
    revision = side.page.revision
    return {
        "version": side.version,
        "revision": revision.number,
        "state": str(revision.state),
        "at": plain(revision.at),
        "author": revision.author,
        "digest": revision.digest,
    }


def _section(one: SectionDifference) -> dict[str, Any]:
    return {
        "id": one.section.id,
        "title": one.section.title,
        "kind": one.kind,
        "added_words": one.added,
        "removed_words": one.removed,
        "words": [{"mark": MARKS[mark], "text": text} for mark, text in one.words],
    }


def _fact(one: FactDifference) -> dict[str, Any]:
    return {
        "group": one.group,
        "fact": one.name,
        "before": one.before,
        "after": one.after,
        "came": list(one.came),
        "went": list(one.went),
        "change": _change(one.change),
    }


def _claim(one: ClaimDifference) -> dict[str, Any]:
    return {
        "label": one.label,
        "kind": one.kind,
        "changed": list(one.parts),
        "before": _claimed(one.before),
        "after": _claimed(one.after),
        "change": _change(one.change),
    }


def _claimed(claim: Mapping[str, Any] | None) -> dict[str, Any] | None:
    names = ("value", "low", "high", "tolerance", "n", "as_of", "source", "state")
    return {name: claim[name] for name in names} if claim else None


def _change(change: Change | None) -> dict[str, Any] | None:
    if change is None:
        return None
    return {
        "absolute": change.absolute,
        "relative": change.relative,
        "unit": change.unit,
        "words": change.words,
    }
