"""The card as a CycloneDX 1.7 bill of materials of one machine-learning model. Pure."""

import uuid
from collections.abc import Mapping
from typing import Any

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
    "architecture",
    "business",
    "environment",
    "licence",
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
    if "licence" in texts:
        found["licenses"] = [{"license": _licence(texts["licence"])}]
    if facts["artifact"]["digest"]:
        found["hashes"] = [{"alg": "SHA-256", "content": facts["artifact"]["digest"]}]
    found["modelCard"] = {
        "modelParameters": _parameters(facts, texts),
        "quantitativeAnalysis": {"performanceMetrics": [_metric(c) for c in card["claims"]]},
        "considerations": _considerations(texts),
        "properties": _properties(card, texts),
    }
    return found


def _licence(text: str) -> dict[str, Any]:
    """Its first line is the name; people's words are no identifier of a list."""
    name = text.strip().splitlines()[0][:200]
    return {"name": name, "text": {"contentType": "text/markdown", "content": text}}


def _parameters(facts: Mapping[str, Any], texts: Mapping[str, str]) -> dict[str, Any]:
    schema = facts.get("schema") or {}
    architecture = texts.get("architecture")
    return {
        "task": facts["model"]["task"],
        **({"modelArchitecture": architecture} if architecture else {}),
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

    impact = [{"name": "description", "value": text} for text in said("environment")]
    return {
        **({"environmentalConsiderations": {"properties": impact}} if impact else {}),
        "users": said("users"),
        "useCases": said("purpose", "business"),
        "technicalLimitations": said("out_of_scope", "limitations"),
        "performanceTradeoffs": said("trade_offs"),
        "ethicalConsiderations": [{"name": text} for text in said("risks")],
        "fairnessAssessments": [{"harms": text} for text in said("fairness")],
    }


def _properties(card: Mapping[str, Any], texts: Mapping[str, str]) -> list[dict[str, str]]:
    rest = {name: text for name, text in texts.items() if name not in KEPT}
    rest |= {"revision": str(card["revision"]["number"]), "digest": card["revision"]["digest"]}
    rest["status"] = status_sentence(card["publication"])
    rest |= {f"signature:{place}": line for place, line in enumerate(signatures(card), 1)}
    rest |= _risk(card["facts"])
    return [{"name": f"{PREFIX}{name}", "value": text} for name, text in rest.items()]


def _risk(facts: Mapping[str, Any]) -> dict[str, str]:
    """The tier, and why, where somebody signed the questionnaire."""
    found = {"risk-tier": str(facts["model"]["risk_tier"])}
    reasons = (facts.get("risk") or {}).get("reasons")
    return found | ({"risk-reasons": "; ".join(reasons)} if reasons else {})
