"""How often a p-value is at most p when nothing has changed, over p; 1 is exact, below 1 careful.

The first table draws counts. The second draws raw rows with heavy tails and mass points, cuts the
bins on the reference and compares the rank tests with Welch's test of the mean and the normal test
of the standard deviation, which is why the default monitors use the former.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from monitoring.stats import null, shifts
from monitoring.stats.columns import Counts, Floats
from monitoring.stats.edges import NumericEdges, freeze_numeric
from monitoring.stats.profiles import NumericView

LEVELS = (1e-2, 1e-3, 1e-4)
NOTHING_APART = {"null": 0, "nan": 0}
Draw = Callable[[np.random.Generator, int], Floats]


@dataclass(frozen=True)
class Tail:
    """The ratio of the observed share of small p-values to p, by p."""

    name: str
    reference: int
    window: int
    drawn: int
    ratios: tuple[float, ...]


def of_cells(drawn: int) -> Iterator[Tail]:
    """The contingency p-value of all distances, with even and with uneven cells."""
    rng = np.random.default_rng(0)
    for cells, uneven, m, n in (
        (5, False, 10_000, 100),
        (10, False, 1_000, 100),
        (25, True, 10_000, 1_000),
        (25, True, 1_000, 10_000),
        (500, True, 100_000, 10_000),
        (500, True, 10_000, 1_000_000),
    ):
        true = 1 / np.arange(1, cells + 1) if uneven else np.ones(cells)
        true /= true.sum()
        p_values = np.array([_contingency(rng, true, m, n) for _ in range(drawn)])
        name = f"{cells} {'uneven' if uneven else 'even'} cells"
        yield Tail(name, m, n, drawn, _ratios(p_values))


def _contingency(rng: np.random.Generator, true: Floats, m: int, n: int) -> float:
    return null.contingency(rng.multinomial(m, true), rng.multinomial(n, true))


def _ratios(p_values: Floats) -> tuple[float, ...]:
    return tuple(float(np.mean(p_values <= level) / level) for level in LEVELS)


DRAWS: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "t with 2.5 degrees": lambda rng, n: rng.standard_t(2.5, n),
    "lognormal, sigma 1.5": lambda rng, n: rng.lognormal(0, 1.5, n),
    "80 % zeros, else lognormal": lambda rng, n: np.where(
        rng.random(n) < 0.8, 0.0, rng.lognormal(0, 1, n)
    ),
}


def of_rows(drawn: int) -> Iterator[Tail]:
    """Tests of level and spread on raw rows, 20 windows for each reference."""
    for shape, draw in DRAWS.items():
        for m, n in ((10_000, 100), (10_000, 1_000)):
            found = np.array([_tested(draw, m, n, seed) for seed in range(drawn // 20)])
            merged = found.reshape(-1, len(TESTS))
            for place, name in enumerate(TESTS):
                yield Tail(f"{shape}: {name}", m, n, merged.shape[0], _ratios(merged[:, place]))


TESTS = ("level_shift", "spread_shift")


def _tested(draw: Draw, m: int, n: int, seed: int) -> list[list[float]]:
    rng = np.random.default_rng([m, n, seed])
    rows = draw(rng, m)
    edges = freeze_numeric(rows)
    reference = _view(edges, rows)
    return [_p_values(reference, _view(edges, draw(rng, n))) for _ in range(20)]


def _p_values(reference: NumericView, current: NumericView) -> list[float]:
    counts: tuple[Counts, Counts] = (reference.counts, current.counts)
    found = (
        shifts.level_shift(*counts),
        shifts.spread_shift(*counts),
    )
    return [1.0 if one.p_value is None else one.p_value for one in found]


def _view(edges: NumericEdges, rows: Floats) -> NumericView:
    counts = np.histogram(rows, bins=edges.edges)[0].astype(np.int64)
    ends = float(rows.min()), float(rows.max())
    return NumericView(counts, NOTHING_APART, float(rows.mean()), float(rows.std()), *ends)
