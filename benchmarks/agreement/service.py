"""Operations, business, agreement, experiments and root causes, beside NumPy, SciPy and rows."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
from scipy import ndimage, stats
from sklearn.metrics import cohen_kappa_score

from benchmarks.agreement.seen import Seen, bound_of, same, within
from monitoring.stats import experiments, unstructured
from monitoring.stats.agreement import agreement
from monitoring.stats.building import profile_agreement, profile_outcomes, profile_predictions
from monitoring.stats.business import business
from monitoring.stats.columns import Floats
from monitoring.stats.experiments.arms import moments
from monitoring.stats.operations import Traffic, operations, uptime
from monitoring.stats.reference import FieldSpec, Kind, Role, Schema, Task, freeze
from monitoring.stats.root_cause import Part, decompose
from monitoring.stats.worst_segments import sums

SEEDS = range(10)
SERVED = Schema(
    Task.REGRESSION,
    (
        FieldSpec("at", Role.TIMESTAMP, Kind.NUMERIC),
        FieldSpec("ms", Role.LATENCY, Kind.NUMERIC),
        FieldSpec("failed", Role.ERROR, Kind.CATEGORICAL),
        FieldSpec("cpu", Role.CPU, Kind.NUMERIC),
        FieldSpec("said", Role.PREDICTION, Kind.NUMERIC),
        FieldSpec("was", Role.OUTCOME, Kind.NUMERIC),
        FieldSpec("euro", Role.VALUE, Kind.NUMERIC),
    ),
)
LABELLED = Schema(
    Task.MULTICLASS, (FieldSpec("was", Role.OUTCOME, Kind.CATEGORICAL),), ("a", "b", "c")
)
NUMBERED = Schema(Task.REGRESSION, (FieldSpec("was", Role.OUTCOME, Kind.NUMERIC),))
START = datetime(2013, 4, 1, tzinfo=UTC)
Pairs = list[tuple[float | None, float]]
Triples = list[tuple[float | None, float, float]]


def compared() -> Iterator[Seen]:
    """Return every comparison of this module."""
    yield from _operations()
    yield _uptime()
    yield from _business()
    yield from _agreement()
    yield from _experiments()
    yield from _causes()
    yield from _images()


def _served(n: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    seconds = np.cumsum(rng.exponential(1.5, n))
    return pa.table(
        {
            "at": [START + timedelta(seconds=float(second)) for second in seconds],
            "ms": rng.lognormal(3, 0.6, n),
            "failed": rng.random(n) < 0.05,
            "cpu": rng.random(n),
            "said": rng.normal(size=n),
            "was": rng.normal(size=n),
            "euro": pa.array(rng.gamma(2, 2.5, n), mask=rng.random(n) < 0.1),
        }
    )


def _operations() -> Iterator[Seen]:
    usual_rows = _served(6_000, 100)
    bins = freeze(SERVED, usual_rows)
    usual = profile_predictions(bins, usual_rows)
    means: Pairs = []
    rates: Pairs = []
    gaps: Pairs = []
    quantiles: Triples = []
    for seed in range(4):
        rows = _served(3_000, seed)
        found = operations(bins, usual, profile_predictions(bins, rows), Traffic([3_000], [6_000]))
        latency = rows["ms"].to_numpy()
        means.append((found["latency_mean"].value, float(latency.mean())))
        means.append((found["cpu_mean"].value, float(rows["cpu"].to_numpy().mean())))
        rates.append((found["error_rate"].value, float(np.mean(rows["failed"].to_numpy()))))
        between = _gaps(rows)
        gaps.append((found["longest_gap"].value, float(between.max())))
        shares = {"latency_p50": 0.5, "latency_p95": 0.95, "latency_p99": 0.99, "gap_p99": 0.99}
        for name, share in shares.items():
            values = between if name == "gap_p99" else latency
            exact = float(np.quantile(values, share, method="inverted_cdf"))
            quantiles.append((found[name].value, exact, bound_of(found[name])))
    yield same("latency and resources, mean", "NumPy", means, relative=True)
    yield same("error_rate", "NumPy", rates)
    yield same("longest_gap", "NumPy", gaps)
    yield within("latency p50, p95, p99 (ms); gap p99 (s)", "NumPy, inverted_cdf", quantiles)


def _gaps(rows: pa.Table) -> Floats:
    micros = np.sort([round(at.timestamp() * 1e6) for at in rows["at"].to_pylist()])
    gaps: Floats = np.diff(micros) / 1e6
    return gaps


def _uptime() -> Seen:
    pairs: Pairs = []
    for hours in ([5, 0, 9, 0], [1, 1, 0], [0, 0, 3, 2, 8, 1]):
        found = uptime(Traffic(hours, [len(hours)] * 3))
        empty = sum(1 for rows in hours if not rows)
        pairs.append((found.p_value, float(stats.binom.sf(empty - 1, len(hours), math.exp(-1)))))
    return same("uptime, p", "SciPy, binomial", pairs)


def _business() -> Iterator[Seen]:
    values: Pairs = []
    p_values: Pairs = []
    usual_rows = _served(5_000, 200)
    bins = freeze(SERVED, usual_rows)
    usual = profile_predictions(bins, usual_rows) + profile_outcomes(bins, usual_rows)
    before = usual_rows["euro"].drop_null().to_numpy()
    for seed in range(4):
        rows = _served(2_000, 300 + seed)
        now = profile_predictions(bins, rows) + profile_outcomes(bins, rows)
        euro = rows["euro"].drop_null().to_numpy()
        found = business(usual, now)
        values.append((found["value_per_decision"].value, float(euro.mean())))
        values.append((found["value_total"].value, float(euro.sum())))
        welch = float(stats.ttest_ind(euro, before, equal_var=False).pvalue)
        p_values.append((found["value_per_decision"].p_value, welch))
        target = float(stats.ttest_1samp(euro, 5.1).pvalue)
        aimed = business(usual, now, target=5.1)["value_per_decision"]
        p_values.append((aimed.p_value, target))
    yield same("value_per_decision, value_total", "NumPy", values, relative=True)
    yield same("value_per_decision, p", "SciPy, Welch's t", p_values)


def _agreement() -> Iterator[Seen]:
    kappas: Pairs = []
    shares: Pairs = []
    correlations: Pairs = []
    gaps: Pairs = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        true = rng.choice(["a", "b", "c"], 2_000, p=[0.6, 0.3, 0.1])
        other = np.where(rng.random(2_000) < 0.7, true, rng.choice(["a", "b", "c"], 2_000))
        table = pa.table({"was": true, "proxy": other})
        found = agreement(profile_agreement(freeze(LABELLED, table), table, "proxy"))
        kappas.append((found["cohen_kappa"].value, float(cohen_kappa_score(true, other))))
        shares.append((found["agreement_share"].value, float((true == other).mean())))
        one = rng.normal(50, 10, 2_000)
        two = one + rng.normal(0.5, 4, 2_000)
        table = pa.table({"was": one, "proxy": two})
        found = agreement(profile_agreement(freeze(NUMBERED, table), table, "proxy"))
        correlation = float(stats.pearsonr(one, two).statistic)
        correlations.append((found["agreement_correlation"].value, correlation))
        gaps.append((found["agreement_difference"].value, float((two - one).mean())))
    yield same("cohen_kappa", "scikit-learn, cohen_kappa_score", kappas)
    yield same("agreement_share", "NumPy", shares)
    yield same("agreement_correlation", "SciPy, pearsonr", correlations)
    yield same("agreement_difference", "NumPy", gaps)


def _experiments() -> Iterator[Seen]:
    shares: Pairs = []
    means: Pairs = []
    pairs: Pairs = []
    few: Pairs = []
    ratios: Pairs = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        hits, usual = int(rng.integers(100, 300)), int(rng.integers(100, 300))
        table = [[hits, 2_000 - hits], [usual, 1_900 - usual]]
        wanted = float(stats.fisher_exact(table)[1])
        shares.append((experiments.two_proportions(hits, 2_000, usual, 1_900).p_value, wanted))
        one, two = rng.normal(5, 2, 400), rng.normal(5.4, 3, 90)
        means += _welch(one, two)
        paired = stats.ttest_rel(one[:90], two)
        found = experiments.paired_difference(moments(one[:90] - two))
        pairs += [(found.value, float((one[:90] - two).mean())), (found.p_value, paired.pvalue)]
        a, b = int(rng.integers(0, 15)), int(rng.integers(1, 15))
        few.append((experiments.mcnemar(a, b, 500).p_value, _binomial(a, a + b, 0.5)))
        rows = rng.multinomial(10_000, [0.9, 0.1])
        mismatch = experiments.sample_ratio_mismatch(
            {"a": int(rows[0]), "b": int(rows[1])}, {"a": 90, "b": 10}
        )
        chi = float(stats.chisquare(rows, [9_000, 1_000]).pvalue)
        ratios.append((mismatch.p_value, chi))
    yield same("two proportions, p", "SciPy, Fisher", shares)
    yield same("mean difference, p and interval", "SciPy, ttest_ind", means)
    yield same("paired difference, value and p", "SciPy, ttest_rel", pairs)
    yield same("McNemar, few rows, p", "SciPy, binomtest", few)
    yield same("sample ratio, p", "SciPy, chisquare", ratios)


def _binomial(hits: int, n: int, share: float) -> float:
    return float(stats.binomtest(hits, n, share).pvalue)


def _welch(one: Floats, two: Floats) -> Pairs:
    found = experiments.welch(moments(one), moments(two))
    wanted = stats.ttest_ind(one, two, equal_var=False)
    interval = wanted.confidence_interval()
    return [
        (found.p_value, float(wanted.pvalue)),
        (found.low, float(interval.low)),
        (found.high, float(interval.high)),
    ]


def _part(values: Floats) -> Part:
    return Part(values.size, float(values.sum()), float((values**2).sum()))


def _causes() -> Iterator[Seen]:
    identity: Pairs = []
    segments: Pairs = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        drawn = [
            {f"s{place}": rng.normal(place, 3, rng.integers(1, 200)) for place in range(12)}
            for _ in range(2)
        ]
        sides = [{name: _part(values) for name, values in side.items()} for side in drawn]
        found = decompose(*sides)
        before, after = (np.concatenate(list(side.values())).mean() for side in drawn)
        identity.append((found.mix + found.within, float(after - before)))
        one, two = rng.normal(1, 2, 80), rng.normal(0.5, 1, 300)
        wanted = stats.ttest_ind(one, two, equal_var=False, alternative="greater")
        left, right = sums.sums_of(one), sums.sums_of(two)
        segments.append((float(sums.worse_p(left, right, binary=False)), float(wanted.pvalue)))
    yield same("Kitagawa, mix + within", "change of the mean (NumPy)", identity)
    yield same("worst segments, p", "SciPy, Welch's t, one-sided", segments)


def _images() -> Iterator[Seen]:
    light_pairs: Pairs = []
    sharpness: Pairs = []
    for seed in SEEDS:
        pixels = np.random.default_rng(seed).integers(0, 256, (40, 70, 3)).astype(np.uint8)
        light = pixels.astype(np.float64) @ [0.299, 0.587, 0.114]
        found = unstructured.describe_image("photo", pixels)
        light_pairs.append((_number(found["photo.brightness"]), float(light.mean() / 255)))
        light_pairs.append((_number(found["photo.contrast"]), float(light.std() / 255)))
        wanted = float(ndimage.laplace(light, mode="reflect").var())
        sharpness.append((_number(found["photo.sharpness"]), wanted))
    yield same("image brightness, contrast", "NumPy", light_pairs)
    yield same("image sharpness", "SciPy, ndimage.laplace", sharpness, relative=True)


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
