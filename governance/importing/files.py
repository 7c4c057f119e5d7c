"""The bytes of an uploaded card: told apart, decoded and bounded. Pure."""

import json
import re
from typing import Any

import yaml

from governance.card_fields import BY_ID, LONGEST_SECTION
from governance.framework_files import BadFramework, tree_of
from governance.importing.found import BadCard, Foreign, Place
from governance.importing.hazards import hazards
from governance.importing.huggingface import from_huggingface
from governance.importing.toolkit import from_toolkit

LARGEST = 500_000
DEEPEST = 12
MOST_NUMBERS = 500
MARK = "---"
LINE = re.compile(r"line ([0-9]+): ")
# NUL and halves of letters, which JSON can spell and no database can hold.
UNFIT = re.compile("[\x00\ud800-\udfff]")


def read_card(raw: bytes) -> Foreign:
    """A card of Hugging Face or of the Model Card Toolkit, taken apart.

    Raises:
        BadCard: not such a file, or not one that can be taken whole.
    """
    text = _decoded(raw)
    if text.startswith("{"):
        found = from_toolkit(_json(text))
    elif text.split("\n", 1)[0].strip() == MARK:
        found = _readme(text)
    else:
        raise _one(
            "",
            "This is neither a Hugging Face card nor a Model Card Toolkit file.",
            "Send a README.md that begins with front matter (---), or the toolkit's JSON.",
        )
    _bounded(found)
    return found


def _readme(text: str) -> Foreign:
    lines = text.split("\n")
    ends = [i for i, line in enumerate(lines[1:], start=1) if line.rstrip() == MARK]
    if not ends:
        raise _one("line 1", "The front matter has no end.", "Close it with a line of ---.")
    head = _yaml("\n".join(["", *lines[1 : ends[0]]]))
    return from_huggingface(head, lines[ends[0] + 1 :], first_line=ends[0] + 2)


def _decoded(raw: bytes) -> str:
    if len(raw) > LARGEST:
        raise _one("", f"It is larger than {LARGEST // 1000} kB.", "Send the card without data.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise _one(f"line {line}", "This is not UTF-8 text.", "Save it as UTF-8.") from error
    if not text.strip():
        raise _one("", "The file is empty.", "Choose the card's file.")
    if "\0" in text:
        line = text.split("\0")[0].count("\n") + 1
        raise _one(f"line {line}", "Text cannot hold NUL characters.", "Save it as UTF-8.")
    return text.replace("\r\n", "\n").lstrip("\n ")


def _yaml(text: str) -> dict[str, Any]:
    """Front matter: no tags, anchors or aliases, no name twice."""
    try:
        tree, _ = tree_of(text.encode())
        tag, line = _tag(text)
    except BadFramework as error:
        mend = "Write plain names, texts, numbers and lists; names once each."
        raise BadCard(_place(str(one.line), one.message, mend) for one in error.problems) from error
    if tag:
        raise _one(f"line {line}", f"{tag[:60]} is a tag.", "Write the value without it.")
    if tree is not None and not isinstance(tree, dict):
        raise _one("line 2", "Front matter is not a group of fields.", "Write name: value.")
    _shallow(tree)
    return tree or {}


def _place(line: str, message: str, mend: str) -> Place:
    """Some messages name their own, better line."""
    if named := LINE.match(message):
        line, message = named[1], message[named.end() :]
    return Place(f"line {line}", f"{message[:1].upper()}{message[1:].rstrip('.')}.", mend)


def _tag(text: str) -> tuple[str, int]:
    """The first tag of the text, which would name a type, and its line."""
    for event in yaml.parse(text):
        if tag := getattr(event, "tag", None):
            return str(tag), event.start_mark.line + 1 if event.start_mark else 1
    return "", 1


def _json(text: str) -> dict[str, Any]:
    try:
        tree = json.loads(text, object_pairs_hook=_once, parse_constant=_finite)
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        said = getattr(error, "msg", "") or str(error)
        raise _one(f"line {line}", f"This is not JSON: {said}.", "Export it again.") from error
    _shallow(tree)
    if not isinstance(tree, dict):
        raise _one("", "The file is not a JSON object.", "Export it again.")
    return tree


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is there twice")
    return found


def _finite(name: str) -> Any:
    raise ValueError(f"{name} is no number of JSON")


def _shallow(tree: Any) -> None:
    """Level by level, so that no depth can exhaust the stack."""
    level, depth = [tree], 0
    while level:
        if depth > DEEPEST:
            raise _too_deep()
        if broken := next((one for one in level if isinstance(one, str) and UNFIT.search(one)), ""):
            shown = UNFIT.sub("?", broken)[:40]
            raise _one(f"“{shown}”", "It holds signs that are no text.", "Remove them.")
        level = [child for one in level for child in _children(one)]
        depth += 1


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _bounded(found: Foreign) -> None:
    wrong = [
        Place(BY_ID[name].title, f"It has {len(text):,} characters.", _at_most())
        for name, text in found.sections.items()
        if len(text) > LONGEST_SECTION
    ]
    for part in found.parts:
        wrong += hazards(part.path, part.text)
    if len(found.numbers) > MOST_NUMBERS:
        many = f"It states {len(found.numbers):,} numbers."
        wrong.append(Place("numbers", many, f"Send at most {MOST_NUMBERS}."))
    if not found.parts and not found.numbers:
        wrong.append(Place("", "Nothing in it belongs into a card.", "Choose another file."))
    if wrong:
        raise BadCard(wrong)


def _at_most() -> str:
    return f"Shorten it to {LONGEST_SECTION:,} characters before importing."


def _too_deep() -> BadCard:
    return _one("", f"It is nested deeper than {DEEPEST} levels.", "Export the card itself.")


def _one(path: str, message: str, mend: str) -> BadCard:
    return BadCard([Place(path, message, mend)])
