"""A version's card: as people read it, as it is exported, and what changed between revisions."""

import difflib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from audit.chain import plain
from governance.card_fields import SECTIONS, Completeness, Section, completeness
from governance.exports import card_json
from governance.models import CardRevision, Claim

WORD = re.compile(r"\S+\s*|\s+")
MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")


@dataclass(frozen=True)
class SectionText:
    """One section with people's words, as written and as a page shows them."""

    section: Section
    text: str
    html: SafeString


@dataclass(frozen=True)
class ClaimLine:
    key: str
    label: str
    value: float
    low: float | None
    high: float | None
    n: int | None
    as_of: datetime | None
    source: str
    measurement_id: int | None


@dataclass(frozen=True)
class RevisionLine:
    number: int
    at: datetime
    author: str
    note: str
    digest: str


@dataclass(frozen=True)
class CardPage:
    """One revision of a card, whole."""

    version_id: int
    revision: RevisionLine
    sections: tuple[SectionText, ...]
    facts: dict[str, Any]
    claims: tuple[ClaimLine, ...]
    completeness: Completeness
    revisions: tuple[RevisionLine, ...]

    @property
    def etag(self) -> str:
        return f'"{self.revision.number}"'

    @property
    def written(self) -> dict[str, str]:
        return {part.section.id: part.text for part in self.sections if part.text}


@dataclass(frozen=True)
class SectionDifference:
    """A section that changed: words that stayed (' '), went ('-') and came ('+')."""

    section: Section
    words: tuple[tuple[str, str], ...]


def card_of(version_id: int, revision: int | None = None) -> CardPage | None:
    """The card's newest revision, or the one asked for; None if there is none. Two queries."""
    rows = list(
        CardRevision.objects.filter(card__version=version_id)
        .select_related("author")
        .order_by("-number")
    )
    found = [row for row in rows if revision is None or row.number == revision]
    return _page(version_id, found[0], rows) if found else None


def _page(version_id: int, row: CardRevision, rows: list[CardRevision]) -> CardPage:
    return CardPage(
        version_id=version_id,
        revision=_line(row),
        sections=tuple(_section(section, row.sections) for section in SECTIONS),
        facts=row.facts,
        claims=tuple(_claim(claim) for claim in row.claims.all()),
        completeness=completeness(row.sections),
        revisions=tuple(_line(each) for each in rows),
    )


def _line(row: CardRevision) -> RevisionLine:
    author = row.author.name if row.author else "Ombud"
    return RevisionLine(row.number, row.at, author, row.note, row.digest)


def _section(section: Section, texts: dict[str, str]) -> SectionText:
    text = texts.get(section.id, "")
    return SectionText(section, text, rendered(text))


def rendered(text: str) -> SafeString:
    """Markdown as HTML that cannot do anything: no raw HTML, and sanitised after rendering."""
    return mark_safe(nh3.clean(MARKDOWN.render(text)))  # noqa: S308 - nh3 made it safe


def _claim(claim: Claim) -> ClaimLine:
    return ClaimLine(
        key=claim.key,
        label=claim.label,
        value=claim.value,
        low=claim.low,
        high=claim.high,
        n=claim.n,
        as_of=claim.as_of,
        source=claim.source,
        measurement_id=claim.measurement_id,
    )


def exported(page: CardPage) -> dict[str, Any]:
    """The card as `card_json`, times as text."""
    revision = page.revision
    return card_json(
        revision={
            "number": revision.number,
            "digest": revision.digest,
            "at": plain(revision.at),
            "author": revision.author,
            "note": revision.note,
        },
        sections=page.written,
        facts=page.facts,
        claims=[_exported_claim(claim) for claim in page.claims],
    )


def _exported_claim(claim: ClaimLine) -> dict[str, Any]:
    return {
        "key": claim.key,
        "label": claim.label,
        "value": claim.value,
        "low": claim.low,
        "high": claim.high,
        "n": claim.n,
        "as_of": plain(claim.as_of),
        "source": claim.source,
        "measurement": claim.measurement_id,
    }


def difference(version_id: int, earlier: int, later: int) -> tuple[SectionDifference, ...]:
    """The sections in which two revisions differ, word by word. One query."""
    rows = CardRevision.objects.filter(card__version=version_id, number__in=[earlier, later])
    texts = {row.number: row.sections for row in rows}
    if not {earlier, later} <= texts.keys():
        return ()
    pairs = [
        (section, texts[earlier].get(section.id, ""), texts[later].get(section.id, ""))
        for section in SECTIONS
    ]
    return tuple(
        SectionDifference(section, _words(old, new)) for section, old, new in pairs if old != new
    )


def _words(old: str, new: str) -> tuple[tuple[str, str], ...]:
    """What stayed (' '), went ('-') and came ('+'), word by word; spaces stay with their words."""
    before, after = WORD.findall(old), WORD.findall(new)
    found: list[tuple[str, str]] = []
    compared = difflib.SequenceMatcher(None, before, after, autojunk=False)
    for kind, a, b, c, d in compared.get_opcodes():
        if kind == "equal":
            found.append((" ", "".join(before[a:b])))
            continue
        found += [("-", "".join(before[a:b]))] * (a < b) + [("+", "".join(after[c:d]))] * (c < d)
    return tuple(found)
