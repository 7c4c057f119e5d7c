"""Streams: did errors change at some moment, and at which?

Definitions
    ADWIN keeps a window of the newest values as buckets of 1, 2, 4 … values, at most five of a size
    (two of the oldest are joined beyond). Every `clock` values it looks at each boundary between
    buckets; the window is cut from its oldest bucket on while some older part (n0 values) and the
    rest (n1) differ in their means by more than

        sqrt(2 v d / m) + 2 d / (3 m),  d = ln(2 ln(n) / delta),
        1 / m = 1 / (n0 - 4) + 1 / (n1 - 4),

    v being the variance of the whole window.
    Page-Hinkley adds up deviations from the mean so far, forgetting slowly, and signals where the
    sum leaves its own minimum (or maximum) by more than a threshold.

    Errors of a model come as counts by hour. `error_change` and `size_change` give the hours' rates
    to ADWIN, and confirm what it finds by a second, different test: the largest standardised
    difference of the means before and after any hour, whose p-value is the share of seeded
    permutations of the hours with a difference as large, whole days staying together (a 24th of the
    hours at most). Without both nothing is said to have changed. The permutation test accounts for
    the search, the blocks for hours and days that are alike because they are near each other.

Example
    >>> detector = Adwin()
    >>> changed = [place for place in range(2000) if detector.update(float(place >= 1000))]
    >>> 1000 < changed[0] < 1064
    True

Source
    Bifet and Gavaldà (2007), SIAM International Conference on Data Mining; Page (1954), Biometrika
    41:100; Hinkley (1971), Biometrika 58:509; Carlstein (1986), Annals of Statistics 14:1171, on
    blocks.
"""

import math
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import CONFIDENCE, z_of

SHORTEST = 5
GRACE = 10
MOST_BUCKETS = 5
DRAWS = 499
DAY = 24
FEWEST_DAYS = 10
BLOCKS = 24


@dataclass
class Bucket:
    """The sum of a bucket's values, and the sum of their squared deviations from its mean."""

    total: float
    spread: float


@dataclass
class Adwin:
    """An adaptive window over a stream; `update` says whether a change was found just now."""

    delta: float = 0.002
    clock: int = 32
    width: int = 0
    total: float = 0.0
    spread: float = 0.0
    ticks: int = 0
    levels: list[list[Bucket]] = field(default_factory=lambda: [[]])

    @property
    def estimation(self) -> float:
        """The mean of the window, 0 while it is empty."""
        return self.total / self.width if self.width else 0.0

    def update(self, value: float) -> bool:
        """Take one value; whether older values were dropped because they are others."""
        self._insert(value)
        self.ticks += 1
        if self.ticks % self.clock or self.width <= GRACE:
            return False
        changed = False
        while self._is_cut():
            self._drop_oldest()
            changed = True
        return changed

    def _insert(self, value: float) -> None:
        if self.width:
            gap = value - self.total / self.width
            self.spread += self.width * gap * gap / (self.width + 1)
        self.width += 1
        self.total += value
        self.levels[0].append(Bucket(value, 0.0))
        level = 0
        while len(self.levels[level]) > MOST_BUCKETS:
            self._join_oldest(level)
            level += 1

    def _join_oldest(self, level: int) -> None:
        """Join the two oldest buckets of a size into one of the next."""
        one, two = self.levels[level][:2]
        del self.levels[level][:2]
        if level + 1 == len(self.levels):
            self.levels.append([])
        size = 2**level
        gap = (one.total - two.total) / size
        joined = Bucket(one.total + two.total, one.spread + two.spread + size * gap * gap / 2)
        self.levels[level + 1].append(joined)

    def _drop_oldest(self) -> None:
        level = len(self.levels) - 1
        oldest = self.levels[level].pop(0)
        size = 2**level
        self.width -= size
        self.total -= oldest.total
        gap = oldest.total / size - self.estimation
        self.spread -= oldest.spread + size * self.width * gap * gap / (size + self.width)
        if not self.levels[level]:
            self.levels.pop()

    def _is_cut(self) -> bool:
        """Whether some older part of the window differs from the rest."""
        sizes = [
            (2**level, bucket.total)
            for level in range(len(self.levels) - 1, -1, -1)
            for bucket in self.levels[level]
        ]
        older, older_total = 0, 0.0
        for size, total in sizes[:-1]:
            older, older_total = older + size, older_total + total
            newer = self.width - older
            if min(older, newer) >= SHORTEST and self._differ(older, older_total, newer):
                return True
        return False

    def _differ(self, older: int, older_total: float, newer: int) -> bool:
        gap = older_total / older - (self.total - older_total) / newer
        wanted = math.log(2 * math.log(self.width) / self.delta)
        inverse = 1 / (older - SHORTEST + 1) + 1 / (newer - SHORTEST + 1)
        variance = max(self.spread, 0.0) / self.width
        bound = math.sqrt(2 * inverse * variance * wanted) + 2 / 3 * wanted * inverse
        return abs(gap) > bound


@dataclass
class PageHinkley:
    """A test for a change of the mean of a stream, in either direction; starts anew after one."""

    minimum: int = 30
    delta: float = 0.005
    threshold: float = 50.0
    forgetting: float = 1 - 0.0001
    n: int = 0
    mean: float = 0.0
    rises: float = 0.0
    falls: float = 0.0
    lowest: float = math.inf
    highest: float = -1.0
    found: bool = False

    def update(self, value: float) -> bool:
        """Take one value; whether the mean has changed."""
        if self.found:
            self._forget()
        self.n += 1
        self.mean += (value - self.mean) / self.n
        gap = value - self.mean
        self.rises = self.forgetting * self.rises + gap - self.delta
        self.falls = self.forgetting * self.falls + gap + self.delta
        self.lowest, self.highest = min(self.lowest, self.rises), max(self.highest, self.falls)
        moved = max(self.rises - self.lowest, self.highest - self.falls)
        self.found = self.n >= self.minimum and moved > self.threshold
        return self.found

    def _forget(self) -> None:
        self.n, self.mean, self.rises, self.falls = 0, 0.0, 0.0, 0.0
        self.lowest, self.highest = math.inf, -1.0


@dataclass(frozen=True)
class Change:
    """The hour from which values are others, and how sure that is."""

    onset: int
    p_value: float
    before: float
    after: float
    error: float


def error_change(
    measure: str, errors: Counts, rows: Counts, *, delta: float = 0.002, seed: int = 0
) -> Finding:
    """Return the change of an error rate by hour, shapes (hours,); hours without rows go."""
    kept = rows > 0
    return _change(
        measure, errors[kept] / rows[kept], rows[kept], np.flatnonzero(kept), delta, seed
    )


def size_change(
    measure: str, sums: Floats, rows: Counts, *, delta: float = 0.002, seed: int = 0
) -> Finding:
    """Return the change of a mean error by hour: sums of errors and rows, shapes (hours,)."""
    kept = rows > 0
    return _change(measure, sums[kept] / rows[kept], rows[kept], np.flatnonzero(kept), delta, seed)


def _change(
    measure: str, means: Floats, rows: Counts, hours: Counts, delta: float, seed: int
) -> Finding:
    n = int(rows.sum())
    days = np.unique(hours // DAY).size
    if days < FEWEST_DAYS:
        return undefined(measure, n=n, reason=f"fewer than {FEWEST_DAYS} days with outcomes")
    if means.min() == means.max():
        return Finding(
            measure, float(means[-1]), n, p_value=1.0, baseline=float(means[0]), effect=0.0
        )
    # Days that follow each other are alike more often than not: as long a block as still leaves
    # enough of them to be permuted.
    block = max(1, days // BLOCKS) * DAY
    found = _largest(means, rows.astype(np.float64), hours // block, seed)
    detected = _detections(means, delta)
    agreed = detected > 0 and found.p_value <= CONFIRMED
    half = z_of(CONFIDENCE) * found.error
    effect = found.after - found.before
    return Finding(
        measure,
        found.after,
        n,
        low=found.after - half,
        high=found.after + half,
        p_value=found.p_value if agreed else max(found.p_value, 1 - CONFIDENCE),
        baseline=found.before,
        effect=effect,
        standard_error=found.error,
        parameters={
            "confidence": CONFIDENCE,
            "onset_hour": int(hours[found.onset]),
            "hours": int(means.size),
            "adwin_detections": detected,
            "confirmed": agreed,
            "test": "largest_difference_blocks_permuted",
            "draws": DRAWS,
            "seed": seed,
        },
    )


CONFIRMED = 0.01


def _detections(means: Floats, delta: float) -> int:
    """Return how often ADWIN cuts the stream of hourly values, scaled to [0, 1]."""
    low, high = float(means.min()), float(means.max())
    detector = Adwin(delta=delta, clock=1)
    return sum(detector.update(value) for value in ((means - low) / (high - low)).tolist())


def _largest(means: Floats, weights: Floats, blocks: Counts, seed: int) -> Change:
    """Return the cut with the largest weighted difference; its p-value by permuted blocks."""
    onset, size = _best_cut(means[None], weights[None])
    rng = np.random.default_rng(seed)
    orders = np.stack([_permuted(blocks, rng) for _ in range(DRAWS)])
    _, drawn = _best_cut(means[orders], weights[orders])
    exceeding = int((drawn >= size[0] * (1 - 1e-12)).sum())
    counted = (exceeding + 1) / (DRAWS + 1)
    p_value = counted if exceeding >= TRUSTED else min(counted, _gumbel_tail(drawn, float(size[0])))
    cut = int(onset[0])
    before, after = (
        float(np.average(means[part], weights=weights[part]))
        for part in (slice(None, cut), slice(cut, None))
    )
    return Change(cut, p_value, before, after, _error(means[cut:], weights[cut:]))


TRUSTED = 20


def _gumbel_tail(drawn: Floats, observed: float) -> float:
    """Return the tail of a Gumbel curve through the draws' first two moments.

    The largest of many is nearly Gumbel distributed; a share of draws cannot be below 1 in 1,000.
    """
    scale = float(drawn.std()) * math.sqrt(6) / math.pi
    if scale <= 0:
        return 1.0
    place = float(drawn.mean()) - 0.5772156649015329 * scale
    return float(-math.expm1(-math.exp(-(observed - place) / scale)))


def _permuted(blocks: Counts, rng: np.random.Generator) -> Counts:
    """Return an order of the hours in which those of one block stay together."""
    parts = np.split(np.arange(blocks.size), np.flatnonzero(np.diff(blocks)) + 1)
    order = rng.permutation(len(parts))
    return np.fromiter(chain.from_iterable(parts[place] for place in order), np.int64, blocks.size)


def _best_cut(means: Floats, weights: Floats) -> tuple[Counts, Floats]:
    """Return, by row, the cut with the largest standardised difference, away from either end."""
    edge = max(1, min(DAY, means.shape[1] // 10))
    total = weights.sum(axis=1, keepdims=True)
    gathered = np.cumsum(weights, axis=1)
    sums = np.cumsum(weights * means, axis=1)
    mean = sums[:, -1:] / total
    # The difference of both means, standardised: a bridge over its standard deviation.
    bridge = sums - gathered * mean
    spread = np.sqrt(np.maximum(gathered * (total - gathered) / total, 1e-300))
    sizes = np.abs(bridge / spread)[:, edge - 1 : means.shape[1] - edge]
    places = sizes.argmax(axis=1)
    return places + edge, np.take_along_axis(sizes, places[:, None], axis=1)[:, 0]


def _error(means: Floats, weights: Floats) -> float:
    """Return the standard error of a weighted mean of hours, from days as a whole."""
    days = max(means.size // DAY, 1)
    parts = [
        (float((w * m).sum()), float(w.sum()))
        for m, w in zip(np.array_split(means, days), np.array_split(weights, days), strict=True)
    ]
    total = sum(weight for _, weight in parts)
    mean = sum(value for value, _ in parts) / total
    squares = sum((value - mean * weight) ** 2 for value, weight in parts)
    return float((squares * days / max(days - 1, 1)) ** 0.5 / total)
