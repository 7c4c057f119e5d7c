"""Seen: how far one measure was from its oracle, over all the cases that were tried."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from monitoring.stats.findings import Finding

SAME = 1e-9
ROUNDING = 1e-12


@dataclass(frozen=True)
class Seen:
    """A measure beside its oracle: the largest difference, and what was allowed.

    `allowed` is the largest difference that the definition allows, `used` the largest share of its
    own allowance that any case took: up to 1 the promise is kept. `kind` says what the allowance
    is: "same" definition, the "reported" bound of the finding, or "near", stated beforehand.
    """

    measure: str
    oracle: str
    cases: int
    largest: float
    allowed: float
    used: float
    kind: str = "same"

    @property
    def kept(self) -> bool:
        """Whether something was compared, and nothing was farther off than allowed."""
        return self.cases > 0 and self.used <= 1


def same(
    measure: str,
    oracle: str,
    pairs: Iterable[tuple[float | None, float]],
    *,
    relative: bool = False,
) -> Seen:
    """Return pairs (ours, oracle's) whose definition is the same: 1e-9 is allowed.

    Where `relative`, differences are divided by the oracle's value (p-values of any size, money).
    """
    triples = [(_apart(one, two, relative=relative), SAME) for one, two in pairs]
    return _seen(measure, oracle, triples, "same")


def near(
    measure: str, oracle: str, pairs: Iterable[tuple[float | None, float]], allowed: float
) -> Seen:
    """Return pairs whose definitions differ a little: `allowed` is stated beforehand."""
    return _seen(measure, oracle, [(_apart(one, two), allowed) for one, two in pairs], "near")


def within(measure: str, oracle: str, triples: Iterable[tuple[float | None, float, float]]) -> Seen:
    """Return triples (ours, oracle's, bound reported with ours): counts approximate raw rows."""
    found = [(_apart(one, two), bound + ROUNDING) for one, two, bound in triples]
    return _seen(measure, oracle, found, "reported")


def bound_of(finding: Finding, name: str = "bin_bound") -> float:
    """Return the bound that a finding reports; ValueError where it reports none."""
    bound = finding.parameters[name]
    if not isinstance(bound, int | float):
        raise ValueError(f"{finding.measure} reports no {name}.")
    return float(bound)


def _seen(measure: str, oracle: str, found: list[tuple[float, float]], kind: str) -> Seen:
    largest = max((apart for apart, _ in found), default=math.inf)
    allowed = max((bound for _, bound in found), default=0.0)
    used = max((apart / bound for apart, bound in found), default=math.inf)
    return Seen(measure, oracle, len(found), largest, allowed, used, kind)


def _apart(one: float | None, two: float, *, relative: bool = False) -> float:
    """Return the difference; a measure without a value is infinitely far from one that has it."""
    if one is None or math.isnan(two):
        return math.inf
    apart = abs(float(one) - float(two))
    return apart / max(abs(float(two)), 1e-300) if relative else apart
