"""Edges: the frozen bins of one field, cut once from reference data.

Definition
    Numeric: mass points (values holding at least 1 % of the reference) are bins of their own,
    `[m, next float)`; the rest of the reference is cut at its 1/240 quantiles. Together with -inf
    and +inf these are the edges of half-open bins `[a, b)`. 240 of the at most 256 quantiles are
    used because deciles, ventiles and quartiles then fall exactly on cuts.
    Categorical: the 1,000 most frequent categories of the reference, ties in alphabetic order.

Example
    >>> edges = freeze_numeric(np.array([0.0, 0.0, 1.0, 2.0, 3.0]))
    >>> edges.masses
    (0.0,)

Source
    Quantile sketches with explicit heavy hitters; mass points are kept apart because a quantile
    cut cannot resolve them (Siddiqi, Credit Risk Scorecards, 2006, on special-value bins).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.exact import from_hex, to_hex

QUANTILES = 240
MASS_SHARE = 0.01
MAX_CATEGORIES = 1_000
OTHERS_KEPT = 10_000


@dataclass(frozen=True)
class NumericEdges:
    """Finite cuts (strictly increasing), mass points, and the declared range (inclusive).

    `centre` is the reference's median: sums are taken around it, because sums of squares of values
    far from zero (dates, identifiers) would lose the variance in rounding.
    """

    cuts: tuple[float, ...]
    masses: tuple[float, ...] = ()
    low: float | None = None
    high: float | None = None
    centre: float = 0.0

    @cached_property
    def edges(self) -> Floats:
        """All edges, shape (bins + 1,), from -inf to +inf."""
        return np.array([-np.inf, *self.cuts, np.inf], dtype=np.float64)

    @property
    def size(self) -> int:
        """The number of bins."""
        return len(self.cuts) + 1

    @cached_property
    def is_mass(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which bins hold one single value, shape (bins,)."""
        return np.isin(self.edges[:-1], np.array(self.masses, dtype=np.float64))

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values; floats as hexadecimal text, which loses no bit."""
        return {
            "cuts": [cut.hex() for cut in self.cuts],
            "masses": [mass.hex() for mass in self.masses],
            "low": to_hex(self.low),
            "high": to_hex(self.high),
            "centre": self.centre.hex(),
        }

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> NumericEdges:
        """Return the edges that `as_json` wrote."""
        return cls(
            cuts=tuple(float.fromhex(cut) for cut in plain["cuts"]),
            masses=tuple(float.fromhex(mass) for mass in plain["masses"]),
            low=from_hex(plain["low"]),
            high=from_hex(plain["high"]),
            centre=float.fromhex(plain["centre"]),
        )


@dataclass(frozen=True)
class Categories:
    """The categories of a field; `others` were seen in the reference, but are not among them.

    `complete` is False where the reference held too many others to keep; then a value outside
    `values` counts as other, because nobody can tell any more whether it is new.
    """

    values: tuple[str, ...]
    others: tuple[str, ...] = ()
    complete: bool = True

    @cached_property
    def places(self) -> dict[str, int]:
        """Category -> its index."""
        return {value: place for place, value in enumerate(self.values)}

    @cached_property
    def known_others(self) -> frozenset[str]:
        """The others as a set."""
        return frozenset(self.others)

    @property
    def size(self) -> int:
        """The number of categories."""
        return len(self.values)

    def as_json(self) -> dict[str, Any]:
        """Return JSON-able values."""
        return {
            "values": list(self.values),
            "others": list(self.others),
            "complete": self.complete,
        }

    @classmethod
    def from_json(cls, plain: dict[str, Any]) -> Categories:
        """Return the categories that `as_json` wrote."""
        return cls(tuple(plain["values"]), tuple(plain["others"]), plain["complete"])


def freeze_numeric(
    values: Floats, *, low: float | None = None, high: float | None = None
) -> NumericEdges:
    """Cut the bins of a numeric field from its reference values.

    NaN, infinities and values outside [low, high] are left out. A constant field becomes one mass
    point; an empty one a single bin from -inf to +inf.
    """
    kept = values[np.isfinite(values) & in_range(values, low, high)]
    distinct, counts = np.unique(kept + 0.0, return_counts=True)
    heavy = counts >= max(2.0, MASS_SHARE * kept.size)
    masses = distinct[heavy]
    cuts = np.concatenate(
        [_quantile_cuts(distinct[~heavy], counts[~heavy]), masses, np.nextafter(masses, np.inf)]
    )
    cuts = np.unique(cuts[np.isfinite(cuts)])
    middle = int(np.searchsorted(np.cumsum(counts), kept.size // 2, side="right"))
    centre = float(distinct[middle]) if kept.size else 0.0
    return NumericEdges(tuple(cuts.tolist()), tuple(masses.tolist()), low, high, centre)


def in_range(
    values: Floats, low: float | None, high: float | None
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which values lie in the declared range; an open side excludes nothing."""
    inside = np.ones(values.shape, dtype=np.bool_)
    if low is not None:
        inside &= values >= low
    if high is not None:
        inside &= values <= high
    return inside


def freeze_categories(
    counted: Iterable[tuple[str, int]], *, declared: tuple[str, ...] = ()
) -> Categories:
    """Choose the categories of a field from (category, count) pairs of the reference.

    Declared categories come first, whether the reference holds them or not.
    """
    tally: Counter[str] = Counter()
    for value, count in counted:
        tally[value] += count
    ranked = sorted(tally, key=lambda value: (-tally[value], value))
    order = list(dict.fromkeys([*declared, *ranked]))
    rest = order[MAX_CATEGORIES:]
    complete = len(rest) <= OTHERS_KEPT
    return Categories(
        tuple(order[:MAX_CATEGORIES]), tuple(sorted(rest)) if complete else (), complete
    )


def _quantile_cuts(distinct: Floats, counts: Counts) -> Floats:
    """Return the values at which 1/240, 2/240, … of the rows lie strictly below."""
    n = int(counts.sum())
    if n == 0:
        return np.empty(0, dtype=np.float64)
    parts = min(QUANTILES, max(1, n))
    ranks = np.arange(1, parts) * n // parts
    return distinct[np.searchsorted(np.cumsum(counts), ranks, side="right")]
