"""What a retraining policy says: when, how, and how much of it. Pure.

Terms are sent and stored as one object:

    {"combine": "any",
     "triggers": [{"on": "schedule", "every_days": 90},
                  {"on": "performance", "windows": 2},
                  {"on": "drift", "windows": 3},
                  {"on": "outcomes", "rows": 50000}],
     "kind": "complete", "cool_down_days": 30, "runs_per_month": 2, "processor_minutes": 120,
     "window_days": 120, "entry_point": "training", "runner": "here", "search": {},
     "minimum_rows": 1000, "shadow_days": 0, "replay": false, "watch_days": 14,
     "ask": true}
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from itertools import product
from math import prod
from typing import Any

from audit.chain import sha256_of

MODULE = re.compile(r"[a-z_][a-z0-9_]{0,59}")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,59}")
RUNNER = re.compile(r"[a-z][a-z0-9-]{0,39}")
MOST_TRIGGERS = 8
MOST_COMBINATIONS = 50


class Trigger(StrEnum):
    """What a policy waits for."""

    SCHEDULE = "schedule"
    PERFORMANCE = "performance"
    DRIFT = "drift"
    OUTCOMES = "outcomes"


class RetrainingKind(StrEnum):
    """How much of the version is made anew."""

    COMPLETE = "complete"
    INCREMENTAL = "incremental"
    RECALIBRATION = "recalibration"


class Combine(StrEnum):
    """Whether one trigger is enough."""

    ANY = "any"
    ALL = "all"


# By trigger: the parameter, and between which whole numbers it lies.
PARAMETERS: dict[Trigger, tuple[str, int, int]] = {
    Trigger.SCHEDULE: ("every_days", 1, 1_000),
    Trigger.PERFORMANCE: ("windows", 1, 50),
    Trigger.DRIFT: ("windows", 1, 50),
    Trigger.OUTCOMES: ("rows", 100, 10**9),
}
BOUNDS: dict[str, tuple[int, int]] = {
    "cool_down_days": (0, 1_000),
    "runs_per_month": (1, 1_000),
    "processor_minutes": (1, 100_000),
    "window_days": (1, 3_660),
    "minimum_rows": (100, 10**9),
    "shadow_days": (0, 365),
    "watch_days": (0, 365),
}


class TermsInvalid(ValueError):
    """The terms do not go together; `field` says which part."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.field = name


@dataclass(frozen=True)
class Terms:
    """A policy's terms, checked; made by `parse`."""

    triggers: tuple[dict[str, Any], ...]
    combine: str = Combine.ANY
    kind: str = RetrainingKind.COMPLETE
    cool_down_days: int = 30
    runs_per_month: int = 2
    processor_minutes: int = 120
    window_days: int = 120
    minimum_rows: int = 1_000
    entry_point: str = "training"
    runner: str = "here"
    parameters: dict[str, Any] = field(default_factory=dict)
    search: dict[str, list[Any]] = field(default_factory=dict)
    shadow_days: int = 0
    replay: bool = False
    watch_days: int = 14
    ask: bool = True

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "triggers": [dict(one) for one in self.triggers]}

    @property
    def digest(self) -> str:
        return sha256_of({"terms": _countable(self.as_json())})

    @property
    def combinations(self) -> list[dict[str, Any]]:
        """Every choice of the declared search, at least the one that changes nothing."""
        names = sorted(self.search)
        choices = product(*(self.search[name] for name in names))
        return [dict(zip(names, choice, strict=True)) for choice in choices]


def parse(sent: Mapping[str, Any]) -> Terms:
    """The terms, checked.

    Raises:
        TermsInvalid: the first part that makes no sense, in a sentence.
    """
    known = set(Terms.__dataclass_fields__)
    for name in sorted(set(sent) - known):
        raise TermsInvalid(name, f"{name} is no part of a retraining policy.")
    said = dict(sent)
    said["triggers"] = tuple(_triggers(said.get("triggers")))
    terms = Terms(**said)
    _check_words(terms)
    for name, (low, high) in BOUNDS.items():
        _whole(name, getattr(terms, name), low, high)
    _check_choices(terms)
    return terms


def stored(found: Mapping[str, Any]) -> Terms:
    """Terms that were checked when they were stored."""
    return Terms(**{**found, "triggers": tuple(found["triggers"])})


def _triggers(sent: object) -> Iterator[dict[str, Any]]:
    if not isinstance(sent, Sequence) or isinstance(sent, str) or not sent:
        raise TermsInvalid("triggers", "Say what the policy waits for: a list of triggers.")
    if len(sent) > MOST_TRIGGERS:
        raise TermsInvalid("triggers", f"At most {MOST_TRIGGERS} triggers.")
    for one in sent:
        yield _trigger(one)


def _trigger(sent: object) -> dict[str, Any]:
    on = sent.get("on") if isinstance(sent, Mapping) else None
    if not isinstance(sent, Mapping) or on not in {str(one) for one in Trigger}:
        raise TermsInvalid("triggers", f"A trigger is on {', '.join(Trigger)}.")
    name, low, high = PARAMETERS[Trigger(on)]
    if set(sent) - {"on", name}:
        raise TermsInvalid("triggers", f"A trigger on {on} is told {name}, and nothing else.")
    _whole(name, sent.get(name), low, high, about="triggers")
    return {"on": str(on), name: sent[name]}


def _whole(name: str, value: object, low: int, high: int, *, about: str = "") -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        said = name.replace("_", " ")
        raise TermsInvalid(about or name, f"{said}: a whole number from {low:,} to {high:,}.")


def _check_words(terms: Terms) -> None:
    if terms.combine not in set(Combine):
        raise TermsInvalid("combine", "Either any of the triggers is enough, or all are needed.")
    if terms.kind not in set(RetrainingKind):
        raise TermsInvalid("kind", f"A retraining is {', '.join(RetrainingKind)}.")
    if not _is_spelled(terms.entry_point, MODULE):
        said = (
            "The name of a module in the version's code/ folder, or of an entry point of MLproject."
        )
        raise TermsInvalid("entry_point", said)
    if not _is_spelled(terms.runner, RUNNER):
        raise TermsInvalid("runner", "The name of a runner: here, or one that operators set up.")
    if not isinstance(terms.ask, bool):
        raise TermsInvalid("ask", "Yes or no: whether approval is asked for by itself.")
    if not isinstance(terms.replay, bool):
        raise TermsInvalid("replay", "Yes or no: whether it answers the latest days again.")
    if terms.replay and terms.shadow_days:
        said = "Days in the shadow, or the latest days answered again: one of the two."
        raise TermsInvalid("replay", said)


def _is_spelled(value: object, pattern: re.Pattern[str]) -> bool:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _is_mapping(value: object) -> bool:
    return isinstance(value, Mapping)


def _is_filled(value: object) -> bool:
    return isinstance(value, list) and bool(value)


def _check_choices(terms: Terms) -> None:
    if not _is_mapping(terms.parameters) or not _is_mapping(terms.search):
        raise TermsInvalid("search", "Parameters and search are objects, by name.")
    for name in [*terms.parameters, *terms.search]:
        if not NAME.fullmatch(str(name)):
            raise TermsInvalid("search", "A parameter's name: letters, digits and '_' only.")
    for values in terms.search.values():
        if not _is_filled(values):
            raise TermsInvalid("search", "A search names a list of values for each parameter.")
    every = [
        *terms.parameters.values(),
        *(one for values in terms.search.values() for one in values),
    ]
    if not all(_plain(one) for one in every):
        raise TermsInvalid("search", "Values are numbers, texts, yes or no.")
    if prod(len(values) for values in terms.search.values()) > MOST_COMBINATIONS:
        raise TermsInvalid("search", f"At most {MOST_COMBINATIONS} combinations are tried.")


def _plain(value: object) -> bool:
    return isinstance(value, int | float | str | bool) and len(str(value)) <= 200


def _countable(value: Any) -> Any:
    """The same without floats, which canonical JSON does not hold."""
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, Mapping):
        return {str(key): _countable(one) for key, one in value.items()}
    return [_countable(one) for one in value] if isinstance(value, list) else value


def trigger_words(trigger: Mapping[str, Any]) -> str:
    """One trigger as the end of "retrains when …"."""
    on = trigger["on"]
    if on == Trigger.SCHEDULE:
        return f"{_count(trigger['every_days'], 'day')} have passed since the last time"
    if on == Trigger.OUTCOMES:
        return f"{trigger['rows']:,} new outcomes have come in"
    what = "performance" if on == Trigger.PERFORMANCE else "drift"
    many = trigger["windows"]
    if many == 1:
        return f"a window breaches a limit of {what}"
    return f"{many} windows in a row breach a limit of {what}"


def sentence(terms: Terms) -> str:
    """The policy in one readable sentence."""
    joint = " or " if terms.combine == Combine.ANY else " and "
    when = joint.join(trigger_words(one) for one in terms.triggers)
    rest = f", then rests {_count(terms.cool_down_days, 'day')}" if terms.cool_down_days else ""
    month = f"at most {_times(terms.runs_per_month)} and "
    month += f"{_count(terms.processor_minutes, 'processor minute')} a month"
    return f"Retrains when {when}{rest}; {month}."


KIND_WORDS = {
    RetrainingKind.COMPLETE: "from scratch on all rows of the time",
    RetrainingKind.INCREMENTAL: "on from the champion, with the newer rows",
    RetrainingKind.RECALIBRATION: "only the probabilities, the champion stays as it is",
}


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def _times(number: int) -> str:
    return {1: "once", 2: "twice"}.get(number, f"{number:,} times")
