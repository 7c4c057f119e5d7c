"""Quality, performance, calibration and fairness equal scikit-learn where definitions are one."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics

from monitoring.stats import fairness, performance, quality
from monitoring.stats.building import profile_outcomes, profile_predictions
from monitoring.stats.calibration import calibration, curve
from monitoring.stats.intervals import wilson
from monitoring.stats.profiles import empty
from tests.stats.conftest import flights, journeys
from tests.stats.test_stability import assert_defined

N = 4_000


@pytest.fixture(scope="module")
def frame():
    return flights(N, seed=21).to_pandas()


@pytest.fixture(scope="module")
def found(bins):
    table = flights(N, seed=21)
    return performance.performance(
        bins, profile_predictions(bins, table) + profile_outcomes(bins, table)
    )


def centred(frame):
    return (np.floor(frame.score.to_numpy() * 1_000) + 0.5) / 1_000


CLASSIFICATION = {
    "accuracy": metrics.accuracy_score,
    "precision": metrics.precision_score,
    "recall": metrics.recall_score,
    "f1": metrics.f1_score,
    "mcc": metrics.matthews_corrcoef,
}


@pytest.mark.parametrize("measure", CLASSIFICATION)
def test_classification_equals_scikit_learn(found, frame, measure):
    wanted = CLASSIFICATION[measure](frame.was_late, frame.late.astype(int))
    assert found[measure].value == pytest.approx(wanted, abs=1e-9)
    assert found[measure].low < wanted < found[measure].high


def test_specificity_is_the_recall_of_the_other_class(found, frame):
    wanted = metrics.recall_score(frame.was_late, frame.late.astype(int), pos_label=0)
    assert found["specificity"].value == pytest.approx(wanted, abs=1e-9)


def test_scores_equal_scikit_learn_on_binned_scores(found, frame):
    truth, scores = frame.was_late, centred(frame)
    auc = metrics.roc_auc_score(truth, scores)
    fpr, tpr, _ = metrics.roc_curve(truth, scores)
    assert found["roc_auc"].value == pytest.approx(auc, abs=1e-9)
    assert found["gini"].value == pytest.approx(2 * auc - 1, abs=1e-9)
    assert found["ks"].value == pytest.approx(np.max(np.abs(tpr - fpr)), abs=1e-9)
    wanted = metrics.average_precision_score(truth, scores)
    assert found["pr_auc"].value == pytest.approx(wanted, abs=1e-9)


def test_binning_moves_the_auc_by_no_more_than_the_reported_bound(found, frame):
    raw = metrics.roc_auc_score(frame.was_late, frame.score)
    assert abs(found["roc_auc"].value - raw) <= found["roc_auc"].parameters["bin_bound"]


def test_losses_are_exact_on_raw_scores(found, frame):
    wanted = metrics.log_loss(frame.was_late, frame.score)
    assert found["log_loss"].value == pytest.approx(wanted, abs=1e-9)
    wanted = metrics.brier_score_loss(frame.was_late, frame.score)
    assert found["brier"].value == pytest.approx(wanted, abs=1e-9)


def test_the_auc_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(300):
        positives = np.bincount(rng.binomial(40, 0.6, 80), minlength=41)
        negatives = np.bincount(rng.binomial(40, 0.5, 120), minlength=41)
        auc = performance.roc_auc(np.stack([negatives, positives]))
        covered += auc.low <= TRUE_AUC <= auc.high
    assert covered >= 270


def _true_auc():
    places = np.arange(41)
    from scipy.stats import binom

    better, worse = binom.pmf(places, 40, 0.6), binom.pmf(places, 40, 0.5)
    return float(better @ (np.cumsum(worse) - worse / 2))


TRUE_AUC = _true_auc()


def test_regression_equals_scikit_learn(regression_bins):
    table = journeys(3_000, seed=2, bias=4.0)
    found = performance.performance(regression_bins, profile_outcomes(regression_bins, table))
    truth, answer = table["actual"].to_numpy(), table["minutes"].to_numpy()
    assert found["mae"].value == pytest.approx(metrics.mean_absolute_error(truth, answer), abs=1e-9)
    wanted = metrics.root_mean_squared_error(truth, answer)
    assert found["rmse"].value == pytest.approx(wanted, abs=1e-9)
    assert found["r2"].value == pytest.approx(metrics.r2_score(truth, answer), abs=1e-9)
    assert found["bias"].value == pytest.approx((answer - truth).mean(), abs=1e-9)
    judged = [one for name, one in found.items() if name not in {"outcome_share", "mape"}]
    assert all(one.low < one.value < one.high for one in judged)


def test_a_worse_month_is_told_from_an_equal_one(regression_bins):
    def mae(seed, bias):
        table = journeys(2_000, seed=seed, bias=bias)
        return performance.regression(profile_outcomes(regression_bins, table))["mae"]

    same, worse = (performance.compare(mae(4, bias), mae(5, 0.0)) for bias in (0.0, 5.0))
    assert same.p_value > 0.01
    assert worse.p_value < 1e-9
    assert worse.effect > 1.0
    assert worse.baseline == mae(5, 0.0).value


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_too_few_outcomes_give_reasons(bins, regression_bins, rows):
    for used, table in ((bins, flights(rows)), (regression_bins, journeys(rows))):
        profile = profile_predictions(used, table) + profile_outcomes(used, table)
        for finding in performance.performance(used, profile).values():
            assert_defined(finding)


def test_one_class_alone_has_no_auc(bins):
    table = flights(100)
    place = table.schema.get_field_index("was_late")
    for label in (0, 1):
        same = table.set_column(place, "was_late", pa.array([label] * 100))
        found = performance.performance(bins, profile_outcomes(bins, same))
        assert found["roc_auc"].value is None
        assert found["roc_auc"].reason == "all outcomes are of one class"
        for finding in found.values():
            assert_defined(finding)


def test_a_perfect_separation_keeps_an_interval():
    auc = performance.roc_auc(np.array([[20, 0], [0, 20]]))
    assert (auc.value, auc.high) == (1.0, 1.0)
    assert 0.8 < auc.low < 1.0


def test_without_outcomes_nothing_is_claimed(bins):
    found = performance.performance(bins, profile_predictions(bins, flights(50)))
    assert found["outcome_share"].value == 0.0
    assert all(found[name].value is None for name in found if name != "outcome_share")


def test_ece_equals_a_brute_force(frame):
    histogram = np.stack(
        [
            np.histogram(frame.score[frame.was_late == y], np.linspace(0, 1, 1_001))[0]
            for y in (0, 1)
        ]
    )
    scores, truth = centred(frame), frame.was_late.to_numpy()
    wanted = 0.0
    for low in np.arange(10) / 10:
        inside = (scores >= low) & (scores < low + 0.1)
        if inside.any():
            wanted += inside.mean() * abs(truth[inside].mean() - scores[inside].mean())
    ece = calibration(histogram)["ece"]
    assert ece.value == pytest.approx(wanted, abs=1e-9)
    assert ece.p_value > 0.01
    assert calibration(histogram) == calibration(histogram)


def test_an_overconfident_score_is_told():
    rng = np.random.default_rng(0)
    scores = rng.random(5_000)
    truth = rng.random(5_000) < 0.3 + 0.4 * scores
    histogram = np.stack(
        [np.histogram(scores[truth == y], np.linspace(0, 1, 1_001))[0] for y in (0, 1)]
    )
    assert calibration(histogram)["ece"].p_value < 1e-6
    with pytest.raises(ValueError, match="divisor"):
        curve(histogram, bins=7)
    assert calibration(np.zeros((2, 1_000), np.int64))["ece"].value is None


def test_wilson_equals_scipy():
    from scipy.stats import binomtest

    for hits, n in ((0, 10), (3, 10), (10, 10), (123, 4_567)):
        wanted = binomtest(hits, n).proportion_ci(method="wilson")
        assert wilson(hits, n) == pytest.approx((wanted.low, wanted.high), abs=1e-12)


def test_missing_and_unseen_shares_are_tested_against_the_reference(bins):
    reference = profile_predictions(bins, flights(10_000, seed=1))
    table = flights(1_000, seed=2)
    worse = table.set_column(0, "age", pa.array([None] * 900 + [200.0] * 100, pa.float64()))
    found = quality.quality(bins, reference, profile_predictions(bins, worse), "age")
    assert found["missing_share"].value == 0.9
    assert found["missing_share"].p_value < 1e-12
    assert found["missing_share"].effect == pytest.approx(0.88, abs=0.01)
    assert found["out_of_range_share"].value == 0.1
    fine = quality.quality(bins, reference, profile_predictions(bins, table), "age")
    assert fine["missing_share"].p_value > 0.001
    assert fine["out_of_range_share"].p_value == 1.0
    assert "unseen_share" in quality.quality(bins, reference, reference, "carrier")


def test_quality_of_nothing_is_defined(bins):
    full = profile_predictions(bins, flights(100))
    for left, right in ((full, empty(bins)), (empty(bins), full), (empty(bins), empty(bins))):
        for name in ("age", "carrier"):
            for finding in quality.quality(bins, left, right, name).values():
                assert_defined(finding)


def test_a_rare_category_that_halves_is_seen():
    found = quality.share_change("share", 100, 10_000, 2_000, 100_000)
    assert found.parameters["relative_effect"] == pytest.approx(-0.5)
    assert found.p_value < 1e-9


def test_volume_knows_what_is_usual():
    usual = [980, 1_010, 1_000, 1_020, 990, 1_005, 995]
    assert quality.volume(1_003, usual).p_value > 0.5
    silent = quality.volume(0, usual)
    assert silent.p_value < 1e-6
    assert silent.effect == -1.0
    assert quality.volume(10, [9]).p_value is None
    assert_defined(quality.volume(0, [0, 0, 0]))


def test_parity_is_the_extremes_of_the_selection_rates(bins, frame):
    table = flights(N, seed=21)
    profile = profile_predictions(bins, table) + profile_outcomes(bins, table)
    found = fairness.fairness(bins, profile, "origin", seed=3)
    rates = frame.groupby("origin").late.mean()
    assert found["demographic_parity_difference"].value == pytest.approx(
        rates.max() - rates.min(), abs=1e-9
    )
    assert found["demographic_parity_ratio"].value == pytest.approx(
        rates.min() / rates.max(), abs=1e-9
    )
    assert found["demographic_parity_ratio"].parameters["lowest"] == rates.idxmin()
    late = frame[frame.was_late == 1].groupby("origin").late.mean()
    assert found["equal_opportunity_difference"].value == pytest.approx(
        late.max() - late.min(), abs=1e-9
    )
    for finding in found.values():
        assert_defined(finding)
    assert fairness.fairness(bins, profile, "origin", seed=3) == found
    pair = fairness.fairness(bins, profile, "sex", "origin")
    assert pair["demographic_parity_difference"].parameters["groups"] == 6


def test_small_groups_are_shown_and_not_judged():
    decisions = np.array([[50, 60, 4], [50, 40, 0]])
    rates = fairness.selection_rates(decisions, ("a", "b", "tiny"))
    assert [(rate.group, rate.judged) for rate in rates] == [
        ("a", True),
        ("b", True),
        ("tiny", False),
    ]
    assert fairness.parity(decisions, ("a", "b", "tiny"))[
        "demographic_parity_ratio"
    ].value == pytest.approx(0.8)
    lonely = fairness.parity(decisions[:, [0, 2]], ("a", "tiny"))["demographic_parity_ratio"]
    assert lonely.value is None
    assert "two groups" in lonely.reason


def test_nobody_selected_has_no_ratio(bins):
    found = fairness.parity(np.array([[50, 60], [0, 0]]), ("a", "b"))
    assert found["demographic_parity_ratio"].value is None
    assert found["demographic_parity_difference"].value == 0.0
    for finding in fairness.fairness(bins, empty(bins), "sex").values():
        assert_defined(finding)


def test_a_regression_has_no_parity(regression_bins):
    found = fairness.fairness(regression_bins, empty(regression_bins))
    assert set(found) == {"mae_difference", "bias_difference", "rmse_difference"}
    assert all(one.reason == fairness.TOO_FEW for one in found.values())
