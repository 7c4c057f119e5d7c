"""The risk questionnaire and its scoring, read from questionnaires/risk.yaml. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from registry.states import RISK_ORDER

FILE = Path(__file__).parent / "questionnaires" / "risk.yaml"


class BadAnswers(Exception):
    """The answers are not those of the questionnaire; `errors` says which."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__("; ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = errors


@dataclass(frozen=True)
class Option:
    """One answer, its points, and the tier that it alone asks for."""

    id: str
    text: str
    points: int
    at_least: str = ""


@dataclass(frozen=True)
class Question:
    id: str
    title: str
    text: str
    options: tuple[Option, ...]

    def option(self, name: str) -> Option | None:
        return next((one for one in self.options if one.id == name), None)


@dataclass(frozen=True)
class Questionnaire:
    """Questions, tiers by points, and how often an attestation falls due."""

    title: str
    number: int
    note: str
    questions: tuple[Question, ...]
    tiers: tuple[tuple[str, int], ...]
    cadence_months: Mapping[str, int]
    open_days_before: int
    revalidation_months: Mapping[str, int]
    reapproval_days: Mapping[str, int]
    when_overdue: Mapping[str, str]


@dataclass(frozen=True)
class Scored:
    """The tier that follows from answers, and why."""

    tier: str
    points: int
    reasons: tuple[str, ...]


@lru_cache(maxsize=1)
def questionnaire() -> Questionnaire:
    data = yaml.safe_load(FILE.read_text())
    questions = tuple(_question(one) for one in data["questions"])
    return Questionnaire(
        title=data["title"],
        number=data["number"],
        note=data["note"],
        questions=questions,
        tiers=tuple((one["tier"], one["from"]) for one in data["tiers"]),
        cadence_months=data["cadence_months"],
        open_days_before=data["open_days_before"],
        revalidation_months=data["revalidation_months"],
        reapproval_days=data["reapproval_days"],
        when_overdue=data["when_overdue"],
    )


def score(answers: Mapping[str, Any]) -> Scored:
    """The tier of these answers, with a reason for every step to it.

    Raises:
        BadAnswers: a question without an answer, or an answer that is none of its options.
    """
    asked = questionnaire()
    chosen = _chosen(asked, answers)
    points = sum(option.points for option in chosen.values())
    by_points = next(tier for tier, least in asked.tiers if points >= least)
    floors = [(q, o) for q, o in chosen.items() if o.at_least]
    tier = max([by_points, *(o.at_least for _, o in floors)], key=RISK_ORDER.index)
    reasons = [f"{q.title}: {o.text} ({o.points} points)" for q, o in chosen.items()]
    reasons.append(f"{points} points in all: {by_points}")
    reasons += [
        f"{q.title} alone asks for at least {o.at_least}"
        for q, o in floors
        if RISK_ORDER.index(o.at_least) > RISK_ORDER.index(by_points)
    ]
    return Scored(tier, points, tuple(reasons))


def due_on(since: date, tier: str) -> date:
    """When the next attestation falls due after `since`: so many months on, by tier."""
    return _months_on(since, questionnaire().cadence_months[tier])


def revalidation_due(since: date, tier: str) -> date:
    """When a version that was approved on `since` is to be approved anew."""
    return _months_on(since, questionnaire().revalidation_months[tier])


def lapses(tier: str) -> bool:
    """Whether a missed re-approval ends the clearance of this tier."""
    return questionnaire().when_overdue[tier] == "suspend"


def _months_on(since: date, count: int) -> date:
    months = since.month - 1 + count
    year, month = since.year + months // 12, months % 12 + 1
    for day in range(since.day, 27, -1):
        try:
            return date(year, month, day)
        except ValueError:
            continue  # that month is shorter
    return date(year, month, min(since.day, 28))


def _chosen(asked: Questionnaire, answers: Mapping[str, Any]) -> dict[Question, Option]:
    errors: dict[str, str] = {}
    found: dict[Question, Option] = {}
    for question in asked.questions:
        option = question.option(str(answers.get(question.id, "")))
        if option is None:
            errors[question.id] = f"One of {', '.join(one.id for one in question.options)}."
        else:
            found[question] = option
    for name in sorted(set(answers) - {question.id for question in asked.questions}):
        errors[name] = "There is no such question."
    if errors:
        raise BadAnswers(errors)
    return found


def _question(data: Mapping[str, Any]) -> Question:
    options = tuple(Option(**one) for one in data["options"])
    return Question(data["id"], data["title"], data["text"], options)
