"""Active content in Markdown: refused by name although pages would show it as mere text. Pure."""

import re
from collections.abc import Iterator

from governance.importing.found import Place

FENCE = re.compile(r" {0,3}(```|~~~)")
CODE = re.compile(r"`[^`]*`")
TAGS = re.compile(
    r"<\s*/?\s*(script|iframe|object|embed|style|link|meta|form|base|svg|math)\b", re.I
)
HANDLER = re.compile(r"<[a-z][^<>]{0,500}\son[a-z]{3,20}\s*=", re.I)
ADDRESS = re.compile(
    r"(?:\]\(\s*<?|(?:href|src)\s*=\s*[\"']?)\s*(javascript|vbscript|data)\s*:", re.I
)


def hazards(path: str, text: str) -> list[Place]:
    """Every line with active content, code examples aside."""
    return [
        Place(f"{path}, line {number}", message, "Remove it, or write it as code.")
        for number, line in _prose(text)
        if (message := _complaint(line))
    ]


def _complaint(line: str) -> str:
    if found := TAGS.search(line):
        return f"It holds the HTML tag <{found.group(1).lower()}>."
    if HANDLER.search(line):
        return "It holds HTML that runs a script."
    if found := ADDRESS.search(line):
        return f"It holds an address that begins with {found.group(1).lower()}:."
    return ""


def _prose(text: str) -> Iterator[tuple[int, str]]:
    fenced = ""
    for number, line in enumerate(text.split("\n"), start=1):
        mark = FENCE.match(line)
        if mark and not fenced:
            fenced = mark.group(1)
        elif mark and mark.group(1) == fenced:
            fenced = ""
        elif not fenced:
            yield number, CODE.sub("", line)
