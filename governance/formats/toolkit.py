"""The card as Google Model Card Toolkit's JSON, v0.0.2. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from governance.formats.headings import closed
from governance.formats.losses import (
    Export,
    Loss,
    facts_lost,
    moved,
    signatures,
    sources_lost,
    texts_of,
)
from governance.publishing import status_sentence

KEPT = (
    "overview",
    "purpose",
    "users",
    "out_of_scope",
    "limitations",
    "training_data",
    "evaluation_data",
    "trade_offs",
    "risks",
    "fairness",
    "contact",
    "references",
    "architecture",
    "licence",
    "citation",
)
# The format holds limitations in one list; these words tell which section one belongs to.
OUT_OF_SCOPE, LIMITS = "Out of scope: ", "Limitations: "
ELSEWHERE = "model_details.documentation"


def toolkit(card: Mapping[str, Any]) -> Export:
    """What the format has no field for is kept as text in `model_details.documentation`."""
    texts = texts_of(card)
    document = {
        "schema_version": "0.0.2",
        "model_details": _details(card, texts),
        "model_parameters": _parameters(card["facts"], texts),
        "quantitative_analysis": {"performance_metrics": [_metric(c) for c in card["claims"]]},
        "considerations": _considerations(texts),
    }
    losses = moved(texts, KEPT, ELSEWHERE) + sources_lost(card)
    if signatures(card):
        losses.append(Loss("Signatures", ELSEWHERE, "The format has no such field."))
    losses += facts_lost(card, document)
    return Export(document, tuple(losses))


def _details(card: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    facts = card["facts"]
    owner = {"name": facts["model"]["owner"], "contact": texts.get("contact", "")}
    version = {
        "name": str(facts["version"]["number"]),
        "date": str(facts["version"]["registered_at"])[:10],
        "diff": facts["version"]["summary"],
    }
    found = {
        "name": facts["model"]["name"],
        "overview": texts.get("overview", ""),
        "documentation": _documentation(card),
        "owners": [owner],
        "version": version,
        "path": facts["artifact"]["uri"],
    }
    if "licence" in texts:
        found["licenses"] = [{"custom_text": texts["licence"]}]
    if "citation" in texts:
        found["citations"] = [{"citation": texts["citation"]}]
    if "references" in texts:
        found["references"] = [{"reference": texts["references"]}]
    return found


def _documentation(card: Mapping[str, Any]) -> str:
    """Whether it is published, then the sections that have no field of their own."""
    rest = [part for part in card["sections"] if part["text"] and part["id"] not in KEPT]
    written = [f"## {part['title']}\n\n{closed(part['text'])}" for part in rest]
    signed = [f"## Signatures\n\n{line}" for line in ["\n\n".join(signatures(card))] if line]
    status = f"## Publication\n\n{status_sentence(card['publication'])}"
    return "\n\n".join([status, *written, *signed])


def _parameters(facts: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    titles = {"training_data": "Training data", "evaluation_data": "Evaluation data"}
    schema = facts.get("schema") or {}
    return {
        "model_architecture": texts.get("architecture", ""),
        "data": [
            {"name": title, "description": texts[name]}
            for name, title in titles.items()
            if name in texts
        ],
        "input_format_map": _map(schema.get("inputs", [])),
        "output_format_map": _map(schema.get("outputs", [])),
    }


def _map(fields: Sequence[Mapping[str, Any]]) -> list[dict[str, str]]:
    return [{"key": str(field["name"]), "value": str(field["dtype"])} for field in fields]


def _metric(claim: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"type": claim["label"], "value": str(claim["value"])}
    if claim["low"] is not None and claim["high"] is not None:
        bounds = {"lower_bound": str(claim["low"]), "upper_bound": str(claim["high"])}
        found["confidence_interval"] = bounds
    return found


def _considerations(texts: Mapping[str, str]) -> dict[str, Any]:
    def said(*names: str) -> list[dict[str, str]]:
        return [{"description": texts[name]} for name in names if name in texts]

    return {
        "users": said("users"),
        "use_cases": said("purpose"),
        "limitations": _limitations(texts),
        "tradeoffs": said("trade_offs"),
        "ethical_considerations": [
            {"name": name.capitalize(), "mitigation_strategy": texts[name]}
            for name in ("risks", "fairness")
            if name in texts
        ],
    }


def _limitations(texts: Mapping[str, str]) -> list[dict[str, str]]:
    found = []
    if "out_of_scope" in texts:
        found.append({"description": OUT_OF_SCOPE + texts["out_of_scope"]})
    if "limitations" in texts:
        text = texts["limitations"]
        found.append(
            {"description": LIMITS + text if text.startswith((OUT_OF_SCOPE, LIMITS)) else text}
        )
    return found
