"""The technical file of EU AI Act Annex IV: which part of the card answers which point. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from governance.card_fields import BY_ID
from governance.formats.losses import texts_of


@dataclass(frozen=True)
class Point:
    """A point of the annex, and the sections that answer it."""

    id: str
    title: str
    sections: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    point: Point
    written: tuple[tuple[str, str], ...]
    missing: tuple[str, ...]


POINTS: tuple[Point, ...] = (
    Point(
        "1",
        "General description",
        (
            "overview",
            "purpose",
            "business",
            "users",
            "interaction",
            "supply",
            "interface",
            "compute",
            "contact",
        ),
    ),
    Point(
        "2",
        "Elements and process of development",
        (
            "training",
            "architecture",
            "trade_offs",
            "training_data",
            "evaluation_data",
            "fairness",
            "oversight",
            "changes",
            "security",
        ),
    ),
    Point(
        "3",
        "Monitoring, functioning and control",
        ("factors", "limitations", "out_of_scope", "explanation", "oversight"),
    ),
    Point("4", "Why the performance metrics suit", ("metrics", "thresholds")),
    Point("5", "Risk-management system", ("risks",)),
    Point("6", "Changes through the lifecycle", ("changes",)),
    Point("7", "Standards applied", ("standards",)),
    Point("8", "EU declaration of conformity", ("declaration",)),
    Point("9", "Post-market monitoring", ("monitoring", "retirement")),
)


def annex_iv(card: Mapping[str, Any]) -> tuple[Answer, ...]:
    """All nine points, with what the card says and what is missing."""
    texts = texts_of(card)
    return tuple(_answer(point, texts) for point in POINTS)


def _answer(point: Point, texts: Mapping[str, str]) -> Answer:
    written = tuple((BY_ID[s].title, texts[s]) for s in point.sections if s in texts)
    missing = tuple(BY_ID[s].title for s in point.sections if s not in texts)
    return Answer(point, written, missing)
