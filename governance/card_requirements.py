"""Which sections a card must have for a task and a tier of risk, why, and where to begin. Pure.

`REQUIRED` of `card_fields` holds for every card and is what promotion gates count. A tier or a task
asks for more; what it asks for, and why, is told beside the card.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from governance.card_fields import BY_ID, SECTIONS, Section

EVERY = "Every card says this."


@dataclass(frozen=True)
class Demand:
    """One more section for some tiers and tasks, and the reason; empty means all of them."""

    section: str
    why: str
    tiers: frozenset[str] = frozenset()
    tasks: frozenset[str] = frozenset()


HIGH = frozenset({"high"})
RAISED = frozenset({"high", "medium"})
CLASSES = frozenset({"binary", "multiclass"})

DEMANDS: tuple[Demand, ...] = (
    Demand("training", "EU AI Act, Annex IV 2(a): methods and steps of development.", HIGH),
    Demand("thresholds", "EU AI Act, Article 9(8): tested against limits set before.", HIGH),
    Demand("explanation", "EU AI Act, Article 13(3)(b)(iv): how outputs are explained.", HIGH),
    Demand("security", "EU AI Act, Annex IV 2(h) and Article 15(5): security.", HIGH),
    Demand("changes", "EU AI Act, Annex IV 2(f): changes determined beforehand.", HIGH),
    Demand("architecture", "EU AI Act, Annex IV 2(c): architecture of the system.", HIGH),
    Demand("compute", "EU AI Act, Annex IV 1(e) and 2(c): hardware and resources.", HIGH),
    Demand("interaction", "EU AI Act, Annex IV 1(b): other hardware and software.", HIGH),
    Demand("supply", "EU AI Act, Annex IV 1(d) and 1(f): forms of supply.", HIGH),
    Demand("interface", "EU AI Act, Annex IV 1(g): interface of the deployer.", HIGH),
    Demand("standards", "EU AI Act, Annex IV 7: standards, or how else it is met.", HIGH),
    Demand("declaration", "EU AI Act, Annex IV 8: declaration of conformity.", HIGH),
    Demand("factors", "EU AI Act, Annex IV 3: accuracy for the groups it is used on.", HIGH),
    Demand("trade_offs", "EU AI Act, Annex IV 2(b): trade-offs and why.", RAISED),
    Demand(
        "thresholds",
        "A class is chosen at a threshold: say which one, and why.",
        RAISED,
        CLASSES,
    ),
)

# Where to begin, by task; other sections begin with their question.
STARTS: Mapping[str, Mapping[str, str]] = {
    "binary": {
        "metrics": "Ranking (ROC AUC), calibration (log loss) and the cost of each kind of error.",
        "thresholds": "The score from which the answer is yes, who set it, and when.",
        "fairness": "Rates of yes by group, and the ratio of the lowest to the highest.",
        "evaluation_data": "How many cases, how many of them yes, and from which time.",
        "risks": "Who is harmed by a wrong yes, who by a wrong no, and how each is mended.",
        "explanation": "What moved the score of one case up, and what down.",
    },
    "multiclass": {
        "metrics": "Accuracy over all classes and macro F1, so that rare classes count.",
        "thresholds": "When no class is sure enough, and what happens then.",
        "fairness": "Classes that are missed more often for some groups.",
        "evaluation_data": "How many cases of each class; which class is rare.",
        "risks": "Which two classes are mixed up, and what that costs whom.",
        "explanation": "Why this class and not the next likely one.",
    },
    "regression": {
        "metrics": "Mean absolute error in the unit of the target, and the bias.",
        "thresholds": "The largest error that is acceptable, in the unit of the target.",
        "fairness": "Errors by group: whose values are set too high or too low.",
        "evaluation_data": "The range of the target, and where there are few cases.",
        "risks": "What a value too high costs, what one too low, and for whom.",
        "explanation": "What the value would be with one input changed.",
    },
}
# What a tier adds to where one begins.
TIER_STARTS: Mapping[str, Mapping[str, str]] = {
    "high": {
        "oversight": "Name who may overrule and stop it, how, and how they were trained for it.",
        "risks": "Name misuse that can be foreseen, and what risk is left after the measures.",
        "monitoring": "Name who reports a serious incident, and within which time.",
        "training_data": "Say what was examined for bias, what was found and what was done.",
        "security": "Name poisoned data, tampered parts and probing, and what stands against each.",
        "changes": "Say which changes need no new approval because they were assessed beforehand.",
    },
    "medium": {
        "oversight": "Name who may overrule and stop it.",
        "monitoring": "Name who answers an alert, and within which time.",
    },
}


@dataclass(frozen=True)
class Need:
    """One section as a model of this task and tier needs it."""

    section: Section
    reasons: tuple[str, ...]
    start: str

    @property
    def required(self) -> bool:
        return bool(self.reasons)


@dataclass(frozen=True)
class Score:
    """How much of what is required is written, and every missing section with its reasons."""

    written: int
    required: int
    missing: tuple[Need, ...]

    @property
    def beyond(self) -> tuple[Need, ...]:
        """What is missing that only this tier or task asks for."""
        return tuple(need for need in self.missing if not need.section.required)

    @property
    def percent(self) -> int:
        """Rounded down, so that 100 means complete."""
        return 100 * self.written // self.required

    def as_dict(self) -> dict[str, object]:
        return {
            "written": self.written,
            "required": self.required,
            "percent": self.percent,
            "missing": [
                {"section": n.section.id, "title": n.section.title, "why": list(n.reasons)}
                for n in self.missing
            ],
        }


def template(*, task: str, tier: str) -> tuple[Need, ...]:
    """Every section in order, with the reasons for which this model must have it."""
    return tuple(_need(section, task, tier) for section in SECTIONS)


def score(sections: Mapping[str, str], *, task: str, tier: str) -> Score:
    needs = [need for need in template(task=task, tier=tier) if need.required]
    missing = tuple(n for n in needs if not sections.get(n.section.id, "").strip())
    return Score(len(needs) - len(missing), len(needs), missing)


def _need(section: Section, task: str, tier: str) -> Need:
    reasons = [EVERY] if section.required else []
    reasons += [one.why for one in DEMANDS if one.section == section.id and _asks(one, task, tier)]
    said = [
        starts.get(section.id, "") for starts in (STARTS.get(task, {}), TIER_STARTS.get(tier, {}))
    ]
    start = " ".join(one for one in said if one) or section.question
    return Need(BY_ID[section.id], tuple(reasons), start)


def _asks(demand: Demand, task: str, tier: str) -> bool:
    return (not demand.tiers or tier in demand.tiers) and (not demand.tasks or task in demand.tasks)
