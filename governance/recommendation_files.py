"""A table of rules as a YAML file, and what one table changes of another. Pure.

Read under the same bounds as a framework; wrong places are named by line.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from audit.chain import plain, sha256_of
from governance.framework_files import BadFramework, Problem, tree_of
from governance.policy_differences import Difference
from governance.recommendation_facts import BY_NAME
from governance.recommendation_rules import Recommended, Rule, condition_words

DEFAULT = Path(__file__).parent / "recommendations" / "default.yaml"
LARGEST = 60_000
MOST_RULES = 60
MOST_CONDITIONS = 12
LONGEST_SENTENCE = 300
RULE_KEYS = {"id", "recommend", "when", "sentence", "why"}
IDENTIFIER = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass
class _Reading:
    """Collects every wrong place instead of stopping at the first."""

    lines: Mapping[str, int]
    problems: list[Problem]

    def say(self, path: str, message: str) -> None:
        line = self.lines.get(path) or self.lines.get(path.rpartition(".")[0], 1)
        self.problems.append(Problem(line, path, message))


def parse(raw: bytes) -> list[dict[str, Any]]:
    """The rules of a file, cleaned.

    Raises:
        BadFramework: too large, no YAML, or something in it is not right.
    """
    if len(raw) > LARGEST:
        raise BadFramework([Problem(1, "", f"At most {LARGEST:,} bytes.")])
    tree, lines = tree_of(raw)
    reading = _Reading(lines, [])
    rules = _rules(tree, reading)
    if reading.problems:
        raise BadFramework(reading.problems)
    return rules


def clean(rules: Any) -> list[dict[str, Any]]:
    """Rules that came as values, cleaned.

    Raises:
        BadFramework: something in them is not right.
    """
    reading = _Reading({}, [])
    found = _rules({"rules": rules}, reading)
    if reading.problems:
        raise BadFramework(reading.problems)
    return found


def written(rules: Sequence[Rule]) -> str:
    """The rules as the text of a file that `parse` reads."""
    body = {"rules": [dict(rule) for rule in rules]}
    return str(yaml.safe_dump(body, sort_keys=False, allow_unicode=True, width=100))


def _rules(tree: Any, reading: _Reading) -> list[dict[str, Any]]:
    if not isinstance(tree, Mapping) or set(tree) != {"rules"}:
        reading.say("", "One mapping with `rules`.")
        return []
    listed = tree["rules"]
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_RULES:
        reading.say("rules", f"One to {MOST_RULES} rules.")
        return []
    rules = [_rule(one, f"rules[{i}]", reading) for i, one in enumerate(listed)]
    if not reading.problems:
        _whole(rules, reading)
    return rules


def _whole(rules: Sequence[Rule], reading: _Reading) -> None:
    """What has to hold of the table as a whole."""
    if len({rule["id"] for rule in rules}) < len(rules):
        reading.say("rules", "Each rule has an id of its own.")
    for i, rule in enumerate(rules[:-1]):
        if not rule["when"]:
            reading.say(f"rules[{i}].when", "Only the last rule has no condition.")
        if rule["recommend"] == Recommended.KEEP:
            said = "Only the last rule keeps: before it, a version that is worse could be kept."
            reading.say(f"rules[{i}].recommend", said)
    if rules[-1]["when"] or rules[-1]["recommend"] != Recommended.KEEP:
        said = "The last rule keeps and has no condition (when: []), so there is always an answer."
        reading.say(f"rules[{len(rules) - 1}].when", said)


def _rule(one: Any, path: str, reading: _Reading) -> dict[str, Any]:
    if not isinstance(one, Mapping) or set(one) != RULE_KEYS:
        reading.say(path, f"A rule has exactly: {', '.join(sorted(RULE_KEYS))}.")
        return {}
    if not isinstance(one["id"], str) or not IDENTIFIER.fullmatch(one["id"]):
        reading.say(f"{path}.id", "Up to 40 small letters, digits and hyphens.")
    if one["recommend"] not in list(Recommended):
        reading.say(f"{path}.recommend", f"One of {', '.join(Recommended)}.")
    for name in ("sentence", "why"):
        text = one[name]
        if not isinstance(text, str) or not 1 <= len(text.strip()) <= LONGEST_SENTENCE:
            reading.say(f"{path}.{name}", f"A sentence of up to {LONGEST_SENTENCE} characters.")
    return {
        "id": one["id"],
        "recommend": one["recommend"],
        "when": _conditions(one["when"], f"{path}.when", reading),
        "sentence": str(one["sentence"]).strip(),
        "why": str(one["why"]).strip(),
    }


def _conditions(
    listed: Any, path: str, reading: _Reading, *, inside: bool = False
) -> list[dict[str, Any]]:
    if not isinstance(listed, list) or len(listed) > MOST_CONDITIONS:
        reading.say(path, f"A list of at most {MOST_CONDITIONS} conditions.")
        return []
    found = []
    for i, one in enumerate(listed):
        place = f"{path}[{i}]"
        if isinstance(one, Mapping) and set(one) == {"any"} and not inside:
            parts = _conditions(one["any"], f"{place}.any", reading, inside=True)
            if not parts:
                reading.say(f"{place}.any", "At least one condition.")
            found.append({"any": parts})
        else:
            found.append(_condition(one, place, reading))
    return found


def _condition(one: Any, path: str, reading: _Reading) -> dict[str, Any]:
    fact = BY_NAME.get(str(one.get("fact"))) if isinstance(one, Mapping) else None
    if fact is None:
        reading.say(path, f"A condition about one of: {', '.join(BY_NAME)}.")
        return {}
    asked = dict(one)
    told = set(asked) - {"fact"}
    if fact.choices:
        _choice(asked, told, fact.choices, path, reading)
    else:
        _bounds(asked, told, path, reading)
    return asked


def _choice(
    asked: dict[str, Any], told: set[str], choices: tuple[str, ...], path: str, reading: _Reading
) -> None:
    values = asked.get("is")
    known = isinstance(values, list) and values and all(one in choices for one in values)
    if told != {"is"} or not known:
        reading.say(path, f"`is` with a list out of: {', '.join(choices)}.")


def _bounds(asked: dict[str, Any], told: set[str], path: str, reading: _Reading) -> None:
    numbers = [asked[name] for name in told if name in {"at_least", "at_most"}]
    right = all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n < 10**9 for n in numbers)
    if not told or told - {"at_least", "at_most"} or not right:
        reading.say(path, "`at_least` or `at_most`, or both, with whole numbers from 0.")


def default_rules() -> list[dict[str, Any]]:
    """The table that an installation starts with."""
    return parse(DEFAULT.read_bytes())


def rules_digest(rules: Sequence[Rule]) -> str:
    return sha256_of({"rules": plain([dict(rule) for rule in rules])})


def table_differences(before: Sequence[Rule], after: Sequence[Rule]) -> list[Difference]:
    """Everything that is different; it asks less unless it is plain that it does not.

    Other words ask as much. A rule that is added asks less only where it overtakes one that
    recommends a greater step.
    """
    was, now = ({rule["id"]: rule for rule in rules} for rules in (before, after))
    found = [
        Difference(key, said_of(was[key]), "not asked", loosens=True)
        for key in was
        if key not in now
    ]
    for key, rule in now.items():
        if key not in was:
            found.append(
                Difference(key, "not asked", said_of(rule), loosens=_overtakes(rule, after))
            )
        elif was[key] != rule:
            found += _rule_differences(was[key], rule)
    if order := _order(list(was), list(now)):
        found.append(order)
    return found


def _overtakes(rule: Rule, rules: Sequence[Rule]) -> bool:
    """Whether a rule after this one recommends a greater step than it does."""
    order = list(Recommended)
    later = rules[[one["id"] for one in rules].index(rule["id"]) + 1 :]
    return any(order.index(one["recommend"]) > order.index(rule["recommend"]) for one in later)


def _rule_differences(was: Rule, now: Rule) -> list[Difference]:
    found = []
    if (was["recommend"], was["when"]) != (now["recommend"], now["when"]):
        found.append(Difference(was["id"], said_of(was), said_of(now), loosens=True))
    found += [
        Difference(f"{was['id']}: {name}", was[name], now[name], loosens=False)
        for name in ("sentence", "why")
        if was[name] != now[name]
    ]
    return found


def _order(was: list[str], now: list[str]) -> Difference | None:
    kept = [[key for key in was if key in now], [key for key in now if key in was]]
    if kept[0] == kept[1]:
        return None
    return Difference("Order of the rules", ", ".join(kept[0]), ", ".join(kept[1]), loosens=True)


def said_of(rule: Rule) -> str:
    """A rule in one sentence."""
    said = "; ".join(condition_words(one) for one in rule["when"]) or "in every other case"
    return f"{str(rule['recommend']).replace('_', ' ')}: {said}"
