"""A version's card: as people read it, and as it is exported."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import nh3
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

from audit.chain import plain
from governance.bound_numbers import linked
from governance.card_fields import SECTIONS, Completeness, Section, completeness
from governance.card_requirements import Score, score
from governance.exports import card_json
from governance.models import CardRevision, Claim, ClaimCheck
from governance.publishing import CardState, state_of, status_sentence
from governance.reads.claims import states_of
from governance.reads.publications import PublicationLine, publications_of
from registry.models import TaskType

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
    state: str = ""
    reason: str = ""
    judged_at: datetime | None = None
    tolerance: float | None = None


@dataclass(frozen=True)
class RevisionLine:
    number: int
    at: datetime
    author: str
    note: str
    digest: str
    state: CardState


@dataclass(frozen=True)
class CardPage:
    """One revision of a card, whole."""

    version_id: int
    revision: RevisionLine
    sections: tuple[SectionText, ...]
    facts: dict[str, Any]
    claims: tuple[ClaimLine, ...]
    completeness: Completeness
    score: Score
    revisions: tuple[RevisionLine, ...]
    publications: tuple[PublicationLine, ...] = ()

    @property
    def state(self) -> CardState:
        return self.revision.state

    @property
    def published(self) -> PublicationLine | None:
        """The publication in force, of whichever revision."""
        return self.publications[0] if self.publications else None

    @property
    def publication(self) -> PublicationLine | None:
        """How this very revision was published, if it was."""
        number = self.revision.number
        return next((one for one in self.publications if one.revision == number), None)

    @property
    def draft(self) -> RevisionLine | None:
        """The newest revision, where nobody has published it."""
        newest = self.revisions[0]
        return newest if newest.state == CardState.DRAFT else None

    @property
    def status(self) -> str:
        return status_sentence(_publication(self))

    @property
    def written(self) -> dict[str, str]:
        return {part.section.id: part.text for part in self.sections if part.text}


def card_of(version_id: int, revision: int | None = None) -> CardPage | None:
    """The card's newest revision, or the one asked for; None if there is none. Four queries."""
    rows = _revisions(version_id)
    found = [row for row in rows if revision is None or row.number == revision]
    return _page(version_id, found[0], rows, publications_of(version_id)) if found else None


def readers_card(version_id: int) -> CardPage | None:
    """What a card's readers are given: the published revision, or the draft where there is none."""
    rows, published = _revisions(version_id), publications_of(version_id)
    number = published[0].revision if published else None
    found = [row for row in rows if number is None or row.number == number]
    return _page(version_id, found[0], rows, published) if found else None


def _revisions(version_id: int) -> list[CardRevision]:
    rows = CardRevision.objects.filter(card__version=version_id).select_related("author")
    return list(rows.order_by("-number"))


def _page(
    version_id: int,
    row: CardRevision,
    rows: list[CardRevision],
    publications: tuple[PublicationLine, ...],
) -> CardPage:
    newest, published = rows[0].number, {one.revision for one in publications}
    lines = {
        each.number: _line(each, state_of(each.number, newest=newest, published=published))
        for each in rows
    }
    claims = _claims(row)
    states = {claim.key: claim.state for claim in claims}
    return CardPage(
        version_id=version_id,
        revision=lines[row.number],
        sections=tuple(_section(section, row.sections, states) for section in SECTIONS),
        facts=row.facts,
        claims=claims,
        completeness=completeness(row.sections),
        score=_score(row),
        revisions=tuple(lines.values()),
        publications=publications,
    )


def _score(row: CardRevision) -> Score:
    """By task and tier as they were when the revision was written."""
    model = row.facts.get("model", {})
    task = next((one.value for one in TaskType if one.label == model.get("task")), "")
    return score(row.sections, task=task, tier=model.get("risk_tier", ""))


def _line(row: CardRevision, state: CardState) -> RevisionLine:
    author = row.author.name if row.author else "Ombud"
    return RevisionLine(row.number, row.at, author, row.note, row.digest, state)


def _section(section: Section, texts: dict[str, str], states: dict[str, str]) -> SectionText:
    text = texts.get(section.id, "")
    return SectionText(section, text, rendered(linked(text, states)))


def rendered(text: str) -> SafeString:
    """Markdown as HTML that cannot do anything: no raw HTML, and sanitised after rendering."""
    return mark_safe(nh3.clean(MARKDOWN.render(text)))  # noqa: S308 - nh3 made it safe


def _claims(row: CardRevision) -> tuple[ClaimLine, ...]:
    claims = list(row.claims.all())
    checks = states_of(claim.pk for claim in claims)
    return tuple(_claim(claim, checks.get(claim.pk)) for claim in claims)


def _claim(claim: Claim, check: ClaimCheck | None) -> ClaimLine:
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
        state=_state(claim, check),
        reason=check.reason if check else "",
        judged_at=check.at if check else None,
        tolerance=claim.tolerance,
    )


def _state(claim: Claim, check: ClaimCheck | None) -> str:
    if claim.measurement_id is None:
        return "stated"
    return check.state if check else "not judged"


def exported(page: CardPage) -> dict[str, Any]:
    """The card as `card_json`, times as text."""
    revision = page.revision
    whole = card_json(
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
    return {**whole, "publication": _publication(page), "completeness": page.score.as_dict()}


def _publication(page: CardPage) -> dict[str, Any]:
    """Published or draft, by whom and over what; and which other revision a reader may want."""
    found = page.publication
    return {
        "state": str(page.state),
        "revision": page.revision.number,
        "published_revision": page.published.revision if page.published else None,
        "newest_revision": page.revisions[0].number,
        "by": found and {**asdict(found), "at": plain(found.at)},
    }


def _exported_claim(claim: ClaimLine) -> dict[str, Any]:
    return {
        "key": claim.key,
        "label": claim.label,
        "value": claim.value,
        "low": claim.low,
        "high": claim.high,
        "tolerance": claim.tolerance,
        "n": claim.n,
        "as_of": plain(claim.as_of),
        "source": claim.source,
        "measurement": claim.measurement_id,
        "state": claim.state,
        "reason": claim.reason,
    }
