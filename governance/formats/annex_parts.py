"""Points 1 and 2 of Annex IV, sub-point by sub-point: the evidence of the card, or that none is
there. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from governance.card_fields import BY_ID
from governance.formats.losses import texts_of
from governance.publishing import clock

Card = Mapping[str, Any]
Finder = Callable[[Card], str]


@dataclass(frozen=True)
class Part:
    """One sub-point: the sections that answer it, and what the registry knows of it."""

    id: str
    title: str
    sections: tuple[str, ...] = ()
    facts: Finder | None = None


@dataclass(frozen=True)
class PartAnswer:
    """A sub-point and its evidence; empty evidence means that it is not there."""

    part: Part
    evidence: tuple[str, ...]


def _version(card: Card) -> str:
    facts = card["facts"]
    return f"Version {facts['version']['number']} of {facts['model']['name']}"


def _files(card: Card) -> str:
    artifact = card["facts"].get("artifact") or {}
    if not artifact.get("files"):
        return ""
    files = artifact["files"]
    kept = "1 file" if files == 1 else f"{files} files"
    return f"{kept}, SHA-256 {artifact['digest']}"


def _signatures(card: Card) -> str:
    signed = card["facts"].get("approvals") or []
    names = ", ".join(f"{one['name']} ({clock(one['at'])})" for one in signed)
    return f"Signed by {names}" if names else ""


def _numbers(card: Card) -> str:
    measured = [claim for claim in card["claims"] if claim["measurement"]]
    if not measured:
        return ""
    return "1 measured number" if len(measured) == 1 else f"{len(measured)} measured numbers"


PARTS: tuple[Part, ...] = (
    Part("1(a)", "Purpose, provider and version", ("purpose", "contact"), _version),
    Part("1(b)", "Interaction with other hardware and software", ("interaction",)),
    Part("1(c)", "Versions of software and firmware", (), _files),
    Part("1(d)", "Forms in which it is supplied", ("supply",)),
    Part("1(e)", "Hardware it is to run on", ("compute",)),
    Part("1(f)", "Pictures, where it is part of a product", ("supply",)),
    Part("1(g)", "User interface of the deployer", ("interface",)),
    Part("1(h)", "Instructions for use", ("users",)),
    Part("2(a)", "Methods and steps, and parts by others", ("training",)),
    Part("2(b)", "Design, choices and trade-offs", ("trade_offs",)),
    Part("2(c)", "Architecture and computing resources", ("architecture", "compute")),
    Part("2(d)", "Data: origin, selection, labels, cleaning", ("training_data",)),
    Part("2(e)", "Assessment of human oversight", ("oversight",)),
    Part("2(f)", "Changes determined beforehand", ("changes",)),
    Part("2(g)", "Tests and metrics", ("evaluation_data", "metrics", "fairness"), _numbers),
    Part("2(g)", "Test reports, dated and signed", (), _signatures),
    Part("2(h)", "Cybersecurity", ("security",)),
)


def parts_of(card: Card, point: str) -> tuple[PartAnswer, ...]:
    """The sub-points of point "1" or "2" in order; other points have none."""
    texts = texts_of(card)
    asked = [part for part in PARTS if part.id.startswith(f"{point}(")]
    return tuple(PartAnswer(part, _evidence(part, card, texts)) for part in asked)


def _evidence(part: Part, card: Card, texts: Mapping[str, str]) -> tuple[str, ...]:
    written = [f"Section “{BY_ID[name].title}”" for name in part.sections if name in texts]
    known = part.facts(card) if part.facts else ""
    return (*written, known) if known else tuple(written)
