"""Distances and tests of one field, beside SciPy on the same cells or on the raw rows."""

import math
from collections.abc import Callable, Iterable, Iterator

import numpy as np
from scipy import spatial, stats

from benchmarks.agreement.rows import one_field, views
from benchmarks.agreement.seen import Seen, bound_of, near, same, within
from monitoring.stats import contingency, ordered, raw, stability
from monitoring.stats.areas import cramer_von_mises, energy
from monitoring.stats.columns import Counts, Floats
from monitoring.stats.findings import Finding

ORACLE = "SciPy"
NUMPY = "NumPy"
RUNS = 20
FEWEST = 100


def compared() -> Iterator[Seen]:
    """Return every comparison of this module."""
    yield from _shares()
    yield _brute_psi()
    yield from _contingency()
    yield from _ks()
    yield from _areas()
    yield from _moments()


def counts(seed: int) -> tuple[Counts, Counts]:
    """Return two sets of counts over 2 to 40 cells, every one of them filled."""
    rng = np.random.default_rng(seed)
    cells = int(rng.integers(2, 41))
    left, right = (rng.multinomial(5_000, rng.dirichlet(np.full(cells, 5.0))) for _ in range(2))
    return left + 5, right + 5


def _shares() -> Iterator[Seen]:
    wanted: dict[str, Callable[[Floats, Floats], float]] = {
        "psi": lambda p, q: float(stats.entropy(p, q) + stats.entropy(q, p)),
        "kl": lambda p, q: float(stats.entropy(p, q)),
        "js_distance": lambda p, q: float(spatial.distance.jensenshannon(p, q, base=2)),
        "hellinger": lambda p, q: float(spatial.distance.euclidean(p**0.5, q**0.5)) / 2**0.5,
        "total_variation": lambda p, q: float(spatial.distance.cityblock(p, q)) / 2,
        "l_infinity": lambda p, q: float(spatial.distance.chebyshev(p, q)),
    }
    drawn = [counts(seed) for seed in range(RUNS)]
    for measure, oracle in wanted.items():
        function = stability.DISTANCES[measure]
        pairs = [
            (float(function(left, right)), oracle(left / left.sum(), right / right.sum()))
            for left, right in drawn
        ]
        yield same(measure, ORACLE, pairs)


def _brute_psi() -> Seen:
    """Return PSI from profiles beside PSI counted row by row, with a mass point and nulls."""
    pairs = []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        plain = rng.normal(5, 1, 16_800)
        reference = np.concatenate([np.zeros(7_200), plain])
        current = np.where(rng.random(5_000) < 0.4, 0.0, rng.normal(5.2, 1.1, 5_000))
        current[:100] = np.nan
        bins, left, right = one_field(reference, current)
        found = stability.drift(bins, left, right, "x", measures=["psi"])["psi"]
        cuts = np.sort(plain)[plain.size * np.arange(1, 10) // 10]
        shares = [_cells(side, cuts) for side in (reference, current)]
        pairs.append((found.value, float((shares[1] - shares[0]) @ np.log(shares[1] / shares[0]))))
    return same("psi", "row by row (NumPy)", pairs)


def _cells(values: Floats, cuts: Floats) -> Floats:
    rest = values[(values != 0) & ~np.isnan(values)]
    deciles = np.bincount(np.searchsorted(cuts, rest, side="right"), minlength=10)
    cells = [*deciles, (values == 0).sum(), np.isnan(values).sum()]
    return np.maximum(np.array(cells) / values.size, 1e-4)


def _contingency() -> Iterator[Seen]:
    drawn = [counts(seed) for seed in range(100, 100 + RUNS)]
    kept = [pair for pair in drawn if stats.contingency.expected_freq(np.stack(pair)).min() >= 5]
    found = [(stability.chi_square(*pair), np.stack(pair)) for pair in kept]
    tested = [(one, stats.chi2_contingency(table, correction=False)) for one, table in found]
    by_hand = [(one.value, _chi_square(table)) for one, table in found]
    yield same("chi_square", "by formula (NumPy)", by_hand)
    yield same("chi_square, p", ORACLE, [(one.p_value, two.pvalue) for one, two in tested])
    cramer = [(one.effect, stats.contingency.association(table)) for one, table in found]
    yield same("cramers_v", ORACLE, cramer)
    rng = np.random.default_rng(1)
    tables = [rng.integers(1, 12, (2, 2)) for _ in range(RUNS)]
    exact = [(contingency.sparse(*table).p_value, stats.fisher_exact(table)[1]) for table in tables]
    yield same("sparse table, 2 cells, p", ORACLE, exact)
    wide = [rng.integers(5, 40, (2, 6)) for _ in range(5)]
    drawn_p = [
        (
            contingency.sparse(*table, draws=20_000).p_value,
            float(stats.chi2_contingency(table, correction=False).pvalue),
        )
        for table in wide
    ]
    yield near("sparse table, more cells, p", f"{ORACLE}, chi-square", drawn_p, 0.02)


def _chi_square(table: Counts) -> float:
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / table.sum()
    return float(((table - expected) ** 2 / expected).sum())


def _samples() -> Iterable[tuple[Floats, Floats]]:
    for seed, (m, n) in enumerate([(1, 1), (2, 900), (700, 700), (3_000, 700), (30_000, 12_000)]):
        for shift in (0.0, 0.1, 0.6):
            for decimals in (0, 1, 12):
                rng = np.random.default_rng([seed, int(10 * shift), decimals])
                yield rng.normal(size=m).round(decimals), rng.normal(shift, 1, n).round(decimals)


def _ks() -> Iterator[Seen]:
    cases = list(_samples())
    found = [(raw.ks(*pair), stats.ks_2samp(*pair)) for pair in cases]
    yield same("ks_exact", ORACLE, [(one.value, two.statistic) for one, two in found])
    yield same("ks_exact, p", ORACLE, [(one.p_value, two.pvalue) for one, two in found])
    triples = []
    for pair, (_, wanted) in zip(cases, found, strict=True):
        if min(map(len, pair)) < FEWEST:
            continue
        one = ordered.ks(*views(*pair))
        bound = bound_of(one, "upper_bound") - (one.value or 0.0)
        triples.append((one.value, float(wanted.statistic), bound))
    yield within("ks", f"{ORACLE}, raw rows", triples)


def _areas() -> Iterator[Seen]:
    crossed, spread, moved, tails = [], [], [], []
    for seed, shift in enumerate((0.0, 0.05, 0.1, 0.3, 0.5)):
        rng = np.random.default_rng(seed)
        one, two = rng.normal(size=6_000), rng.normal(shift, 1, 1_000)
        sides = views(one, two)
        found, wanted = cramer_von_mises(*sides), stats.cramervonmises_2samp(one, two)
        crossed.append((float(found.parameters["criterion"] or 0), float(wanted.statistic)))
        tails.append((found.p_value, float(wanted.pvalue)))
        far = energy(*sides)
        exact = float(stats.energy_distance(one / one.std(), two / one.std()))
        spread.append((far.value, exact, _reach(far)))
        area = float(stats.wasserstein_distance(one, two) / one.std())
        moved.append((ordered.wasserstein(*sides).value, area))
    yield near("cramer_von_mises, criterion T", f"{ORACLE}, raw rows", crossed, 0.05)
    yield near("cramer_von_mises, p", f"{ORACLE}, raw rows", tails, 0.04)
    yield within("energy", f"{ORACLE}, raw rows", spread)
    yield near("wasserstein", f"{ORACLE}, raw rows", moved, 0.02)


def _reach(found: Finding) -> float:
    value = found.value or 0.0
    return max(value - bound_of(found, "lower_bound"), bound_of(found, "upper_bound") - value)


def _moments() -> Iterator[Seen]:
    means, spreads, statistics = [], [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        centre = 10.0 ** rng.integers(0, 5)
        one, two = rng.normal(centre, 1, 20_000), rng.normal(centre + 0.02, 1.1, 10_000)
        sides = views(one, two)
        mean, spread = ordered.mean_change(*sides), ordered.sd_change(*sides)
        means.append((mean.value, float((two.mean() - one.mean()) / one.std())))
        spreads.append((spread.value, math.log(two.std() / one.std())))
        welch = float(stats.ttest_ind(two, one, equal_var=False).statistic)
        statistics.append(((mean.value or 0.0) / (mean.standard_error or 1.0), welch))
    yield same("mean_change", NUMPY, means)
    yield same("sd_change", NUMPY, spreads)
    yield near("mean_change, error", f"{ORACLE}, Welch's t", statistics, 1e-3)
