"""Which of six recommendations follows from the facts: an ordered table, the first rule that is
met decides. Pure.

A condition is met, not met, or cannot be told because its fact says nothing. A rule that cannot be
told is passed over, and the answer says which and for want of which facts: too little data never
becomes "keep" silently.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from governance.recommendation_facts import BY_NAME, SILENT

Facts = Mapping[str, Any]
Condition = Mapping[str, Any]
Rule = Mapping[str, Any]
NOT_WATCHED = "not_watched"


class Recommended(StrEnum):
    """What is recommended, from the mildest."""

    KEEP = "keep"
    INVESTIGATE = "investigate_data"
    RECALIBRATE = "recalibrate"
    RETRAIN = "retrain"
    REPLACE = "replace"
    RETIRE = "retire"


@dataclass(frozen=True)
class Looked:
    """One rule that was looked at before the answer: `met` is None where it cannot be told."""

    rule: str
    recommend: str
    met: bool | None
    wanting: tuple[str, ...]


@dataclass(frozen=True)
class Answer:
    """What is recommended, by which rule, on which facts, and what could not be told."""

    recommend: str
    rule: str
    sentence: str
    why: str
    grounds: tuple[str, ...]
    unknown: tuple[str, ...]
    unwatched: tuple[str, ...]
    looked: tuple[Looked, ...]

    @property
    def enough(self) -> bool:
        """Whether no earlier rule was passed over for want of data."""
        return not self.unknown and "performance" not in self.unwatched

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"enough": self.enough}


def recommend(rules: Sequence[Rule], facts: Facts) -> Answer:
    """The answer of the first rule that is met; the last rule has no condition, so there is one.

    Raises:
        ValueError: the table has no last rule that is always met.
    """
    looked: list[Looked] = []
    for rule in rules:
        met = rule_met(rule, facts)
        wanting = tuple(_wanting(rule["when"], facts)) if met is None else ()
        looked.append(Looked(rule["id"], rule["recommend"], met, wanting))
        if met:
            return _answer(rule, facts, looked)
    raise ValueError("The last rule of the table has conditions.")


def _answer(rule: Rule, facts: Facts, looked: Sequence[Looked]) -> Answer:
    passed = [name for one in looked for name in one.wanting]
    missing = dict.fromkeys(passed)
    return Answer(
        recommend=rule["recommend"],
        rule=rule["id"],
        sentence=rule["sentence"],
        why=rule["why"],
        grounds=tuple(dict.fromkeys(_grounds(rule["when"], facts))),
        unknown=tuple(name for name in missing if facts.get(name) != NOT_WATCHED),
        unwatched=tuple(name for name in missing if facts.get(name) == NOT_WATCHED),
        looked=tuple(looked),
    )


def rule_met(rule: Rule, facts: Facts) -> bool | None:
    return _all(condition_met(one, facts) for one in rule["when"])


def condition_met(condition: Condition, facts: Facts) -> bool | None:
    """Whether it is met; None where its fact says nothing."""
    if "any" in condition:
        met = [condition_met(one, facts) for one in condition["any"]]
        return True if True in met else (None if None in met else False)
    value = facts.get(condition["fact"])
    if "is" in condition:
        return _is(value, condition["is"])
    if value is None:
        return None
    return bool(condition.get("at_least", value) <= value <= condition.get("at_most", value))


def _is(value: Any, wanted: Sequence[str]) -> bool | None:
    if value in wanted:
        return True
    return None if value is None or value in SILENT else False


def _all(met: Iterable[bool | None]) -> bool | None:
    answers = list(met)
    if False in answers:
        return False
    return None if None in answers else True


def _plain(conditions: Iterable[Condition]) -> Iterable[Condition]:
    for one in conditions:
        yield from _plain(one["any"]) if "any" in one else (one,)


def _wanting(conditions: Iterable[Condition], facts: Facts) -> Iterable[str]:
    """The facts for want of which a rule cannot be told."""
    return (one["fact"] for one in _plain(conditions) if condition_met(one, facts) is None)


def _grounds(conditions: Iterable[Condition], facts: Facts) -> Iterable[str]:
    """The facts by which a rule is met."""
    return (one["fact"] for one in _plain(conditions) if condition_met(one, facts))


def facts_asked(rules: Iterable[Rule]) -> list[str]:
    """Every fact that some rule asks about, in the order of the table."""
    return list(dict.fromkeys(one["fact"] for rule in rules for one in _plain(rule["when"])))


def condition_words(condition: Condition) -> str:
    """A condition as people read it."""
    if "any" in condition:
        return " or ".join(condition_words(one) for one in condition["any"])
    fact = BY_NAME[condition["fact"]]
    if "is" in condition:
        said = " or ".join(str(one).replace("_", " ") for one in condition["is"])
        return f"{fact.title} is {said}"
    bounds = [
        f"{words} {condition[name]:,} {fact.unit}"
        for name, words in (("at_least", "at least"), ("at_most", "at most"))
        if name in condition
    ]
    return f"{fact.title}: {', '.join(bounds)}"
