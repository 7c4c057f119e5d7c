"""What an experiment compares, from counts, and from rows that two versions answered."""

import doctest

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from monitoring.stats.experiments import (
    Answer,
    Better,
    Pairs,
    clustered,
    clusters,
    disagreements,
    endpoints,
    endpoints_of,
    judged,
    paired,
    paired_classes,
    paired_numbers,
)
from monitoring.stats.experiments.clusters import TOO_FEW
from monitoring.stats.findings import Finding
from monitoring.stats.reference import Task

ALPHA = 0.05


def texts(*values):
    return pa.array(values, pa.string())


def days_of(n, days=20):
    return np.arange(n) * days // max(n, 1)


@pytest.mark.parametrize("module", [clusters, endpoints, paired])
def test_the_examples_in_the_docstrings_run(module):
    names = {"pa": pa, "np": np, "Finding": Finding}
    assert doctest.testmod(module, extraglobs=names).failed == 0


def test_each_task_has_an_error_that_can_decide():
    for task in Task:
        known = endpoints_of(task)
        assert {"error_rate", "absolute_error"} & known.keys()
        assert all(task in one.tasks for one in known.values())


@pytest.mark.parametrize(
    ("low", "high", "better", "answer"),
    [
        (0.01, 0.03, Better.LOWER, Answer.WORSE),
        (0.01, 0.03, Better.HIGHER, Answer.BETTER),
        (-0.03, -0.01, Better.LOWER, Answer.BETTER),
        (-0.03, -0.01, Better.HIGHER, Answer.WORSE),
        (-0.03, -0.01, Better.NEITHER, Answer.DIFFERENT),
        (-0.01, 0.01, Better.LOWER, Answer.UNDECIDED),
        (None, None, Better.LOWER, Answer.UNDECIDED),
    ],
)
def test_an_interval_says_better_only_when_it_lies_on_the_good_side(low, high, better, answer):
    assert judged(Finding("d", 0.0, 9, low=low, high=high), better) is answer


@pytest.mark.parametrize("between", [0.0, 0.3, 1.0])
def test_looking_early_at_rows_that_come_in_days_keeps_its_error(between):
    """30 rows a day with a common shift: how often is "no difference" denied at any of 53 looks?"""
    rng = np.random.default_rng(5)
    days, rows = 60, 30
    values = rng.normal(0, 1, (400, days, rows)) + between * rng.normal(0, 1, (400, days, 1))
    denied = 0
    for run in values:
        flat, places = run.ravel(), np.repeat(np.arange(days), rows)
        looks = range(8 * rows, days * rows + 1, rows)
        found = (
            clustered(flat[:n], places[:n], planned=1_200, confidence=1 - ALPHA)[1] for n in looks
        )
        denied += any(one.low > 0 or one.high < 0 for one in found)
    assert denied / 400 <= ALPHA + 1.645 * (ALPHA * (1 - ALPHA) / 400) ** 0.5


def test_counting_rows_as_independent_would_break_it():
    rng = np.random.default_rng(6)
    shifts = rng.normal(0, 1, (500, 40, 1)) + rng.normal(0, 1, (500, 40, 30))
    flat = shifts.reshape(500, -1)
    alone = np.abs(flat.mean(axis=1) / flat.std(axis=1, ddof=1) * 1_200**0.5) > 1.96
    days = np.repeat(np.arange(40), 30)
    by_day = [clustered(run, days, planned=1_200, confidence=0.95)[0] for run in flat]
    assert alone.mean() > 0.5
    assert np.mean([one.p_value < 0.05 for one in by_day]) < 0.08
    assert np.median([one.parameters["design_effect"] for one in by_day]) > 10


def test_days_that_do_not_differ_are_scipys_one_sample_t_or_wider():
    rng = np.random.default_rng(7)
    values = rng.normal(0.2, 1, 2_000)
    one, every = clustered(values, days_of(2_000, 100), planned=2_000, confidence=0.95)
    wanted = stats.ttest_1samp(values, 0)
    error = values.std(ddof=1) / 2_000**0.5
    assert one.value == pytest.approx(wanted.statistic * error)
    assert 1 <= one.standard_error / error < 1.2
    assert every.low < one.low < one.high < every.high


def test_the_error_among_days_is_that_of_their_means():
    """Days of equal size: the error is that of the mean of the day means."""
    rng = np.random.default_rng(8)
    values = rng.normal(0, 1, (12, 50)) + 3 * rng.normal(0, 1, (12, 1))
    found, _ = clustered(values.ravel(), np.repeat(np.arange(12), 50), planned=9, confidence=0.95)
    wanted = stats.ttest_1samp(values.mean(axis=1), 0)
    assert found.p_value == pytest.approx(wanted.pvalue, abs=1e-12)
    interval = wanted.confidence_interval()
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=1e-12)


@pytest.mark.parametrize(
    ("values", "days", "reason"),
    [
        ([], [], "no row"),
        ([1.0, 2.0], [0, 1], "fewer than 8 days"),
        ([1.0] * 20, list(range(20)), "constant"),
        ([1.0, np.inf] * 10, list(range(20)), "finite"),
        ([np.nan] * 20, list(range(20)), "no row"),
    ],
)
def test_differences_that_say_nothing_say_why(values, days, reason):
    for found in clustered(np.array(values), np.array(days), planned=9, confidence=0.95):
        assert found.value is None
        assert reason in found.reason


def test_a_sample_has_no_interval_that_holds_at_every_look():
    outcome, right = pa.array(["a", "b"] * 50), pa.array(["a"] * 100)
    pairs = Pairs(outcome, right, days_of(100), outcome, whole=False)
    found = paired_classes(pairs, planned=100, confidence=0.95)["error_rate_difference_any_look"]
    assert found.value is None
    assert "sample" in found.reason


def test_rows_without_an_outcome_count_for_agreement_only():
    pairs = Pairs(texts("a", "b", None), texts("a", "a", "a"), days_of(3), texts(None, "b", "a"))
    found = paired_classes(pairs, planned=100, confidence=0.95)
    assert found["agreement_share"].n == 2
    assert found["mcnemar"].n == 1
    assert found["mcnemar"].value == 1.0
    assert found["error_rate_difference"].reason == TOO_FEW


def test_no_pairs_say_so():
    none = Pairs(pa.array([], pa.string()), pa.array([], pa.string()), days_of(0))
    assert all(
        one.value is None for one in paired_classes(none, planned=100, confidence=0.95).values()
    )
    numbers = paired_numbers(none, planned=100, confidence=0.95)
    assert all(one.value is None and one.reason for one in numbers.values())


def test_a_shadow_with_smaller_errors_is_better_by_its_numbers():
    rng = np.random.default_rng(9)
    truth = rng.normal(100, 20, 300)
    usual, new = truth + rng.normal(0, 9, 300), truth + rng.normal(1, 5, 300)
    pairs = Pairs(pa.array(usual), pa.array(new), days_of(300), pa.array(truth))
    found = paired_numbers(pairs, planned=300, confidence=0.95)
    gaps = np.abs(new - truth) - np.abs(usual - truth)
    assert found["absolute_error_difference"].value == pytest.approx(gaps.mean(), abs=1e-12)
    assert found["absolute_error_difference_any_look"].high < 0
    assert found["answer_difference"].value == pytest.approx((new - usual).mean(), abs=1e-12)


def test_scores_are_compared_by_their_squared_errors():
    rng = np.random.default_rng(10)
    truth = rng.random(400) < 0.3
    usual = np.clip(0.3 + 0.2 * truth + rng.normal(0, 0.1, 400), 0, 1)
    new = np.clip(0.2 + 0.5 * truth + rng.normal(0, 0.1, 400), 0, 1)
    outcome = pa.array(np.where(truth, "late", "early"))
    pairs = Pairs(
        outcome,
        outcome,
        days_of(400),
        outcome,
        scores=(pa.array(usual), pa.array(new)),
        positive="late",
    )
    found = paired_classes(pairs, planned=400, confidence=0.95)
    gaps = (new - truth) ** 2 - (usual - truth) ** 2
    assert found["brier_difference"].value == pytest.approx(gaps.mean(), abs=1e-12)
    assert found["brier_difference_any_look"].high < 0


def test_disagreement_is_told_by_level_and_levels_without_a_name_are_left_out():
    champion = pa.array(["a"] * 100)
    shadow = pa.array(["b"] * 30 + ["a"] * 70)
    levels = pa.array(["x"] * 40 + ["y"] * 50 + [None] * 10)
    found = disagreements(Pairs(champion, shadow, days_of(100), segments={"site": levels}))["site"]
    assert {name: one.value for name, one in found.items()} == {"x": 0.75, "y": 0.0}
    alone = disagreements(
        Pairs(champion, shadow, days_of(100), segments={"site": pa.array(["x"] * 100)})
    )
    assert alone == {}
