"""The canonical card, field by field: what it is, where it comes from, where it is held. Pure.

The published schema is made from this table, and tests hold the facts that are gathered to it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Origin(StrEnum):
    """Who fills a field in."""

    FACTS = "the registry and signed records"
    PEOPLE = "people's words"
    MEASURED = "measurements and training runs"


class Kind(StrEnum):
    """What a fact is, as the schema says it."""

    TEXT = "text"
    WHOLE = "whole number"
    NUMBER = "number"
    TEXTS = "list of texts"
    FIELDS = "list of names and types"
    ANY = "object of any shape"
    ROWS = "list of records"


@dataclass(frozen=True)
class Fact:
    """One fact of a card: its path below `facts`, and its type."""

    path: str
    kind: Kind = Kind.TEXT


@dataclass(frozen=True)
class CardField:
    """One canonical field; a card holds it in sections, in facts, as claims, or in several."""

    id: str
    title: str
    sections: tuple[str, ...] = ()
    facts: tuple[Fact, ...] = ()
    claims: bool = False

    @property
    def origins(self) -> tuple[Origin, ...]:
        found = []
        if self.facts:
            found.append(Origin.FACTS)
        if self.sections:
            found.append(Origin.PEOPLE)
        if self.claims:
            found.append(Origin.MEASURED)
        return tuple(found)

    @property
    def types(self) -> tuple[str, ...]:
        """What it consists of, in words."""
        kinds = list(dict.fromkeys(str(fact.kind) for fact in self.facts))
        kinds += ["Markdown"] * bool(self.sections) + ["claims"] * self.claims
        return tuple(kinds)


def _facts(group: str, *names: str, kind: Kind = Kind.TEXT) -> tuple[Fact, ...]:
    return tuple(Fact(f"{group}.{name}", kind) for name in names)


FIELDS: tuple[CardField, ...] = (
    CardField("identity", "Id and name", facts=_facts("model", "name", "slug")),
    CardField("description", "Summary and description", ("overview",)),
    CardField(
        "version",
        "Version, its date and what is new",
        ("overview",),
        (
            *_facts("version", "number", "parent", kind=Kind.WHOLE),
            *_facts("version", "registered_at", "summary"),
        ),
    ),
    CardField(
        "owners",
        "Owner, creator and contact",
        ("contact",),
        (*_facts("model", "owner", "team"), *_facts("version", "registered_by")),
    ),
    CardField("terms", "Licence, citation, references", ("licence", "citation", "references")),
    CardField(
        "artifact",
        "Artifact and digest",
        facts=(
            *_facts("artifact", "digest", "uri"),
            *_facts("artifact", "files", "size", kind=Kind.WHOLE),
            *_facts("artifact", "formats", kind=Kind.TEXTS),
            *_facts("mlflow", "model", "run"),
            *_facts("mlflow", "version", kind=Kind.WHOLE),
        ),
    ),
    CardField("task", "Task, algorithm, architecture", ("architecture",), _facts("model", "task")),
    CardField(
        "signature",
        "Inputs and outputs",
        facts=(
            *_facts("schema", "digest"),
            *_facts("schema", "inputs", "outputs", "outcomes", kind=Kind.FIELDS),
        ),
    ),
    CardField(
        "purpose",
        "Purpose and business",
        ("purpose", "business"),
        (
            *_facts("model", "purpose"),
            *_facts("model", "kpis", "requirements", kind=Kind.TEXTS),
        ),
    ),
    CardField("users", "Users and instructions for use", ("users",)),
    CardField("out_of_scope", "Out of scope", ("out_of_scope",)),
    CardField(
        "risk_tier",
        "Risk tier and reason",
        facts=(
            *_facts("model", "risk_tier"),
            *_facts("risk", "tier", "signed_by", "at", "digest"),
            *_facts("risk", "reasons", kind=Kind.TEXTS),
        ),
    ),
    CardField(
        "factors", "Factors and groups", ("factors",), _facts("schema", "groups", kind=Kind.FIELDS)
    ),
    CardField("training_data", "Training data", ("training_data",)),
    CardField("training", "Training procedure", ("training",), (Fact("lineage", Kind.ANY),)),
    CardField(
        "evaluation_data",
        "Evaluation data",
        ("evaluation_data",),
        (*_facts("reference", "kind", "digest"), *_facts("reference", "rows", kind=Kind.WHOLE)),
    ),
    CardField("metrics", "Metrics with slice and interval", claims=True),
    CardField("metric_reasons", "Why these metrics", ("metrics",)),
    CardField("thresholds", "Thresholds fixed before the test", ("thresholds",)),
    CardField("trade_offs", "Trade-offs", ("trade_offs",)),
    CardField(
        "risks", "Ethics, risks and mitigation", ("risks",), (Fact("guidelines", Kind.ROWS),)
    ),
    CardField("fairness", "Fairness by group", ("fairness",), claims=True),
    CardField("limitations", "Limitations and caveats", ("limitations",)),
    CardField("explanation", "Explainability", ("explanation",)),
    CardField("oversight", "Human oversight", ("oversight",)),
    CardField("security", "Security", ("security",)),
    CardField("compute", "Compute and hardware", ("compute",)),
    CardField("system", "System, supply and interface", ("interaction", "supply", "interface")),
    CardField("environment", "Environment", ("environment",)),
    CardField("changes", "Changes determined beforehand", ("changes",)),
    CardField("standards", "Standards and declaration", ("standards", "declaration")),
    CardField(
        "registration",
        "Registration with an authority (EU AI Act, Annex VIII)",
        facts=_facts("registration", "state", "register", "number", "registered_on"),
    ),
    CardField(
        "monitoring",
        "Monitoring plan, lifetime, retirement",
        ("monitoring", "retirement"),
        (Fact("deployments", Kind.ROWS),),
    ),
    CardField("approvals", "Approvals and signatures", facts=(Fact("approvals", Kind.ROWS),)),
    CardField("custom", "Further information", ("custom",)),
)
FACTS: tuple[Fact, ...] = tuple(fact for field in FIELDS for fact in field.facts)

# The records of facts that are lists, with the type of each part.
ROWS: dict[str, dict[str, Any]] = {
    "deployments": {
        "environment": Kind.TEXT,
        "role": Kind.TEXT,
        "traffic_share": Kind.TEXT,
        "from": Kind.TEXT,
        "to": Kind.TEXT,
    },
    "approvals": {
        "request": Kind.WHOLE,
        **dict.fromkeys(
            ("kind", "name", "role", "decision", "meaning", "at", "digest", "method"), Kind.TEXT
        ),
    },
    "guidelines": {
        **dict.fromkeys(("guideline", "title", "name", "role"), Kind.TEXT),
        **dict.fromkeys(("meaning", "reason", "at", "digest"), Kind.TEXT),
        "edition": Kind.WHOLE,
        "answers": Kind.ROWS,
    },
}
