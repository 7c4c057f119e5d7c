"""A card outside Ombud: as JSON and as Markdown that people can read and print. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from governance.card_fields import SECTIONS
from governance.publishing import status_sentence

FORMAT = "ombud-card/2"
FACT_TITLES = {
    "model": "Model",
    "version": "Version",
    "risk": "Risk",
    "registration": "Registration with an authority (EU AI Act, Annex VIII)",
    "artifact": "Artifact",
    "mlflow": "MLflow",
    "lineage": "Lineage",
    "schema": "Schema",
    "reference": "Reference",
}

LABELS = {
    "kpis": "KPIs",
    "requirements": "Business requirements",
    "uri": "Address",
    "mlflow_version": "Logged by MLflow",
    "run": "Run",
    "slug": "Name in the API",
    "id": "Run id",
    "pickled": "Can run code when loaded",
    "mlflow": "MLflow",
    "created_ms": "Created",
}


def card_json(
    *,
    revision: Mapping[str, Any],
    sections: Mapping[str, str],
    facts: Mapping[str, Any],
    claims: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """The whole card: its revision, people's sections in order, facts and claims."""
    return {
        "format": FORMAT,
        "revision": dict(revision),
        "sections": [
            {"id": section.id, "title": section.title, "text": sections.get(section.id, "")}
            for section in SECTIONS
        ],
        "facts": dict(facts),
        "claims": [dict(claim) for claim in claims],
    }


def card_markdown(card: Mapping[str, Any]) -> str:
    """The card of `card_json` as Markdown: words, then numbers, facts and signatures."""
    facts = card["facts"]
    title = f"# {_cell(facts['model']['name'])} {facts['version']['number']}: model card"
    parts = [title, f"**{_cell(status_sentence(card['publication']))}**"]
    parts += [_revision(card["revision"])]
    shown, optional = sections_to_show(card)
    parts += [f"## {s['title']}\n\n{s['text'] or '*Not written.*'}" for s in shown]
    if optional:
        parts.append(f"## Not written, and not required\n\n{', '.join(optional)}.")
    parts += [_guidelines(facts.get("guidelines", [])), _claims(card["claims"]), _facts(facts)]
    parts += [_deployments(facts.get("deployments", [])), _approvals(facts.get("approvals", []))]
    return "\n\n".join(parts) + "\n"


def sections_to_show(card: Mapping[str, Any]) -> tuple[list[Mapping[str, Any]], list[str]]:
    """The sections with words or that this card must have, and the titles of all others."""
    needed = {one["section"] for one in card["completeness"]["missing"]}
    shown = [part for part in card["sections"] if part["text"] or part["id"] in needed]
    rest = [part["title"] for part in card["sections"] if part not in shown]
    return shown, rest


def _revision(revision: Mapping[str, Any]) -> str:
    return (
        f"Revision {revision['number']} of {revision['at']} by {_cell(revision['author'])}; "
        f"SHA-256 `{revision['digest']}`."
    )


def _claims(claims: Iterable[Mapping[str, Any]]) -> str:
    rows = [
        [
            claim["label"],
            claim["value"],
            _interval(claim),
            claim["n"],
            claim["as_of"],
            claim["source"],
            claim.get("state", ""),
        ]
        for claim in claims
    ]
    return "## Numbers\n\n" + _table(
        ["What", "Value", "Interval", "n", "As of", "Source", "State"], rows
    )


def _interval(claim: Mapping[str, Any]) -> str:
    if claim["low"] is None or claim["high"] is None:
        return ""
    return f"{claim['low']} to {claim['high']}"


def _facts(facts: Mapping[str, Any]) -> str:
    """Each group's title, with names and values as a table has them."""
    named = ((title, facts.get(group)) for group, title in FACT_TITLES.items())
    groups = [
        f"### {title}\n\n{_table(['Fact', 'Value'], list(_flat(group)))}"
        for title, group in named
        if group
    ]
    return "\n\n".join(["## Facts", *groups])


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterable[list[Any]]:
    for name, item in value.items():
        if isinstance(item, Mapping):
            yield from _flat(item, f"{prefix}{name}.")
        elif isinstance(item, list):
            yield [f"{prefix}{name}", ", ".join(_item(part) for part in item)]
        else:
            yield [f"{prefix}{name}", item]


def _item(part: Any) -> str:
    return f"{part['name']} ({part['dtype']})" if _is_field(part) else str(part)


def _is_field(part: Any) -> bool:
    return isinstance(part, Mapping) and {"name", "dtype"} <= part.keys()


def _guidelines(rows: Iterable[Mapping[str, Any]]) -> str:
    """Ethical guidelines: the signed answers, then who signed them."""
    parts = ["## Ethical guidelines"]
    for row in rows:
        parts.append(f"### {_cell(row['title'])}, edition {row['edition']}")
        parts += [_answer(answer) for answer in row["answers"]]
        signed = f"Signed by {_cell(row['name'])} ({_cell(row['role'])}) at {row['at']}"
        parts.append(f"{signed}: {_cell(row['meaning'])}. {_cell(row['reason'])}")
        parts.append(f"SHA-256 `{row['digest']}`.")
    return "\n\n".join(parts if len(parts) > 1 else [*parts, "*None signed.*"])


def _answer(answer: Mapping[str, Any]) -> str:
    said = [answer["chosen"], answer["text"]]
    lines = [f"**{_cell(answer['question'])}**", " ".join(_cell(one) for one in said if one)]
    rejected = answer["rejected"]
    lines += [f"- {_cell(one['alternative'])}: {_cell(one['reason'])}" for one in rejected]
    return "\n\n".join(lines)


def _deployments(rows: Iterable[Mapping[str, Any]]) -> str:
    cells = [[r["role"], r["environment"], r["traffic_share"], r["from"], r["to"]] for r in rows]
    head = ["Role", "Environment", "Share", "From", "To"]
    return "## Deployments\n\n" + _table(head, cells)


def _approvals(rows: Iterable[Mapping[str, Any]]) -> str:
    names = ("name", "role", "decision", "meaning", "at", "method")
    cells = [[row.get(name) for name in names] for row in rows]
    head = ["Name", "Role", "Decision", "Meaning", "Signed at", "Proved by"]
    return "## Signatures\n\n" + _table(head, cells)


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    if not rows:
        return "*None.*"
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: Any) -> str:
    """One cell: no line breaks, no bars, nothing that becomes a tag."""
    text = "" if value is None else str(value)
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
