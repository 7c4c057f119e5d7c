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

Card = Mapping[str, Any]
FACTS = (Loss("Facts", NOWHERE, "A paper shows words, numbers and signatures."),)
NUMBERS = (
    *FACTS,
    Loss("Numbers", NOWHERE, "The file repeats the card's words; numbers stay in the card."),
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


def _json(make: Callable[[Card], Export]) -> Callable[[Card], Export]:
    return lambda card: _text(card, make)


FORMATS: tuple[Format, ...] = (
    Format("json", "JSON", "application/json", "json", _json(lambda card: Export(card, ()))),
    Format(
        "markdown", "Markdown", "text/markdown", "md", lambda card: Export(card_markdown(card), ())
    ),
    Format("pdf", "PDF", "application/pdf", "pdf", lambda c: Export(pdf(card_html(c)), FACTS)),
    Format(
        "annex-iv",
        "Annex IV technical file",
        "text/html",
        "annex-iv.html",
        lambda card: Export(annex_html(card, linked=True), NUMBERS),
    ),
    Format(
        "annex-iv-pdf",
        "Annex IV technical file (PDF)",
        "application/pdf",
        "annex-iv.pdf",
        lambda card: Export(pdf(annex_html(card)), NUMBERS),
    ),
    Format("huggingface", "Hugging Face model card", "text/markdown", "hf.md", huggingface),
    Format("mct", "Model Card Toolkit", "application/json", "mct.json", _json(toolkit)),
    Format(
        "sagemaker",
        "SageMaker model card",
        "application/json",
        "sagemaker.json",
        _json(sagemaker),
    ),
    Format(
        "cyclonedx",
        "CycloneDX 1.7 ML-BOM",
        "application/vnd.cyclonedx+json",
        "cdx.json",
        _json(cyclonedx),
    ),
)
BY_FORMAT = {one.id: one for one in FORMATS}
