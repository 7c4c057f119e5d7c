"""Contingency: tests of sparse tables, where the chi-square distribution does not hold.

Definition
    Two cells: Fisher's exact test. More: chi-square of tables drawn anew with both margins fixed;
    p = (tables at least as far + 1) / (draws + 1), which is valid at any number of draws. Where
    fewer than 20 tables are as far, a Pearson type III curve through the drawn ones tells how much
    smaller p is, because no count of draws could (`intervals.drawn_tail`).

Example
    >>> sparse(np.array([3, 1]), np.array([1, 3])).parameters["test"]
    'fisher_exact'

Source
    Agresti, Categorical Data Analysis, 3rd ed., section 3.5; Hope (1968), JRSS B 30:582.
"""

import numpy as np
from scipy import stats

from monitoring.stats.columns import Counts, Floats
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.intervals import drawn_tail

DRAWS = 2_000
CELLS_DRAWN = 1_000_000


def sparse(reference: Counts, current: Counts, *, seed: int = 0, draws: int = DRAWS) -> Finding:
    """Return chi-square of counts, shape (cells,), with an exact or a Monte Carlo p-value.

    The effect is Cramér's V. Cells that neither side holds are left out; many cells take fewer
    draws, at least 200. Equal inputs and seed give equal results.
    """
    n, m = int(current.sum()), int(reference.sum())
    kept = (reference + current) > 0
    left, right = reference[kept], current[kept]
    if not n or not m:
        return undefined("chi_square", n=n, reason="no rows on one side")
    if left.size < 2:
        return undefined("chi_square", n=n, reason="all rows of both sides are in one cell")
    statistic = float(_statistic(left + right, right, n))
    p_value, test = _p_value(left, right, statistic, seed, draws)
    return Finding(
        "chi_square",
        statistic,
        n,
        p_value=p_value,
        baseline=0.0,
        effect=(statistic / (n + m)) ** 0.5,
        parameters={"cells": left.size, "reference_n": m, "test": test, "seed": seed},
    )


def _p_value(
    left: Counts, right: Counts, statistic: float, seed: int, draws: int
) -> tuple[float, str]:
    if left.size == 2:
        return min(1.0, float(stats.fisher_exact([left, right]).pvalue)), "fisher_exact"
    draws = max(200, min(draws, CELLS_DRAWN // left.size))
    totals, n = left + right, int(right.sum())
    rng = np.random.default_rng(seed)
    drawn = rng.multivariate_hypergeometric(totals, n, size=draws, method="marginals")
    # Tables as far as the one seen differ from it by rounding only.
    return drawn_tail(_statistic(totals, drawn, n), statistic * (1 - 1e-9)), f"monte_carlo_{draws}"


def _statistic(totals: Counts, current: Counts, n: int) -> Floats:
    """Return chi-square of 2 x cells tables given their totals, shape (…, cells) -> (…)."""
    rows = int(totals.sum())
    expected = totals * (n / rows)
    squares: Floats = ((current - expected) ** 2 / expected).sum(axis=-1)
    return squares * rows / (rows - n)
