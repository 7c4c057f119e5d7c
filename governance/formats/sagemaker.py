"""The card as SageMaker's model card JSON, within its limits. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from governance.card_fields import BY_ID
from governance.formats.losses import (
    NOWHERE,
    Export,
    Loss,
    facts_lost,
    moved,
    signatures,
    sources_lost,
    texts_of,
)
from governance.publishing import status_sentence

SHORT, LONG, WHOLE = 1024, 2048, 100_000
MOST_DETAILS = 15
RATINGS = {"low": "Low", "medium": "Medium", "high": "High", "critical": "High"}
KEPT = (
    "overview",
    "purpose",
    "users",
    "out_of_scope",
    "training_data",
    "evaluation_data",
    "metrics",
    "risks",
    "limitations",
    "architecture",
    "business",
)
ELSEWHERE = "additional_information.custom_details"
# What no format has a field for goes first where there is room for a few only.
FIRST = ("oversight", "security", "monitoring", "retirement", "thresholds", "fairness", "changes")
STATUS, SIGNED = "Card status", "Signatures"


class _Limits:
    """Cuts what is too long and remembers that it did."""

    def __init__(self) -> None:
        self.losses: list[Loss] = []

    def cut(self, name: str, value: object, most: int) -> str:
        text = "" if value is None else str(value)
        if len(text) > most:
            why = f"At most {most:,} characters there; {len(text) - most:,} more were cut."
            self.losses.append(Loss(name, f"the first {most:,} characters", why))
        return text[:most]


def sagemaker(card: Mapping[str, Any]) -> Export:
    """The card's content; sections without a field of their own become custom details."""
    texts, limits = texts_of(card), _Limits()
    document = {
        "model_overview": _overview(card["facts"], texts, limits),
        "intended_uses": _uses(card["facts"], texts, limits),
        "business_details": _business(card["facts"], texts, limits),
        "training_details": _training(texts, limits),
        "evaluation_details": [_evaluation(card, texts, limits)],
        "additional_information": _more(card, texts, limits),
    }
    _whole(document, limits)
    losses = _moved(card) + sources_lost(card) + limits.losses
    losses += facts_lost(card, document)
    return Export(document, tuple(losses))


def _overview(
    facts: Mapping[str, Any], texts: Mapping[str, str], limits: _Limits
) -> dict[str, Any]:
    said = {
        "model_name": facts["model"]["name"],
        "model_id": facts["model"]["slug"],
        "model_description": texts.get("overview", facts["version"]["summary"]),
        "model_creator": facts["version"]["registered_by"],
        "model_owner": facts["model"]["owner"],
        "problem_type": facts["model"]["task"],
        "algorithm_type": texts.get("architecture", ""),
    }
    found: dict[str, Any] = {name: limits.cut(name, text, SHORT) for name, text in said.items()}
    found["model_version"] = facts["version"]["number"]
    uri = facts["artifact"]["uri"]
    found["model_artifact"] = [limits.cut("model_artifact", uri, SHORT)] if uri else []
    return found


def _uses(facts: Mapping[str, Any], texts: Mapping[str, str], limits: _Limits) -> dict[str, str]:
    said = {
        "purpose_of_model": texts.get("purpose", facts["model"]["purpose"]),
        "intended_uses": texts.get("users", ""),
        "factors_affecting_model_efficiency": texts.get("out_of_scope", ""),
    }
    found = {name: limits.cut(name, text, LONG) for name, text in said.items()}
    found["risk_rating"] = RATINGS.get(facts["model"]["risk_tier"], "Unknown")
    reasons = "; ".join((facts.get("risk") or {}).get("reasons", ()))
    if reasons:
        name = "explanations_for_risk_rating"
        found[name] = limits.cut(name, reasons, LONG)
    return found


def _business(
    facts: Mapping[str, Any], texts: Mapping[str, str], limits: _Limits
) -> dict[str, str]:
    problem = texts.get("business", facts["model"]["purpose"])
    return {
        "business_problem": limits.cut("business_problem", problem, LONG),
        "line_of_business": limits.cut("line_of_business", facts["model"]["team"], SHORT),
    }


def _training(texts: Mapping[str, str], limits: _Limits) -> dict[str, Any]:
    text = limits.cut("Training data", texts.get("training_data"), SHORT)
    return {"training_job_details": {"training_datasets": [text] if text else []}}


def _evaluation(
    card: Mapping[str, Any], texts: Mapping[str, str], limits: _Limits
) -> dict[str, Any]:
    metrics = [
        {
            "name": limits.cut("Name of a number", claim["label"], 255),
            "type": "number",
            "value": claim["value"],
            "notes": limits.cut("Notes of a number", _notes(claim), SHORT),
        }
        for claim in card["claims"]
    ]
    data = limits.cut("Evaluation data", texts.get("evaluation_data"), SHORT)
    return {
        "name": "Numbers of the card",
        "evaluation_observation": limits.cut("Metrics and why", texts.get("metrics"), LONG),
        "datasets": [data] if data else [],
        "metric_groups": [{"name": "numbers", "metric_data": metrics}] if metrics else [],
    }


def _notes(claim: Mapping[str, Any]) -> str:
    interval = "" if claim["low"] is None else f"; {claim['low']} to {claim['high']}"
    sample = "" if claim["n"] is None else f"; n = {claim['n']}"
    return f"{claim['source']}{interval}{sample}"


def _more(card: Mapping[str, Any], texts: Mapping[str, str], limits: _Limits) -> dict[str, Any]:
    said = {STATUS: status_sentence(card["publication"])}
    if signed := signatures(card):
        said[SIGNED] = "; ".join(signed)
    said |= {part["title"]: part["text"] for part in _details(card)[: _room(card)]}
    details = {title: limits.cut(title, text, SHORT) for title, text in said.items()}
    return {
        "ethical_considerations": limits.cut("Risks", texts.get("risks"), LONG),
        "caveats_and_recommendations": limits.cut("Limitations", texts.get("limitations"), LONG),
        "custom_details": details,
    }


def _details(card: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The written sections without a field of their own, the most needed ones first."""
    found = [part for part in card["sections"] if part["text"] and part["id"] not in KEPT]
    return sorted(found, key=lambda part: part["id"] not in FIRST)


def _room(card: Mapping[str, Any]) -> int:
    """How many sections become custom details, beside the status and the signatures."""
    return MOST_DETAILS - 1 - bool(signatures(card))


def _moved(card: Mapping[str, Any]) -> list[Loss]:
    found = [part["id"] for part in _details(card)]
    there, gone = found[: _room(card)], found[_room(card) :]
    why = f"At most {MOST_DETAILS} custom details there."
    losses = moved(dict.fromkeys(there, ""), (), ELSEWHERE)
    if signatures(card):
        losses.append(Loss(SIGNED, ELSEWHERE, "The format has no such field."))
    return losses + [Loss(BY_ID[name].title, NOWHERE, why) for name in gone]


def _whole(document: dict[str, Any], limits: _Limits) -> None:
    """Drop numbers from the end until the whole is short enough."""
    groups = document["evaluation_details"][0]["metric_groups"]
    dropped = 0
    while groups and groups[0]["metric_data"] and len(json.dumps(document)) > WHOLE:
        groups[0]["metric_data"].pop()
        dropped += 1
    if dropped:
        limits.losses.append(Loss(f"{dropped} numbers", NOWHERE, f"At most {WHOLE:,} characters."))
