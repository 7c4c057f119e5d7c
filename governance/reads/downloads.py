"""The formats a card can be taken away in: one table for the API, its documentation and pages."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from governance.exports import card_markdown
from governance.formats.cyclonedx import cyclonedx
from governance.formats.huggingface import huggingface
from governance.formats.losses import NOWHERE, Export, Loss
from governance.formats.sagemaker import sagemaker
from governance.formats.toolkit import toolkit
from governance.reads.papers import annex_html, card_html, pdf
from governance.reads.written_numbers import in_plain_words

Card = Mapping[str, Any]
MEASUREMENTS = (
    Loss("Measurement and time of numbers", NOWHERE, "A paper shows value, interval and state."),
    Loss("Deployments", NOWHERE, "A paper is of one day; who serves is asked of the API."),
)
ANNEX = (
    *MEASUREMENTS,
    Loss("Facts", NOWHERE, "The file shows words, numbers, and the facts that answer a point."),
    Loss(
        "Environmental impact, Licence, Citation, References, Further information",
        NOWHERE,
        "No point of the annex asks for them.",
    ),
    Loss("Ethical guidelines", NOWHERE, "No point of the annex asks for them."),
)


@dataclass(frozen=True)
class Format:
    """One format: its name in addresses, what it is called, its file and how it is made."""

    id: str
    title: str
    media_type: str
    suffix: str
    make: Callable[[Card], Export]


def _text(card: Card, make: Callable[[Card], Export]) -> Export:
    made = make(card)
    return Export(json.dumps(made.document, indent=2, ensure_ascii=False), made.losses)


def _plain(make: Callable[[Card], Export]) -> Callable[[Card], Export]:
    """Bound numbers as they are read: only our own JSON keeps what they are bound to."""
    return lambda card: make(in_plain_words(card))


def _json(make: Callable[[Card], Export]) -> Callable[[Card], Export]:
    return lambda card: _text(card, make)


def _card_pdf(card: Card) -> Export:
    return Export(pdf(card_html(card)), MEASUREMENTS)


FORMATS: tuple[Format, ...] = (
    Format("json", "JSON", "application/json", "json", _json(lambda card: Export(card, ()))),
    Format(
        "markdown",
        "Markdown",
        "text/markdown",
        "md",
        _plain(lambda card: Export(card_markdown(card), ())),
    ),
    Format(
        "pdf",
        "PDF",
        "application/pdf",
        "pdf",
        _plain(lambda c: Export(pdf(card_html(c)), MEASUREMENTS)),
    ),
    Format(
        "annex-iv",
        "Annex IV technical file",
        "text/html",
        "annex-iv.html",
        _plain(lambda card: Export(annex_html(card, linked=True), ANNEX)),
    ),
    Format(
        "annex-iv-pdf",
        "Annex IV technical file (PDF)",
        "application/pdf",
        "annex-iv.pdf",
        _plain(lambda card: Export(pdf(annex_html(card)), ANNEX)),
    ),
    Format("huggingface", "Hugging Face model card", "text/markdown", "hf.md", _plain(huggingface)),
    Format("mct", "Model Card Toolkit", "application/json", "mct.json", _json(_plain(toolkit))),
    Format(
        "sagemaker",
        "SageMaker model card",
        "application/json",
        "sagemaker.json",
        _json(_plain(sagemaker)),
    ),
    Format(
        "cyclonedx",
        "CycloneDX 1.7 ML-BOM",
        "application/vnd.cyclonedx+json",
        "cdx.json",
        _json(_plain(cyclonedx)),
    ),
)
BY_FORMAT = {one.id: one for one in FORMATS}
