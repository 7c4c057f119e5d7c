"""Shifts of one field, changes of several together, and faults of the data."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from scipy import stats
from scipy.spatial.distance import mahalanobis
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from benchmarks.agreement.seen import Seen, near, same
from monitoring.stats import intervals, moments, multivariate, quality, shifts
from monitoring.stats.columns import Floats
from monitoring.stats.joint import FIXED, SHRINK, standardised
from monitoring.stats.moments import Moments
from monitoring.stats.multiplicity import benjamini_hochberg
from monitoring.stats.reference import FieldSpec, Kind, Role, Schema, Task, freeze

ORACLE = "SciPy"
LEARN = "scikit-learn"
NAMES = ("a", "b", "c")


def compared() -> Iterator[Seen]:
    """Return every comparison of this module."""
    yield _level()
    yield _spread()
    yield _cell()
    yield from _normal()
    yield from _moments()
    yield from _classifier()
    yield _distant()
    yield from _quality()


def _level() -> Seen:
    pairs = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        one, two = rng.integers(0, 50, 4_000), rng.integers(0, 50 + seed % 2, 3_900)
        test = stats.mannwhitneyu(two, one, use_continuity=False, method="asymptotic")
        sides = (np.bincount(side, minlength=60) for side in (one, two))
        pairs.append((shifts.level_shift(*sides).p_value, float(test.pvalue)))
    return same("level_shift, p", f"{ORACLE}, mannwhitneyu", pairs)


def _spread() -> Seen:
    pairs = []
    for seed in range(10):
        values = np.random.default_rng(seed).permutation(4_000)
        sides = (np.bincount(side, minlength=4_000) for side in (values[:2_000], values[2_000:]))
        wanted = float(stats.mood(values[2_000:], values[:2_000]).pvalue)
        pairs.append((shifts.spread_shift(*sides).p_value, wanted))
    return near("spread_shift, p", f"{ORACLE}, mood, without ties", pairs, 1e-6)


def _cell() -> Seen:
    """Return p-values by their ratio to exact ones, shares to a tenth and p from 1e-12 on."""
    m, n = 20_000, 2_000
    totals = np.repeat([3, 30, 300, 1_500, 2_200], 7)
    parts = np.tile([0, 0.02, 0.05, 0.09, 0.12, 0.15, 0.2], 5)
    hits = np.rint(totals * parts).astype(np.int64)
    upper = stats.hypergeom.sf(hits - 1, m + n, totals, n)
    lower = stats.hypergeom.cdf(hits, m + n, totals, n)
    wanted = np.minimum(1, 2 * np.minimum(upper, lower))
    found = shifts.cell_p_values(totals - hits, hits, m, n)
    kept = wanted >= 1e-12
    pairs = [(one, 1.0) for one in (found[kept] / wanted[kept]).tolist()]
    return near("cell_shift, value_shift: p / exact p", f"{ORACLE}, hypergeom", pairs, 0.05)


def _normal() -> Iterator[Seen]:
    """Return effects on normal fields beside the shift and ratio that made them."""
    cuts = stats.norm.ppf(np.linspace(0, 1, 241))
    before = np.round(np.diff(stats.norm.cdf(cuts)) * 1e8).astype(int)
    levels, spreads = [], []
    for shift in (-0.5, -0.1, 0.05, 0.1, 0.3):
        after = np.round(np.diff(stats.norm.cdf(cuts - shift)) * 1e8).astype(int)
        levels.append((shifts.level_shift(before, after).value, shift))
    for ratio in (0.8, 0.95, 1.05, 1.15, 1.5):
        after = np.round(np.diff(stats.norm.cdf(cuts / ratio)) * 1e8).astype(int)
        spreads.append((shifts.spread_shift(before, after).value, float(np.log(ratio))))
    yield near("level_shift, effect", "the shift of a normal field", levels, 2e-3)
    yield near("spread_shift, effect", "ln of the ratio of a normal field", spreads, 2e-3)


def _moments_of(rows: Floats) -> Moments:
    fixed = np.round(rows * 1024).astype(np.int64)
    full = np.full((rows.shape[1],) * 2, rows.shape[0])
    return Moments(fixed.sum(axis=0), fixed.T @ fixed, full)


def _moments() -> Iterator[Seen]:
    mix = np.array([[1, 0.8, 0, 0], [0, 0.6, 0, 0], [0, 0, 1, 0.3], [0, 0, 0, 1.0]])
    turned, errors = [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        before, after = rng.normal(size=(20_000, 4)) @ mix, rng.normal(size=(3_000, 4))
        sides = _moments_of(before), _moments_of(after)
        change = moments.correlation_change(*sides, "abcd")
        wanted = np.abs(np.corrcoef(after.T) - np.corrcoef(before.T)).max()
        turned.append((change.value, float(wanted)))
        found = moments.pca_error(*sides)
        kept = 4 - int(found.parameters["components_left_out"] or 0)
        errors.append((found.value, _pca(before, after, kept)))
    yield near("correlation_change", "NumPy, corrcoef", turned, 2e-3)
    yield near("pca_error", f"{LEARN}, PCA", errors, 5e-3)


def _pca(before: Floats, after: Floats, kept: int) -> float:
    mean, sd = before.mean(axis=0), before.std(axis=0)
    pca = PCA(kept).fit((before - mean) / sd)
    scaled = [(side - mean) / sd for side in (before, after)]
    left, right = (
        ((side - pca.inverse_transform(pca.transform(side))) ** 2).sum(axis=1).mean()
        for side in scaled
    )
    return float(right / left)


def _classifier() -> Iterator[Seen]:
    weights, areas = [], []
    for seed in range(5):
        rng = np.random.default_rng(seed)
        design, truth = rng.normal(size=(800, 4)), (rng.random(800) < 0.4).astype(np.float64)
        model = LogisticRegression(C=1 / 20, tol=1e-12, max_iter=1_000).fit(design, truth)
        found = multivariate.logistic(design, truth, steps=1_000)
        weights += list(zip(found.tolist(), model.coef_[0].tolist(), strict=True))
        scores = (design @ found).round(1)
        auc, _ = multivariate.auc_with_variance(scores[truth == 0], scores[truth == 1])
        areas.append((auc, float(roc_auc_score(truth, scores))))
    yield near("domain_classifier, coefficients", f"{LEARN}, LogisticRegression", weights, 1e-6)
    yield same("domain_classifier, AUC", f"{LEARN}, roc_auc_score", areas)


def _distant() -> Seen:
    schema = Schema(
        Task.REGRESSION, tuple(FieldSpec(name, Role.FEATURE, Kind.NUMERIC) for name in NAMES)
    )
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 20_000))
    columns = {"a": a, "b": 0.8 * a + 0.6 * b, "c": rng.exponential(1, 20_000)}
    table = pa.table(columns)
    space = freeze(schema, table).joint
    if space is None:
        raise ValueError("Three numeric features must give a joint space.")
    fixed, _ = standardised(space, table)
    whole = fixed / FIXED
    covariance = np.cov(whole, rowvar=False)
    shrunk = (1 - SHRINK) * covariance + SHRINK * np.diag(np.diag(covariance))
    inverse, centre = np.linalg.inv(shrunk), whole.mean(axis=0)
    found = space.distances(whole[:500] * FIXED).tolist()
    wanted = [float(mahalanobis(row, centre, inverse)) ** 2 for row in whole[:500]]
    return same(
        "distant_share, d²", f"{ORACLE}, mahalanobis", list(zip(found, wanted, strict=True))
    )


def _quality() -> Iterator[Seen]:
    rng = np.random.default_rng(2)
    ends, p_values = [], []
    for _ in range(50):
        n, m = int(rng.integers(5, 3_000)), int(rng.integers(5, 3_000))
        hits, usual = int(rng.integers(0, n // 3 + 1)), int(rng.integers(0, m // 3 + 1))
        one = quality.share_change("missing_share", hits, n, usual, m)
        wanted = stats.binomtest(hits, n).proportion_ci(method="wilson")
        ends += [(one.low, float(wanted.low)), (one.high, float(wanted.high))]
        table = [[hits, n - hits], [usual, m - usual]]
        p_values.append((one.p_value, float(stats.fisher_exact(table)[1])))
    yield same("shares, interval", f"{ORACLE}, Wilson", ends)
    yield same("shares, p", f"{ORACLE}, Fisher", p_values)
    adjusted = []
    for _ in range(20):
        raw = rng.random(25) ** 3
        found = benjamini_hochberg(raw.tolist())
        adjusted += list(zip(found, stats.false_discovery_control(raw).tolist(), strict=True))
    yield same("Benjamini–Hochberg", ORACLE, adjusted)
    welch = []
    for seed in range(10):
        few, many = rng.normal(0, 1, 5 + seed), rng.normal(0.5, 3, 40)
        gap = float(few.mean() - many.mean())
        parts = [(float(stats.sem(side)), side.size) for side in (few, many)]
        welch.append((intervals.welch_p(gap, *parts), _welch(few, many)))
    yield same("means of few rows, p", f"{ORACLE}, Welch's t", welch)


def _welch(one: Floats, two: Floats) -> float:
    return float(stats.ttest_ind(one, two, equal_var=False).pvalue)
