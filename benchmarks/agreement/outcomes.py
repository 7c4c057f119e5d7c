"""Performance, calibration and fairness, beside scikit-learn on the rows."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
from scipy.special import logit
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

from benchmarks.agreement.rows import REGRESSION, centred, decided, histogram, journeys, scored
from benchmarks.agreement.seen import Seen, bound_of, near, same, within
from monitoring.stats import performance
from monitoring.stats.building import profile_outcomes, profile_predictions
from monitoring.stats.calibration import calibration, curve, decomposition
from monitoring.stats.columns import Counts, Floats
from monitoring.stats.findings import Finding
from monitoring.stats.performance.classes import averages, binned_losses, by_class
from monitoring.stats.profiles import Profile
from monitoring.stats.recalibration import recalibration
from monitoring.stats.reference import Bins, Schema, Task, freeze

ORACLE = "scikit-learn"
SEEDS = range(10)
CLASSES = ("cat", "dog", "fox", "owl")
SEVERAL = Bins(Schema(Task.MULTICLASS, (), classes=CLASSES))
Raw = Callable[[Counts, Floats], float]


def compared() -> Iterator[Seen]:
    """Return every comparison of this module."""
    yield from _decisions()
    yield from _scores()
    yield from _lift()
    yield from _classes()
    yield from _regression()
    yield from _calibration()


def _decisions() -> Iterator[Seen]:
    functions: Mapping[str, Callable[[Counts, Counts], float]] = {
        "accuracy": metrics.accuracy_score,
        "precision": metrics.precision_score,
        "recall": metrics.recall_score,
        "specificity": lambda truth, said: metrics.recall_score(truth, said, pos_label=0),
        "f1": metrics.f1_score,
        "f_beta": lambda truth, said: metrics.fbeta_score(truth, said, beta=2.0),
        "mcc": metrics.matthews_corrcoef,
    }
    pairs: dict[str, list[tuple[float | None, float]]] = {name: [] for name in functions}
    for seed in SEEDS:
        bins, profile, truth, _, said = decided(3_000, seed)
        found = performance.performance(bins, profile)
        for name, function in functions.items():
            pairs[name].append((found[name].value, float(function(truth, said))))
    for name in functions:
        yield same(name, ORACLE, pairs[name])


def _ks(truth: Counts, scores: Floats) -> float:
    fpr, tpr, _ = metrics.roc_curve(truth, scores)
    return float(np.max(np.abs(tpr - fpr)))


RANKED: Mapping[str, Raw] = {
    "roc_auc": metrics.roc_auc_score,
    "gini": lambda truth, scores: 2 * float(metrics.roc_auc_score(truth, scores)) - 1,
    "pr_auc": metrics.average_precision_score,
    "ks (score)": _ks,
}


def _scores() -> Iterator[Seen]:
    drawn = [decided(3_000, seed)[:4] for seed in SEEDS]
    found = [
        (performance.performance(bins, profile), truth, scores)
        for bins, profile, truth, scores in drawn
    ]
    for name, function in RANKED.items():
        key = name.split(" ", maxsplit=1)[0]
        binned = [(one[key].value, float(function(y, centred(s)))) for one, y, s in found]
        yield same(name, f"{ORACLE}, binned scores", binned)
        raw = [(one[key].value, float(function(y, s)), bound_of(one[key])) for one, y, s in found]
        yield within(name, f"{ORACLE}, raw scores", raw)
    losses: Mapping[str, Raw] = {"log_loss": metrics.log_loss, "brier": metrics.brier_score_loss}
    for name, function in losses.items():
        yield same(name, ORACLE, [(one[name].value, float(function(y, s))) for one, y, s in found])


def _lift() -> Iterator[Seen]:
    triples = []
    for seed in SEEDS:
        truth, scores = scored(3_000, seed, 1, 4)
        for share in (0.01, 0.1, 0.5):
            one = performance.lift(histogram(truth, scores), share=share)
            top = np.argsort(-scores)[: round(share * truth.size)]
            triples.append((one.value, float(truth[top].mean() / truth.mean()), bound_of(one)))
    yield within("lift", "NumPy, raw scores", triples)


def _answers(n: int, seed: int) -> tuple[Counts, Floats]:
    rng = np.random.default_rng(seed)
    truth = rng.choice(4, n, p=[0.1, 0.2, 0.3, 0.4])
    chances = rng.dirichlet(np.ones(4), n) + 0.8 * np.eye(4)[truth]
    return truth, chances / chances.sum(axis=1, keepdims=True)


def _profile(truth: Counts, chances: Floats) -> Profile:
    table = np.bincount(chances.argmax(axis=1) * 5 + truth, minlength=25)
    cube = table.reshape(5, 5, 1).astype(np.int64)
    scores = np.stack([histogram(truth == place, chances[:, place]) for place in range(4)])
    counts = {"cube/": cube, "score": scores, "labelled": np.array([truth.size])}
    return Profile(SEVERAL.digest, counts)


def _classes() -> Iterator[Seen]:
    rows = [_answers(3_000, seed) for seed in SEEDS]
    parts, apart, mcc, areas, losses, squares = [], [], [], [], [], []
    for truth, chances in rows:
        profile, answer = _profile(truth, chances), chances.argmax(axis=1)
        found = performance.performance(SEVERAL, profile)
        binned = binned_losses(profile.counts["score"])
        parts += _averaged(profile, truth, answer)
        apart += _one_by_one(by_class(SEVERAL, profile), truth, answer)
        mcc.append((found["mcc"].value, float(metrics.matthews_corrcoef(truth, answer))))
        for how in ("macro", "weighted"):
            wanted = metrics.roc_auc_score(truth, chances, multi_class="ovr", average=how)
            one = found[f"{how}_roc_auc"]
            areas.append((one.value, float(wanted), bound_of(one)))
        log, brier = binned["log_loss"], binned["brier"]
        losses.append((log.value, float(metrics.log_loss(truth, chances)), bound_of(log)))
        whole = float(((chances - np.eye(4)[truth]) ** 2).sum(axis=1).mean())
        squares.append((brier.value, whole, bound_of(brier)))
    yield same("macro, micro, weighted precision, recall, F1", ORACLE, parts)
    yield same("each class against the rest", ORACLE, apart)
    yield same("mcc, several classes", ORACLE, mcc)
    yield within("macro and weighted ROC AUC", f"{ORACLE}, raw scores", areas)
    yield within("log loss from bins, several classes", f"{ORACLE}, raw scores", losses)
    yield within("Brier from bins, several classes", "NumPy, raw scores", squares)


def _averaged(profile: Profile, truth: Counts, said: Counts) -> list[tuple[float | None, float]]:
    found = averages(profile.counts["cube/"][:4, :4, 0])
    pairs: list[tuple[float | None, float]] = []
    for how in ("macro", "micro", "weighted"):
        wanted = metrics.precision_recall_fscore_support(truth, said, average=how)
        for name, value in zip(("precision", "recall", "f1"), wanted, strict=False):
            pairs.append((found[f"{how}_{name}"].value, float(value)))
    return pairs


def _one_by_one(
    found: Mapping[tuple[str, str], Finding], truth: Counts, said: Counts
) -> list[tuple[float | None, float]]:
    wanted = metrics.precision_recall_fscore_support(truth, said)
    return [
        (found[name, label].value, float(values[place]))
        for name, values in zip(("precision", "recall", "f1"), wanted, strict=False)
        for place, label in enumerate(CLASSES)
    ]


def _regression() -> Iterator[Seen]:
    functions: Mapping[str, Callable[[Floats, Floats], float]] = {
        "mae": metrics.mean_absolute_error,
        "rmse": metrics.root_mean_squared_error,
        "r2": metrics.r2_score,
        "mape": metrics.mean_absolute_percentage_error,
        "bias": lambda truth, said: float((said - truth).mean()),
    }
    pairs: dict[str, list[tuple[float | None, float]]] = {name: [] for name in functions}
    quantiles = []
    for seed in SEEDS:
        table = journeys(3_000, seed)
        bins = freeze(REGRESSION, table)
        profile = profile_predictions(bins, table) + profile_outcomes(bins, table)
        found = performance.performance(bins, profile)
        truth, said = (table[name].to_numpy() for name in ("actual", "minutes"))
        for name, function in functions.items():
            pairs[name].append((found[name].value, float(function(truth, said))))
        quantiles += _quantiles(bins, profile, said - truth)
    for name in functions:
        yield same(name, "NumPy" if name == "bias" else ORACLE, pairs[name])
    yield within("quantiles of the error", "NumPy, inverted_cdf", quantiles)


def _quantiles(
    bins: Bins, profile: Profile, errors: Floats
) -> list[tuple[float | None, float, float]]:
    found = performance.error_quantiles(bins, profile.counts["residual"])
    return [
        (one.value, float(np.quantile(values, percent / 100, method="inverted_cdf")), bound_of(one))
        for kind, values in (("error", errors), ("absolute_error", np.abs(errors)))
        for percent in (5, 50, 95)
        for one in (found[f"{kind}_p{percent}"],)
    ]


def _calibration() -> Iterator[Seen]:
    from sklearn.calibration import calibration_curve

    curves, eces, mces, parts = [], [], [], []
    lines: dict[str, list[tuple[float | None, float]]] = {}
    raw_lines: list[tuple[float | None, float, float]] = []
    for seed, (a, b) in enumerate([(2.0, 3.0), (0.3, 0.5), (0.5, 8.0), (4.0, 4.0), (1.0, 1.0)]):
        truth, scores = scored(4_000, seed, a, b)
        counts, moved = histogram(truth, scores), centred(scores)
        found, line = calibration(counts), curve(counts)
        observed, predicted = calibration_curve(truth, moved, n_bins=10)
        curves += list(zip(line.observed.tolist(), observed.tolist(), strict=True))
        curves += list(zip(line.predicted.tolist(), predicted.tolist(), strict=True))
        gaps, rows = np.abs(observed - predicted), np.histogram(moved, np.linspace(0, 1, 11))[0]
        eces.append((found["ece"].value, float(gaps @ rows[rows > 0] / truth.size)))
        mces.append((found["mce"].value, float(gaps.max())))
        parts.append((_brier(counts), float(metrics.brier_score_loss(truth, moved))))
        clipped = np.clip(scores, 0.0005, 0.9995)
        for (name, one), binned, raw in zip(
            recalibration(counts).items(), _line(truth, moved), _line(truth, clipped), strict=True
        ):
            lines.setdefault(name, []).append((one.value, binned))
            raw_lines.append((one.value, raw, bound_of(one)))
    yield same("reliability curve", f"{ORACLE}, calibration_curve", curves)
    yield same("ece", f"{ORACLE}, calibration_curve", eces)
    yield same("mce", f"{ORACLE}, calibration_curve", mces)
    for name, pairs in lines.items():
        yield near(name, f"{ORACLE}, LogisticRegression", pairs, 1e-6)
    yield within("calibration slope and intercept", f"{ORACLE}, raw scores", raw_lines)
    yield same("Brier decomposition, sum of parts", f"{ORACLE}, brier_score_loss", parts)


def _brier(counts: Counts) -> float:
    parts = decomposition(counts)
    values = [parts[name].value or 0.0 for name in ("reliability", "resolution", "uncertainty")]
    within_bins = bound_of(parts["reliability"], "within")
    return values[0] - values[1] + values[2] + within_bins


def _line(truth: Counts, scores: Floats) -> tuple[float, float]:
    """Return slope and intercept, in the order of `recalibration`."""
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1_000)
    model.fit(logit(scores)[:, None], truth)
    return float(model.coef_[0, 0]), float(model.intercept_[0])
