"""The card as a CycloneDX 1.7 bill of materials of one machine-learning model. Pure."""

import uuid
from collections.abc import Mapping
from typing import Any

from governance.formats.losses import Export, Loss, facts_lost, moved, sources_lost, texts_of
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
)
ELSEWHERE = "modelCard.properties"
PREFIX = "ombud:card:"


def cyclonedx(card: Mapping[str, Any]) -> Export:
    """One component with its model card; other sections and signatures become properties."""
    texts = texts_of(card)
    document = {
        "$schema": "http://cyclonedx.org/schema/bom-1.7.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.7",
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, card['revision']['digest'])}",
        "version": 1,
        "metadata": {"timestamp": card["revision"]["at"]},
        "components": [_component(card, texts)],
    }
    losses = moved(texts, KEPT, ELSEWHERE) + sources_lost(card)
    if card["facts"].get("approvals"):
        losses.append(Loss("Signatures", ELSEWHERE, "The format has no such field."))
    losses += facts_lost(card, document)
    return Export(document, tuple(losses))


def _component(card: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    facts = card["facts"]
    found: dict[str, Any] = {
        "type": "machine-learning-model",
        "bom-ref": f"{facts['model']['slug']}@{facts['version']['number']}",
        "name": facts["model"]["name"],
        "version": str(facts["version"]["number"]),
        "description": texts.get("overview") or facts["model"]["purpose"],
        "authors": [{"name": facts["model"]["owner"]}],
    }
    if facts["artifact"]["digest"]:
        found["hashes"] = [{"alg": "SHA-256", "content": facts["artifact"]["digest"]}]
    found["modelCard"] = {
        "modelParameters": _parameters(facts, texts),
        "quantitativeAnalysis": {"performanceMetrics": [_metric(c) for c in card["claims"]]},
        "considerations": _considerations(texts),
        "properties": _properties(card, texts),
    }
    return found


def _parameters(facts: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    schema = facts.get("schema") or {}
    return {
        "task": facts["model"]["task"],
        "datasets": [
            {
                "type": "dataset",
                "name": name.replace("_", " "),
                "contents": {"properties": [{"name": "description", "value": texts[name]}]},
            }
            for name in ("training_data", "evaluation_data")
            if name in texts
        ],
        "inputs": [{"format": f"{f['name']}: {f['dtype']}"} for f in schema.get("inputs", [])],
        "outputs": [{"format": f"{f['name']}: {f['dtype']}"} for f in schema.get("outputs", [])],
    }


def _metric(claim: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"type": claim["label"], "value": str(claim["value"])}
    if claim["low"] is not None and claim["high"] is not None:
        bounds = {"lowerBound": str(claim["low"]), "upperBound": str(claim["high"])}
        found["confidenceInterval"] = bounds
    return found


def _considerations(texts: Mapping[str, str]) -> dict[str, Any]:
    def said(*names: str) -> list[str]:
        return [texts[name] for name in names if name in texts]

    return {
        "users": said("users"),
        "useCases": said("purpose"),
        "technicalLimitations": said("out_of_scope", "limitations"),
        "performanceTradeoffs": said("trade_offs"),
        "ethicalConsiderations": [{"name": text} for text in said("risks")],
        "fairnessAssessments": [{"harms": text} for text in said("fairness")],
    }


def _properties(card: Mapping[str, Any], texts: Mapping[str, str]) -> list[dict[str, str]]:
    rest = {name: text for name, text in texts.items() if name not in KEPT}
    rest |= {"revision": str(card["revision"]["number"]), "digest": card["revision"]["digest"]}
    rest["status"] = status_sentence(card["publication"])
    for number, one in enumerate(card["facts"].get("approvals") or (), 1):
        rest[f"signature:{number}"] = (
            f"{one['name']}, {one['at']}: {one['decision']}, {one['meaning']} ({one['digest']})"
        )
    return [{"name": f"{PREFIX}{name}", "value": text} for name, text in rest.items()]
