"""What a proposed policy changes of the one in force, and where it asks less. Pure.

More caution needs one signature, less caution needs two: so a change is loosening unless it is
plain that it asks as much as before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from governance.gate_parameters import MODES, key_of, looser
from governance.gates import title_of
from governance.rounds import in_all, in_words, rounds_of

Stored = Sequence[Mapping[str, Any]]
MODE_WORDS = {"": "not asked", "inform": "informs", "warn": "warns", "prevent": "prevents"}


@dataclass(frozen=True)
class Difference:
    """One thing that would be different; `loosens` where it asks less than before."""

    what: str
    before: str
    after: str
    loosens: bool


def differences(rounds: tuple[Stored, Stored], gates: tuple[Stored, Stored]) -> list[Difference]:
    """Everything that is different, from before to after: signatures first, then gates."""
    return [*_signatures(*rounds), *_gates(*gates)]


def _signatures(before: Stored, after: Stored) -> list[Difference]:
    if rounds_of(before) == rounds_of(after):
        return []
    fewer = any(in_all(after).get(role, 0) < n for role, n in in_all(before).items())
    said = _named(before), _named(after)
    return [Difference("Signatures", *said, fewer or not _order_kept(before, after))]


def _named(stored: Stored) -> str:
    """Who signs, with the rounds' names where there are several."""
    rounds = rounds_of(stored)
    names = ", ".join(one.name for one in rounds)
    return f"{in_words(stored)} ({names})" if len(rounds) > 1 else in_words(stored)


def _order_kept(before: Stored, after: Stored) -> bool:
    """Whether nobody signs earlier than those who had to sign before them."""
    first = [_first_rounds(before), _first_rounds(after)]
    return all(
        first[1].get(role, 0) < first[1].get(later, 0)
        for role, at in first[0].items()
        for later, after_it in first[0].items()
        if at < after_it
    )


def _first_rounds(stored: Stored) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in rounds_of(stored):
        for role in one.quorum:
            found.setdefault(role, one.number)
    return found


def _gates(before: Stored, after: Stored) -> list[Difference]:
    was, now = ({key_of(gate): gate for gate in gates} for gates in (before, after))
    found: list[Difference] = []
    for key in [*was, *(key for key in now if key not in was)]:
        found += _gate(was.get(key), now.get(key))
    return found


def _gate(was: Mapping[str, Any] | None, now: Mapping[str, Any] | None) -> list[Difference]:
    title = title_of(now or was or {})
    modes = ["" if gate is None else str(gate["mode"]) for gate in (was, now)]
    found = []
    if modes[0] != modes[1]:
        order = ["", *MODES]
        less = order.index(modes[1]) < order.index(modes[0])
        found.append(Difference(title, MODE_WORDS[modes[0]], MODE_WORDS[modes[1]], less))
    if was is not None and now is not None:
        found += _parameters(title, was, now)
    return found


def _parameters(title: str, was: Mapping[str, Any], now: Mapping[str, Any]) -> list[Difference]:
    told = was.get("parameters", {}), now.get("parameters", {})
    return [
        Difference(
            f"{title}: {name.replace('_', ' ')}",
            value_words(told[0].get(name)),
            value_words(told[1].get(name)),
            looser(was["gate"], name, told[0].get(name), told[1].get(name)),
        )
        for name in dict.fromkeys([*told[0], *told[1]])
        if told[0].get(name) != told[1].get(name)
    ]


def value_words(value: Any) -> str:
    """A parameter as people read it."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float | int):
        return f"{value:g}"
    return ", ".join(value) if isinstance(value, list) else str(value).replace("_", " ")
