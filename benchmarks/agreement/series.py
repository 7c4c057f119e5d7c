"""Estimates before outcomes, streams, shapes, trends and looks, beside their oracles."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from river import drift
from scipy import integrate, stats
from sklearn import metrics
from sklearn.isotonic import IsotonicRegression

from benchmarks.agreement.rows import REGRESSION, centred, decided, histogram, journeys, scored
from benchmarks.agreement.seen import Seen, near, same
from monitoring.stats import cells, chances, estimation, sequential
from monitoring.stats.building import profile_outcomes, profile_predictions
from monitoring.stats.columns import Counts, Floats
from monitoring.stats.experiments import log_evidence
from monitoring.stats.loss_estimation import Losses, estimate_losses, fit_losses
from monitoring.stats.reference import Bins, freeze
from monitoring.stats.shapes import Shape, shape_of
from monitoring.stats.streams import Adwin, PageHinkley
from monitoring.stats.trend import theil_sen

LEARN = "scikit-learn"
RIVER = "River"
DETECTORS: Any = drift  # River ships no types
SEEDS = range(10)


def compared() -> Iterator[Seen]:
    """Return every comparison of this module."""
    yield from _expected()
    yield _isotonic()
    yield _losses()
    yield from _adwin()
    yield _page_hinkley()
    yield _step()
    yield from _trend()
    yield from _looks()


def _expected() -> Iterator[Seen]:
    """Return CBPE beside scikit-learn on rows weighted by their chances."""
    pairs: dict[str, list[tuple[float | None, float]]] = {}
    for seed in SEEDS:
        bins, history, *_ = decided(20_000, 100 + seed)
        _, window, _, scores, _ = decided(3_000, seed)
        learnt = chances.learn(history.counts["score"], seed=0)
        chance = learnt.values[np.minimum((scores * 1_000).astype(int), 999)]
        found = estimation.estimate(bins, history, window)
        wanted = _weighted(chance, centred(scores), learnt.values)
        for name, value in wanted.items():
            pairs.setdefault(name, []).append((found[name].value, value))
    for name in pairs:
        yield same(f"CBPE {name}", f"{LEARN}, weighted rows", pairs[name])


def _weighted(chance: Floats, scores: Floats, values: Floats) -> dict[str, float]:
    """Return metrics of rows taken twice: as positive and as negative, by their chance."""
    truth = np.repeat([1, 0], chance.size)
    weight, said = np.r_[chance, 1 - chance], np.tile((scores >= 0.5).astype(int), 2)
    known = {"sample_weight": weight}
    ranks = np.tile(values[(scores * 1_000).astype(int)] + 1e-9 * scores, 2)
    return {
        "roc_auc": float(metrics.roc_auc_score(truth, ranks, **known)),
        "accuracy": float(metrics.accuracy_score(truth, said, **known)),
        "precision": float(metrics.precision_score(truth, said, **known)),
        "recall": float(metrics.recall_score(truth, said, **known)),
        "specificity": float(metrics.recall_score(truth, said, pos_label=0, **known)),
        "f1": float(metrics.f1_score(truth, said, **known)),
        "brier": float(metrics.brier_score_loss(truth, np.tile(scores, 2), **known)),
    }


def _isotonic() -> Seen:
    pairs: list[tuple[float | None, float]] = []
    for seed in SEEDS:
        truth, scores = scored(3_000, seed)
        found = chances.isotonic(histogram(truth, scores**2))
        centres = chances.centres(1_000)
        oracle = IsotonicRegression(out_of_bounds="clip").fit(centred(scores**2), truth)
        pairs += list(zip(found.tolist(), oracle.predict(centres).tolist(), strict=True))
    return same("CBPE chances", f"{LEARN}, IsotonicRegression", pairs)


def _losses() -> Seen:
    table = journeys(20_000, 1)
    bins = freeze(REGRESSION, table)
    known = profile_predictions(bins, table) + profile_outcomes(bins, table)
    losses = fit_losses(bins, table)
    if losses.models is None:
        raise ValueError("The reference of a regression must give a model of its losses.")
    pairs: list[tuple[float | None, float]] = []
    for seed in range(2, 7):
        window = journeys(3_000, seed)
        found = estimate_losses(bins, losses, known, profile_predictions(bins, window))
        for name, power in (("mae", 1.0), ("rmse", 0.5)):
            by_row = losses.models[name].of_rows(_coded(bins, losses, window))
            pairs.append((found[name].value, float(by_row.mean() ** power)))
    return same("DLE mae, rmse", "mean of the rows' own estimates", pairs)


def _coded(bins: Bins, losses: Losses, table: object) -> Counts:
    columns, start = [], 0
    for one in losses.fields:
        columns.append(np.array(one.place)[cells.tallies_of(bins, table, one.name)] + start)
        start += one.size
    return np.stack(columns, axis=1)


def _adwin() -> Iterator[Seen]:
    found: list[tuple[float | None, float]] = []
    widths: list[tuple[float | None, float]] = []
    means: list[tuple[float | None, float]] = []
    for seed in range(6):
        for delta in (0.002, 0.2):
            ours, theirs = Adwin(delta=delta), DETECTORS.ADWIN(delta=delta)
            for value in _stream(seed):
                changed = ours.update(value)
                theirs.update(value)
                found.append((float(changed), float(theirs.drift_detected)))
                widths.append((float(ours.width), float(theirs.width)))
                means.append((ours.estimation, float(theirs.estimation)))
                if changed:  # River begins anew with the next value
                    ours = Adwin(delta=delta)
    yield same("ADWIN, detections", RIVER, found)
    yield same("ADWIN, width", RIVER, widths)
    yield same("ADWIN, estimation", RIVER, means)


def _stream(seed: int) -> list[float]:
    rng = np.random.default_rng(seed)
    levels = np.repeat(rng.uniform(0, 1, 5), 700)
    if seed % 2:
        return [float(one) for one in rng.random(levels.size) < levels]
    return [float(one) for one in levels + rng.normal(0, 0.3, levels.size)]


def _page_hinkley() -> Seen:
    pairs: list[tuple[float | None, float]] = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        stream = np.concatenate([rng.normal(level, 1, 800) for level in (0, 1.5, 0)])
        ours, theirs = PageHinkley(threshold=20), DETECTORS.PageHinkley(threshold=20)
        for value in stream.tolist():
            changed = ours.update(value)
            theirs.update(value)
            pairs.append((float(changed), float(theirs.drift_detected)))
    return same("Page–Hinkley, detections", RIVER, pairs)


def _step() -> Seen:
    """Return the size of sudden changes beside every possible step tried by hand."""
    pairs: list[tuple[float | None, float]] = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        values = (np.arange(60) >= 20 + seed) + rng.normal(0, 0.1, 60)
        found = shape_of(values.tolist())
        tried = [
            (values[:cut].var() * cut + values[cut:].var() * (60 - cut), cut)
            for cut in range(2, 59)
        ]
        cut = min(tried)[1]
        size = float(values[cut:].mean() - values[:cut].mean())
        if found.shape is Shape.SUDDEN and found.best is not None:
            pairs.append((found.best.size, size))
    return same("shape: size of a sudden change", "every step tried (NumPy)", pairs)


def _trend() -> Iterator[Seen]:
    slopes: list[tuple[float | None, float]] = []
    levels: list[tuple[float | None, float]] = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        places = np.arange(25.0)
        values = 0.3 * places + rng.normal(size=25)
        slope, level, _, _ = stats.theilslopes(values, places, method="joint")
        found = theil_sen(places, values)
        slopes.append((found.slope, float(slope)))
        levels.append((found.level, float(level)))
    yield same("trend, slope", "SciPy, theilslopes", slopes)
    yield same("trend, level", "SciPy, theilslopes", levels)


def _looks() -> Iterator[Seen]:
    spent: list[tuple[float | None, float]] = []
    for alpha in (1e-4, 0.01, 0.2):
        for k, n in ((1, 1), (2, 3), (3, 5)):
            wanted = alpha * float(stats.binom.sf(k - 2, n - 1, alpha))
            spent.append((sequential.alarm_probability(alpha, open_after=(k, n)), wanted))
    yield same("alarm after k of n windows", "SciPy, binomial", spent)
    evidence: list[tuple[float | None, float]] = []
    for hits, n, p in ((3, 10, 0.5), (12, 40, 0.2), (0, 25, 0.1), (60, 100, 0.5)):
        mixture, _ = integrate.quad(_mixed, 0, np.pi / 2, args=(hits, n, p), epsabs=1e-13)
        evidence.append((float(np.exp(log_evidence(hits, n, p))), float(mixture)))
    yield near("always-valid evidence", "SciPy, quad over the mixture", evidence, 1e-6)


def _mixed(angle: float, hits: int, n: int, p: float) -> float:
    """Return the integrand of the Beta(1/2, 1/2) mixture, with share sin² of the angle."""
    share = float(np.sin(angle)) ** 2
    return 2 / np.pi * (share / p) ** hits * ((1 - share) / (1 - p)) ** (n - hits)
