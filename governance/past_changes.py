"""A proposed policy asked of a past change: from what was frozen then, never from guesses. Pure.

A gate that was asked then with the same parameters has its answer. Another one is asked anew where
everything that it looks at is in the frozen evidence, or is named there by a digest. Where it is
not, the answer is that it cannot be told, and why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from governance.card_fields import completeness
from governance.gates import GATES, SEVERITIES, Facts, title_of
from governance.numbers import Number


class Verdict(StrEnum):
    """What the proposed gates would have done with a request."""

    BLOCKED = "blocked"
    UNTOLD = "untold"
    WARNED = "warned"
    PASSED = "passed"


class Fate(StrEnum):
    """What became of a change."""

    BADLY = "badly"
    WELL = "well"
    TOO_EARLY = "too_early"
    NOT_DONE = "not_done"


class Basis(StrEnum):
    """On what the answer of a gate rests."""

    THEN = "then"
    ANEW = "anew"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Past:
    """A past change: its frozen evidence, and rows that its digests still name (else None)."""

    evidence: Mapping[str, Any]
    task: str
    sections: Mapping[str, str] | None = None
    schema: Sequence[Mapping[str, Any]] | None = None
    reference_rows: int | None = None
    pickled: Sequence[str] | None = None


@dataclass(frozen=True)
class Asked:
    """One gate of the proposed policy; passed is None where it cannot be told."""

    place: int
    gate: str
    title: str
    mode: str
    passed: bool | None
    message: str
    basis: Basis

    def as_json(self) -> dict[str, Any]:
        return {
            "place": self.place,
            "gate": self.gate,
            "title": self.title,
            "mode": self.mode,
            "passed": self.passed,
            "message": self.message,
            "basis": str(self.basis),
        }


# What each gate looks at, as `_known` tells it. `not_worse` looks at numbers alone, always frozen.
NEEDS: dict[str, frozenset[str]] = {
    "stage": frozenset({"deployments"}),
    "artifact_hashed": frozenset(),
    "schema_present": frozenset({"schema"}),
    "reference_present": frozenset({"reference"}),
    "card_complete": frozenset({"card"}),
    "monitors_enabled": frozenset({"monitors"}),
    "no_critical_incident": frozenset({"incidents"}),
    "not_worse": frozenset(),
    "within_limits": frozenset(),
    "format_safe": frozenset({"pickled"}),
    "replaced": frozenset({"deployments"}),
    "archive_verified": frozenset({"archive"}),
    "guidelines_answered": frozenset({"guidelines"}),
}
LACKING = {
    "all": "what this gate looks at",
    "deployments": "what was deployed then",
    "schema": "the schema as it was then",
    "reference": "the reference as it was then",
    "card": "the card as it was then",
    "monitors": "which monitors were enabled then",
    "incidents": "which incidents were open then",
    "pickled": "which files held pickles then",
    "archive": "the state of the archive then",
    "guidelines": "which guidelines were answered then",
    "groups": "whether its schema named groups of people",
}


def ask(gates: Sequence[Mapping[str, Any]], past: Past) -> list[Asked]:
    """Every gate of a proposed policy, asked of a past change."""
    facts, known = _facts(past)
    told = (_ask(gate, past, facts, known) for gate in gates)
    return [replace(one, place=place) for place, one in enumerate(told)]


def verdict_of(asked: Sequence[Asked]) -> Verdict:
    """Blocked if a gate that prevents fails, untold if one of them cannot be told."""
    preventing = [one.passed for one in asked if one.mode == "prevent"]
    if False in preventing:
        return Verdict.BLOCKED
    if None in preventing:
        return Verdict.UNTOLD
    warning = [one.passed for one in asked if one.mode == "warn"]
    return Verdict.WARNED if False in warning else Verdict.PASSED


def lacking(quorum: Mapping[str, int], signed: Mapping[str, int]) -> dict[str, int]:
    """How many signatures of which role the proposed quorum would have missed."""
    short = {role: count - signed.get(role, 0) for role, count in quorum.items()}
    return {role: count for role, count in short.items() if count > 0}


def fate_of(
    executed_at: datetime | None, signs: Sequence[Any], looked_until: datetime, now: datetime
) -> Fate:
    """Badly at the first sign of it; well only once the whole time to look at is over."""
    if executed_at is None:
        return Fate.NOT_DONE
    if signs:
        return Fate.BADLY
    return Fate.WELL if looked_until <= now else Fate.TOO_EARLY


def _ask(gate: Mapping[str, Any], past: Past, facts: Facts, known: frozenset[str]) -> Asked:
    name, mode = str(gate["gate"]), str(gate["mode"])
    parameters = dict(gate.get("parameters") or {})
    title, rule = title_of(gate), GATES[name][1]
    then = _answer_then(past, name, parameters)
    if then is not None:
        return Asked(0, name, title, mode, bool(then["passed"]), str(then["message"]), Basis.THEN)
    if name == "no_open_findings":
        return _findings(past, title, mode, parameters)
    missing = sorted(_needs(name, parameters) - known)
    if missing:
        said = f"The frozen evidence does not hold {LACKING[missing[0]]}."
        return Asked(0, name, title, mode, None, said, Basis.NOTHING)
    passed, message, _ = rule(facts, parameters)
    return Asked(0, name, title, mode, passed, message, Basis.ANEW)


def _needs(name: str, parameters: Mapping[str, Any]) -> frozenset[str]:
    of_groups = name == "within_limits" and bool(parameters.get("of_groups"))
    # A gate that nobody said the needs of is not asked of the past.
    return NEEDS.get(name, frozenset({"all"})) | ({"groups"} if of_groups else frozenset())


def _answer_then(past: Past, name: str, parameters: dict[str, Any]) -> Mapping[str, Any] | None:
    """The stored answer, if this gate was asked with these parameters.

    A policy may ask one gate several times: its answers are stored in the same order.
    """
    asked = [one for one in past.evidence["policy"]["gates"] if one["gate"] == name]
    answers = [one for one in past.evidence["gates"] if one["gate"] == name]
    answer: Mapping[str, Any]
    for gate, answer in zip(asked, answers, strict=False):
        if _same(dict(gate.get("parameters") or {})) == _same(parameters):
            return answer
    return None


def _same(value: Any) -> Any:
    """A form in which equal parameters are equal: evidence keeps numbers as text."""
    if isinstance(value, Mapping):
        return {key: _same(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_same(one) for one in value]
    try:
        return value if isinstance(value, bool) or value is None else float(value)
    except ValueError:
        return value


def _stored(past: Past, name: str) -> Mapping[str, Any] | None:
    return next((one for one in past.evidence["gates"] if one["gate"] == name), None)


def _found(past: Past, name: str, key: str) -> Any:
    """What a gate kept as its own evidence, or None if it was not asked."""
    stored = _stored(past, name)
    return stored["evidence"].get(key) if stored else None


def _findings(past: Past, title: str, mode: str, parameters: Mapping[str, Any]) -> Asked:
    """Kept are titles from the severity on that was asked for then: more of them fail a wider
    question, none of them pass a narrower one."""
    name, least = "no_open_findings", str(parameters.get("severity", "critical"))
    then, titles = _found(past, name, "severity"), _found(past, name, "findings")
    if then is None:
        said = "The frozen evidence does not hold which findings were open then."
        return Asked(0, name, title, mode, None, said, Basis.NOTHING)
    wider = SEVERITIES.index(least) <= SEVERITIES.index(then)
    if bool(titles) is not wider:
        said = f"The evidence tells findings of severity {then} or above together, no others."
        return Asked(0, name, title, mode, None, said, Basis.NOTHING)
    said = f"No finding of severity {least} or above was open."
    if titles:
        said = f"Open: {'; '.join(titles[:3])}."
    return Asked(0, name, title, mode, not titles, said, Basis.ANEW)


def _facts(past: Past) -> tuple[Facts, frozenset[str]]:
    """Facts as far as they can be rebuilt, and which of them are known."""
    frozen, change = past.evidence, past.evidence["change"]
    card = completeness(past.sections or {})
    monitors, incidents = (
        _found(past, "monitors_enabled", "enabled"),
        _found(past, "no_critical_incident", "incidents"),
    )
    pickled = _found(past, "format_safe", "pickles")
    pickled = past.pickled if pickled is None else pickled
    champion = frozen.get("champion") or {}
    schema = past.schema if past.schema is not None else ()
    facts = Facts(
        kind=change["kind"],
        environment=change["environment"],
        role=change["role"],
        task=past.task,
        version=change["version"],
        stage="",
        artifact_digest=frozen["artifact"]["digest"],
        files=("",) * int(frozen["artifact"]["files"]),
        schema_fields=len(schema),
        reference_rows=past.reference_rows or 0,
        card_share=card.share,
        card_missing=tuple(section.title for section in card.missing),
        monitors=monitors or {},
        incidents=tuple(incidents or ()),
        numbers=_numbers(frozen["measurements"]),
        champion=champion.get("version"),
        champion_numbers=_numbers(champion.get("measurements", ())),
        pickled=tuple(pickled or ()),
        has_groups=any(field["role"] == "group" for field in schema),
        conditions=_conditions(change),
        guidelines=_guidelines(frozen),
    )
    known = {
        "schema": past.schema is not None or not frozen["schema"]["digest"],
        "groups": past.schema is not None,
        "reference": past.reference_rows is not None or not frozen["reference"]["digest"],
        "card": past.sections is not None or not frozen["card"]["digest"],
        "monitors": monitors is not None,
        "incidents": incidents is not None,
        "pickled": pickled is not None,
        "guidelines": "guidelines" in frozen,
    }
    return facts, frozenset(name for name, held in known.items() if held)


def _conditions(change: Mapping[str, Any]) -> tuple[str, ...]:
    terms = (one["terms"] for one in change.get("conditions", ()))
    return tuple(one["metric"] for one in terms if one.get("metric"))


def _guidelines(frozen: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    asked = (frozen.get("guidelines") or {}).get("asked", ())
    return tuple((one["title"], one["state"], one["state"].replace("_", " ")) for one in asked)


def _numbers(said: Sequence[Mapping[str, Any]]) -> tuple[Number, ...]:
    return tuple(
        Number(
            metric=one["metric"],
            label=one["label"],
            value=float(one["value"]),
            source=one["source"],
            low=_number(one["low"]),
            high=_number(one["high"]),
            n=one["n"],
            verdict=one["verdict"],
            measurement_id=one["measurement"],
        )
        for one in said
    )


def _number(said: Any) -> float | None:
    return None if said is None else float(said)
