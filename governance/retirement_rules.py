"""When a version should be retired: a table of rules, each with what it is told. Pure.

A rule is given facts and answers whether it holds, in a sentence and with the numbers it looked at.
A policy asks several, and wants any of them or all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

MATCHES = ("any", "all")
Told = Mapping[str, int]


@dataclass(frozen=True)
class DatedFact:
    """A day that somebody recorded, with where they have it from."""

    ends_on: date
    source: str
    recorded_by: str


@dataclass(frozen=True)
class Breaching:
    """A monitor and how many of its latest windows in a row were breaches."""

    monitor: str
    windows: int
    last_end: date
    run: int | None = None


@dataclass(frozen=True)
class LifeFacts:
    """Everything that the rules look at, as of one day."""

    today: date
    registered_on: date
    last_prediction_on: date | None = None
    successor: int | None = None
    superseded_on: date | None = None
    breaching: tuple[Breaching, ...] = ()
    attestation: str = ""
    attested_on: date | None = None
    attestation_due_on: date | None = None
    attestation_id: int | None = None
    legal_basis: DatedFact | None = None
    vendor_support: DatedFact | None = None


@dataclass(frozen=True)
class Answer:
    """What one rule found."""

    holds: bool
    said: str
    evidence: dict[str, Any]


@dataclass(frozen=True)
class RuleFinding:
    """A rule as a policy asked it, with its answer."""

    rule: str
    title: str
    parameters: dict[str, int]
    answer: Answer

    def as_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "title": self.title,
            "parameters": self.parameters,
            "holds": self.answer.holds,
            "said": self.answer.said,
            "evidence": self.answer.evidence,
        }


@dataclass(frozen=True)
class Asked:
    """One thing that a rule is told: a whole number, which asks less the greater it is unless
    `less_is_looser`."""

    name: str
    label: str
    default: int
    least: int
    most: int
    less_is_looser: bool = False


@dataclass(frozen=True)
class Rule:
    """A line of the table."""

    title: str
    parameters: tuple[Asked, ...]
    judge: Callable[[LifeFacts, Told], Answer]


class BadTerms(Exception):
    """A retirement policy that makes no sense; `field` is where."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count:,} days"


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def _age(facts: LifeFacts, told: Told) -> Answer:
    days = (facts.today - facts.registered_on).days
    said = f"It was registered {_days(days)} ago, on {_day(facts.registered_on)}."
    return Answer(days >= told["days"], said, {"days": days})


def _superseded(facts: LifeFacts, told: Told) -> Answer:
    if facts.successor is None or facts.superseded_on is None:
        return Answer(holds=False, said="No other version has taken its place.", evidence={})
    days = (facts.today - facts.superseded_on).days
    since = f"for {_days(days)}" if days else "since today"
    said = f"Version {facts.successor} has been champion in its place {since}."
    return Answer(days >= told["days"], said, {"successor": facts.successor, "days": days})


def _idle(facts: LifeFacts, told: Told) -> Answer:
    since = facts.last_prediction_on or facts.registered_on
    days = (facts.today - since).days
    said = f"No prediction has come since it was registered, {_days(days)} ago."
    if facts.last_prediction_on is not None:
        said = f"Its last prediction is {_days(days)} old, of {_day(since)}."
    return Answer(days >= told["days"], said, {"days": days})


def _breaching(facts: LifeFacts, told: Told) -> Answer:
    worst = max(facts.breaching, key=lambda one: one.windows, default=None)
    if worst is None:
        return Answer(
            holds=False, said="No monitor's latest window is a breach.", evidence={"windows": 0}
        )
    windows = "1 window" if worst.windows == 1 else f"{worst.windows} windows in a row"
    said = f"{worst.monitor} breached in {windows}, to {_day(worst.last_end)}."
    evidence = {"monitor": worst.monitor, "windows": worst.windows, "run": worst.run}
    return Answer(worst.windows >= told["windows"], said, evidence)


def _attestation(facts: LifeFacts, told: Told) -> Answer:
    if facts.attestation == "unfit" and facts.attested_on is not None:
        said = f"On {_day(facts.attested_on)} it was attested not to be fit for its purpose."
        return Answer(
            holds=True,
            said=said,
            evidence={"attested": "unfit", "attestation": facts.attestation_id},
        )
    due = facts.attestation_due_on
    late = (facts.today - due).days if due else 0
    if due is None or late <= 0:
        return Answer(
            holds=False, said="No attestation failed or is overdue.", evidence={"days_overdue": 0}
        )
    said = f"Its attestation is overdue by {_days(late)}, since {_day(due)}."
    evidence = {"days_overdue": late, "attestation": facts.attestation_id}
    return Answer(late >= told["days_overdue"], said, evidence)


def _legal_basis(facts: LifeFacts, told: Told) -> Answer:
    return _ending(facts.today, facts.legal_basis, told["days_before"], "The legal basis")


def _vendor_support(facts: LifeFacts, told: Told) -> Answer:
    return _ending(facts.today, facts.vendor_support, told["days_before"], "The vendor's support")


def _ending(today: date, fact: DatedFact | None, days_before: int, what: str) -> Answer:
    if fact is None:
        return Answer(holds=False, said=f"No end of this is recorded: {what.lower()}.", evidence={})
    left = (fact.ends_on - today).days
    when = f"ends on {_day(fact.ends_on)}" if left >= 0 else f"ended on {_day(fact.ends_on)}"
    said = f"{what} {when} ({fact.source}; recorded by {fact.recorded_by})."
    evidence = {"ends_on": str(fact.ends_on), "source": fact.source, "by": fact.recorded_by}
    return Answer(left <= days_before, said, evidence)


RULES: dict[str, Rule] = {
    "age": Rule("Age", (Asked("days", "Days since it was registered", 1095, 1, 36500),), _age),
    "superseded": Rule(
        "Superseded",
        (Asked("days", "Days since another became champion", 30, 0, 3650),),
        _superseded,
    ),
    "idle": Rule("Idle", (Asked("days", "Days without a prediction", 90, 1, 3650),), _idle),
    "breaching": Rule(
        "Breaching",
        (Asked("windows", "Windows in a row that breach", 4, 1, 1000),),
        _breaching,
    ),
    "attestation": Rule(
        "Failed attestation",
        (Asked("days_overdue", "Days that it may be overdue", 60, 1, 3650),),
        _attestation,
    ),
    "legal_basis": Rule(
        "End of legal basis",
        (Asked("days_before", "Days before it ends", 60, 0, 3650, less_is_looser=True),),
        _legal_basis,
    ),
    "vendor_support": Rule(
        "End of vendor support",
        (Asked("days_before", "Days before it ends", 90, 0, 3650, less_is_looser=True),),
        _vendor_support,
    ),
}
# What a policy is told beside its rules.
CLOCKS: tuple[Asked, ...] = (
    Asked("notice_days", "Days of notice", 30, 1, 365, less_is_looser=True),
    Asked("rest_days", "Days until it is asked again after a no", 90, 1, 3650),
    Asked("log_days", "Days that prediction logs are kept", 365, 0, 36500),
)
# Whether nobody is waited for any more once everybody who was told has said not to object.
EARLY = "early_end"
EARLY_LABEL = "The notice ends early when everybody who was told does not object"


def judge(terms: Mapping[str, Any], facts: LifeFacts) -> list[RuleFinding]:
    """What each rule of the policy finds, in the policy's order."""
    return [
        RuleFinding(
            one["rule"],
            RULES[one["rule"]].title,
            dict(one["parameters"]),
            RULES[one["rule"]].judge(facts, one["parameters"]),
        )
        for one in terms["rules"]
    ]


def holds(terms: Mapping[str, Any], findings: Sequence[RuleFinding]) -> bool:
    """Whether the policy asks for retirement: any of its rules, or all. No rule asks for none."""
    answers = [one.answer.holds for one in findings]
    return bool(answers) and (any(answers) if terms["match"] == "any" else all(answers))


def notice_until(today: date, terms: Mapping[str, Any]) -> date:
    """The last day on which somebody may object."""
    return today + timedelta(days=int(terms["notice_days"]))


def clean_terms(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The terms as they are stored.

    Raises:
        BadTerms: a rule or a number makes no sense.
    """
    if raw.get("match") not in MATCHES:
        raise BadTerms("match", "One of any, all.")
    rules = [_clean_rule(one, i) for i, one in enumerate(raw.get("rules", []))]
    names = [one["rule"] for one in rules]
    if not rules or len(set(names)) < len(names):
        raise BadTerms("rules", "At least one rule, and each only once.")
    clocks = {one.name: _number(one, raw.get(one.name), one.name) for one in CLOCKS}
    order = list(RULES)
    return {
        "match": raw["match"],
        "rules": sorted(rules, key=lambda one: order.index(one["rule"])),
        **clocks,
        EARLY: _yes_or_no(raw.get(EARLY, False)),
    }


def _yes_or_no(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadTerms(EARLY, f"{EARLY_LABEL}: true or false.")
    return value


def _clean_rule(one: Mapping[str, Any], i: int) -> dict[str, Any]:
    rule = RULES.get(str(one.get("rule")))
    if rule is None:
        raise BadTerms(f"rules.{i}.rule", f"One of {', '.join(RULES)}.")
    told = one.get("parameters") or {}
    if unknown := sorted(set(told) - {p.name for p in rule.parameters}):
        raise BadTerms(f"rules.{i}.parameters", f"{rule.title} is not told {unknown[0]!r}.")
    place = f"rules.{i}.parameters"
    numbers = {p.name: _number(p, told.get(p.name, p.default), place) for p in rule.parameters}
    return {"rule": one["rule"], "parameters": numbers}


def _number(told: Asked, value: Any, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise BadTerms(field, f"{told.label}: a whole number.")
    if not told.least <= value <= told.most:
        raise BadTerms(field, f"{told.label}: {told.least:,} to {told.most:,}.")
    return value
