"""One value in many rows: a fault that stays, or an hour that many rows share?"""

import doctest

import numpy as np
import pytest
from scipy import stats

from monitoring.stats import over_time
from monitoring.stats.over_time import chances_over_time

REFERENCE = np.array([100, 99_900])
RUNS = 2_000


def parts(shares, rows=360, seed=0):
    """Counts of consecutive parts, in each of which the first bin has its share."""
    hits = np.random.default_rng(seed).binomial(rows, shares)
    return np.stack([hits, rows - hits], axis=1)


def test_the_example_in_the_docstring_runs():
    assert doctest.testmod(over_time, extraglobs={"np": np}).failed == 0


def test_one_row_in_a_hundred_all_week_is_found():
    found = [chances_over_time(REFERENCE, parts([0.011] * 28, seed=n))[0] for n in range(200)]
    assert np.mean(np.array(found) * 300 < 1e-3) > 0.95, "even after correction for 300 bins"


def test_a_fault_of_the_last_two_days_is_found():
    shares = [0.001] * 20 + [0.9] * 8
    assert chances_over_time(REFERENCE, parts(shares))[0] * 300 < 1e-3


@pytest.mark.parametrize("nights", [1, 2])
def test_a_value_that_stood_still_for_a_night_is_no_fault(nights):
    for place in range(0, 24, 4):
        shares = np.full(28, 0.001)
        shares[place : place + 1 + nights] = 0.95
        assert chances_over_time(REFERENCE, parts(shares, seed=place))[0] * 300 > 1e-3


def test_parts_that_do_not_differ_are_tested_as_their_rows_would_be():
    rng = np.random.default_rng(3)
    p_values = []
    for _ in range(RUNS):
        hits = rng.binomial(200, 0.05, 28)
        usual = np.array([rng.binomial(20_000, 0.05), 0])
        usual[1] = 20_000 - usual[0]
        p_values.append(chances_over_time(usual, np.stack([hits, 200 - hits], axis=1))[0])
    alarms = np.mean(np.array(p_values) < 0.05)
    assert alarms <= 0.05 + 1.645 * (0.05 * 0.95 / RUNS) ** 0.5


def test_rows_that_resemble_each_other_rarely_look_like_more():
    """Each part draws its own skewed share: counting rows would alarm nearly always."""
    rng = np.random.default_rng(4)
    alarms = rows_alone = 0
    for _ in range(RUNS // 4):
        shares = rng.beta(0.5, 9.5, 28)
        found = parts(shares, rows=360, seed=int(rng.integers(1e9)))
        usual = parts(rng.beta(0.5, 9.5, 500), rows=40, seed=int(rng.integers(1e9))).sum(axis=0)
        rises = found[:, 0].sum() / found.sum() > usual[0] / usual.sum()
        alarms += rises and chances_over_time(usual, found)[0] < 0.05
        table = [found.sum(axis=0), usual]
        rows_alone += stats.chi2_contingency(table, correction=False).pvalue < 0.05
    assert rows_alone > 0.5 * RUNS / 4
    assert alarms / (RUNS / 4) < 0.05


def test_nothing_to_compare_is_no_change():
    assert chances_over_time(REFERENCE, np.zeros((28, 2), int)).tolist() == [1.0, 1.0]
    assert chances_over_time(REFERENCE, np.array([[5, 5]])).tolist() == [1.0, 1.0]
    assert chances_over_time(np.zeros(2, int), parts([0.5] * 8)).tolist() == [1.0, 1.0]
