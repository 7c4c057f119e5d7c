"""The JSON Schema (Draft 2020-12) of a card's own export, made from the canonical table. Pure."""

from typing import Any

from governance.card_fields import LONGEST_SECTION, SECTIONS
from governance.exports import FORMAT
from governance.publishing import CardState

TEXT: dict[str, Any] = {"type": "string"}
INSTANT: dict[str, Any] = {"type": ["string", "null"]}
NUMBER: dict[str, Any] = {"type": "number"}
PERHAPS: dict[str, Any] = {"type": ["number", "null"]}
WHOLE: dict[str, Any] = {"type": ["integer", "null"]}
STATES = ["supported", "stale", "contradicted", "stated", "not judged"]
FACTS = ("model", "version", "artifact", "mlflow", "lineage", "schema", "reference")
LISTS = ("deployments", "approvals")
PUBLISHED_BY = ("name", "role", "meaning", "reason", "method", "digest", "at")


def card_schema(address: str) -> dict[str, Any]:
    """What every export of `exports.card_json` is; `address` is where the schema is published."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": address,
        "title": "Card of a model's version",
        "description": "People's sections, facts of the registry, and numbers with their state.",
        **_record(
            format={"const": FORMAT},
            revision=_revision(),
            sections=_sections(),
            facts=_facts(),
            claims={"type": "array", "items": _claim()},
            publication=_publication(),
            completeness=_completeness(),
        ),
    }


def _record(**fields: dict[str, Any]) -> dict[str, Any]:
    """An object with exactly these fields."""
    return {
        "type": "object",
        "properties": fields,
        "required": list(fields),
        "additionalProperties": False,
    }


def _revision() -> dict[str, Any]:
    digest = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    number = {"type": "integer", "minimum": 1}
    return _record(number=number, digest=digest, at=TEXT, author=TEXT, note=TEXT)


def _publication() -> dict[str, Any]:
    """Whether this is what the card's readers are given, and who said so."""
    number = {"type": "integer", "minimum": 1}
    signed = dict.fromkeys(PUBLISHED_BY, TEXT) | {"revision": number}
    return _record(
        state={"enum": [state.value for state in CardState]},
        revision=number,
        published_revision=WHOLE,
        newest_revision=number,
        by={"oneOf": [{"type": "null"}, _record(**signed)]},
    )


def _sections() -> dict[str, Any]:
    """All sections, in the table's order."""
    length = len(SECTIONS)
    return {
        "type": "array",
        "prefixItems": [
            _record(
                id={"const": section.id},
                title={"const": section.title},
                text={"type": "string", "maxLength": LONGEST_SECTION},
            )
            | {"description": section.question}
            for section in SECTIONS
        ],
        "items": False,
        "minItems": length,
        "maxItems": length,
    }


def _facts() -> dict[str, Any]:
    groups: dict[str, Any] = {name: {"type": ["object", "null"]} for name in FACTS}
    lists: dict[str, Any] = {name: {"type": "array", "items": {"type": "object"}} for name in LISTS}
    return {
        "type": "object",
        "properties": groups | lists,
        "required": ["model", "version"],
    }


def _completeness() -> dict[str, Any]:
    count = {"type": "integer", "minimum": 0}
    missing = _record(section=TEXT, title=TEXT, why={"type": "array", "items": TEXT})
    return _record(
        written=count,
        required=count,
        percent={"type": "integer", "minimum": 0, "maximum": 100},
        missing={"type": "array", "items": missing},
    )


def _claim() -> dict[str, Any]:
    return _record(
        key=TEXT,
        label=TEXT,
        value=NUMBER,
        low=PERHAPS,
        high=PERHAPS,
        tolerance=PERHAPS,
        n=WHOLE,
        as_of=INSTANT,
        source=TEXT,
        measurement=WHOLE,
        state={"enum": STATES},
        reason=TEXT,
    )
