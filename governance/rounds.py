"""The rounds in which a change is signed: in a round in any order, the rounds one after another.

A policy has one to five rounds, each with a quorum (role -> number of signatures). Pure.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

MOST_ROUNDS = 5
LONGEST_NAME = 40
# The order of a review; the database keeps the keys of a quorum in none.
ROLES = ("validator", "reviewer", "risk_officer")


@dataclass(frozen=True)
class Round:
    """Signatures that may be given in any order; `number` counts from 1."""

    number: int
    name: str
    quorum: Mapping[str, int]


class Given(Protocol):
    """A signature that counts: the role it was given in, and the round."""

    role: str
    round: int


def one_round(quorum: Mapping[str, int], name: str = "Approval") -> list[dict[str, Any]]:
    """All signatures in any order."""
    return [{"name": name, "quorum": dict(quorum)}]


def rounds_of(stored: Sequence[Mapping[str, Any]]) -> tuple[Round, ...]:
    """Rounds as a policy or a request keeps them."""
    return tuple(
        Round(i, one["name"], _ordered(one["quorum"])) for i, one in enumerate(stored, start=1)
    )


def _ordered(quorum: Mapping[str, int]) -> dict[str, int]:
    return {role: quorum[role] for role in ROLES if role in quorum}


def in_all(stored: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Signatures of each role over all rounds, in the order of a review."""
    total: Counter[str] = Counter()
    for one in stored:
        total.update(one["quorum"])
    return _ordered(total)


def lacking(one: Round, given: Iterable[Given]) -> dict[str, int]:
    """What a round still asks for, by role; empty when its quorum is reached."""
    signed = Counter(signature.role for signature in given if signature.round == one.number)
    return {role: n - signed[role] for role, n in one.quorum.items() if n > signed[role]}


def open_round(stored: Sequence[Mapping[str, Any]], given: Sequence[Given]) -> Round | None:
    """The first round whose quorum is not reached; none if the change has all its signatures."""
    return next((one for one in rounds_of(stored) if lacking(one, given)), None)


def in_words(stored: Sequence[Mapping[str, Any]]) -> str:
    """Who signs: "1 validator, then 1 reviewer and 1 risk officer"."""
    return ", then ".join(quorum_words(one.quorum) for one in rounds_of(stored))


def quorum_words(quorum: Mapping[str, int]) -> str:
    parts = [_people(role, n) for role, n in quorum.items()]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def _people(role: str, n: int) -> str:
    return f"{n} {role.replace('_', ' ')}{'' if n == 1 else 's'}"
