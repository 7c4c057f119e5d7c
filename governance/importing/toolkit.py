"""A card of Google's Model Card Toolkit, v0.0.2: the mirror of `formats.toolkit`. Pure."""

import re
from collections.abc import Iterable
from typing import Any

from governance.card_fields import SECTIONS
from governance.formats.headings import TAIL, by_heading
from governance.formats.toolkit import LIMITS, OUT_OF_SCOPE
from governance.importing.found import Foreign, Sorting, Stated

FORMAT = "Model Card Toolkit"
OURS = "A fact of the version, which comes from the registry here."
NO_FIELD = "There is no such field in a card here."
KNOWN = {"schema_version", "model_details", "model_parameters"} | {
    *("quantitative_analysis", "considerations")
}
SECTION_OF = {"references": "references", "citations": "citation", "licenses": "licence"}
DATA = {"Training data": "training_data", "Evaluation data": "evaluation_data"}
SAID = {"users": "users", "use_cases": "purpose", "tradeoffs": "trade_offs"}
NAMES = {"Risks": "risks", "Fairness": "fairness"}
EVALUATION = re.compile(r"eval|test|valid|hold.?out", re.I)


def from_toolkit(document: dict[str, Any]) -> Foreign:
    sorting = Sorting()
    if not KNOWN & document.keys():
        mend = "Send the toolkit's JSON, with model_details."
        sorting.blame("", "This JSON is not a card of the toolkit.", mend)
    details = sorting.group("model_details", document.get("model_details"))
    _details(sorting, details)
    _parameters(sorting, sorting.group("model_parameters", document.get("model_parameters")))
    _analysis(sorting, document.get("quantitative_analysis"))
    _considerations(sorting, sorting.group("considerations", document.get("considerations")))
    _leave(sorting, "", document, KNOWN)
    return sorting.whole(format=FORMAT, name=sorting.text("name", details.get("name")))


def _leave(sorting: Sorting, path: str, fields: dict[str, Any], known: Iterable[str]) -> None:
    """What has no place here is named, never dropped unseen."""
    for name in fields.keys() - set(known):
        if fields[name] not in (None, "", [], {}):
            sorting.lose(f"{path}{name}", NO_FIELD)


def _facts(sorting: Sorting, path: str, fields: dict[str, Any], names: Iterable[str]) -> None:
    for name in names:
        if fields.get(name):
            sorting.lose(f"{path}{name}", OURS)


def _details(sorting: Sorting, details: dict[str, Any]) -> None:
    path = "model_details."
    overview = sorting.text(f"{path}overview", details.get("overview"))
    sorting.take(f"{path}overview", "overview", overview)
    _documentation(sorting, sorting.text(f"{path}documentation", details.get("documentation")))
    _owners(sorting, sorting.rows(f"{path}owners", details.get("owners")))
    lists = {"references": "reference", "citations": "citation", "licenses": "identifier"}
    for name, inner in lists.items():
        _references(sorting, name, inner, sorting.rows(f"{path}{name}", details.get(name)))
    facts = ("name", "version", "path")
    _facts(sorting, path, details, facts)
    known = {"overview", "documentation", "owners", *lists, *facts}
    _leave(sorting, path, details, known)


def _documentation(sorting: Sorting, text: str) -> None:
    """Our own sections by their headings; any other text belongs to the overview."""
    path = "model_details.documentation"
    titles = {section.title: section.id for section in SECTIONS}
    found = {title: said for title, said in by_heading(text).items() if title in titles}
    first = text.split("\n", 1)[0]
    if first.startswith("## ") and first[3:] in {*titles, *TAIL}:
        for title, said in found.items():
            sorting.take(f"{path}, {title}", titles[title], said)
    else:
        sorting.take(path, "overview", text)


def _owners(sorting: Sorting, rows: list[tuple[str, dict[str, Any]]]) -> None:
    """One owner's contact as it is; of several, each with the name."""
    for path, owner in rows:
        name = sorting.text(f"{path}.name", owner.get("name"))
        contact = sorting.text(f"{path}.contact", owner.get("contact"))
        several = len(rows) > 1 and name and contact
        sorting.take(f"{path}.contact", "contact", f"{name}: {contact}" if several else contact)
        if name and not several:
            sorting.lose(f"{path}.name", "The owner is a fact of the model here.")
        _leave(sorting, f"{path}.", owner, ("name", "contact"))


def _references(
    sorting: Sorting, name: str, inner: str, rows: list[tuple[str, dict[str, Any]]]
) -> None:
    for path, row in rows:
        said = sorting.text(f"{path}.{inner}", row.get(inner))
        if name == "licenses":
            more = sorting.text(f"{path}.custom_text", row.get("custom_text"))
            said = "\n\n".join(one for one in (said, more) if one)
        sorting.take(path, SECTION_OF[name], said)
        _leave(sorting, f"{path}.", row, (inner, *(["custom_text"] if name == "licenses" else [])))


def _parameters(sorting: Sorting, fields: dict[str, Any]) -> None:
    path = "model_parameters."
    architecture = sorting.text(f"{path}model_architecture", fields.get("model_architecture"))
    sorting.take(f"{path}model_architecture", "architecture", architecture)
    for inner, row in sorting.rows(f"{path}data", fields.get("data")):
        _data(sorting, inner, row)
    facts = ("input_format", "input_format_map", "output_format", "output_format_map")
    _facts(sorting, path, fields, facts)
    _leave(sorting, path, fields, ("model_architecture", "data", *facts))


def _data(sorting: Sorting, path: str, row: dict[str, Any]) -> None:
    name = sorting.text(f"{path}.name", row.get("name"))
    said = sorting.text(f"{path}.description", row.get("description"))
    link = sorting.text(f"{path}.link", row.get("link"))
    if name in DATA:
        sorting.take(path, DATA[name], "\n\n".join(one for one in (said, link) if one))
    else:
        section = "evaluation_data" if EVALUATION.search(name) else "training_data"
        title = f"**{name}**" if name else ""
        sorting.take(path, section, "\n\n".join(one for one in (title, said, link) if one))
    _leave(sorting, f"{path}.", row, ("name", "description", "link"))


def _analysis(sorting: Sorting, value: Any) -> None:
    path = "quantitative_analysis."
    fields = sorting.group(path[:-1], value)
    for inner, row in sorting.rows(f"{path}performance_metrics", fields.get("performance_metrics")):
        _metric(sorting, inner, row)
    _leave(sorting, path, fields, ("performance_metrics",))


def _metric(sorting: Sorting, path: str, row: dict[str, Any]) -> None:
    label = sorting.text(f"{path}.type", row.get("type"))
    part = sorting.text(f"{path}.slice", row.get("slice"))
    said = sorting.text(f"{path}.value", row.get("value"))
    if not label:
        sorting.blame(path, "The number has no name.", "Give it a type.")
    value = sorting.number(f"{path}.value", said)
    bounds = sorting.group(f"{path}.confidence_interval", row.get("confidence_interval"))
    names = ("lower_bound", "upper_bound")
    ends = [
        sorting.number(f"{path}.{name}", bounds[name]) if name in bounds else None for name in names
    ]
    if label and value is not None:
        full = f"{label} ({part})" if part else label
        sorting.state(Stated(path, full, value, *_ordered(ends)))
    _leave(sorting, f"{path}.", row, ("type", "slice", "value", "confidence_interval"))


def _ordered(ends: list[float | None]) -> tuple[float | None, float | None]:
    """An interval with both ends the right way round, or none."""
    low, high = ends
    return (low, high) if low is not None and high is not None and low <= high else (None, None)


def _considerations(sorting: Sorting, fields: dict[str, Any]) -> None:
    path = "considerations."
    for name, section in SAID.items():
        for inner, row in sorting.rows(f"{path}{name}", fields.get(name)):
            sorting.take(inner, section, sorting.text(inner, row.get("description")))
            _leave(sorting, f"{inner}.", row, ("description",))
    for inner, row in sorting.rows(f"{path}limitations", fields.get("limitations")):
        _limitation(sorting, inner, sorting.text(inner, row.get("description")))
        _leave(sorting, f"{inner}.", row, ("description",))
    ethics = sorting.rows(f"{path}ethical_considerations", fields.get("ethical_considerations"))
    for inner, row in ethics:
        _ethics(sorting, inner, row)
    _leave(sorting, path, fields, (*SAID, "limitations", "ethical_considerations"))


def _limitation(sorting: Sorting, path: str, text: str) -> None:
    out = text.startswith(OUT_OF_SCOPE)
    said = text.removeprefix(OUT_OF_SCOPE) if out else text.removeprefix(LIMITS)
    sorting.take(path, "out_of_scope" if out else "limitations", said)


def _ethics(sorting: Sorting, path: str, row: dict[str, Any]) -> None:
    name = sorting.text(f"{path}.name", row.get("name"))
    said = sorting.text(f"{path}.mitigation_strategy", row.get("mitigation_strategy"))
    whole = said if name in NAMES else "\n\n".join(one for one in (f"**{name}**", said) if one)
    sorting.take(path, NAMES.get(name, "risks"), whole)
    _leave(sorting, f"{path}.", row, ("name", "mitigation_strategy"))
