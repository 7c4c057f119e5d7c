"""What was found in a foreign card, and what is wrong with one that cannot be taken. Pure."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

MOST_PLACES = 20
LABEL = 60


@dataclass(frozen=True)
class Place:
    """What is wrong, where, and how to mend it."""

    path: str
    message: str
    mend: str

    def __str__(self) -> str:
        return f"{self.path or 'file'}: {self.message} {self.mend}"


class BadCard(Exception):
    """The file cannot be taken; `places` names what is wrong in it."""

    def __init__(self, places: Iterable[Place]) -> None:
        self.places = list(places)[:MOST_PLACES]
        super().__init__(" ".join(str(place) for place in self.places))


@dataclass(frozen=True)
class Part:
    """Words of one field, and the section they belong to here."""

    path: str
    section: str
    text: str


@dataclass(frozen=True)
class Stated:
    """A number as the foreign card states it."""

    path: str
    label: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Lost:
    """A field that is not taken, and why."""

    path: str
    why: str


@dataclass(frozen=True)
class Foreign:
    """A foreign card, taken apart: every field is in one of the three lists."""

    format: str
    name: str
    parts: tuple[Part, ...]
    numbers: tuple[Stated, ...]
    lost: tuple[Lost, ...]

    @property
    def sections(self) -> dict[str, str]:
        """The text of each section: the parts that belong to it, one below the other."""
        found: dict[str, list[str]] = {}
        for part in self.parts:
            found.setdefault(part.section, []).append(part.text)
        return {section: "\n\n".join(texts) for section, texts in found.items()}


@dataclass
class Sorting:
    """Collects the three lists, and the places that are wrong."""

    parts: list[Part] = field(default_factory=list)
    numbers: list[Stated] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    wrong: list[Place] = field(default_factory=list)

    def take(self, path: str, section: str, text: str) -> None:
        if text.strip():
            self.parts.append(Part(path, section, text.strip()))

    def lose(self, path: str, why: str) -> None:
        self.lost.append(Lost(path[:200], why))

    def blame(self, path: str, message: str, mend: str) -> None:
        self.wrong.append(Place(path, message, mend))

    def text(self, path: str, value: object) -> str:
        """A scalar as text; anything else is blamed."""
        if value is None:
            return ""
        if isinstance(value, dict | list):
            kind = "a list" if isinstance(value, list) else "a group of fields"
            self.blame(path, f"This is {kind}, not text.", "Write one text here.")
            return ""
        return str(value)

    def rows(self, path: str, value: object) -> list[tuple[str, dict[str, object]]]:
        """The groups of fields of a list, each with its path; anything else is blamed."""
        if value is None:
            return []
        if not isinstance(value, list):
            self.blame(path, "This is not a list.", "Write a list of groups of fields here.")
            return []
        return [(f"{path}[{i}]", self.group(f"{path}[{i}]", one)) for i, one in enumerate(value)]

    def group(self, path: str, value: object) -> dict[str, object]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            self.blame(path, "This is not a group of fields.", "Write names with values here.")
            return {}
        return value

    def number(self, path: str, value: object) -> float | None:
        """A finite number, also where it is written as text; None for anything else."""
        try:
            found = math.nan if isinstance(value, bool) else float(str(value))
        except ValueError:
            found = math.nan
        if not math.isfinite(found):
            self.lose(path, "This is no finite number.")
            return None
        return found

    def state(self, stated: Stated) -> None:
        """Keep a number under a name that no other number of this card has."""
        names = {one.label for one in self.numbers}
        label, count = stated.label[:LABEL], 2
        while label in names:
            label, count = f"{stated.label[: LABEL - 8]} ({count})", count + 1
        self.numbers.append(Stated(stated.path, label, stated.value, stated.low, stated.high))

    def whole(self, *, format: str, name: str) -> Foreign:
        if self.wrong:
            raise BadCard(self.wrong)
        parts, numbers, lost = tuple(self.parts), tuple(self.numbers), tuple(self.lost)
        return Foreign(format, name[:200], parts, numbers, lost)
