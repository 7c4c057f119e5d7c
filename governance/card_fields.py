"""The canonical card: its sections, what each answers, and how complete a card is. Pure.

Sections hold people's words; facts and claims are filled in by the machine (see reads/card_facts).
"""

from collections.abc import Mapping
from dataclasses import dataclass

LONGEST_SECTION = 20_000


class BadSections(Exception):
    """The sections cannot be taken; `errors` says which and why."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = errors


@dataclass(frozen=True)
class Section:
    """One part of a card that people write."""

    id: str
    title: str
    question: str
    required: bool = True


SECTIONS: tuple[Section, ...] = (
    Section("overview", "Overview", "What is this version, and what is new in it?"),
    Section("purpose", "Purpose", "Which decision does it support, and what is it worth?"),
    Section("users", "Intended users and uses", "Who may use it, for what, and how?"),
    Section("out_of_scope", "Out of scope", "What must it not be used for?"),
    Section("training_data", "Training data", "Where does the data come from; what was left out?"),
    Section(
        "training", "Training procedure", "How was it built, with which choices?", required=False
    ),
    Section("evaluation_data", "Evaluation data", "On what was it judged, and why on that?"),
    Section("metrics", "Metrics and why", "Which measures count, and why do they suit?"),
    Section(
        "thresholds", "Thresholds set before the test", "What had to be reached?", required=False
    ),
    Section("trade_offs", "Trade-offs", "What was given up for what?", required=False),
    Section("risks", "Risks and mitigations", "What can go wrong, for whom; what is done?"),
    Section("fairness", "Fairness", "Which groups are affected, and how was that examined?"),
    Section("limitations", "Limitations and caveats", "When is it wrong or not to be trusted?"),
    Section("explanation", "Explanation", "How can one answer be explained?", required=False),
    Section("oversight", "Human oversight", "Who watches it, can overrule it and stop it?"),
    Section("security", "Security", "Against what is it protected, and how?", required=False),
    Section(
        "changes", "Changes foreseen", "Which changes are planned from the start?", required=False
    ),
    Section("monitoring", "Monitoring plan", "What is watched, how often, and who reacts?"),
    Section("retirement", "Retirement", "When does it end, and what replaces it?"),
    Section("contact", "Contact", "Who answers questions and complaints?"),
    Section(
        "references", "Licence and references", "Under which terms; what to read?", required=False
    ),
)
BY_ID = {section.id: section for section in SECTIONS}
REQUIRED = tuple(section for section in SECTIONS if section.required)


@dataclass(frozen=True)
class Completeness:
    """How much of what is required has been written."""

    written: int
    required: int
    missing: tuple[Section, ...]

    @property
    def share(self) -> float:
        return self.written / self.required


def completeness(sections: Mapping[str, str]) -> Completeness:
    """The required sections that hold text, and those that do not."""
    missing = tuple(section for section in REQUIRED if not sections.get(section.id, "").strip())
    return Completeness(len(REQUIRED) - len(missing), len(REQUIRED), missing)


def clean_sections(sections: Mapping[str, object]) -> dict[str, str]:
    """Sections as they are stored: known, text, trimmed; empty ones are left out.

    Raises:
        BadSections: an unknown name, something that is not text, or a text too long.
    """
    errors = {name: text for name, value in sections.items() if (text := _complaint(name, value))}
    if errors:
        raise BadSections(errors)
    trimmed = {name: str(sections[name]).strip() for name in BY_ID if name in sections}
    return {name: text for name, text in trimmed.items() if text}


def _complaint(name: str, value: object) -> str:
    if name not in BY_ID:
        return f"There is no such section; there are {', '.join(BY_ID)}."
    if not isinstance(value, str):
        return "Send text (Markdown)."
    if "\0" in value:
        return "Text cannot hold NUL characters."
    if len(value) > LONGEST_SECTION:
        return f"At most {LONGEST_SECTION:,} characters, not {len(value):,}."
    return ""
