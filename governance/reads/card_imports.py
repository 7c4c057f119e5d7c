"""What a foreign card would change in a version's card, field by field; and numbers it stated."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.safestring import SafeString

from governance.card_fields import BY_ID, Section
from governance.importing import Foreign, Lost, Stated
from governance.numbers import IMPORTED, Number
from governance.reads.card_facts import content_of, latest_revision
from governance.reads.cards import rendered
from governance.reads.imported_numbers import bound_to
from registry.models import Version


@dataclass(frozen=True)
class SectionPlan:
    """A section that would be taken: from which fields, and what it would replace."""

    section: Section
    paths: tuple[str, ...]
    text: str
    before: str

    @property
    def html(self) -> SafeString:
        """As the card's page will show it."""
        return rendered(self.text)

    @property
    def html_before(self) -> SafeString:
        return rendered(self.before)

    @property
    def overwrites(self) -> bool:
        return bool(self.before) and self.before != self.text

    @property
    def same(self) -> bool:
        return self.before == self.text


@dataclass(frozen=True)
class NumberPlan:
    """A number that would be claimed, and the measurement that it would be held against."""

    key: str
    stated: Stated
    measured: Number | None
    same: bool


@dataclass(frozen=True)
class ImportPlan:
    """All that would happen; nothing has."""

    format: str
    name: str
    sha256: str
    expected_revision: int
    sections: tuple[SectionPlan, ...]
    numbers: tuple[NumberPlan, ...]
    lost: tuple[Lost, ...]
    dropped: tuple[str, ...]

    @property
    def keys(self) -> frozenset[str]:
        """Everything that can be taken."""
        sections = {plan.section.id for plan in self.sections if not plan.same}
        return frozenset(sections | {plan.key for plan in self.numbers if not plan.same})


def plan_of(version: Version, foreign: Foreign, raw: bytes) -> ImportPlan:
    """What importing this card into the version's newest revision would do."""
    last = latest_revision(version.pk)
    written = last.sections if last else {}
    numbers = content_of(version, {}).numbers
    return ImportPlan(
        format=foreign.format,
        name=foreign.name,
        sha256=hashlib.sha256(raw).hexdigest(),
        expected_revision=last.number if last else 0,
        sections=tuple(_sections(foreign, written)),
        numbers=tuple(_numbers(foreign.numbers, numbers)),
        lost=foreign.lost,
        dropped=tuple(number.label for number in numbers if number.source == IMPORTED),
    )


def _sections(foreign: Foreign, written: dict[str, str]) -> Iterable[SectionPlan]:
    texts = foreign.sections
    for name, section in BY_ID.items():
        if name in texts:
            paths = tuple(part.path for part in foreign.parts if part.section == name)
            yield SectionPlan(section, paths, texts[name], written.get(name, ""))


def _numbers(stated: Iterable[Stated], ours: Sequence[Number]) -> Iterable[NumberPlan]:
    own = [number for number in ours if number.source != IMPORTED]
    for index, one in enumerate(stated):
        same = any(n.label == one.label and n.value == one.value for n in own)
        yield NumberPlan(f"number-{index}", one, bound_to(one.label, own), same)
