"""Estimation before outcomes: against scikit-learn, and as often right as it says."""

import math
from dataclasses import replace

import numpy as np
import pytest
from sklearn.isotonic import IsotonicRegression
from sklearn.metrics import roc_auc_score

from monitoring.stats import chances, estimation
from monitoring.stats.estimation import contradiction, expected_auc, outside_support, validity
from monitoring.stats.findings import Finding
from monitoring.stats.profiles import Profile, empty
from monitoring.stats.reference import Bins, FieldSpec, Kind, Role, Schema, Task
from tests.stats.test_stability import assert_defined

BINS = Bins(
    Schema(
        Task.BINARY,
        (
            FieldSpec("score", Role.SCORE, Kind.NUMERIC),
            FieldSpec("late", Role.PREDICTION, Kind.CATEGORICAL),
        ),
        classes=("0", "1"),
    )
)
LABELS = ("cat", "dog", "fox")
CLASSES = Bins(Schema(Task.MULTICLASS, (), classes=LABELS))


def binned(values, size=1_000):
    places = np.minimum((values * size).astype(int), size - 1)
    return np.bincount(places, minlength=size)


def profile_of(score, truth, cut=0.5, labelled=True):
    """Return the profile of scored decisions, with or without their outcomes."""
    made = (score >= cut).astype(int)
    counts = {
        "scores": binned(score),
        "decisions/": np.append(np.bincount(made, minlength=2), 0)[:, None],
    }
    if labelled:
        counts["score"] = np.stack([binned(score[truth == label]) for label in (0, 1)])
        cube = np.zeros((3, 3, 1), np.int64)
        np.add.at(cube, (made, truth, 0), 1)
        counts["cube/"] = cube
        counts["labelled"] = np.array([score.size])
    return Profile(BINS.digest, counts)


def rows(n, seed, shape=(2, 3), told=lambda chance: chance):
    """Return scores and outcomes; `told` is the score of a chance."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(*shape, n)
    return told(chance), (rng.random(n) < chance).astype(int)


def overconfident(chance):
    odds = 2.5 * np.log(chance / (1 - chance)) + 0.5
    return 1 / (1 + np.exp(-odds))


@pytest.fixture(scope="module")
def reference():
    return profile_of(*rows(20_000, 1))


def test_the_expected_auc_is_that_of_expected_counts():
    scores = np.random.default_rng(1).integers(0, 30, 1000)
    chance = (np.arange(1000) + 0.5) / 1000
    truth = np.r_[np.ones(1000), np.zeros(1000)]
    weights = np.r_[scores * chance, scores * (1 - chance)]
    oracle = roc_auc_score(truth, np.r_[chance, chance], sample_weight=weights)
    assert expected_auc(scores).value == pytest.approx(oracle, abs=1e-9)


def test_a_window_without_rows_has_no_estimate():
    found = expected_auc(np.zeros(1000, np.int64))
    assert found.value is None
    assert found.reason == "no rows"


def test_chances_equal_the_isotonic_regression_of_scikit_learn():
    score, truth = rows(3_000, 4, told=overconfident)
    histogram = np.stack([binned(score[truth == label]) for label in (0, 1)])
    centres = chances.centres(1_000)
    oracle = IsotonicRegression(out_of_bounds="clip").fit(centres[binned_place(score)], truth)
    assert np.abs(chances.isotonic(histogram) - oracle.predict(centres)).max() < 1e-9


def binned_place(score):
    return np.minimum((score * 1_000).astype(int), 999)


def test_scores_are_recalibrated_only_where_that_lowers_the_error():
    honest = [chances.learn(profile_of(*rows(5_000, seed)).counts["score"]) for seed in range(10)]
    assert sum(one.method == "none" for one in honest) >= 8
    bent = [
        chances.learn(profile_of(*rows(5_000, seed, told=overconfident)).counts["score"])
        for seed in range(10)
    ]
    assert {one.method for one in bent} == {"isotonic"}
    assert all(one.ece[1] < one.ece[0] for one in bent)


@pytest.mark.parametrize("told", [lambda chance: chance, overconfident])
@pytest.mark.parametrize("shape", [(2, 3), (3, 2)])
def test_estimates_lie_where_they_are_realised(told, shape):
    history = profile_of(*rows(40_000, 5, told=told))
    score, truth = rows(200_000, 6, shape=shape, told=told)
    later = estimation.estimate(BINS, history, profile_of(score, truth, labelled=False))
    came = estimation.fit(BINS, profile_of(score, truth)).realised
    for name, found in later.items():
        assert found.value == pytest.approx(came_of(came, name, score, truth), abs=0.012)
        assert_defined(found)


def came_of(came, name, score, truth):
    return float(np.mean((score - truth) ** 2)) if name == "brier" else came[name].value


@pytest.mark.parametrize("told", [lambda chance: chance, overconfident])
def test_the_interval_covers_the_realised_value_as_often_as_it_says(told):
    covered = dict.fromkeys(("accuracy", "precision", "recall", "specificity", "f1", "roc_auc"), 0)
    for seed in range(200):
        history = profile_of(*rows(3_000, 2 * seed, told=told))
        score, truth = rows(1_000, 2 * seed + 1, told=told)
        later = estimation.estimate(BINS, history, profile_of(score, truth, labelled=False))
        came = estimation.fit(BINS, profile_of(score, truth)).realised
        for name in covered:
            covered[name] += later[name].low <= came[name].value <= later[name].high
    assert all(count >= 182 for count in covered.values()), covered


@pytest.mark.parametrize("told", [lambda chance: chance, overconfident])
def test_no_change_is_rejected_no_more_often_than_declared(told):
    history = profile_of(*rows(20_000, 9, told=told))
    fitted = estimation.fit(BINS, history)
    small = dict.fromkeys(estimation.BINARY, 0)
    for seed in range(300):
        window = profile_of(*rows(1_000, 1_000 + seed, told=told), labelled=False)
        found = estimation.estimate(BINS, history, window, fitted=fitted)
        for name, one in found.items():
            if one.p_value is not None:
                small[name] += one.p_value < 0.05
    assert max(small.values()) <= 25, small


def test_a_flatter_model_is_seen_before_outcomes(reference):
    window = profile_of(*rows(10_000, 3, shape=(6, 7)), labelled=False)
    found = estimation.estimate(BINS, reference, window)["roc_auc"]
    assert found.effect < -0.05
    assert found.p_value < 1e-9
    assert found.baseline == pytest.approx(
        estimation.fit(BINS, reference).realised["roc_auc"].value
    )


def test_the_cut_follows_the_decisions_of_the_window(reference):
    score, truth = rows(5_000, 12)
    moved = estimation.estimate(BINS, reference, profile_of(score, truth, 0.7, labelled=False))
    assert moved["recall"].parameters["cut"] == pytest.approx(0.7, abs=0.001)
    assert moved["recall"].parameters["cut_from"] == "window decisions"
    came = estimation.fit(BINS, profile_of(score, truth, 0.7)).realised["recall"]
    assert moved["recall"].value == pytest.approx(came.value, abs=0.03)


def test_without_decisions_the_reference_gives_the_cut_or_the_schema(reference):
    window = profile_of(*rows(5_000, 13), labelled=False)
    mute = Profile(BINS.digest, {"scores": window.counts["scores"]})
    found = estimation.estimate(BINS, reference, mute)["precision"]
    assert found.parameters["cut_from"] == "reference decisions"
    assert found.parameters["cut"] == pytest.approx(0.5, abs=0.002)
    schema = Schema(Task.BINARY, BINS.schema.fields[:1], classes=("0", "1"), threshold=0.6)
    declared = estimation.estimate(Bins(schema), reference, mute)["precision"]
    assert (declared.parameters["cut"], declared.parameters["cut_from"]) == (
        0.6,
        "declared threshold",
    )
    nothing = Profile(BINS.digest, {"score": reference.counts["score"]})
    assert estimation.estimate(BINS, nothing, mute)["f1"].reason == "no decision was logged"
    assert estimation.estimate(BINS, nothing, mute)["roc_auc"].value is not None


def test_equal_inputs_give_equal_bits(reference):
    window = profile_of(*rows(2_000, 21), labelled=False)
    once, twice = (estimation.estimate(BINS, reference, window, seed=3) for _ in range(2))
    assert once == twice


def test_several_classes_are_estimated_from_their_scores():
    for seed, pull in ((1, 1.0), (2, 0.5)):
        history = classes_profile(*classes_rows(30_000, 10 + seed, 1.0))
        truth, chance = classes_rows(30_000, 20 + seed, pull)
        found = estimation.estimate(CLASSES, history, classes_profile(truth, chance))
        right = (chance.argmax(axis=1) == truth).mean()
        assert found["accuracy"].value == pytest.approx(right, abs=0.02)
        area = roc_auc_score(truth, chance, multi_class="ovr", average="macro")
        assert found["macro_roc_auc"].value == pytest.approx(area, abs=0.01)
        assert (found["accuracy"].effect < -0.03) == (pull < 1)
        assert found["macro_roc_auc"].parameters["classes"] == 3


def test_the_accuracy_of_several_classes_is_covered_as_often_as_said():
    covered = dict.fromkeys(estimation.MULTICLASS, 0)
    for seed in range(100):
        history = classes_profile(*classes_rows(3_000, 2 * seed, 1.0))
        truth, chance = classes_rows(1_000, 2 * seed + 1, 1.0)
        found = estimation.estimate(CLASSES, history, classes_profile(truth, chance))
        right = (chance.argmax(axis=1) == truth).mean()
        area = roc_auc_score(truth, chance, multi_class="ovr", average="macro")
        covered["accuracy"] += found["accuracy"].low <= right <= found["accuracy"].high
        covered["macro_roc_auc"] += (
            found["macro_roc_auc"].low <= area <= found["macro_roc_auc"].high
        )
    assert all(count >= 90 for count in covered.values()), covered


def classes_rows(n, seed, pull):
    rng = np.random.default_rng(seed)
    chance = rng.dirichlet(np.full(3, 0.8), n) ** pull
    chance /= chance.sum(axis=1, keepdims=True)
    truth = (rng.random((n, 1)) > chance.cumsum(axis=1)).sum(axis=1).clip(0, 2)
    return truth, chance


def classes_profile(truth, chance):
    made = chance.argmax(axis=1)
    cube = np.zeros((4, 4, 1), np.int64)
    np.add.at(cube, (made, truth, 0), 1)
    scores = [[binned(chance[(truth == k) == own, k]) for own in (False, True)] for k in range(3)]
    counts = {
        "scores": np.stack([binned(chance[:, k]) for k in range(3)]),
        "score": np.array(scores),
        "cube/": cube,
        "decisions/": np.append(np.bincount(made, minlength=3), 0)[:, None],
        "labelled": np.array([truth.size]),
    }
    return Profile(CLASSES.digest, counts)


def test_data_that_define_nothing_have_a_reason(reference):
    score, truth = rows(500, 30)
    window = profile_of(score, truth, labelled=False)
    low = Profile(BINS.digest, {"scores": binned(np.full(50, 0.999))})
    middle = profile_of(0.3 + 0.2 * score, truth)
    for history, current, reason in (
        (empty(BINS), window, "no outcome has arrived"),
        (window, window, "no outcome has arrived"),
        (profile_of(score, np.ones_like(truth)), window, "all outcomes are of one class"),
        (reference, empty(BINS), "no row has a score in [0, 1]"),
        (reference, Profile(BINS.digest, {"scores": np.zeros(1000, np.int64)}), "no row has"),
        (middle, low, "no score lies where the reference has scores"),
    ):
        found = estimation.estimate(BINS, history, current)
        assert set(found) == set(estimation.BINARY)
        for one in found.values():
            assert one.value is None
            assert one.reason.startswith(reason)
    assert estimation.estimate(Bins(Schema(Task.REGRESSION, ())), reference, window) == {}
    nothing = estimation.estimate(CLASSES, empty(CLASSES), empty(CLASSES))
    assert all(one.reason for one in nothing.values())


@pytest.mark.parametrize("n", [1, 2, 3, 10])
def test_few_rows_or_one_bin_never_raise(n, reference):
    for score in (np.full(n, 0.25), np.linspace(0, 1, n)):
        truth = np.arange(n) % 2
        for history, window in (
            (reference, profile_of(score, truth, labelled=False)),
            (profile_of(score, truth), profile_of(score, truth)),
            (profile_of(score, truth), profile_of(*rows(100, 2))),
        ):
            for one in estimation.estimate(BINS, history, window).values():
                assert_defined(one)
    one_bin = profile_of(np.full(100, 0.25), np.arange(100) % 2)
    assert estimation.estimate(BINS, one_bin, one_bin)["roc_auc"].value == 0.5


def test_scores_the_reference_never_gave_are_outside_its_support(reference):
    score, truth = rows(10_000, 40)
    assert outside_support(reference, profile_of(score, truth)) < 0.01
    history = profile_of(score / 2, truth)
    window = profile_of(np.r_[np.full(700, 0.3), np.full(300, 0.9)], np.zeros(1000, int))
    share = outside_support(history, window)
    assert share == pytest.approx(0.3)
    found = estimation.estimate(BINS, history, window)
    said = validity(found, {}, outside=share)
    assert not said.valid
    assert "30.0% of 1000 rows lie where" in said.reason
    assert outside_support(history, empty(BINS)) == 0.0


def test_realised_values_contradict_an_estimate_that_missed_a_change_of_concept(reference):
    score, truth = rows(4_000, 50)
    estimated = estimation.estimate(BINS, reference, profile_of(score, truth, labelled=False))
    kept = estimation.fit(BINS, profile_of(score, truth)).realised
    assert validity(estimated, kept) == estimation.Validity(True)
    rng = np.random.default_rng(3)
    turned = np.where(rng.random(truth.size) < 0.3, rng.integers(0, 2, truth.size), truth)
    came = estimation.fit(BINS, profile_of(score, turned)).realised
    said = validity(estimated, came)
    assert not said.valid
    assert "The estimated roc auc of 0.7" in said.reason
    assert "contradicted" in contradiction(estimated["roc_auc"], came["roc_auc"])


def test_a_true_estimate_is_rarely_contradicted():
    wrong = 0
    for seed in range(150):
        history = profile_of(*rows(3_000, 3 * seed))
        score, truth = rows(1_000, 3 * seed + 1)
        estimated = estimation.estimate(BINS, history, profile_of(score, truth, labelled=False))
        came = estimation.fit(BINS, profile_of(score, truth)).realised
        wrong += not validity(estimated, came).valid
    assert wrong <= 4


def test_a_small_or_uncertain_gap_contradicts_nothing():
    one = Finding("f1", 0.800, 10_000, standard_error=0.0005)
    assert contradiction(one, replace(one, value=0.805)) == ""
    assert contradiction(one, replace(one, value=0.9, standard_error=0.2)) == ""
    assert contradiction(one, Finding("f1", None, 0, reason="none")) == ""
    exact = Finding("f1", 0.8, 10)
    assert "0.700" in contradiction(exact, Finding("f1", 0.7, 10))
    assert math.isclose(exact.value, 0.8)


def test_a_class_the_reference_never_saw_does_not_count_towards_the_mean():
    truth, chance = classes_rows(5_000, 60, 1.0)
    history = classes_profile(np.where(truth == 2, 0, truth), chance)
    found = estimation.estimate(CLASSES, history, classes_profile(truth, chance))
    for one in found.values():
        assert_defined(one)
    own = estimation.fit(CLASSES, history).realised["macro_roc_auc"]
    assert found["macro_roc_auc"].baseline == own.value
    assert found["macro_roc_auc"].value == pytest.approx(own.value, abs=0.02)


def test_a_class_without_usable_scores_never_raises():
    history = classes_profile(*classes_rows(2_000, 61, 1.0))
    window = classes_profile(*classes_rows(2_000, 62, 1.0))
    for profile in (history, window):
        for key in ("score", "scores"):
            if profile is history or key == "scores":
                profile.counts[key][1] = 0
    for one in estimation.estimate(CLASSES, history, window).values():
        assert_defined(one)


def test_a_window_that_expects_one_outcome_only_has_no_auc():
    score = np.r_[np.full(400, 0.1), np.full(400, 0.9), np.full(400, 0.95)]
    truth = np.r_[np.zeros(400, int), np.tile([0, 1], 400)]
    history = profile_of(score, truth)
    found = estimation.estimate(BINS, history, profile_of(np.full(50, 0.1), np.zeros(50, int)))
    assert found["roc_auc"].parameters["calibration"] == "isotonic"
    assert found["roc_auc"].reason == "only one outcome is expected"
    assert found["recall"].reason == "no positive outcome is expected"
    assert found["precision"].reason == "nothing predicted true"
