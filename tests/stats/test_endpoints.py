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
    disagreements,
    endpoints,
    endpoints_of,
    judged,
    mean_sequence,
    paired,
    paired_classes,
    paired_numbers,
)
from monitoring.stats.experiments.arms import moments
from monitoring.stats.experiments.sequences import log_evidence, mixing, mixture_evidence
from monitoring.stats.findings import Finding
from monitoring.stats.reference import Task

RUNS, ALPHA = 1_000, 0.05
BAND = ALPHA + 1.645 * (ALPHA * (1 - ALPHA) / RUNS) ** 0.5


def texts(*values):
    return pa.array(values, pa.string())


@pytest.mark.parametrize("module", [endpoints, paired])
def test_the_examples_in_the_docstrings_run(module):
    names = {"pa": pa, "Finding": Finding}
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


def test_a_paired_error_at_any_look_keeps_its_error_for_two_equal_versions():
    """Both are wrong alone equally often: how often is that denied at any of 60 looks?"""
    rng = np.random.default_rng(5)
    shadow = rng.binomial(1, 0.5, (RUNS, 600)).cumsum(axis=1)[:, 9::10]
    unequal = np.arange(10, 601, 10)
    denied = (log_evidence(shadow, unequal, 0.5) >= -np.log(ALPHA)).any(axis=1)
    assert denied.mean() <= BAND


def test_the_sign_of_the_paired_interval_is_that_of_its_evidence():
    rng = np.random.default_rng(6)
    for chance in (0.5, 0.6, 0.8):
        wrong = rng.random(200) < chance
        champion = pa.array(np.where(wrong, "right", "wrong"))
        shadow = pa.array(np.where(wrong, "wrong", "right"))
        outcome = pa.array(["right"] * 200)
        found = paired_classes(Pairs(champion, shadow, outcome), planned=200, confidence=1 - ALPHA)
        looks = found["error_rate_difference_any_look"]
        denied = float(log_evidence(int(wrong.sum()), 200, 0.5)) >= -np.log(ALPHA)
        assert (looks.low > 0 or looks.high < 0) == denied
        assert looks.value == pytest.approx(found["error_rate_difference"].value)


def test_a_mean_at_any_look_keeps_its_error():
    rng = np.random.default_rng(7)
    values = rng.standard_t(6, (RUNS, 60, 20))
    sums = values.sum(axis=2).cumsum(axis=1)
    squares = (values**2).sum(axis=2).cumsum(axis=1)
    n = 20 * np.arange(1, 61)
    error = np.sqrt((squares - sums**2 / n) / (n - 1) / n)
    evidence = mixture_evidence(sums / n / error, mixing(4 * 600) * n)
    denied = (evidence >= -np.log(ALPHA))[:, n >= 50].any(axis=1)
    assert denied.mean() <= BAND


def test_a_mean_at_any_look_is_wider_than_that_of_one_look_and_agrees_with_its_evidence():
    values = np.random.default_rng(8).normal(0.2, 1, 400)
    found = mean_sequence(moments(values), planned=400)
    one = stats.ttest_1samp(values, 0).confidence_interval()
    assert found.low < one.low < one.high < found.high
    assert (found.low > 0) == (found.p_value < 0.05)


def test_few_or_constant_values_have_no_mean_at_any_look():
    assert mean_sequence(moments(np.ones(9)), planned=100).reason == "fewer than 50 rows"
    assert "constant" in mean_sequence(moments(np.ones(90)), planned=100).reason
    infinite = moments(np.array([np.inf] + [1.0] * 90))
    assert "finite" in mean_sequence(infinite, planned=100).reason
    assert "planned" in mean_sequence(moments(np.arange(90.0)), planned=0).reason


def test_a_sample_has_no_interval_that_holds_at_every_look():
    pairs = Pairs(texts("a", "b"), texts("b", "a"), texts("a", "a"), whole=False)
    found = paired_classes(pairs, planned=100, confidence=0.95)["error_rate_difference_any_look"]
    assert found.value is None
    assert "sample" in found.reason


def test_rows_without_an_outcome_count_for_agreement_only():
    pairs = Pairs(texts("a", "b", None), texts("a", "a", "a"), texts(None, "b", "a"))
    found = paired_classes(pairs, planned=100, confidence=0.95)
    assert found["agreement_share"].n == 2
    assert found["error_rate_difference"].n == 1
    assert found["error_rate_difference"].value == 1.0


def test_no_pairs_say_so():
    none = Pairs(pa.array([], pa.string()), pa.array([], pa.string()))
    assert all(
        one.value is None for one in paired_classes(none, planned=100, confidence=0.95).values()
    )
    numbers = paired_numbers(none, planned=100, confidence=0.95)
    assert all(one.value is None and one.reason for one in numbers.values())


def test_differences_of_numbers_are_scipys_paired_t():
    rng = np.random.default_rng(9)
    truth = rng.normal(100, 20, 300)
    usual, new = truth + rng.normal(0, 9, 300), truth + rng.normal(1, 5, 300)
    pairs = Pairs(pa.array(usual), pa.array(new), pa.array(truth))
    found = paired_numbers(pairs, planned=300, confidence=0.95)
    wanted = stats.ttest_rel(np.abs(new - truth), np.abs(usual - truth))
    errors = found["absolute_error_difference"]
    assert errors.p_value == pytest.approx(wanted.pvalue, abs=1e-12)
    assert errors.value < 0
    answers = stats.ttest_rel(new, usual)
    assert found["answer_difference"].p_value == pytest.approx(answers.pvalue, abs=1e-12)


def test_scores_are_compared_by_their_squared_errors():
    rng = np.random.default_rng(10)
    truth = rng.random(400) < 0.3
    usual = np.clip(0.3 + 0.2 * truth + rng.normal(0, 0.1, 400), 0, 1)
    new = np.clip(0.2 + 0.5 * truth + rng.normal(0, 0.1, 400), 0, 1)
    outcome = pa.array(np.where(truth, "late", "early"))
    pairs = Pairs(
        outcome, outcome, outcome, scores=(pa.array(usual), pa.array(new)), positive="late"
    )
    found = paired_classes(pairs, planned=400, confidence=0.95)
    wanted = stats.ttest_rel((new - truth) ** 2, (usual - truth) ** 2)
    assert found["brier_difference"].p_value == pytest.approx(wanted.pvalue, abs=1e-12)
    assert found["brier_difference_any_look"].high < 0


def test_disagreement_is_told_by_level_and_levels_without_a_name_are_left_out():
    champion = pa.array(["a"] * 100)
    shadow = pa.array(["b"] * 30 + ["a"] * 70)
    levels = pa.array(["x"] * 40 + ["y"] * 50 + [None] * 10)
    found = disagreements(Pairs(champion, shadow, segments={"site": levels}))["site"]
    assert {name: one.value for name, one in found.items()} == {"x": 0.75, "y": 0.0}
    alone = disagreements(Pairs(champion, shadow, segments={"site": pa.array(["x"] * 100)}))
    assert alone == {}
