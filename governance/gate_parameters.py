"""What each gate can be told by a policy: its parameters, their bounds, and which way is stricter.

Policies that people write are held against this table before anybody signs them. Pure.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.gates import GATES, SEVERITIES
from governance.states import GateMode
from monitoring.models import MonitorKind
from registry.models import TaskType

UP, DOWN, MORE, ORDER, UNKNOWN = "up", "down", "more", "order", ""
MODES = (GateMode.INFORM.value, GateMode.WARN.value, GateMode.PREVENT.value)
WHEN_UNSURE = ("pass", "condition", "prevent")
LIMITED = "within_limits"
MOST_GATES = 40


class BadPolicy(Exception):
    """A gate or round that makes no sense; `field` is where, the message how to mend it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True)
class Parameter:
    """One thing that a gate can be told.

    `stricter`: up or down for numbers, more for lists where a longer one asks more, order for
    choices that are listed from lenient to strict, empty where neither way is known to be stricter.
    """

    name: str
    label: str
    kind: str
    stricter: str
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] = ()
    needed: bool = False


SHARE = (0.0, 1.0)
PARAMETERS: dict[str, tuple[Parameter, ...]] = {
    "card_complete": (Parameter("minimum", "Share of the card at least", "number", UP, *SHARE),),
    "monitors_enabled": (
        Parameter(
            "kinds",
            "Kinds of monitor that have to be there",
            "list",
            MORE,
            choices=tuple(MonitorKind.values),
        ),
    ),
    "no_open_findings": (
        Parameter(
            "severity", "From this severity on", "choice", ORDER, choices=tuple(SEVERITIES[::-1])
        ),
    ),
    "not_worse": (Parameter("margin", "Worse by at most", "number", DOWN, *SHARE),),
    "watched_after": (
        Parameter("hours", "Watched for at least (hours)", "number", UP, 1, 2160, needed=True),
        Parameter("rows", "And until so many predictions", "number", UP, 0, 1_000_000_000),
        Parameter(
            "kinds", "Guard-rails: monitors of", "list", MORE, choices=tuple(MonitorKind.values)
        ),
        Parameter("margin", "Worse than the former champion by at most", "number", DOWN, *SHARE),
        Parameter("automatic", "Rolls back by itself", "flag", UNKNOWN),
        Parameter(
            "when_not_possible",
            "Where it cannot be rolled back, the clearance is",
            "choice",
            ORDER,
            choices=("keep", "suspend"),
        ),
    ),
    LIMITED: (
        Parameter("metric", "Measure", "text", UNKNOWN, needed=True),
        Parameter("at_least", "At least", "number", UP),
        Parameter("at_most", "At most", "number", DOWN),
        Parameter(
            "tasks",
            "Only of these tasks",
            "list",
            UNKNOWN,
            choices=tuple(TaskType.values),
        ),
        Parameter(
            "roles", "Asked of these roles", "list", MORE, choices=("champion", "challenger")
        ),
        Parameter("of_groups", "Only where the schema names groups of people", "flag", UNKNOWN),
        Parameter(
            "when_unsure", "Where the interval leaves doubt", "choice", ORDER, choices=WHEN_UNSURE
        ),
    ),
}


def key_of(gate: Mapping[str, Any]) -> str:
    """What tells a policy's gates apart: the name, and for limits the measure."""
    name = str(gate["gate"])
    metric = gate.get("parameters", {}).get("metric", "")
    return f"{name}:{metric}" if name == LIMITED else name


def clean_gates(raw: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Gates as a policy keeps them.

    Raises:
        BadPolicy: an unknown gate, mode or parameter, one out of its bounds, or one asked twice;
            or the gate that the stage allows the change does not prevent.
    """
    if len(raw) > MOST_GATES:
        raise BadPolicy("gates", f"At most {MOST_GATES} gates.")
    gates = [_clean(gate, f"gates.{i}") for i, gate in enumerate(raw)]
    keys = [key_of(gate) for gate in gates]
    for i, key in enumerate(keys):
        if key in keys[:i]:
            raise BadPolicy(f"gates.{i}", f"{GATES[gates[i]['gate']][0]} is asked twice.")
    if not any(one["gate"] == "stage" and one["mode"] == GateMode.PREVENT for one in gates):
        said = f"{GATES['stage'][0]!r} has to prevent: without it, an approved change would fail."
        raise BadPolicy("gates", said)
    return gates


def _clean(gate: Mapping[str, Any], where: str) -> dict[str, Any]:
    name = gate.get("gate")
    if name not in GATES:
        raise BadPolicy(f"{where}.gate", f"One of {', '.join(GATES)}.")
    if gate.get("mode") not in MODES:
        raise BadPolicy(f"{where}.mode", f"One of {', '.join(MODES)}.")
    told = gate.get("parameters") or {}
    if not isinstance(told, Mapping):
        raise BadPolicy(f"{where}.parameters", "Names with values.")
    known = {one.name: one for one in PARAMETERS.get(name, ())}
    for unknown in set(told) - set(known):
        takes = ", ".join(known) or "nothing"
        raise BadPolicy(f"{where}.parameters", f"{unknown!r} is unknown; it takes {takes}.")
    return {"gate": name, "mode": gate["mode"], "parameters": _parameters(known, told, where)}


def _parameters(
    known: Mapping[str, Parameter], told: Mapping[str, Any], where: str
) -> dict[str, Any]:
    for one in known.values():
        if one.needed and one.name not in told:
            raise BadPolicy(f"{where}.parameters.{one.name}", f"{one.label}: say which.")
    if "metric" in known and not {"at_least", "at_most"} & set(told):
        raise BadPolicy(f"{where}.parameters.at_least", "A limit: at least, at most, or both.")
    clean = {
        name: _value(known[name], value, f"{where}.parameters.{name}")
        for name, value in told.items()
    }
    if clean.get("at_least", -math.inf) > clean.get("at_most", math.inf):
        raise BadPolicy(f"{where}.parameters.at_most", "Not below the least.")
    return clean


def _value(one: Parameter, value: Any, where: str) -> Any:
    right = {"number": _number, "list": _list, "choice": _choice, "text": _text, "flag": _flag}
    return right[one.kind](one, value, where)


def _number(one: Parameter, value: Any, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise BadPolicy(where, f"{one.label}: a number.")
    if not one.low <= value <= one.high:
        raise BadPolicy(where, f"{one.label}: from {one.low:g} to {one.high:g}.")
    return value


def _list(one: Parameter, value: Any, where: str) -> list[str]:
    if not isinstance(value, list | tuple) or not value or not set(value) <= set(one.choices):
        raise BadPolicy(where, f"{one.label}: some of {', '.join(one.choices)}.")
    return [choice for choice in one.choices if choice in value]


def _choice(one: Parameter, value: Any, where: str) -> str:
    if value not in one.choices:
        raise BadPolicy(where, f"{one.label}: one of {', '.join(one.choices)}.")
    return str(value)


def _text(one: Parameter, value: Any, where: str) -> str:
    plain = isinstance(value, str) and value.replace("_", "").isalnum() and value.isascii()
    if not plain or len(value) > 60:
        raise BadPolicy(where, f"{one.label}: a name such as demographic_parity_ratio or roc_auc.")
    return str(value)


def _flag(one: Parameter, value: Any, where: str) -> bool:
    if not isinstance(value, bool):
        raise BadPolicy(where, f"{one.label}: true or false.")
    return value


def looser(gate: str, name: str, before: Any, after: Any) -> bool:
    """Whether a parameter asks less than before; where that cannot be said, it counts as less."""
    one = next((p for p in PARAMETERS.get(gate, ()) if p.name == name), None)
    if before == after:
        return False
    if one is None or before is None or after is None:
        # A new limit asks more, one that is gone asks less.
        return not (one is not None and before is None and one.stricter in {UP, DOWN})
    if one.stricter in {UP, DOWN}:
        return bool(after < before if one.stricter == UP else after > before)
    if one.stricter == MORE:
        return not set(before) <= set(after)
    if one.stricter == ORDER:
        return one.choices.index(after) < one.choices.index(before)
    return True
