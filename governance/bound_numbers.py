"""Numbers within people's words, and what they are bound to: `[0.69](number:roc_auc)`. Pure.

The author writes the number as it should be read; behind `number:` stands what was measured. It is
a link of Markdown, no template: nothing is computed from what people write. A number that is bound
is a claim like the others: held each night against the newest measurement, within the rounding it
was written with or the interval it was measured with.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

MOST = 100
KEY = "written_"
WRITTEN = "written in the card's words"
BOUND = re.compile(r"\[([^\[\]\n]{1,30})\]\(number:([^()\s]{1,60})\)")
NAME = re.compile(r"[a-z0-9_²]+")
VALUE = re.compile(
    r"(?P<sign>[-+−]?)(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<part>\d+))? ?(?P<share>%?)"
)
# Where a number is no statement about the model.
ASIDE = re.compile(
    "|".join(
        (
            r"```.*?```|`[^`\n]*`",  # code
            r"\]\([^)\s]*\)|https?://\S+",  # addresses
            r"^#{1,6} [^\n]*$",  # headings
            r"\d{4}-\d{2}(?:-\d{2})?|\d{1,2}:\d{2}",  # dates and times
            r"\bv?\d+\.\d+\.\d+[\w.]*",  # versions
            r"\b(?:version|revision|Python|CR|PC)[ -]v?\d+(?:\.\d+)*",
        )
    ),
    re.S | re.M | re.I,
)
# Decimals and shares look measured; whole numbers are mostly counts and dates.
LOOKS_MEASURED = re.compile(r"(?<![\w.,/])[-−]?(?:\d+\.\d+ ?%?|\d+ ?%)(?![\w/]|\.\d)")


@dataclass(frozen=True)
class Written:
    """A number as it stands in the words: what is read, what it is bound to, its value and half
    of its last digit."""

    shown: str
    name: str
    value: float
    rounding: float

    @property
    def key(self) -> str:
        return key_of(self.name, self.shown)


def key_of(name: str, shown: str) -> str:
    """The claim's key: the same number bound to the same thing is one claim in all sections."""
    return f"{KEY}{name}_{shown}"[:80]


def value_of(shown: str) -> tuple[float, float] | None:
    """The value and half of its last digit; None if it is no number.

    >>> value_of("69 %")
    (0.69, 0.005)
    """
    found = VALUE.fullmatch(shown.strip())
    if found is None:
        return None
    part, share = found["part"] or "", bool(found["share"])
    number = float(f"{found['whole'].replace(',', '')}.{part or 0}")
    sign = -1.0 if found["sign"] in {"-", "−"} else 1.0
    scale = 100.0 if share else 1.0
    return sign * number / scale, 0.5 * 10.0 ** -len(part) / scale


def written_in(text: str) -> list[Written]:
    """The bound numbers of a text, in order; those that make no sense are left to `faults_of`."""
    found = []
    for match in BOUND.finditer(text):
        value = value_of(match[1])
        if value is not None and NAME.fullmatch(match[2]):
            found.append(Written(match[1], match[2], *value))
    return found


def faults_of(text: str) -> str:
    """What is wrong with the bound numbers of a text, in a sentence; empty if nothing is."""
    matches = list(BOUND.finditer(text))
    if len(matches) > MOST:
        return f"At most {MOST} numbers are bound in a section."
    for match in matches:
        if value_of(match[1]) is None:
            return f"{match[1]!r} is bound to {match[2]!r}, but is no number such as 0.69 or 69 %."
        if not NAME.fullmatch(match[2]):
            return f"{match[2]!r} is no name of a measure: small letters, digits and _ only."
    return ""


def unbound_in(text: str) -> list[str]:
    """Numbers that look measured and are bound to nothing, as they are written, each once."""
    left = ASIDE.sub(" ", BOUND.sub(" ", text))
    return list(dict.fromkeys(match[0].strip() for match in LOOKS_MEASURED.finditer(left)))


def bind(text: str, shown: str, name: str) -> str:
    """The text with the first free occurrence of a number bound; as it was if there is none."""
    taken = [match.span() for match in (*BOUND.finditer(text), *ASIDE.finditer(text))]
    for match in LOOKS_MEASURED.finditer(text):
        free = all(match.end() <= start or match.start() >= end for start, end in taken)
        if free and match[0].strip() == shown:
            return f"{text[: match.start()]}[{shown}](number:{name}){text[match.end() :]}"
    return text


def linked(text: str, states: Mapping[str, str]) -> str:
    """For a page: each bound number leads to the table of numbers and says what became of it."""

    def said(match: re.Match[str]) -> str:
        state = states.get(key_of(match[2], match[1]), "stated")
        mark = f" *({state})*" if state in {"stale", "contradicted"} else ""
        return f'[{match[1]}](#numbers "{match[2].replace("_", " ")}: {state}"){mark}'

    return BOUND.sub(said, text)


def spoken(text: str, states: Mapping[str, str]) -> str:
    """For files and papers: the number as it is read, with its state where it does not hold."""

    def said(match: re.Match[str]) -> str:
        state = states.get(key_of(match[2], match[1]), "")
        return f"{match[1]} ({state})" if state in {"stale", "contradicted"} else match[1]

    return BOUND.sub(said, text)
