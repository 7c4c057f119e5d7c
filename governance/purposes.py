"""What a model is for, as evidence freezes it, and how two of these differ. Pure."""

from collections.abc import Mapping
from typing import Any

from audit.chain import plain, sha256_of

PARTS = {
    "purpose": "The purpose changed",
    "kpis": "The KPIs changed",
    "requirements": "The business requirements changed",
}
PART_TITLES = {"purpose": "Purpose", "kpis": "KPIs", "requirements": "Business requirements"}


def purpose_of(model: Any) -> dict[str, Any]:
    """Purpose, KPIs and business requirements of a model, with the digest over them."""
    facts = {name: getattr(model, name) for name in PARTS}
    return {**facts, "digest": digest_of_purpose(facts)}


def digest_of_purpose(facts: Mapping[str, Any]) -> str:
    return sha256_of(plain({name: facts[name] for name in PARTS}))


def changed_parts(frozen: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The sentence of every part that is not as it was."""
    return [sentence for name, sentence in PARTS.items() if frozen[name] != now[name]]
