"""Profile: mergeable counts of one version, hour and segment.

Definition
    A profile holds int64 count arrays, exact sums, extremes and a sample of unseen categories, each
    under a key. Merging adds them key by key; a key that one side lacks counts as zero. So the part
    without outcomes and the labelled part may be counted at different times and simply be added.
    Merging is exact, associative and commutative: any order gives the same bits.

Keys of counts
    `field/<name>`        numeric: bins, then null, NaN, +inf, -inf, below, above range
                          categorical: categories, then other, unseen, null; the outcome too
    `pattern/<name>`      texts, and those that do not match the declared pattern
    `operations`          rows, errors, rows with latency, latency histogram (milliseconds)
    `gaps`                histogram of seconds between rows that follow each other
    `resource/<role>`     rows that report bytes, cpu, memory or disk, and rows that do not
    `novel`               rows, rows with anything new, complete rows, of these the distant ones
    `moments/…`           sum (k), product (k x k) and pairs (k x k) of numeric features, in fixed
                          point (see `joint`)
    `decisions/<group>`   prediction x group, of all rows
    `scores`              1,000 score bins of all rows; several classes: class x bins
    `scores/<group>`      group x 100 score bins, of all rows
    `cube/<group>`        prediction x outcome x group, of rows with an outcome
    `score`               outcome (0, 1) x 1,000 score bins; several classes: class x 2 x bins
    `score/<group>`       group x outcome x 100 score bins
    `residual`            histogram of prediction - outcome; `residual/<group>` group x histogram
    `percentage`          rows whose outcome is not zero
    `failed`              rows by the stage of a pipeline that failed; last: none named
    `agreement`           true x other class, or rows with both
    `value`               rows with a business value
Keys of sums
    `total/<name>`, `squares/<name>` (around the frozen centre), `latency`, `resource/<role>`,
    `labelled/<what>`, `agreement/<what>`, `value/<prediction>`, `value/<prediction>/<outcome>`;
    a `^2` behind a key is the sum of squares, a `#` how many there are; classes are percent-encoded

Example
    >>> one = Profile("d", {"operations": np.array([1, 0, 0])})
    >>> merge([one, one]).counts["operations"].tolist()
    [2, 0, 0]
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

import numpy as np

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.exact import Exact
from monitoring.stats.reference import Bins

UNSEEN_KEPT = 64
UNSEEN_LENGTH = 200
SCORE_BINS = 1_000
GROUP_SCORE_BINS = 100
LATENCY_EDGES: Floats = np.concatenate([[-np.inf], np.logspace(-1, 6, 141), [np.inf]])
GAP_EDGES: Floats = np.concatenate([[-np.inf], np.logspace(-3, 5, 161), [np.inf]])

NUMERIC_EXTRAS = ("null", "nan", "positive_infinite", "negative_infinite", "below", "above")
CATEGORICAL_EXTRAS = ("other", "unseen", "null")
OPERATIONS_SIZE = 3 + LATENCY_EDGES.size - 1


@dataclass(frozen=True)
class Profile:
    """Counts over the bins whose digest is `bins`; treat the arrays as read-only."""

    bins: str
    counts: Mapping[str, Counts] = field(default_factory=dict)
    sums: Mapping[str, Exact] = field(default_factory=dict)
    extremes: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    unseen: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def __add__(self, other: Profile) -> Profile:
        return merge([self, other])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Profile) and _plain(self) == _plain(other)

    def __hash__(self) -> int:
        return hash(self.bins)

    @property
    def rows(self) -> int:
        """The number of prediction rows counted."""
        operations = self.counts.get("operations")
        return 0 if operations is None else int(operations[0])

    @property
    def errors(self) -> int:
        """The number of prediction rows that report an error."""
        operations = self.counts.get("operations")
        return 0 if operations is None else int(operations[1])

    @property
    def latency(self) -> Counts:
        """The latency histogram over `LATENCY_EDGES` (milliseconds)."""
        return self.counts.get("operations", np.zeros(OPERATIONS_SIZE, np.int64))[3:]

    @property
    def labelled_rows(self) -> int:
        """The number of rows whose outcome has arrived."""
        return int(self.counts["labelled"][0]) if "labelled" in self.counts else 0


@dataclass(frozen=True)
class NumericView:
    """The counts of one numeric field, shape (bins,), and what was counted apart."""

    counts: Counts
    apart: Mapping[str, int]
    mean: float | None
    sd: float | None
    minimum: float | None
    maximum: float | None

    @property
    def n(self) -> int:
        """Finite values in range."""
        return int(self.counts.sum())

    @property
    def rows(self) -> int:
        """All rows, whatever their value."""
        return self.n + sum(self.apart.values())

    @property
    def missing(self) -> int:
        """Null and NaN."""
        return self.apart["null"] + self.apart["nan"]

    @property
    def out_of_range(self) -> int:
        """Infinite, or outside the declared range."""
        return self.rows - self.n - self.missing


@dataclass(frozen=True)
class CategoricalView:
    """The counts of one categorical field, shape (categories,), and what was counted apart."""

    values: tuple[str, ...]
    counts: Counts
    apart: Mapping[str, int]
    most_unseen: Mapping[str, int]

    @property
    def rows(self) -> int:
        """All rows, whatever their value."""
        return int(self.counts.sum()) + sum(self.apart.values())

    @property
    def missing(self) -> int:
        """Null."""
        return self.apart["null"]


def merge(profiles: Iterable[Profile]) -> Profile:
    """Add profiles exactly, in any order; ValueError for none, or for different bins."""
    parts = list(profiles)
    if not parts:
        raise ValueError("There is nothing to merge: no profile was given.")
    digests = {part.bins for part in parts}
    if len(digests) > 1:
        raise ValueError(
            f"Profiles over different bins cannot be merged: {sorted(digests)}; "
            "count the rows again over one reference."
        )
    return Profile(
        parts[0].bins,
        _add_counts(parts),
        _add_sums(parts),
        _join_extremes(parts),
        _join_unseen(parts),
    )


def empty(bins: Bins) -> Profile:
    """Return the profile of no rows, the zero of merging."""
    return Profile(bins.digest)


def numeric_view(bins: Bins, profile: Profile, name: str) -> NumericView:
    """Return one numeric field of a profile; all zero where the profile lacks it."""
    size = bins.numeric[name].size
    tallies = profile.counts.get(f"field/{name}")
    if tallies is None:
        tallies = np.zeros(size + len(NUMERIC_EXTRAS), np.int64)
    apart = dict(zip(NUMERIC_EXTRAS, tallies[size:].tolist(), strict=True))
    n = int(tallies[:size].sum())
    mean, sd = _moments(bins.numeric[name].centre, profile, name, n)
    low, high = profile.extremes.get(name, (None, None))
    return NumericView(tallies[:size], apart, mean, sd, low, high)


def categorical_view(bins: Bins, profile: Profile, name: str) -> CategoricalView:
    """Return one categorical field of a profile; all zero where the profile lacks it."""
    known = bins.categorical[name]
    tallies = profile.counts.get(f"field/{name}")
    if tallies is None:
        tallies = np.zeros(known.size + len(CATEGORICAL_EXTRAS), np.int64)
    apart = dict(zip(CATEGORICAL_EXTRAS, tallies[known.size :].tolist(), strict=True))
    unseen = profile.unseen.get(name, {})
    ranked = sorted(unseen.items(), key=lambda pair: (-pair[1], pair[0]))
    return CategoricalView(known.values, tallies[: known.size], apart, dict(ranked))


def value_key(*classes: str) -> str:
    """Return the key of the sums of value: predicted class, then outcome; "/" and "#" encoded."""
    return "/".join(["value", *(quote(label, safe=" ()") for label in classes)])


def keep_unseen(tally: Mapping[str, int]) -> dict[str, int]:
    """Keep 64 unseen categories: those with the smallest hash, with their exact counts.

    The smallest hashes of a union are among the smallest of its parts, so the counts stay exact in
    any order of merging. Up to 64 distinct values nothing is lost; beyond, a fair sample is kept.
    """
    if len(tally) <= UNSEEN_KEPT:
        return dict(sorted(tally.items()))
    return {value: tally[value] for value in sorted(sorted(tally, key=_hash)[:UNSEEN_KEPT])}


def _hash(value: str) -> bytes:
    return hashlib.blake2b(value.encode(), digest_size=8).digest()


def _moments(
    centre: float, profile: Profile, name: str, n: int
) -> tuple[float | None, float | None]:
    if n == 0 or f"total/{name}" not in profile.sums:
        return None, None
    offset = float(profile.sums[f"total/{name}"]) / n
    variance = float(profile.sums[f"squares/{name}"]) / n - offset * offset
    return centre + offset, max(variance, 0.0) ** 0.5


def _add_counts(parts: list[Profile]) -> dict[str, Counts]:
    total: dict[str, Counts] = {}
    for part in parts:
        for key, counts in part.counts.items():
            if key in total:
                total[key] += counts
            else:
                total[key] = counts.copy()
    return dict(sorted(total.items()))


def _add_sums(parts: list[Profile]) -> dict[str, Exact]:
    total: dict[str, Exact] = {}
    for part in parts:
        for key, number in part.sums.items():
            total[key] = total[key] + number if key in total else number
    return dict(sorted(total.items()))


def _join_extremes(parts: list[Profile]) -> dict[str, tuple[float, float]]:
    total: dict[str, tuple[float, float]] = {}
    for part in parts:
        for key, (low, high) in part.extremes.items():
            known = total.get(key, (low, high))
            total[key] = (min(low, known[0]), max(high, known[1]))
    return dict(sorted(total.items()))


def _join_unseen(parts: list[Profile]) -> dict[str, dict[str, int]]:
    total: dict[str, dict[str, int]] = {}
    for part in parts:
        for key, tally in part.unseen.items():
            joined = total.setdefault(key, {})
            for value, count in tally.items():
                joined[value] = joined.get(value, 0) + count
    return {key: keep_unseen(tally) for key, tally in sorted(total.items())}


def _plain(profile: Profile) -> tuple[object, ...]:
    counts = {key: (array.shape, array.tobytes()) for key, array in profile.counts.items()}
    return profile.bins, counts, dict(profile.sums), dict(profile.extremes), dict(profile.unseen)
