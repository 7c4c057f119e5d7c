"""Headings of sections in a text, kept apart from the same words within people's texts. Pure.

A line of people's text that reads like a section's heading is closed with one more `#`: Markdown
shows it as before, and a reader of the file can tell it from the heading itself.
"""

import re

from governance.card_fields import SECTIONS

# What Ombud fills in itself, below or above the sections.
TAIL = (
    *("Publication", "Not written, and not required", "Ethical guidelines", "Numbers", "Facts"),
    *("Deployments", "Signatures"),
)
_TITLES = "|".join(re.escape(title) for title in [*(s.title for s in SECTIONS), *TAIL])
HEADING = re.compile(rf"## ({_TITLES})")
_ALIKE = re.compile(rf"^(## (?:{_TITLES}))( #+)?$", re.M)
_CLOSED = re.compile(rf"^(## (?:{_TITLES})) (#+)$", re.M)


def closed(text: str) -> str:
    """The text with such lines closed."""
    return _ALIKE.sub(lambda m: f"{m[1]}{m[2] or ' '}#", text)


def opened(text: str) -> str:
    """The text as it was before `closed`."""
    return _CLOSED.sub(lambda m: f"{m[1]} {m[2][:-1]}".rstrip(" "), text)


def by_heading(text: str) -> dict[str, str]:
    """The texts below each heading of a section, as they were before `closed`."""
    found: dict[str, list[str]] = {}
    title = ""
    for line in text.split("\n"):
        if heading := HEADING.fullmatch(line):
            title = heading.group(1)
            found.setdefault(title, [])
        elif title:
            found[title].append(line)
    return {title: opened("\n".join(lines).strip()) for title, lines in found.items()}
