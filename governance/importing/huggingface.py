"""A Hugging Face model card: front matter, model-index and the text below. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from governance.card_fields import SECTIONS
from governance.formats.headings import TAIL, by_heading
from governance.formats.huggingface import MARK, UNWRITTEN
from governance.importing.found import Foreign, Sorting, Stated

FORMAT = "Hugging Face"
COMMENT = re.compile(r"<!--.*?-->", re.S)
HEADING = re.compile(r"(#{1,6})[ \t]+(.*?)(?:[ \t]+#+)?[ \t]*")
FENCE = re.compile(r" {0,3}(```|~~~)")
# Which of our sections answers a usual heading of such cards; small letters.
HEADINGS: dict[str, tuple[str, ...]] = {
    "overview": ("model details", "model description", "model summary", "description", "summary"),
    "purpose": ("purpose", "uses", "use cases"),
    "users": (
        "direct use",
        "downstream use",
        "downstream use [optional]",
        "intended use",
        "intended uses",
        "intended uses & limitations",
        "how to use",
        "usage",
        "how to get started with the model",
    ),
    "out_of_scope": ("out-of-scope use", "out-of-scope uses", "out of scope use", "misuse"),
    "training_data": ("dataset", "datasets", "training datasets"),
    "training": (
        "training details",
        "training",
        "preprocessing",
        "preprocessing [optional]",
        "training hyperparameters",
        "hyperparameters",
        "speeds, sizes, times",
        "speeds, sizes, times [optional]",
        "technical specifications",
        "technical specifications [optional]",
        "environmental impact",
        "compute infrastructure",
    ),
    "evaluation_data": ("evaluation", "testing data", "testing data, factors & metrics"),
    "metrics": ("metrics", "results", "evaluation results"),
    "risks": ("bias, risks, and limitations", "risks", "ethical considerations", "bias"),
    "fairness": ("factors", "fairness"),
    "limitations": ("limitations", "recommendations", "caveats and recommendations"),
    "explanation": ("model examination", "model examination [optional]", "explainability"),
    "architecture": ("model architecture",),
    "licence": ("license",),
    "citation": ("citation [optional]",),
    "contact": ("model card contact", "model card authors", "model card authors [optional]"),
    "references": (
        "references",
        "model sources",
        "model sources [optional]",
        "more information",
    ),
}
BY_HEADING = {heading: section for section, names in HEADINGS.items() for heading in names} | {
    section.title.lower(): section.id for section in SECTIONS
}
# Fields of front matter that become a line of a section, and the words before it.
LINES = {
    "license": ("licence", "Licence"),
    "license_name": ("licence", "Name of the licence"),
    "license_link": ("licence", "Text of the licence"),
    "base_model": ("training", "Base model"),
    "datasets": ("training_data", "Data sets"),
}
OURS = "Facts of the model and version come from the registry here."
NO_FIELD = "There is no such field in a card here."
WHY_LOST = {
    **dict.fromkeys(("library_name", "pipeline_tag", "model_name", MARK), OURS),
    "metrics": "Only names of measures; which ones count is said in words here.",
}


def from_huggingface(head: dict[str, Any], body: list[str], *, first_line: int) -> Foreign:
    """Ours come back as they were; of others the headings are understood."""
    sorting = Sorting()
    for name, value in head.items():
        _field(sorting, name, value, ours=MARK in head)
    name = _index(sorting, head.get("model-index"))
    if head.get(MARK):
        _own(sorting, "\n".join(body))
    else:
        _foreign(sorting, "\n".join(body), first_line)
    return sorting.whole(format=FORMAT, name=name)


def _field(sorting: Sorting, name: str, value: Any, *, ours: bool) -> None:
    if name == "model-index":
        return
    if name not in LINES or ours:
        sorting.lose(name, WHY_LOST.get(name, NO_FIELD))
        return
    section, words = LINES[name]
    many = value if isinstance(value, list) else [value]
    said = [sorting.text(name, one) for one in many]
    if any(said):
        sorting.take(name, section, f"{words}: {', '.join(one for one in said if one)}")


def _index(sorting: Sorting, index: Any) -> str:
    """The numbers of every model; answers the first one's name."""
    name = ""
    for path, model in sorting.rows("model-index", index):
        name = name or sorting.text(f"{path}.name", model.get("name"))
        for inner, result in sorting.rows(f"{path}.results", model.get("results")):
            _result(sorting, inner, result)
    return name


def _result(sorting: Sorting, path: str, result: dict[str, Any]) -> None:
    data = sorting.group(f"{path}.dataset", result.get("dataset"))
    where = sorting.text(f"{path}.dataset.name", data.get("name"))
    for inner, metric in sorting.rows(f"{path}.metrics", result.get("metrics")):
        label = sorting.text(f"{inner}.name", metric.get("name") or metric.get("type"))
        if not label:
            sorting.blame(inner, "The number has no name.", "Give it a type or a name.")
            continue
        if isinstance(metric.get("value"), dict | list):
            sorting.blame(f"{inner}.value", "This is not one number.", "Write one number here.")
            continue
        value = sorting.number(f"{inner}.value", metric.get("value"))
        if value is not None:
            sorting.state(Stated(inner, label, value))
    if where:
        sorting.lose(f"{path}.dataset", f"A number here has no data set of its own ({where[:60]}).")


def _own(sorting: Sorting, body: str) -> None:
    titles = {section.title: section.id for section in SECTIONS}
    for title, text in by_heading(body).items():
        if title in TAIL:
            sorting.lose(title, "Filled in by Ombud from this version's own records.")
        elif text != UNWRITTEN:
            sorting.take(title, titles[title], text)


@dataclass
class Block:
    """What stands below one understood heading, until the next."""

    path: str
    section: str
    level: int
    lines: list[str]


def _foreign(sorting: Sorting, body: str, first_line: int) -> None:
    if COMMENT.search(body):
        sorting.lose("comments", "Notes to the writer of the file are not shown to readers.")
    # Comments leave their line breaks, so that lines keep their numbers.
    text = COMMENT.sub(lambda m: "\n" * m[0].count("\n"), body)
    for block in _blocks(text, first_line):
        said = "\n".join(block.lines).strip()
        if said and block.section:
            sorting.take(block.path, block.section, said)
        elif said:
            sorting.lose(block.path, "No section of a card here answers this heading.")


def _blocks(text: str, first_line: int) -> Iterator[Block]:
    """What comes before the first heading, or below the title, is the overview."""
    block = Block(f"line {first_line}", "overview", 1, [])
    for number, level, line in _levels(text, first_line):
        title = HEADING.fullmatch(line)[2].strip().lower() if level else ""  # type: ignore[index]
        section = BY_HEADING.get(title, "")
        if not level or (not section and level > block.level):
            block.lines.append(line)
            continue
        yield block
        path = f"{line.lstrip('# ').strip()[:80]} (line {number})"
        block = Block(path, section or ("overview" if level == 1 else ""), level, [])
    yield block


def _levels(text: str, first_line: int) -> Iterator[tuple[int, int, str]]:
    """Each line with its number and, where it is a heading, its level; code is none."""
    fenced = ""
    for number, line in enumerate(text.split("\n"), start=first_line):
        mark = FENCE.match(line)
        if mark:
            fenced = "" if mark[1] == fenced else fenced or mark[1]
        heading = None if fenced or mark else HEADING.fullmatch(line)
        yield number, len(heading[1]) if heading else 0, line
