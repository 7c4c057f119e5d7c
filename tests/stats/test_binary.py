"""Binary performance equals scikit-learn, by every measure, and says how sure it is."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics

from monitoring.stats import performance
from monitoring.stats.building import profile_outcomes, profile_predictions
from tests.stats.conftest import flights
from tests.stats.test_stability import assert_defined


def histogram_of(truth, scores, size=1_000):
    edges = np.linspace(0, 1, size + 1)
    return np.stack([np.histogram(scores[truth == y], edges)[0] for y in (0, 1)])


def scored_rows(n, seed):
    rng = np.random.default_rng(seed)
    scores = rng.beta(1, 4, n)
    return (rng.random(n) < scores).astype(int), scores


@pytest.mark.parametrize("beta", [0.5, 1.0, 2.0, 3.0])
def test_f_beta_equals_scikit_learn(beta):
    rng = np.random.default_rng(4)
    truth, answer = rng.integers(0, 2, 500), rng.integers(0, 2, 500)
    table = metrics.confusion_matrix(truth, answer).T
    found = performance.classification(table, beta=beta)["f_beta"]
    assert found.value == pytest.approx(metrics.fbeta_score(truth, answer, beta=beta), abs=1e-12)
    assert found.parameters["beta"] == beta
    assert found.low < found.value < found.high


@pytest.mark.parametrize("beta", [0.0, -1.0, float("inf"), float("nan")])
def test_a_beta_that_weighs_nothing_is_refused(beta):
    with pytest.raises(ValueError, match="positive"):
        performance.classification(np.ones((2, 2), np.int64), beta=beta)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.25, 0.5, 1.0])
def test_lift_of_raw_scores_lies_within_the_reported_bound(share):
    for seed in range(5):
        truth, scores = scored_rows(3_000, seed)
        found = performance.lift(histogram_of(truth, scores), share=share)
        top = np.argsort(-scores)[: round(share * truth.size)]
        wanted = truth[top].mean() / truth.mean()
        assert abs(found.value - wanted) <= found.parameters["bin_bound"] + 1e-9
        gain = performance.gain(histogram_of(truth, scores), share=share)
        assert gain.value == pytest.approx(found.value * share)


def test_equal_scores_are_shared_out_evenly():
    histogram = np.array([[0, 80, 0], [0, 20, 0]])
    found = performance.lift(histogram, share=0.3)
    assert found.value == pytest.approx(1.0)
    # All 20 positives could be among the 30 taken, or none.
    assert found.parameters["bin_bound"] == pytest.approx(0.7 / 0.3)


def test_a_perfect_ranking_has_the_largest_lift():
    histogram = np.array([[90, 0], [0, 10]])
    assert performance.lift(histogram, share=0.1).value == 10.0
    assert performance.gain(histogram, share=0.1).value == 1.0
    assert performance.gain(histogram, share=0.05).value == 0.5


def test_the_gain_curve_rises_from_nothing_to_all():
    truth, scores = scored_rows(500, 1)
    curve = performance.gain_curve(histogram_of(truth, scores))
    assert (curve.rows[0], curve.positives[0]) == (0.0, 0.0)
    assert (curve.rows[-1], curve.positives[-1]) == (1.0, 1.0)
    assert (np.diff(curve.positives) >= 0).all()
    gain = performance.gain(histogram_of(truth, scores), share=0.3)
    assert gain.value == pytest.approx(np.interp(0.3, curve.rows, curve.positives), abs=1e-9)
    assert performance.gain_curve(np.zeros((2, 10), np.int64)).rows.tolist() == [0.0]


def test_the_lift_interval_covers_as_often_as_it_says():
    # P(y = 1 | s) = s with s ~ Beta(1, 4): the gain of the whole population, by many rows.
    truth, scores = scored_rows(2_000_000, 99)
    wanted = performance.gain(histogram_of(truth, scores), share=0.1).value
    covered = 0
    for seed in range(300):
        found = performance.gain(histogram_of(*scored_rows(1_500, seed)), share=0.1)
        covered += found.low <= wanted <= found.high
    assert 273 <= covered <= 297


@pytest.mark.parametrize("share", [0.0, -0.1, 1.1, float("nan")])
def test_a_share_of_nothing_is_refused(share):
    with pytest.raises(ValueError, match="share"):
        performance.lift(np.ones((2, 10), np.int64), share=share)


def test_lift_without_positives_has_a_reason():
    for histogram, reason in (
        (np.array([[5, 5], [0, 0]]), performance.ONE_CLASS),
        (np.zeros((2, 2), np.int64), performance.NO_OUTCOMES),
    ):
        for found in (performance.lift(histogram), performance.gain(histogram)):
            assert (found.value, found.reason) == (None, reason)


def test_raw_pr_auc_and_ks_lie_within_the_reported_bounds():
    for seed in range(10):
        truth, scores = scored_rows(2_000, seed)
        found = performance.scored(histogram_of(truth, scores))
        raw = metrics.average_precision_score(truth, scores)
        assert abs(found["pr_auc"].value - raw) <= found["pr_auc"].parameters["bin_bound"]
        fpr, tpr, _ = metrics.roc_curve(truth, scores)
        rise = np.max(np.abs(tpr - fpr)) - found["ks"].value
        assert -1e-12 <= rise <= found["ks"].parameters["bin_bound"] + 1e-12


def test_raw_gini_lies_within_twice_the_bound_of_the_auc():
    truth, scores = scored_rows(2_000, 3)
    found = performance.scored(histogram_of(truth, scores, 20))
    raw = 2 * metrics.roc_auc_score(truth, scores) - 1
    assert abs(found["gini"].value - raw) <= found["gini"].parameters["bin_bound"]
    bounds = (found["gini"].parameters["bin_bound"], found["roc_auc"].parameters["bin_bound"])
    assert bounds[0] == 2 * bounds[1]


def test_the_bound_of_coarse_bins_is_reached_by_the_worst_order():
    histogram = np.array([[2], [2]])
    best = metrics.average_precision_score([1, 1, 0, 0], [4, 3, 2, 1])
    worst = metrics.average_precision_score([0, 0, 1, 1], [4, 3, 2, 1])
    found = performance.pr_auc(histogram)
    wanted = max(best - found.value, found.value - worst)
    assert found.parameters["bin_bound"] == pytest.approx(wanted, abs=1e-12)


def test_a_perfect_classifier_keeps_an_interval():
    found = performance.classification(np.array([[20, 0], [0, 20]]))
    for name in ("accuracy", "precision", "recall", "f1", "f_beta", "mcc"):
        assert (found[name].value, found[name].high) == (1.0, 1.0)
        assert 0.7 < found[name].low < 1.0


def test_every_finding_says_how_many_outcomes_had_arrived(bins):
    table = flights(400, seed=3)
    profile = profile_predictions(bins, table) + profile_outcomes(bins, table.slice(0, 100))
    found = performance.performance(bins, profile)
    assert found["outcome_share"].value == 0.25
    shares = {
        one.parameters["outcome_share"] for name, one in found.items() if name != "outcome_share"
    }
    assert shares == {0.25}


def test_scores_outside_their_range_are_left_out_and_nothing_breaks(bins):
    table = flights(200, seed=5)
    place = table.schema.get_field_index("score")
    wild = pa.array([-1.0, 2.0, float("inf"), float("nan")] * 50)
    found = performance.performance(
        bins, profile_outcomes(bins, table.set_column(place, "score", wild))
    )
    assert found["roc_auc"].reason == performance.NO_OUTCOMES
    assert found["lift"].value is None
    assert found["accuracy"].n == 200
    for one in found.values():
        assert_defined(one)


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_hardly_any_rows_give_reasons_or_numbers(rows):
    truth, scores = scored_rows(rows, 0)
    for one in performance.scored(histogram_of(truth, scores)).values():
        assert_defined(one)
    assert_defined(performance.lift(histogram_of(truth, scores)))


def test_the_confusion_matrix_names_its_classes(bins):
    table = flights(300, seed=6)
    found = performance.confusion_matrix(bins, profile_outcomes(bins, table))
    frame = table.to_pandas()
    wanted = metrics.confusion_matrix(frame.was_late, frame.late.astype(int)).T
    assert found.classes == ("0", "1")
    assert found.counts.tolist() == wanted.tolist()
    assert found.n == 300
