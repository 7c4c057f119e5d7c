"""Fairness by group, beside scikit-learn on the rows of each group."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
from scipy import stats
from sklearn import metrics

from benchmarks.agreement.seen import Seen, bound_of, same, within
from monitoring.stats import fairness
from monitoring.stats.building import profile_outcomes
from monitoring.stats.columns import Counts
from monitoring.stats.reference import FieldSpec, Kind, Role, Schema, Task, freeze

ORACLE = "scikit-learn, by group"
LABELS = tuple("abcde")
REGRESSION = Schema(
    Task.REGRESSION,
    (
        FieldSpec("said", Role.PREDICTION, Kind.NUMERIC),
        FieldSpec("was", Role.OUTCOME, Kind.NUMERIC),
        FieldSpec("sex", Role.GROUP, Kind.CATEGORICAL),
    ),
    groups=("sex",),
)
RATES = (
    "selection_rate",
    "base_rate",
    "true_positive_rate",
    "false_positive_rate",
    "false_negative_rate",
    "precision",
    "accuracy",
    "treatment_ratio",
)
GAPS = {
    "demographic_parity_difference": "selection_rate",
    "equal_opportunity_difference": "true_positive_rate",
    "false_positive_difference": "false_positive_rate",
    "predictive_parity_difference": "precision",
    "accuracy_difference": "accuracy",
    "base_rate_difference": "base_rate",
    "treatment_equality_difference": "treatment_ratio",
}
Pairs = list[tuple[float | None, float]]
Numbers = Mapping[str, Sequence[float]]


def compared() -> Iterator[Seen]:
    """Return every comparison of this module."""
    rates: Pairs = []
    gaps: dict[str, Pairs] = {}
    for seed in range(10):
        cube = np.random.default_rng(seed).integers(40, 400, (2, 2, len(LABELS)))
        wanted = _by_rows(cube)
        found = fairness.group_rates(cube.sum(axis=1), cube, LABELS)
        rates += [
            (found[name, label].value, wanted[name][place])
            for name in RATES
            for place, label in enumerate(LABELS)
        ]
        for name, pair in _gaps(cube, wanted).items():
            gaps.setdefault(name, []).append(pair)
    yield same("rates of groups", ORACLE, rates)
    for name, pairs in gaps.items():
        yield same(name, ORACLE, pairs)
    yield _parity_test()
    yield from _means()
    yield from _impact()


def _by_rows(cube: Counts) -> Numbers:
    """Return every rate of every group, from rows with these counts."""
    found: dict[str, list[float]] = {name: [] for name in RATES}
    for place in range(cube.shape[2]):
        said, truth = (
            np.repeat(axis.ravel(), cube[:, :, place].ravel()) for axis in np.indices((2, 2))
        )
        hit = float(metrics.recall_score(truth, said))
        table = metrics.confusion_matrix(truth, said)
        found["selection_rate"].append(float(said.mean()))
        found["base_rate"].append(float(truth.mean()))
        found["true_positive_rate"].append(hit)
        found["false_negative_rate"].append(1 - hit)
        found["false_positive_rate"].append(
            1 - float(metrics.recall_score(truth, said, pos_label=0))
        )
        found["precision"].append(float(metrics.precision_score(truth, said)))
        found["accuracy"].append(float(metrics.accuracy_score(truth, said)))
        found["treatment_ratio"].append(float(table[1, 0] / table[0, 1]))
    return found


def _gaps(cube: Counts, wanted: Numbers) -> dict[str, tuple[float | None, float]]:
    found = fairness.parity(cube.sum(axis=1), LABELS) | fairness.odds(cube, LABELS)
    apart = {name: _spread(wanted[rate]) for name, rate in GAPS.items()}
    ratio = {rate: min(wanted[rate]) / max(wanted[rate]) for rate in RATES}
    both = ("true_positive_rate", "false_positive_rate")
    apart["demographic_parity_ratio"] = ratio["selection_rate"]
    apart["equalized_odds_difference"] = max(_spread(wanted[one]) for one in both)
    apart["equalized_odds_ratio"] = min(ratio[one] for one in both)
    return {name: (found[name].value, value) for name, value in apart.items()}


def _parity_test() -> Seen:
    pairs: Pairs = []
    for seed in range(10):
        decisions = np.random.default_rng(seed).integers(80, 130, (2, len(LABELS)))
        found = fairness.parity(decisions, LABELS)["demographic_parity_difference"]
        wanted = float(stats.chi2_contingency(decisions, correction=False).pvalue)
        pairs.append((found.p_value, wanted))
    return same("demographic parity, p", "SciPy, chi-square", pairs)


def _means() -> Iterator[Seen]:
    """Return gaps of errors, from profiles of regressions with two groups."""
    gaps: Pairs = []
    squares: Pairs = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        side, was = rng.choice(["f", "m"], 900), rng.normal(50, 10, 900)
        said = was + rng.normal(0, 2, 900) + (side == "m") * 0.5
        table = pa.table({"sex": side, "was": was, "said": said})
        bins = freeze(REGRESSION, table)
        found = fairness.fairness(bins, profile_outcomes(bins, table), "sex")
        errors = [(said - was)[side == label] for label in ("f", "m")]
        bias = _spread([float(one.mean()) for one in errors])
        mae = _spread([float(np.abs(one).mean()) for one in errors])
        rmse = _spread([float(np.mean(one**2) ** 0.5) for one in errors])
        gaps += [(found["bias_difference"].value, bias), (found["mae_difference"].value, mae)]
        squares.append((found["rmse_difference"].value, rmse))
    yield same("mae_, bias_difference", "NumPy", gaps)
    yield same("rmse_difference", "NumPy", squares)


def _spread(values: Sequence[float]) -> float:
    return max(values) - min(values)


def _impact() -> Iterator[Seen]:
    ratios: Pairs = []
    medians: list[tuple[float | None, float, float]] = []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        decisions = rng.integers(40, 400, (2, len(LABELS)))
        rates = decisions[1] / decisions.sum(axis=0)
        found = fairness.impact_ratios(decisions, LABELS)
        ratios += [
            (found["impact_ratio", label].value, float(rate / rates.max()))
            for label, rate in zip(LABELS, rates, strict=True)
        ]
        medians += _scored(rng)
    yield same("impact_ratio", "NumPy", ratios)
    yield within("scored_impact_ratio, rate", "NumPy, raw scores", medians)


def _scored(rng: np.random.Generator) -> list[tuple[float | None, float, float]]:
    raw = [rng.beta(2, 2, 900), rng.beta(2, 3, 700), rng.beta(3, 2, 400)]
    counts = np.stack([np.histogram(one, np.linspace(0, 1, 101))[0] for one in raw])
    median = np.median(np.concatenate(raw))
    found = fairness.scored_impact_ratios(counts, LABELS[:3])
    triples: list[tuple[float | None, float, float]] = []
    for label, values in zip(LABELS, raw, strict=False):
        one = found["scored_impact_ratio", label]
        rate = bound_of(one, "rate")
        triples.append((rate, float(np.mean(values > median)), bound_of(one)))
    return triples
