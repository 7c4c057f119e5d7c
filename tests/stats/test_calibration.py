"""Calibration equals scikit-learn where the definition is the same, and knows what chance gives."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn import metrics
from sklearn.linear_model import LogisticRegression

from monitoring.stats.calibration import (
    calibration,
    calibration_by_group,
    calibrations,
    curve,
    decomposition,
)
from monitoring.stats.profiles import Profile, empty
from monitoring.stats.recalibration import (
    NO_OUTCOMES,
    ONE_CLASS,
    ONE_SCORE,
    SEPARATED,
    recalibration,
)
from monitoring.stats.reference import Bins, Schema, Task
from tests.stats.test_stability import assert_defined

MEASURES = {"ece", "mce", "calibration_slope", "calibration_intercept"} | {
    "reliability",
    "resolution",
    "uncertainty",
}


def rows(n, seed, intercept=0.0, slope=1.0, a=2.0, b=3.0):
    rng = np.random.default_rng(seed)
    scores = rng.beta(a, b, n)
    chance = expit(intercept + slope * logit(np.clip(scores, 1e-9, 1 - 1e-9)))
    return (rng.random(n) < chance).astype(int), scores


def histogram_of(truth, scores, size=1_000):
    edges = np.linspace(0, 1, size + 1)
    return np.stack([np.histogram(scores[truth == y], edges)[0] for y in (0, 1)])


def fitted(truth, odds):
    model = LogisticRegression(C=np.inf, tol=1e-12, max_iter=1_000).fit(odds[:, None], truth)
    return {
        "calibration_slope": model.coef_[0, 0],
        "calibration_intercept": model.intercept_[0],
    }


@pytest.mark.parametrize(("seed", "a", "b"), [(0, 2.0, 3.0), (1, 0.3, 0.5), (2, 0.5, 8.0)])
def test_slope_and_intercept_equal_scikit_learn_on_bin_centres(seed, a, b):
    histogram = histogram_of(*rows(5_000, seed, 0.3, 0.8, a, b))
    centres = np.tile((np.arange(1_000) + 0.5) / 1_000, 2)
    wanted = fitted(
        np.repeat([0, 1], histogram.sum(axis=1)), logit(np.repeat(centres, histogram.ravel()))
    )
    for name, one in recalibration(histogram).items():
        assert one.value == pytest.approx(wanted[name], abs=1e-6)


@pytest.mark.parametrize(("seed", "a", "b"), [(0, 2.0, 3.0), (1, 0.3, 0.5), (2, 0.5, 8.0)])
def test_a_fit_on_raw_scores_lies_within_the_bound_of_the_bins(seed, a, b):
    truth, scores = rows(5_000, seed, 0.3, 0.8, a, b)
    wanted = fitted(truth, logit(np.clip(scores, 0.0005, 0.9995)))
    for name, one in recalibration(histogram_of(truth, scores)).items():
        assert abs(one.value - wanted[name]) <= one.parameters["bin_bound"]
        assert one.parameters["bin_bound"] < 0.1


def test_a_calibrated_model_is_found_so_nineteen_times_in_twenty():
    slopes = [recalibration(histogram_of(*rows(800, s)))["calibration_slope"] for s in range(300)]
    assert 273 <= sum(one.low <= 1 <= one.high for one in slopes) <= 297
    assert 3 <= sum(one.p_value < 0.05 for one in slopes) <= 27


def test_scores_that_are_too_extreme_have_a_slope_below_one():
    found = recalibration(histogram_of(*rows(5_000, 3, intercept=0.5, slope=0.5)))
    slope, intercept = found["calibration_slope"], found["calibration_intercept"]
    assert slope.value == pytest.approx(0.5, abs=0.1)
    assert slope.p_value < 1e-6
    assert (slope.baseline, slope.effect) == (1.0, slope.value - 1.0)
    assert intercept.value == pytest.approx(0.5, abs=0.15)


@pytest.mark.parametrize(
    ("histogram", "reason"),
    [
        ([[0, 0], [0, 0]], NO_OUTCOMES),
        ([[3, 4], [0, 0]], ONE_CLASS),
        ([[0, 0], [1, 0]], ONE_CLASS),
        ([[0, 3], [0, 4]], ONE_SCORE),
        ([[3, 0], [0, 4]], SEPARATED),
        ([[0, 3], [4, 0]], SEPARATED),
        ([[3, 0, 0], [1, 4, 0]], SEPARATED),
    ],
)
def test_what_no_line_fits_has_a_reason(histogram, reason):
    for one in recalibration(np.array(histogram)).values():
        assert (one.value, one.reason) == (None, reason)


def test_brier_is_the_sum_of_its_parts():
    truth, scores = rows(3_000, 5, 0.2, 0.7)
    histogram = histogram_of(truth, scores)
    parts = decomposition(histogram)
    whole = parts["reliability"].value - parts["resolution"].value + parts["uncertainty"].value
    whole += parts["reliability"].parameters["within"]
    centred = (np.floor(scores * 1_000) + 0.5) / 1_000
    assert whole == pytest.approx(metrics.brier_score_loss(truth, centred), abs=1e-12)
    fine = decomposition(histogram, bins=1_000)
    assert fine["reliability"].parameters["within"] == pytest.approx(0.0, abs=1e-12)


def test_the_parts_of_brier_know_chance():
    calibrated = decomposition(histogram_of(*rows(3_000, 6)))
    assert calibrated["reliability"].p_value > 0.01
    assert calibrated["resolution"].p_value < 1e-6
    rng = np.random.default_rng(7)
    blind = decomposition(histogram_of((rng.random(3_000) < 0.4).astype(int), rng.random(3_000)))
    assert blind["resolution"].p_value > 0.01
    assert blind["reliability"].p_value < 1e-6
    assert blind["resolution"].effect < 0.001


def test_the_reliability_curve_equals_scikit_learn():
    from sklearn.calibration import calibration_curve

    truth, scores = rows(2_000, 8)
    centred = (np.floor(scores * 1_000) + 0.5) / 1_000
    observed, predicted = calibration_curve(truth, centred, n_bins=10)
    found = curve(histogram_of(truth, scores))
    assert found.observed == pytest.approx(observed, abs=1e-12)
    assert found.predicted == pytest.approx(predicted, abs=1e-12)


@pytest.mark.parametrize("counts", [[[0, 0], [0, 0]], [[1, 0], [0, 0]], [[5, 5], [0, 0]]])
def test_bad_windows_are_defined(counts):
    histogram = np.zeros((2, 1_000), np.int64)
    histogram[:, [100, 900]] = counts
    found = calibration(histogram)
    assert set(found) == MEASURES
    for one in found.values():
        assert_defined(one)


def test_calibration_is_told_by_class_and_by_group():
    binary = Bins(Schema(Task.BINARY, (), classes=("0", "1")), levels={"sex": ("f", "m")})
    scores = np.zeros((4, 2, 100), np.int64)
    scores[0] = histogram_of(*rows(2_000, 1), size=100)
    scores[1] = histogram_of(*rows(2_000, 2, slope=0.3), size=100)
    whole = histogram_of(*rows(2_000, 1))
    profile = Profile(binary.digest, {"score": whole, "score/sex": scores})
    found = calibration_by_group(binary, profile, "sex")
    assert {group for _, group in found} == {"f", "m"}
    assert found["ece", "f"].p_value > 0.01
    assert found["ece", "m"].p_value < 1e-6
    assert calibrations(binary, profile)["ece", ""] == calibration(whole)["ece"]
    assert calibration_by_group(binary, empty(binary), "sex") == {}
    with pytest.raises(KeyError):
        calibration_by_group(binary, profile, "colour")
    several = Bins(Schema(Task.MULTICLASS, (), classes=("a", "b", "c")))
    by_class = calibrations(several, Profile(several.digest, {"score": np.stack([whole] * 3)}))
    assert {label for _, label in by_class} == {"a", "b", "c"}
    assert all(one.reason == NO_OUTCOMES for one in calibrations(several, empty(several)).values())
    assert calibrations(Bins(Schema(Task.REGRESSION, ())), Profile("d")) == {}
