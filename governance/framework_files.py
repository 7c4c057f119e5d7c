"""A framework as a YAML file: read under bounds, checked, and wrong places named by line. Pure."""

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import yaml

from audit.chain import plain, sha256_of
from governance.card_fields import BY_ID
from registry.states import RISK_ORDER

LARGEST = 200_000
MOST_CONTROLS = 500
MOST_RULES = 12
MOST_PROBLEMS = 20
SLUG = re.compile(r"[a-z0-9][a-z0-9-]{0,59}")
# `new` is the address of the page that adds one.
FRAMEWORK_ID = re.compile(r"(?!new$)[a-z0-9][a-z0-9-]{0,59}")
IDENTIFIER = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._()§-]{0,39}")
JURISDICTION = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,8})?")
ADDRESS = re.compile(r"https?://[^\s<>\"']{1,290}")
CROSSWALK = re.compile(rf"({SLUG.pattern}):({IDENTIFIER.pattern})")
MONITORS = (
    *("quality", "drift", "novelty", "performance", "estimate"),
    *("calibration", "concept", "fairness", "operations", "business", "explanation"),
)
CHANGES = ("promote", "roll_back", "revalidate", "retire", "archive", "restore")
VERDICTS = ("ok", "warning", "breach")
# Every kind of evidence rule: what it needs, and what it may say. `choice` lists are closed.
RULES: dict[str, dict[str, tuple[str, ...] | None]] = {
    "measurement": {"monitor": MONITORS, "within_days": None, "verdicts": None},
    "monitor": {"monitor": MONITORS},
    "card": {"section": tuple(BY_ID)},
    "archive": {"check": ("verified", "drill"), "within_days": None},
    "approval": {"change": CHANGES, "within_days": None},
    "document": {"within_days": None},
    "risk": {"within_days": None},
    "attestation": {"within_days": None},
}
FRAMEWORK_KEYS = {
    *("id", "title", "publisher", "source", "note", "read_on"),
    *("valid_from", "valid_to", "applies", "defaults", "controls"),
}
CONTROL_KEYS = {
    *("id", "group", "line", "applies", "evidence", "crosswalk", "valid_from", "valid_to"),
}


@dataclass(frozen=True)
class Problem:
    """What is wrong, and where."""

    line: int
    path: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}, {self.path or 'file'}: {self.message}"


class BadFramework(Exception):
    """The file is no framework; `problems` names every place."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(" ".join(str(problem) for problem in problems[:MOST_PROBLEMS]))
        self.problems = problems[:MOST_PROBLEMS]


@dataclass(frozen=True)
class Applies:
    """Which models are meant; an empty tuple means every one."""

    tiers: tuple[str, ...] = ()
    jurisdictions: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, list[str]]:
        return {
            "tiers": list(self.tiers),
            "jurisdictions": list(self.jurisdictions),
            "purposes": list(self.purposes),
        }


@dataclass(frozen=True)
class ControlLine:
    """One requirement of a framework."""

    id: str
    group: str
    line: str
    applies: Applies
    evidence: tuple[dict[str, Any], ...]
    crosswalk: tuple[str, ...]
    valid_from: date | None
    valid_to: date | None

    @property
    def digest(self) -> str:
        """Of what is required: a change of it makes earlier assessments outdated."""
        return sha256_of(plain({"line": self.line, "evidence": list(self.evidence)}))


@dataclass(frozen=True)
class FrameworkFile:
    """A framework as it was read; `digest` covers everything it says."""

    id: str
    title: str
    publisher: str
    source: str
    note: str
    read_on: date
    valid_from: date | None
    valid_to: date | None
    controls: tuple[ControlLine, ...]
    digest: str


def parse(raw: bytes) -> FrameworkFile:
    """A framework from the bytes of its file.

    Raises:
        BadFramework: too large, no YAML, or something in it is not right.
    """
    if len(raw) > LARGEST:
        message = f"At most {LARGEST:,} bytes; this has {len(raw):,}."
        raise BadFramework([Problem(1, "", message)])
    tree, lines = tree_of(raw)
    check = Check(lines)
    found = check.framework(tree, sha256_of(plain(without_dates(tree))))
    if check.problems:
        raise BadFramework(check.problems)
    return found


class _Loader(yaml.SafeLoader):
    """No anchors and aliases: they are how small files become large trees."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.events.AliasEvent) or getattr(event, "anchor", None):
            raise yaml.YAMLError(f"line {event.start_mark.line + 1}: no anchors or aliases.")
        return super().compose_node(parent, index)


def tree_of(raw: bytes) -> tuple[Any, dict[str, int]]:
    lines: dict[str, int] = {"": 1}
    try:
        loader = _Loader(raw.decode("utf-8"))
        node = loader.get_single_node()
        return (None if node is None else _value(loader, node, "", lines)), lines
    except UnicodeDecodeError as error:
        raise BadFramework([Problem(1, "", "The file is not UTF-8 text.")]) from error
    except RecursionError as error:
        raise BadFramework([Problem(1, "", "The file is nested too deeply.")]) from error
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        said = getattr(error, "problem", None) or str(error)
        raise BadFramework([Problem(mark.line + 1 if mark else 1, "", f"{said}.")]) from error


def _value(loader: _Loader, node: Any, path: str, lines: dict[str, int]) -> Any:
    lines[path] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        inside = enumerate(node.value)
        return [_value(loader, one, f"{path}[{index}]", lines) for index, one in inside]
    if not isinstance(node, yaml.MappingNode):
        return loader.construct_object(node)
    found: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node) if _is_plain(key_node) else None
        if not isinstance(key, str) or key in found:
            line = key_node.start_mark.line + 1
            raise BadFramework([Problem(line, path, f"{key!r} is no key, or is there twice.")])
        found[key] = _value(loader, value_node, f"{path}.{key}".lstrip("."), lines)
    return found


def _is_plain(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode)


def without_dates(value: Any) -> Any:
    """The tree in types that have a canonical form."""
    if isinstance(value, dict):
        return {key: without_dates(one) for key, one in value.items()}
    if isinstance(value, list):
        return [without_dates(one) for one in value]
    known = value is None or isinstance(value, str | bool | int)
    return value if known else str(value)


@dataclass
class Check:
    """Reads the tree and collects what is wrong instead of stopping at the first place."""

    lines: dict[str, int]
    problems: list[Problem] = field(default_factory=list)

    def say(self, path: str, message: str) -> None:
        line = self.lines.get(path) or self.lines.get(path.rpartition(".")[0], 1)
        self.problems.append(Problem(line, path, message))

    def framework(self, tree: Any, digest: str) -> FrameworkFile:
        data = self.mapping(tree, "", FRAMEWORK_KEYS)
        defaults = self.mapping(data.get("defaults") or {}, "defaults", CONTROL_KEYS)
        applies = self.applies(data, "applies", Applies())
        read_on = self.day(data, "read_on", "", required=True)
        return FrameworkFile(
            id=self.text(data, "id", "", 60, FRAMEWORK_ID, "small letters, digits and hyphens"),
            title=self.text(data, "title", "", 200),
            publisher=self.text(data, "publisher", "", 200),
            source=self.text(data, "source", "", 300, ADDRESS, "an address, https://…"),
            note=self.text(data, "note", "", 1000, required=False),
            read_on=read_on or date.min,
            valid_from=self.day(data, "valid_from", ""),
            valid_to=self.day(data, "valid_to", ""),
            controls=self.controls(data, applies, defaults),
            digest=digest,
        )

    def controls(
        self, data: dict[str, Any], applies: Applies, defaults: dict[str, Any]
    ) -> tuple[ControlLine, ...]:
        listed = data.get("controls")
        if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_CONTROLS:
            self.say("controls", f"a list of 1 to {MOST_CONTROLS} controls.")
            return ()
        found = [self.control(one, index, applies, defaults) for index, one in enumerate(listed)]
        seen: set[str] = set()
        for index, control in enumerate(found):
            if control.id in seen:
                self.say(f"controls[{index}].id", f"{control.id!r} is there twice.")
            seen.add(control.id)
        return tuple(found)

    def control(
        self, tree: Any, index: int, applies: Applies, defaults: dict[str, Any]
    ) -> ControlLine:
        path = f"controls[{index}]"
        data = defaults | self.mapping(tree, path, CONTROL_KEYS)
        return ControlLine(
            id=self.text(data, "id", path, 40, IDENTIFIER, "letters, digits, . _ - ( ) § blanks"),
            group=self.text(data, "group", path, 120, required=False),
            line=self.text(data, "line", path, 400),
            applies=self.applies(data, f"{path}.applies", applies),
            evidence=self.rules(data.get("evidence") or [], f"{path}.evidence"),
            crosswalk=self.words(data, "crosswalk", path, CROSSWALK, "framework:control"),
            valid_from=self.day(data, "valid_from", path),
            valid_to=self.day(data, "valid_to", path),
        )

    def applies(self, data: dict[str, Any], path: str, base: Applies) -> Applies:
        said = self.mapping(data.get("applies") or {}, path, set(base.as_dict()))
        kept = {
            name: tuple(base.as_dict()[name])
            if name not in said
            else self.words(said, name, path, *_WORDS[name])
            for name in base.as_dict()
        }
        for tier in set(kept["tiers"]) - set(RISK_ORDER):
            self.say(f"{path}.tiers", f"{tier!r} is no tier; there are {', '.join(RISK_ORDER)}.")
        return Applies(**kept)

    def rules(self, listed: Any, path: str) -> tuple[dict[str, Any], ...]:
        if not isinstance(listed, list) or len(listed) > MOST_RULES:
            self.say(path, f"a list of at most {MOST_RULES} rules.")
            return ()
        return tuple(self.rule(one, f"{path}[{index}]") for index, one in enumerate(listed))

    def rule(self, tree: Any, path: str) -> dict[str, Any]:
        data = tree if isinstance(tree, dict) else {}
        kind = data.get("kind")
        if not isinstance(kind, Hashable) or kind not in RULES:
            self.say(f"{path}.kind", f"one of {', '.join(RULES)}.")
            return {}
        parts = RULES[str(kind)]
        data = self.mapping(data, path, {"kind", *parts})
        for name, choices in parts.items():
            if choices and data.get(name) not in choices:
                self.say(f"{path}.{name}", f"one of {', '.join(choices)}.")
        self.days(data, path)
        if "verdicts" in data and not _among(data["verdicts"], VERDICTS):
            self.say(f"{path}.verdicts", f"a list of {', '.join(VERDICTS)}.")
        return data

    def days(self, data: dict[str, Any], path: str) -> None:
        said = data.get("within_days", 1)
        if not isinstance(said, int) or isinstance(said, bool) or not 1 <= said <= 3660:
            self.say(f"{path}.within_days", "a whole number of days, 1 to 3660.")

    def mapping(self, tree: Any, path: str, allowed: set[str]) -> dict[str, Any]:
        if not isinstance(tree, dict):
            self.say(path, "a mapping of keys to values.")
            return {}
        for key in sorted(set(tree) - allowed):
            self.say(f"{path}.{key}".lstrip("."), f"no such key; {', '.join(sorted(allowed))}.")
        return {key: value for key, value in tree.items() if key in allowed}

    def text(
        self,
        data: dict[str, Any],
        key: str,
        path: str,
        longest: int,
        pattern: re.Pattern[str] | None = None,
        shape: str = "",
        *,
        required: bool = True,
    ) -> str:
        place, said = f"{path}.{key}".lstrip("."), data.get(key)
        if said is None and not required:
            return ""
        if isinstance(said, int | float) and not isinstance(said, bool):
            said = str(said)
        if not isinstance(said, str) or not 1 <= len(said.strip()) <= longest or "\0" in said:
            self.say(place, f"a text of 1 to {longest} characters.")
            return ""
        if pattern is not None and not pattern.fullmatch(said.strip()):
            self.say(place, f"{said[:60]!r} is not {shape}.")
        return said.strip()

    def day(
        self, data: dict[str, Any], key: str, path: str, *, required: bool = False
    ) -> date | None:
        said = data.get(key)
        if isinstance(said, datetime) or not isinstance(said, date | None):
            self.say(f"{path}.{key}".lstrip("."), "a day, as in 2026-04-17.")
            return None
        if said is None and required:
            self.say(f"{path}.{key}".lstrip("."), "missing: the day the source was read.")
        return said

    def words(
        self, data: dict[str, Any], key: str, path: str, pattern: re.Pattern[str], shape: str
    ) -> tuple[str, ...]:
        said, place = data.get(key, []), f"{path}.{key}"
        if not isinstance(said, list) or len(said) > 40 or not _all_match(said, pattern):
            self.say(place, f"a list of at most 40 words like {shape}.")
            return ()
        return tuple(said)


_WORDS: dict[str, tuple[re.Pattern[str], str]] = {
    "tiers": (SLUG, "high"),
    "jurisdictions": (JURISDICTION, "EU or US-NYC"),
    "purposes": (SLUG, "employment"),
}


def _among(said: Any, choices: tuple[str, ...]) -> bool:
    return isinstance(said, list) and bool(said) and all(one in choices for one in said)


def _all_match(said: list[Any], pattern: re.Pattern[str]) -> bool:
    return all(isinstance(one, str) and pattern.fullmatch(one) for one in said)
