"""A monitor that looks every hour: an error rate, 2,160 looks in 90 days, alarm at two of three.

Tumbling windows are one hour long, sliding ones a day; all of them share one reference.
"""

from dataclasses import dataclass

import numpy as np

from benchmarks.calibrate.quiet import openings_after
from monitoring.stats import sequential
from monitoring.stats.shifts import cell_p_values

HOURS = 2_160
SHARE = 1 / 12
RATE = 0.02
DAY = 24


@dataclass(frozen=True)
class Looks:
    """What one way of looking promised over a number of quarters, and what was seen."""

    name: str
    reference: int
    rows: int
    single: float
    alpha: float
    quarters: int
    declared: float
    bound: float
    seen: int


def looks(*, quarters: int) -> list[Looks]:
    """Tumbling and sliding windows, with small and large references."""
    found = []
    for open_after in ((1, 1), (2, 3)):
        for m in (1_000, 10_000, 100_000):
            found.append(_looks(open_after, m, 1_000, 1, quarters))
            found.append(_looks(open_after, m, 1_000, DAY, quarters))
    return found


def _looks(
    open_after: sequential.OpenAfter, m: int, per_hour: int, hours: int, quarters: int
) -> Looks:
    correlated = sequential.correlation(
        rows=per_hour * hours, reference_rows=m, overlap=1 - 1 / hours
    )
    alpha = sequential.alpha_per_look(SHARE, HOURS, open_after=open_after, correlated=correlated)
    seen = sum(
        _quarter(np.random.default_rng([m, hours, seed]), open_after, m, per_hour, hours, alpha)
        for seed in range(quarters)
    )
    bound = sequential.expected_alarms(alpha, HOURS, open_after=open_after, correlated=correlated)
    return Looks(
        f"{'sliding day' if hours > 1 else 'hour'}, {open_after[0]} of {open_after[1]}",
        m,
        per_hour * hours,
        SHARE / HOURS,
        alpha,
        quarters,
        SHARE * quarters,
        bound * quarters,
        seen,
    )


def _quarter(
    rng: np.random.Generator,
    open_after: sequential.OpenAfter,
    m: int,
    per_hour: int,
    hours: int,
    alpha: float,
) -> int:
    usual = rng.binomial(m, RATE)
    hits = rng.binomial(per_hour, RATE, size=HOURS + hours - 1)
    windows = np.convolve(hits, np.ones(hours, np.int64), mode="valid")
    p_values = cell_p_values(np.full(HOURS, usual), windows, m, per_hour * hours)
    return openings_after([bool(bad) for bad in p_values <= alpha], open_after)
