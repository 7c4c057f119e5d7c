"""Challenger against champion: one look, any look, the traffic, and shadows."""

import doctest

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from monitoring.stats import experiments
from monitoring.stats.experiments import arms, sequences, shadow
from monitoring.stats.experiments.arms import Moments, moments
from monitoring.stats.intervals import two_sided

RUNS = 1_000
ALPHA = 0.05
BAND = ALPHA + 1.645 * (ALPHA * (1 - ALPHA) / RUNS) ** 0.5


def batches(rng, draw, looks=40, rows=50):
    """Return running (total, squares) of RUNS arms, shape (RUNS, looks), and rows per look."""
    values = draw(rng, (RUNS, looks, rows))
    n = rows * np.arange(1, looks + 1)
    return values.sum(axis=2).cumsum(axis=1), (values**2).sum(axis=2).cumsum(axis=1), n


@pytest.mark.parametrize("module", [arms, sequences, shadow])
def test_the_examples_in_the_docstrings_run(module):
    assert doctest.testmod(module, extraglobs={"np": np}).failed == 0


def test_two_proportions_are_tested_as_scipys_fisher_does():
    found = experiments.two_proportions(230, 2_000, 180, 1_900)
    table = [[230, 1_770], [180, 1_720]]
    wanted = stats.fisher_exact(table).pvalue
    assert found.p_value == pytest.approx(wanted, abs=1e-12)
    assert found.value == pytest.approx(230 / 2_000 - 180 / 1_900)
    assert found.low < found.value < found.high


def test_few_hits_are_tested_exactly():
    found = experiments.two_proportions(1, 60, 9, 70)
    wanted = stats.fisher_exact([[1, 59], [9, 61]]).pvalue
    assert found.p_value == pytest.approx(wanted, abs=1e-12)
    assert found.parameters["test"] == "fisher_exact"


def test_newcombes_interval_of_his_example():
    found = experiments.two_proportions(56, 70, 48, 80)
    assert (found.low, found.high) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_welch_is_scipys():
    rng = np.random.default_rng(1)
    one, two = rng.normal(5, 2, 400), rng.normal(5.4, 3, 90)
    found = experiments.welch(moments(one), moments(two))
    wanted = stats.ttest_ind(one, two, equal_var=False)
    interval = wanted.confidence_interval()
    assert found.p_value == pytest.approx(wanted.pvalue, abs=1e-12)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=1e-12)


def test_values_far_from_zero_keep_their_variance():
    values = 1e9 + np.random.default_rng(2).normal(size=300)
    assert moments(values).variance == pytest.approx(values.var(ddof=1), rel=1e-9)


def test_moments_leave_nan_out_and_tell_of_infinity():
    assert moments(np.array([1.0, np.nan, 3.0])).n == 2
    found = experiments.welch(moments(np.array([1.0, np.inf, 2.0])), moments(np.arange(9.0)))
    assert (found.value, found.reason) == (None, "values that are not finite")


@pytest.mark.parametrize(
    ("one", "two", "reason"),
    [
        (Moments(0, 0, 0), Moments(9, 1, 1), "fewer than 2 rows in an arm"),
        (Moments(5, 5, 5), Moments(9, 9, 9), "both arms are constant"),
    ],
)
def test_means_that_cannot_be_compared_say_why(one, two, reason):
    found = experiments.welch(one, two)
    assert (found.value, found.reason) == (None, reason)


def test_shares_of_no_rows_or_of_too_many_hits_say_why():
    assert experiments.two_proportions(0, 0, 1, 9).reason == "no rows in the challenger"
    assert experiments.two_proportions(1, 9, 0, 0).reason == "no rows in the champion"
    assert experiments.two_proportions(9, 8, 1, 9).reason == "the total is not within the bounds"
    assert experiments.two_proportions(0, 50, 0, 50).p_value == 1.0


def test_the_sample_ratio_test_is_scipys():
    rows = {"champion": 9_130, "challenger": 870, "shadow": 520}
    declared = {"champion": 90, "challenger": 10, "shadow": 5}
    found = experiments.sample_ratio_mismatch(rows, declared)
    weights = np.array([10, 90, 5]) / 105
    wanted = stats.chisquare([870, 9_130, 520], weights * 10_520).pvalue
    assert found.p_value == pytest.approx(wanted, abs=1e-12)
    assert found.parameters["arm"] == "challenger"


def test_a_small_sample_ratio_is_tested_exactly():
    found = experiments.sample_ratio_mismatch({"a": 3, "b": 5}, {"a": 0.9, "b": 0.1})
    assert found.p_value == pytest.approx(stats.binomtest(3, 8, 0.9).pvalue, abs=1e-12)
    three = experiments.sample_ratio_mismatch({"a": 3, "b": 2, "c": 0}, {"a": 1, "b": 1, "c": 1})
    assert three.parameters["test"] == "resampled"
    assert three.p_value > 0.05


def test_rows_of_an_undeclared_arm_refute_the_declaration():
    found = experiments.sample_ratio_mismatch({"a": 50, "b": 49, "x": 1}, {"a": 1, "b": 1})
    assert found.p_value == 0.0
    assert found.parameters["always_valid_p"] == 0.0


@pytest.mark.parametrize("declared", [{}, {"a": 1.0}, {"a": np.nan, "b": 1}, {"a": -1, "b": 2}])
def test_unusable_traffic_shares_are_refused(declared):
    found = experiments.sample_ratio_mismatch({"a": 10}, declared)
    assert found.value is None
    assert "declared" in found.reason


def test_no_rows_have_no_sample_ratio():
    assert experiments.sample_ratio_mismatch({}, {"a": 1, "b": 1}).reason == "no rows"


def test_looking_at_the_sample_ratio_early_keeps_its_error():
    rng = np.random.default_rng(3)
    declared = np.array([0.8, 0.1, 0.1])
    counts = rng.multinomial(100, declared, size=(RUNS, 50)).cumsum(axis=1)
    evidence = experiments.ratio_evidence(counts, declared)
    crossed = (evidence >= np.log(1 / ALPHA)).any(axis=1).mean()
    chi = ((counts - counts.sum(axis=2, keepdims=True) * declared) ** 2).astype(float)
    chi /= counts.sum(axis=2, keepdims=True) * declared
    peeked = (chi.sum(axis=2) >= stats.chi2.isf(ALPHA, 2)).any(axis=1).mean()
    assert crossed <= BAND
    assert peeked > 2 * ALPHA
    shifted = rng.multinomial(100, [0.74, 0.13, 0.13], size=(200, 50)).cumsum(axis=1)
    found = experiments.ratio_evidence(shifted, declared) >= np.log(1 / ALPHA)
    assert found.any(axis=1).mean() > 0.95


@pytest.mark.parametrize("share", [0.002, 0.05, 0.5])
def test_looking_at_shares_early_keeps_the_error(share):
    rng = np.random.default_rng(4)
    hits, _, n = batches(rng, lambda r, shape: r.random(shape) < share)
    champion, _, _ = batches(rng, lambda r, shape: r.random(shape) < share)
    evidence = experiments.equality_evidence(hits, n, champion, n)
    assert (evidence >= np.log(1 / ALPHA)).any(axis=1).mean() <= BAND
    alone = experiments.log_evidence(hits, n, share)
    assert (alone >= np.log(1 / ALPHA)).any(axis=1).mean() <= BAND


def test_looking_at_the_one_look_test_early_breaks_its_error():
    rng = np.random.default_rng(5)
    one, _, n = batches(rng, lambda r, shape: r.random(shape) < 0.5)
    two, _, _ = batches(rng, lambda r, shape: r.random(shape) < 0.5)
    pooled = (one + two) / (2 * n)
    z = (one - two) / n / (pooled * (1 - pooled) * 2 / n) ** 0.5
    assert (np.abs(z) >= 1.96).any(axis=1).mean() > 4 * ALPHA


def test_looking_at_bounded_means_early_keeps_the_error():
    rng = np.random.default_rng(6)
    one, _, n = batches(rng, lambda r, shape: r.beta(0.2, 0.6, shape))
    two, _, _ = batches(rng, lambda r, shape: r.beta(0.2, 0.6, shape))
    evidence = experiments.equality_evidence(one, n, two, n)
    assert (evidence >= np.log(1 / ALPHA)).any(axis=1).mean() <= BAND


@pytest.mark.parametrize("draw", ["normal", "exponential"])
def test_looking_at_unbounded_means_early_keeps_the_error(draw):
    rng = np.random.default_rng(7)

    def values(random, shape):
        return getattr(random, draw)(size=shape)

    one, one_squares, n = batches(rng, values)
    two, two_squares, _ = batches(rng, values)
    variances = (one_squares - one**2 / n) / (n - 1) + (two_squares - two**2 / n) / (n - 1)
    z = (one - two) / n / (variances / n) ** 0.5
    evidence = experiments.mixture_evidence(z, experiments.mixing(2_000) * n / 2)
    assert (evidence >= np.log(1 / ALPHA)).any(axis=1).mean() <= BAND
    assert (np.abs(z) >= 1.96).any(axis=1).mean() > 4 * ALPHA


def test_a_real_difference_is_found_at_some_look():
    rng = np.random.default_rng(8)
    one, _, n = batches(rng, lambda r, shape: r.random(shape) < 0.16, rows=200)
    two, _, _ = batches(rng, lambda r, shape: r.random(shape) < 0.12, rows=200)
    evidence = experiments.equality_evidence(one, n, two, n)
    assert (evidence >= np.log(1 / ALPHA)).any(axis=1).mean() > 0.95


@pytest.mark.parametrize(
    "counts", [(30, 400, 55, 420), (0, 300, 9, 300), (300, 300, 280, 300), (0, 50, 0, 50)]
)
def test_the_interval_of_a_difference_ends_where_the_evidence_does(counts):
    hits, n, champion, champion_n = counts
    found = experiments.difference_sequence(hits, n, champion, champion_n)
    grid = np.linspace(1e-9, 1 - 1e-9, 4_001)
    one = experiments.log_evidence(hits, n, grid)[:, None]
    two = experiments.log_evidence(champion, champion_n, grid)[None, :]
    inside = one + two < np.log(20)
    shifts = (grid[:, None] - grid[None, :])[inside]
    assert (found.low, found.high) == pytest.approx((shifts.min(), shifts.max()), abs=6e-4)
    assert (found.p_value < ALPHA) == (not found.low <= 0 <= found.high)


def test_the_interval_of_a_share_covers_at_all_looks_and_ends_where_the_evidence_does():
    found = experiments.share_sequence(37, 400)
    for end in (found.low, found.high):
        assert float(experiments.log_evidence(37, 400, end)) == pytest.approx(np.log(20), abs=1e-6)
    assert found.low < stats.binomtest(37, 400).proportion_ci().low
    none = experiments.share_sequence(0, 400)
    assert none.low == 0.0
    assert 0 < none.high < 0.03


def test_a_bounded_mean_is_a_scaled_share():
    euros = experiments.share_sequence(37 * 20.0 - 400 * 5.0, 400, bounds=(-5.0, 15.0))
    share = experiments.share_sequence(37, 400)
    assert euros.low == pytest.approx(20 * share.low - 5, abs=1e-9)
    assert euros.measure == "always_valid_mean"
    gap = experiments.difference_sequence(800.0, 100, 700.0, 100, bounds=(0.0, 10.0))
    plain = experiments.difference_sequence(80.0, 100, 70.0, 100)
    assert gap.high == pytest.approx(10 * plain.high, abs=1e-9)


def test_always_valid_intervals_are_wider_than_those_of_one_look():
    rng = np.random.default_rng(9)
    one, two = moments(rng.normal(0.3, 1, 900)), moments(rng.normal(0, 1, 900))
    any_look = experiments.mean_difference_sequence(one, two, planned=1_800)
    single = experiments.welch(one, two)
    assert any_look.low < single.low < single.high < any_look.high
    assert any_look.p_value > single.p_value
    assert (any_look.p_value < ALPHA) == (any_look.low > 0)


def test_sequences_refuse_what_they_cannot_bound():
    early = experiments.mean_difference_sequence(Moments(9, 1, 9), Moments(9, 1, 9), planned=100)
    assert early.reason == "fewer than 50 rows in an arm"
    many = Moments(99, 1, 99)
    assert "planned" in experiments.mean_difference_sequence(many, many, planned=0).reason
    assert experiments.share_sequence(0, 0).value is None
    assert "bounds" in experiments.share_sequence(1, 2, bounds=(1.0, 1.0)).reason
    assert "bounds" in experiments.difference_sequence(5, 4, 1, 4).reason
    assert "bounds" in experiments.difference_sequence(np.inf, 4, 1, 4).reason


def test_kappa_is_scikit_learns():
    rng = np.random.default_rng(10)
    champion = rng.choice(["a", "b", "c"], 3_000)
    other = np.where(rng.random(3_000) < 0.7, champion, rng.choice(["a", "b", "d"], 3_000))
    classes, table = experiments.agreement_table(pa.array(champion), pa.array(other))
    found = experiments.agreement(table)
    assert classes == ("a", "b", "c", "d")
    wanted = cohen_kappa_score(champion, other)
    assert found["cohen_kappa"].value == pytest.approx(wanted, abs=1e-12)
    assert found["agreement_share"].value == pytest.approx((champion == other).mean())


def test_the_error_of_kappa_is_that_of_resampled_tables():
    table = np.array([[300, 40, 10], [30, 200, 25], [15, 20, 100]])
    drawn = np.random.default_rng(11).multinomial(740, table.ravel() / 740, size=2_000)
    shares = drawn.reshape(-1, 3, 3) / 740
    expected = (shares.sum(axis=1) * shares.sum(axis=2)).sum(axis=1)
    kappas = (np.trace(shares, axis1=1, axis2=2) - expected) / (1 - expected)
    found = experiments.agreement(table)["cohen_kappa"]
    assert found.standard_error == pytest.approx(kappas.std(), rel=0.05)


def test_rows_that_one_version_did_not_answer_are_left_out():
    _, table = experiments.agreement_table(pa.array(["a", None, "b"]), pa.array(["a", "b", None]))
    assert table.tolist() == [[1]]
    _, nothing = experiments.agreement_table(pa.nulls(2, pa.string()), pa.array(["a", "b"]))
    assert experiments.agreement(nothing)["agreement_share"].value is None


def test_one_class_and_a_table_of_too_many_have_no_kappa():
    one = experiments.agreement(np.array([[90]]))
    assert one["cohen_kappa"].reason == "only one class was answered"
    assert one["agreement_share"].value == 1.0
    many = experiments.agreement(np.eye(501, dtype=np.int64))
    assert many["cohen_kappa"].reason == shadow.TOO_MANY


def test_ten_thousand_classes_keep_their_exact_agreement():
    rng = np.random.default_rng(14)
    champion = rng.integers(0, 10_000, 30_000).astype(str)
    other = np.where(
        rng.random(30_000) < 0.6, champion, rng.integers(0, 10_000, 30_000).astype(str)
    )
    classes, table = experiments.agreement_table(pa.array(champion), pa.array(other))
    found = experiments.agreement(table)
    assert len(classes) == 501
    assert found["agreement_share"].value == (champion == other).mean()
    assert found["cohen_kappa"].reason == shadow.TOO_MANY


def test_disagreement_by_segment_is_corrected_for_the_number_of_segments():
    segments = {f"s{number}": (20, 1_000) for number in range(9)} | {"odd": (80, 1_000)}
    found = experiments.disagreement_by_segment(segments)
    raw = [one.p_value for one in found.values()]
    adjusted = stats.false_discovery_control(raw)
    seen = [one.parameters["adjusted_p"] for one in found.values()]
    assert seen == pytest.approx(list(adjusted), abs=1e-12)
    assert found["odd"].effect == pytest.approx(0.06)
    assert min(found, key=lambda name: found[name].p_value) == "odd"


def test_a_segment_without_rows_or_without_a_rest_is_not_tested():
    found = experiments.disagreement_by_segment({"all": (3, 90), "none": (0, 0)})
    assert found["all"].p_value is None
    assert found["none"].value is None


def test_mcnemar_is_exact_for_few_rows_and_chi_square_for_many():
    few = experiments.mcnemar(4, 13, 500)
    assert few.p_value == pytest.approx(stats.binomtest(13, 17, 0.5).pvalue, abs=1e-12)
    many = experiments.mcnemar(140, 90, 5_000)
    assert many.p_value == pytest.approx(two_sided((140 - 90) / 230**0.5), abs=1e-12)
    assert many.value == pytest.approx(-0.01)
    assert many.high < 0
    assert experiments.mcnemar(0, 0, 10).p_value == 1.0
    assert experiments.mcnemar(0, 0, 0).value is None


def test_the_paired_interval_covers():
    rng = np.random.default_rng(12)
    cells = rng.multinomial(800, [0.06, 0.03, 0.91], size=1_000)
    found = [experiments.mcnemar(int(a), int(b), 800) for a, b, _ in cells]
    covered = np.mean([one.low <= -0.03 <= one.high for one in found])
    assert 0.93 <= covered <= 0.975


def test_the_paired_difference_is_scipys_paired_t():
    rng = np.random.default_rng(13)
    champion = rng.normal(size=250)
    other = champion + rng.normal(0.1, 0.4, 250)
    found = experiments.paired_difference(moments(other - champion))
    wanted = stats.ttest_rel(other, champion)
    interval = wanted.confidence_interval()
    assert found.p_value == pytest.approx(wanted.pvalue, abs=1e-12)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=1e-12)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([1.0], "fewer than 2 rows answered by both"),
        ([2.0, 2.0, 2.0], "the difference is constant"),
        ([1.0, np.inf, 3.0], "values that are not finite"),
    ],
)
def test_pairs_that_cannot_be_compared_say_why(values, reason):
    assert experiments.paired_difference(moments(np.array(values))).reason == reason
