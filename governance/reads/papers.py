"""The card and the technical file as single documents: HTML, and PDF made from it.

Nothing is fetched: the only resource is our own style sheet, and pictures that people's text
names stay away. What is too long to lay out within a request is refused before it is tried.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string

from governance.card_fields import BY_ID
from governance.exports import fact_rows, sections_to_show
from governance.formats.annex import annex_iv
from governance.formats.annex_parts import parts_of
from governance.publishing import status_sentence
from governance.reads.cards import rendered

LONGEST_PAPER = 50_000
STYLE = "css/paper.css"
NO_PANGO = (
    "PDF needs the Debian packages libpango-1.0-0, libpangoft2-1.0-0 and libharfbuzz-subset0 on "
    "the server."
)


class CannotPrint(Exception):
    """The document cannot be made as PDF; says why."""


def card_html(card: Mapping[str, Any]) -> str:
    """The whole card as one page."""
    shown, optional = sections_to_show(card)
    sections = [(BY_ID[part["id"]], rendered(part["text"])) for part in shown]
    groups = [(title, [_readable(row) for row in rows]) for title, rows in fact_rows(card["facts"])]
    return _page("card", card, "model card", sections=sections, optional=optional, groups=groups)


def _readable(row: list[Any]) -> tuple[str, Any]:
    """A fact's name as words; empty ones say so."""
    name, value = str(row[0]), row[1]
    words = name.replace("_", " ").replace(".", ": ")
    return words[:1].upper() + words[1:], "" if value is None else value


def annex_html(card: Mapping[str, Any], *, linked: bool = False) -> str:
    """The technical file: nine points, and in red what is missing; `linked` to its style sheet."""
    answers = [
        (
            answer,
            [(title, rendered(text)) for title, text in answer.written],
            parts_of(card, answer.point.id),
        )
        for answer in annex_iv(card)
    ]
    return _page(
        "annex_iv", card, "technical file (EU AI Act, Annex IV)", answers=answers, linked=linked
    )


def _page(name: str, card: Mapping[str, Any], kind: str, **parts: Any) -> str:
    facts = card["facts"]
    title = f"{facts['model']['name']}, version {facts['version']['number']}: {kind}"
    status = status_sentence(card["publication"])
    context = {"card": card, "title": title, "status": status, **parts}
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
