"""The canonical card: its sections, what each answers, and how complete a card is. Pure.

Sections hold people's words; facts and claims are filled in by the machine (see reads/card_facts).
"""

from collections.abc import Mapping
from dataclasses import dataclass

from governance.bound_numbers import faults_of

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
    Section(
        "business",
        "Business context",
        "Which problem, of which line of business; who has a stake in it?",
        required=False,
    ),
    Section("users", "Intended users and uses", "Who may use it, for what, and how?"),
    Section("out_of_scope", "Out of scope", "What must it not be used for?"),
    Section(
        "architecture",
        "Algorithm and architecture",
        "Which kind of model is it, and why that kind?",
        required=False,
    ),
    Section(
        "interaction",
        "Interaction with other systems",
        "With which hardware and software does it work together?",
        required=False,
    ),
    Section(
        "supply",
        "Forms of supply",
        "How is it delivered; is it part of a product, and how does that look?",
        required=False,
    ),
    Section(
        "interface", "User interface", "What do the people see who work with it?", required=False
    ),
    Section("training_data", "Training data", "Where does the data come from; what was left out?"),
    Section(
        "training", "Training procedure", "How was it built, with which choices?", required=False
    ),
    Section(
        "compute",
        "Computing resources",
        "On which hardware was it trained, and on which does it run?",
        required=False,
    ),
    Section(
        "environment",
        "Environmental impact",
        "How much energy and CO2 did training take, and does use take?",
        required=False,
    ),
    Section("evaluation_data", "Evaluation data", "On what was it judged, and why on that?"),
    Section(
        "factors",
        "Factors and groups",
        "Which groups, instruments and circumstances change its answers?",
        required=False,
    ),
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
    Section(
        "standards",
        "Standards applied",
        "Which standards are met, or how are the requirements met without?",
        required=False,
    ),
    Section(
        "declaration",
        "Declaration of conformity",
        "Where is the declaration, and whose is it?",
        required=False,
    ),
    Section("contact", "Contact", "Who answers questions and complaints?"),
    Section("licence", "Licence", "Under which terms may it be used?", required=False),
    Section("citation", "Citation", "How is it cited?", required=False),
    Section(
        "references",
        "References",
        "What to read: paper, repository, demonstration?",
        required=False,
    ),
    Section("custom", "Further information", "What else must a reader know?", required=False),
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
    return faults_of(value)
