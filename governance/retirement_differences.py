"""What a proposed retirement policy changes of the one in force, and where it asks less. Pure.

Less is asked where fewer versions would be found, or later, and where people get less time to
object. How long logs are kept cuts both ways, so each change of that counts as asking less.
"""

from collections.abc import Mapping
from typing import Any

from governance.policy_differences import Difference, value_words
from governance.retirement_rules import CLOCKS, EARLY, EARLY_LABEL, RULES, Asked

Terms = Mapping[str, Any]
BOTH_WAYS = frozenset({"log_days"})


def retirement_differences(before: Terms, after: Terms) -> list[Difference]:
    """Everything that is different, from before to after; before may be empty."""
    found = []
    if before.get("match") != after["match"]:
        words = _match(before.get("match")), _match(after["match"])
        found.append(Difference("Asked for by", *words, after["match"] == "all"))
    for name in RULES:
        one = _rule(name, _told(before, name), _told(after, name))
        found += one if after["match"] == "any" or not before else [_of_all(d) for d in one]
    for clock in CLOCKS:
        found += _number(clock, clock.label, before.get(clock.name), after[clock.name])
    return found + _early(before, after)


def _early(before: Terms, after: Terms) -> list[Difference]:
    """Policies from before the notice could end early never let it."""
    was, now = bool(before.get(EARLY)), bool(after.get(EARLY))
    if was == now:
        return []
    words = ("no", "yes") if now else ("yes", "no")
    return [Difference(EARLY_LABEL, *words, now)]


def _of_all(one: Difference) -> Difference:
    """Where all rules have to hold together, one rule more finds fewer versions."""
    if "not asked" not in {one.before, one.after}:
        return one
    return Difference(one.what, one.before, one.after, one.before == "not asked")


def _match(match: str | None) -> str:
    words = {"any": "any of the rules", "all": "all of the rules together"}
    return words.get(match or "", "not set")


def _told(terms: Terms, name: str) -> Mapping[str, int] | None:
    return next((o["parameters"] for o in terms.get("rules", []) if o["rule"] == name), None)


def _rule(
    name: str, was: Mapping[str, int] | None, now: Mapping[str, int] | None
) -> list[Difference]:
    rule = RULES[name]
    if was is None and now is None:
        return []
    if was is None or now is None:
        words = [in_words(rule.parameters, told) if told else "not asked" for told in (was, now)]
        return [Difference(rule.title, words[0], words[1], now is None)]
    found = []
    for one in rule.parameters:
        label = f"{rule.title}: {one.label.lower()}"
        found += _number(one, label, was[one.name], now[one.name])
    return found


def _number(asked: Asked, label: str, was: int | None, now: int) -> list[Difference]:
    if was == now:
        return []
    if was is None:
        return [Difference(label, "not set", f"{now:,}", loosens=False)]
    less = now < was if asked.less_is_looser else now > was
    return [Difference(label, f"{was:,}", f"{now:,}", less or asked.name in BOTH_WAYS)]


def in_words(parameters: tuple[Asked, ...], told: Mapping[str, int]) -> str:
    """What a rule is told, as people read it."""
    return ", ".join(f"{one.label.lower()}: {value_words(told[one.name])}" for one in parameters)
