"""The card and the technical file as single documents: HTML, and PDF made from it.

Nothing is fetched: the only resource is our own style sheet, and pictures that people's text
names stay away. What is too long to lay out within a request is refused before it is tried.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils.html import format_html

from governance.card_fields import BY_ID
from governance.exports import sections_to_show
from governance.facts import Fact, groups_of
from governance.formats.annex import annex_iv
from governance.formats.annex_parts import parts_of
from governance.publishing import clock, status_sentence
from governance.reads.cards import rendered

# Laid out in about a second and a half; see docs/cards.md for what was measured.
LONGEST_PAPER = 80_000
STYLE = "css/paper.css"
NO_PANGO = (
    "PDF needs the Debian packages libpango-1.0-0, libpangoft2-1.0-0 and libharfbuzz-subset0 on "
    "the server."
)


class CannotPrint(Exception):
    """The document cannot be made as PDF; says why."""


def card_html(card: Mapping[str, Any]) -> str:
    """The whole card as one page: what is written, what is missing and why, numbers, facts."""
    written = [part for part in card["sections"] if part["text"]]
    sections = [(BY_ID[part["id"]], rendered(part["text"])) for part in written]
    groups = [
        (group.title, [_printed(fact) for fact in group.facts])
        for group in groups_of(card["facts"])
    ]
    optional = sections_to_show(card)[1]
    return _page("card", card, "model card", sections=sections, optional=optional, groups=groups)


def _printed(fact: Fact) -> tuple[str, str, bool]:
    """A fact's name and value in words; whether it is a digest."""
    if fact.shape == "bytes":
        return fact.label, f"{fact.value:,} bytes", False
    if fact.shape == "number":
        return fact.label, f"{fact.value:,}", False
    return fact.label, clock(fact.value), fact.shape == "digest"


def annex_html(card: Mapping[str, Any], *, linked: bool = False) -> str:
    """The technical file: nine points, and in red what is missing; `linked` to its style sheet."""
    said: dict[str, str] = {}
    answers = []
    for answer in annex_iv(card):
        point = answer.point.id
        parts = [(title, _once(title, text, said, point)) for title, text in answer.written]
        answers.append((answer, parts, parts_of(card, point)))
    return _page(
        "annex_iv", card, "technical file (EU AI Act, Annex IV)", answers=answers, linked=linked
    )


def _once(title: str, text: str, said: dict[str, str], point: str) -> str:
    """The words, or the point under which they stand already."""
    if title in said:
        return format_html("<p>As under point {}.</p>", said[title])
    said[title] = point
    return rendered(text)


def _page(name: str, card: Mapping[str, Any], kind: str, **parts: Any) -> str:
    facts = card["facts"]
    title = f"{facts['model']['name']}, version {facts['version']['number']}: {kind}"
    status = status_sentence(card["publication"])
    at = clock(card["revision"]["at"])
    context = {"card": card, "title": title, "status": status, "at": at, **parts}
    return render_to_string(f"governance/print/{name}.html", context)


def pdf(html: str) -> bytes:
    """The page as tagged PDF.

    Raises:
        CannotPrint: it is too long, or the server lacks the libraries.
    """
    if len(html) > LONGEST_PAPER:
        raise CannotPrint(
            f"The document has {len(html):,} characters; PDF is made of at most {LONGEST_PAPER:,}. "
            "Take another format."
        )
    try:
        # Loads Pango, which not every server has: only who asks for PDF needs it.
        from governance.reads.closed import laid_out
    except OSError as error:
        raise CannotPrint(NO_PANGO) from error
    return laid_out(html, Path(str(finders.find(STYLE))).read_text())
