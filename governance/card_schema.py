"""The JSON Schema (Draft 2020-12) of a card's own export, made from the canonical tables. Pure."""

from typing import Any

from governance.card_fields import LONGEST_SECTION, SECTIONS
from governance.card_table import FACTS, ROWS, Kind
from governance.exports import FORMAT
from governance.publishing import CardState

TEXT: dict[str, Any] = {"type": "string"}
INSTANT: dict[str, Any] = {"type": ["string", "null"]}
NUMBER: dict[str, Any] = {"type": "number"}
PERHAPS: dict[str, Any] = {"type": ["number", "null"]}
WHOLE: dict[str, Any] = {"type": ["integer", "null"]}
STATES = ["supported", "stale", "contradicted", "stated", "not judged"]
CLOSED: dict[str, Any] = {"additionalProperties": False}
NAMED = {"type": "object", "properties": {"name": INSTANT, "dtype": INSTANT}} | CLOSED
TYPES: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: INSTANT,
    Kind.WHOLE: WHOLE,
    Kind.NUMBER: PERHAPS,
    Kind.TEXTS: {"type": "array", "items": TEXT},
    Kind.FIELDS: {"type": "array", "items": NAMED},
    Kind.ANY: {"type": ["object", "null"]},
    Kind.ROWS: {"type": "array", "items": {"type": "object"}},
}
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
    """Every fact of the table; cards of earlier days have fewer groups, and unknown ones are null.

    Groups hold the facts that are listed and no others.
    """
    properties: dict[str, Any] = {}
    for fact in FACTS:
        group, _, name = fact.path.partition(".")
        if not name:
            properties[group] = _whole(group, fact.kind)
            continue
        found = properties.setdefault(group, _group())
        found["properties"][name] = TYPES[fact.kind]
    return {
        "type": "object",
        "properties": properties,
        "required": ["model", "version"],
        "additionalProperties": False,
    }


def _group() -> dict[str, Any]:
    return {"type": ["object", "null"], "properties": {}, "additionalProperties": False}


def _whole(name: str, kind: Kind) -> dict[str, Any]:
    if kind == Kind.ANY:
        return TYPES[kind]
    parts = {part: TYPES[type_] for part, type_ in ROWS[name].items()}
    return {"type": "array", "items": {"type": "object", "properties": parts} | CLOSED}


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
