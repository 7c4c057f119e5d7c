"""Fairness equals Fairlearn, holds its error rates, and never judges a group that is too small."""

import time

import numpy as np
import pytest
from scipy.stats import chi2_contingency, norm

from monitoring.stats import fairness
from monitoring.stats.exact import exact
from monitoring.stats.fairness.ratios import above_median
from monitoring.stats.fairness.sampling import smallest_detectable
from monitoring.stats.profiles import Profile, empty
from monitoring.stats.reference import Bins, FieldSpec, Kind, Role, Schema, Task
from tests.stats.test_stability import assert_defined

# Counts prediction x outcome x group, and what Fairlearn 0.15.0 says of them.
CUBE = np.array(
    [
        [[3356, 1075, 472, 1222, 1678], [3264, 1827, 403, 1366, 2416]],
        [[3260, 2925, 3971, 784, 3525], [258, 2250, 1128, 837, 2643]],
    ]
)
FAIRLEARN = {
    "demographic_parity_difference": 0.5065207270566747,
    "demographic_parity_ratio": 0.40655916386809665,
    "equal_opportunity_difference": 0.6635195177017392,
    "equalized_odds_difference": 0.6635195177017392,
    "equalized_odds_ratio": 0.09942519361581308,
    "false_positive_difference": 0.5029379563313212,
    "predictive_parity_difference": 0.44301081000891157,
    "accuracy_difference": 0.22136257989101904,
    "base_rate_difference": 0.26712503210435207,
    "treatment_equality_difference": 1.6408611669296276,
}
LABELS = tuple("abcde")
GROUPED = (FieldSpec("sex", Role.GROUP, Kind.CATEGORICAL),)
BINARY = Bins(Schema(Task.BINARY, GROUPED, classes=("0", "1")), levels={"sex": ("f", "m")})


def gaps(cube, labels=LABELS, **kept):
    return fairness.parity(cube.sum(axis=1), labels, **kept) | fairness.odds(cube, labels, **kept)


def named(size):
    return tuple(f"g{place}" for place in range(size))


def test_every_gap_equals_fairlearn():
    found = gaps(CUBE)
    assert set(found) == set(FAIRLEARN)
    for measure, wanted in FAIRLEARN.items():
        one = found[measure]
        assert one.value == pytest.approx(wanted, abs=1e-12)
        assert one.low < wanted < one.high
        assert one.p_value < 1e-9
        assert 0 < one.parameters["smallest_detectable"] < 0.2


def test_every_rate_of_a_group_is_counted_by_hand():
    cube = np.array([[[50], [10]], [[20], [40]]])
    found = fairness.group_rates(cube.sum(axis=1), cube, ("a",))
    wanted = {
        "selection_rate": 60 / 120,
        "base_rate": 50 / 120,
        "true_positive_rate": 40 / 50,
        "false_positive_rate": 20 / 70,
        "false_negative_rate": 10 / 50,
        "precision": 40 / 60,
        "accuracy": 90 / 120,
        "treatment_ratio": 10 / 20,
    }
    assert {name for name, _ in found} == set(wanted)
    for name, value in wanted.items():
        one = found[name, "a"]
        assert one.value == pytest.approx(value, abs=1e-15)
        assert one.low < value < one.high
        assert one.parameters["judged"] is True
        assert one.reason == ""


def test_the_test_of_parity_is_the_contingency_test():
    decisions = CUBE.sum(axis=1) // 40
    wanted = chi2_contingency(decisions, correction=False).pvalue
    found = fairness.parity(decisions, LABELS)["demographic_parity_difference"]
    assert found.p_value == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize(
    ("rate", "sizes"),
    [(0.3, (500, 500)), (0.3, (500, 300, 100, 1_000)), (0.05, (60,) * 8), (0.5, (40, 2_000))],
)
def test_groups_that_are_alike_are_told_apart_one_time_in_twenty(rate, sizes):
    rng = np.random.default_rng(1)
    rejected = covered = covered_ratio = 0
    for seed in range(150):
        hits = rng.binomial(sizes, rate)
        found = fairness.parity(np.stack([sizes - hits, hits]), named(len(sizes)), seed=seed)
        apart, ratio = found.values()
        rejected += apart.p_value <= 0.05
        covered += apart.low == 0
        covered_ratio += ratio.high == 1
    # The 99.9 % band of 150 trials at 5 %.
    assert rejected <= 17
    assert min(covered, covered_ratio) >= 133


def test_intervals_hold_a_gap_that_is_there():
    sizes, rates = np.array([400, 300, 200]), np.array([0.4, 0.4, 0.55])
    rng, covered = np.random.default_rng(2), 0
    for seed in range(150):
        hits = rng.binomial(sizes, rates)
        found = fairness.parity(np.stack([sizes - hits, hits]), named(3), seed=seed)
        apart, ratio = found.values()
        covered += apart.low <= 0.15 <= apart.high and ratio.low <= 0.4 / 0.55 <= ratio.high
    assert covered >= 133


def test_the_smallest_detectable_gap_is_detected_four_times_in_five():
    sizes = np.array([500, 100, 1_000])
    gap = smallest_detectable(sizes / (0.3 * 0.7))
    rng, found = np.random.default_rng(3), 0
    for seed in range(300):
        hits = rng.binomial(sizes, [0.3, 0.3 + gap, 0.3])
        decisions = np.stack([sizes - hits, hits])
        parity = fairness.parity(decisions, named(3), seed=seed)
        found += parity["demographic_parity_difference"].p_value <= 0.05
    assert 0.7 <= found / 300 <= 0.9


def test_the_smallest_detectable_gap_of_two_groups_is_the_textbook_formula():
    wanted = (norm.ppf(0.975) + norm.ppf(0.8)) * (0.25 / 100 + 0.25 / 400) ** 0.5
    found = smallest_detectable(np.array([100, 400]) / 0.25)
    assert found == pytest.approx(wanted, rel=1e-4)


def test_chance_alone_is_no_effect():
    decisions = np.array([[700, 701, 699], [300, 299, 301]])
    one, ratio = fairness.parity(decisions, named(3)).values()
    assert one.value > 0
    assert (one.effect, ratio.effect) == (0.0, 0.0)


def test_small_groups_are_returned_marked_and_not_judged():
    cube = np.array([[[50, 60, 3], [20, 20, 1]], [[20, 30, 0], [60, 50, 0]]])
    found = gaps(cube, ("a", "b", "tiny"))
    assert all(one.parameters["groups"] == 2 for one in found.values())
    rates = fairness.group_rates(cube.sum(axis=1), cube, ("a", "b", "tiny"))
    assert rates["selection_rate", "tiny"].value == 0.0
    assert rates["selection_rate", "tiny"].parameters["judged"] is False
    assert rates["selection_rate", "tiny"].reason == "shown, not judged: fewer than 30 rows"
    assert rates["precision", "tiny"].value is None
    ratios = fairness.impact_ratios(cube.sum(axis=1), ("a", "b", "tiny"))
    assert ratios["impact_ratio", "tiny"].value is None
    assert "not judged" in ratios["impact_ratio", "tiny"].reason


def test_impact_ratios_compare_with_the_highest_rate():
    found = fairness.impact_ratios(np.array([[50, 80, 60], [50, 20, 40]]), named(3))
    values = {group: one.value for (_, group), one in found.items()}
    assert values == pytest.approx({"": 0.4, "g0": 1.0, "g1": 0.4, "g2": 0.8})
    for one in found.values():
        assert one.low <= one.value <= one.high


def test_scored_impact_ratios_lie_within_the_bound_of_the_raw_scores():
    rng = np.random.default_rng(5)
    raw = [rng.beta(2, 2, 900), rng.beta(2, 3, 700), rng.beta(3, 2, 400)]
    edges = np.linspace(0, 1, 101)
    scores = np.stack([np.histogram(one, edges)[0] for one in raw])
    median = np.median(np.concatenate(raw))
    rates = [np.mean(one > median) for one in raw]
    found = fairness.scored_impact_ratios(scores, named(3))
    for place, rate in enumerate(rates):
        one = found["scored_impact_ratio", f"g{place}"]
        assert abs(one.parameters["rate"] - rate) <= one.parameters["bin_bound"]
        assert one.low <= rate / max(rates) <= one.high
    whole = found["scored_impact_ratio", ""]
    assert whole.value == pytest.approx(min(rates) / max(rates), abs=0.03)
    assert whole.p_value < 1e-6
    above, _ = above_median(scores)
    assert above.sum() == pytest.approx(1_000)


def test_a_model_is_right_for_one_group_and_wrong_for_the_other():
    centres = (np.arange(100) + 0.5) / 100
    good = np.stack([200 * (1 - centres), 200 * centres]).astype(np.int64)
    bad = np.stack([200 * (1 - centres / 2), 200 * centres / 2]).astype(np.int64)
    scores = np.stack([good, bad])
    one = fairness.calibration_gap(scores, ("f", "m"))["calibration_difference"]
    wanted = 0.25
    assert one.value == pytest.approx(wanted, abs=0.01)
    assert one.p_value < 1e-9
    rates = fairness.calibration_rates(scores, ("f", "m"))
    assert rates["ece", "f"].value < 0.01 < rates["ece", "m"].value
    same = fairness.calibration_gap(np.stack([good, good]), ("f", "m"))["calibration_difference"]
    assert (same.value, same.p_value) == (0.0, 1.0)


def regression_profile(bins, errors):
    counts = np.zeros((4, bins.residual_edges.size - 1), np.int64)
    sums = {}
    for place, (label, values) in enumerate(zip(("f", "m"), errors, strict=True)):
        counts[place] = np.histogram(values, bins.residual_edges)[0]
        kinds = {"residual": values, "absolute": np.abs(values), "squared": values**2}
        for name, terms in kinds.items():
            sums[f"labelled/{name}/sex/{label}"] = exact(float(terms.sum()))
    return Profile(bins.digest, {"residual/sex": counts}, sums)


def test_errors_of_a_regression_are_compared_by_group():
    bins = Bins(Schema(Task.REGRESSION, GROUPED), levels={"sex": ("f", "m")})
    rng = np.random.default_rng(6)
    errors = [rng.normal(0, 1, 500), rng.normal(0.5, 1, 400)]
    profile = regression_profile(bins, errors)
    found = fairness.fairness(bins, profile, "sex")
    wanted = abs(errors[0].mean() - errors[1].mean())
    assert found["bias_difference"].value == pytest.approx(wanted, abs=1e-12)
    assert found["bias_difference"].p_value < 1e-6
    wanted = abs(np.abs(errors[0]).mean() - np.abs(errors[1]).mean())
    assert found["mae_difference"].value == pytest.approx(wanted, abs=1e-12)
    from scipy.stats import ttest_ind

    welch = ttest_ind(*errors, equal_var=False).pvalue
    assert np.log(found["bias_difference"].p_value) == pytest.approx(np.log(welch), rel=0.01)
    rates = fairness.by_group(bins, profile, "sex")
    wanted = np.mean(errors[1] ** 2) ** 0.5
    assert rates["rmse", "m"].value == pytest.approx(wanted, abs=1e-12)
    assert rates["mae", "f"].parameters["judged"] is True
    assert rates["rmse", "m"].low < wanted < rates["rmse", "m"].high
    bare = Profile(bins.digest, profile.counts)
    for one in fairness.fairness(bins, bare, "sex").values():
        assert (one.value, one.reason) == (None, fairness.TOO_FEW)
    assert fairness.by_group(bins, bare, "sex")["mae", "f"].reason


def test_several_classes_are_compared_by_accuracy():
    bins = Bins(
        Schema(Task.MULTICLASS, GROUPED, classes=("a", "b", "c")), levels={"sex": ("f", "m")}
    )
    cube = np.zeros((4, 4, 4), np.int64)
    cube[:3, :3, 0] = np.diag([30, 30, 30]) + 1
    cube[:3, :3, 1] = np.diag([10, 10, 10]) + 5
    found = fairness.fairness(bins, Profile(bins.digest, {"cube/sex": cube}), "sex")
    assert found["accuracy_difference"].value == pytest.approx(93 / 99 - 45 / 75, abs=1e-12)
    rates = fairness.by_group(bins, Profile(bins.digest, {"cube/sex": cube}), "sex")
    assert rates["accuracy", "m"].value == 45 / 75


@pytest.mark.parametrize(
    "cube",
    [
        np.zeros((2, 2, 2), np.int64),
        np.array([[[1, 0], [0, 0]], [[0, 0], [0, 0]]]),
        np.array([[[60, 70], [0, 0]], [[0, 0], [0, 0]]]),
        np.array([[[0, 0], [0, 0]], [[0, 0], [60, 70]]]),
        np.array([[[60, 0], [30, 0]], [[40, 0], [50, 0]]]),
        np.array([[[60, 50], [40, 40]], [[0, 0], [50, 40]]]),
    ],
)
def test_bad_windows_are_defined(cube):
    for minimum_n in (0, 1, 30):
        for one in gaps(cube, ("a", "b"), minimum_n=minimum_n).values():
            assert_defined(one)
        rates = fairness.group_rates(cube.sum(axis=1), cube, ("a", "b"), minimum_n=minimum_n)
        for one in rates.values():
            assert_defined(one)
        for one in fairness.impact_ratios(cube.sum(axis=1), ("a", "b")).values():
            assert_defined(one)


def test_errors_without_a_false_positive_have_no_treatment_ratio():
    cube = np.array([[[60, 50], [40, 40]], [[0, 9], [50, 40]]])
    found = gaps(cube, ("a", "b"))["treatment_equality_difference"]
    assert (found.value, found.reason) == (None, "a group has no false positive")
    rates = fairness.group_rates(cube.sum(axis=1), cube, ("a", "b"))
    assert rates["treatment_ratio", "a"].reason == "no false positive in this group"


def test_a_profile_without_rows_gives_reasons():
    for found in (
        fairness.fairness(BINARY, empty(BINARY), "sex"),
        fairness.impact(BINARY, empty(BINARY), "sex"),
    ):
        assert all(one.value is None and one.reason for one in found.values())
    assert fairness.by_group(BINARY, empty(BINARY), "sex") == {}
    with pytest.raises(KeyError):
        fairness.fairness(BINARY, empty(BINARY), "colour")


def test_thirty_groups_are_compared_in_an_instant():
    cube = np.random.default_rng(8).integers(30, 300, (2, 2, 30))
    started = time.process_time()
    found = gaps(cube, named(30))
    # Ten gaps of thirty groups; ten groups take 25 ms on one core.
    assert time.process_time() - started < 0.6
    assert all(one.parameters["groups"] == 30 for one in found.values())
    assert gaps(cube, named(30)) == found
    assert gaps(cube, named(30), seed=1) != found
