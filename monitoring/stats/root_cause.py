"""Root cause: what a change of a metric, or of the inputs, is made of; ranked, with the evidence.

Definitions
    Feature      drift x |importance in the model|, as a share of the sum over all features. It says
                 where a model's inputs moved, not how much of a metric's change they caused.
    Segment      Kitagawa: with shares w and means r before (0) and after (1), and R the mean of the
                 two overall means,

                     mix    = (w1 - w0) ((r0 + r1) / 2 - R)
                     within = (r1 - r0) (w0 + w1) / 2,

                 whose sum over disjoint segments is the change of the overall mean, exactly. The
                 contribution is (mix + within) / change.
    Data quality rows with a fault move the mean by (mean of all rows - mean of the others); the
                 contribution is the change of that from before to after, relative to the change of
                 the mean.

    Contributions of segments and faults are shares of the change; they may be negative (against
    the change) or above 1 (outweighed by others).

Example
    >>> before, after = {"a": Part(50, 5.0), "b": Part(50, 10.0)}, {"a": Part(50, 10.0)}
    >>> round(decompose(before, after).change, 12)
    0.05

Source
    Kitagawa (1955), JASA 50:1168.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

from monitoring.stats.findings import Finding, Parameters, finite
from monitoring.stats.intervals import two_sided


class CauseKind(StrEnum):
    """What a cause is about."""

    FEATURE = "feature"
    SEGMENT = "segment"
    DATA_QUALITY = "data_quality"


@dataclass(frozen=True)
class Cause:
    """One possible cause; `contribution` is None, with a reason, where it cannot be told."""

    kind: CauseKind
    name: str
    contribution: float | None
    evidence: Parameters = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class Part:
    """n rows of a part of the data, the sum of their values, and the sum of squares if known.

    For a rate, the values are 0 and 1, so both sums are the number of hits.
    """

    n: int
    total: float
    squares: float | None = None

    @property
    def usable(self) -> bool:
        """Whether these are sums of n rows."""
        return self.n >= 0 and math.isfinite(self.total) and (self.n > 0 or self.total == 0)


@dataclass(frozen=True)
class Shift:
    """What one segment adds to the change of the overall mean."""

    name: str
    mix: float
    within: float
    before: Part
    after: Part


@dataclass(frozen=True)
class Decomposition:
    """The change of the overall mean and its components; `reason` where there is none."""

    change: float | None
    mix: float = 0.0
    within: float = 0.0
    shifts: tuple[Shift, ...] = ()
    reason: str = ""


def feature_causes(drifts: Mapping[str, Finding], importances: Mapping[str, float]) -> list[Cause]:
    """Return each feature's share of drift x importance.

    The drift is the finding's effect (the distance beyond what sampling gives), else its value.
    Without any importance all features weigh the same; a single missing one weighs nothing.
    """
    weights = {name: _weight(name, importances) for name in drifts}
    sizes = {name: _size(found) for name, found in drifts.items()}
    products = {name: weights[name] * (sizes[name] or 0.0) for name in drifts}
    total = math.fsum(products.values())
    return [
        _feature_cause(name, drifts[name], weights[name], products[name] / total if total else 0.0)
        for name in drifts
    ]


def decompose(before: Mapping[str, Part], after: Mapping[str, Part]) -> Decomposition:
    """Return Kitagawa's decomposition over disjoint segments that cover all rows.

    A segment that is missing on one side has no rows there, and all of its part is mix.
    """
    names = sorted({*before, *after})
    pairs = {name: (before.get(name, NONE), after.get(name, NONE)) for name in names}
    if not all(part.usable for pair in pairs.values() for part in pair):
        return Decomposition(None, reason="sums that are not finite, or of no rows")
    n = tuple(sum(pair[side].n for pair in pairs.values()) for side in (0, 1))
    if not all(n):
        return Decomposition(None, reason="no rows before" if not n[0] else "no rows after")
    totals = [
        sum((Fraction(pair[side].total) for pair in pairs.values()), Fraction()) for side in (0, 1)
    ]
    one, two = totals[0] / n[0], totals[1] / n[1]
    parts = {
        name: _components(*pair, (n[0], n[1]), (one + two) / 2) for name, pair in pairs.items()
    }
    shifts = [Shift(name, float(m), float(w), *pairs[name]) for name, (m, w) in parts.items()]
    return Decomposition(
        float(two - one),
        float(sum((mix for mix, _ in parts.values()), Fraction())),
        float(sum((within for _, within in parts.values()), Fraction())),
        tuple(shifts),
    )


def segment_causes(before: Mapping[str, Part], after: Mapping[str, Part]) -> list[Cause]:
    """Return each segment's share of the change of the overall mean, with mix and within."""
    found = decompose(before, after)
    if found.change is None or found.change == 0:
        reason = found.reason or "the overall mean has not changed"
        names = sorted({*before, *after})
        return [Cause(CauseKind.SEGMENT, name, None, {}, reason) for name in names]
    rows = [sum(getattr(one, side).n for one in found.shifts) for side in ("before", "after")]
    return [_segment_cause(one, found.change, (rows[0], rows[1])) for one in found.shifts]


def fault_cause(name: str, *, faulty: tuple[Part, Part], others: tuple[Part, Part]) -> Cause:
    """Return the share of a mean's change that rows with a fault explain.

    Both pairs are (before, after); faulty rows before may be none.
    """
    kind = CauseKind.DATA_QUALITY
    if not all(part.usable for part in (*faulty, *others)):
        return Cause(kind, name, None, {}, "sums that are not finite, or of no rows")
    if not others[0].n or not others[1].n:
        return Cause(kind, name, None, {}, "every row has the fault, on one side")
    overall = [_add(bad, good) for bad, good in zip(faulty, others, strict=True)]
    change = _mean(overall[1]) - _mean(overall[0])
    moved = [_mean(all_) - _mean(good) for all_, good in zip(overall, others, strict=True)]
    evidence: dict[str, str | int | float | bool | None] = {
        "change": float(change),
        "change_without_fault": float(_mean(others[1]) - _mean(others[0])),
        "faulty_rows_before": faulty[0].n,
        "faulty_rows_after": faulty[1].n,
        "faulty_share_before": faulty[0].n / overall[0].n,
        "faulty_share_after": faulty[1].n / overall[1].n,
        "p_value": mean_p(faulty[1], others[1]),
    }
    if change == 0:
        return Cause(kind, name, None, evidence, "the mean has not changed")
    return Cause(kind, name, finite(float((moved[1] - moved[0]) / change)), evidence)


def ranked(causes: Iterable[Cause]) -> list[Cause]:
    """Return causes by the size of their contribution; the unknown ones last."""
    return sorted(causes, key=lambda one: (-abs(one.contribution or 0.0), one.kind, one.name))


def mean_p(one: Part, two: Part) -> float | None:
    """Return the two-sided p-value of "both means are equal" (normal); None if it is not known."""
    if min(one.n, two.n) < 2 or one.squares is None or two.squares is None:
        return None
    error = math.sqrt(_error(one) + _error(two))
    gap = one.total / one.n - two.total / two.n
    if not math.isfinite(error):
        return None
    if error == 0:
        return 1.0 if gap == 0 else None
    return two_sided(gap / error)


NONE = Part(0, 0.0, 0.0)


def _weight(name: str, importances: Mapping[str, float]) -> float:
    if not importances:
        return 1.0
    weight = importances.get(name, 0.0)
    return abs(weight) if math.isfinite(weight) else 0.0


def _size(found: Finding) -> float | None:
    size = found.value if found.effect is None else found.effect
    return None if size is None else abs(size)


def _feature_cause(name: str, found: Finding, weight: float, share: float) -> Cause:
    evidence = {
        "measure": found.measure,
        "value": found.value,
        "effect": found.effect,
        "p_value": found.p_value,
        "n": found.n,
        "importance": weight,
    }
    known = found.value is not None
    return Cause(CauseKind.FEATURE, name, share if known else None, evidence, found.reason)


def _components(
    before: Part, after: Part, n: tuple[int, int], centre: Fraction
) -> tuple[Fraction, Fraction]:
    """Return a segment's mix and within as fractions, so that nothing is lost by rounding."""
    if not before.n and not after.n:
        return Fraction(), Fraction()
    old, new = Fraction(before.n, n[0]), Fraction(after.n, n[1])
    one = _mean(before) if before.n else _mean(after)
    two = _mean(after) if after.n else one
    return (new - old) * ((one + two) / 2 - centre), (two - one) * (old + new) / 2


def _segment_cause(one: Shift, change: float, rows: tuple[int, int]) -> Cause:
    before, after = one.before, one.after
    evidence: dict[str, str | int | float | bool | None] = {
        "change": change,
        "mix": one.mix,
        "within": one.within,
        "share_before": before.n / rows[0],
        "share_after": after.n / rows[1],
        "mean_before": before.total / before.n if before.n else None,
        "mean_after": after.total / after.n if after.n else None,
        "p_value": mean_p(after, before),
    }
    return Cause(CauseKind.SEGMENT, one.name, finite((one.mix + one.within) / change), evidence)


def _mean(part: Part) -> Fraction:
    return Fraction(part.total) / part.n


def _add(one: Part, two: Part) -> Part:
    return Part(one.n + two.n, one.total + two.total)


def _error(part: Part) -> float:
    """Return the squared standard error of the mean."""
    spread = (part.squares or 0.0) - part.total**2 / part.n
    return max(spread, 0.0) / (part.n - 1) / part.n
