"""Trend: SciPy's line, honest intervals, and silence where the past gives no right to speak."""

import math

import numpy as np
import pytest
from scipy import stats

from monitoring.stats.trend import expected_breach, theil_sen


@pytest.mark.parametrize("seed", range(5))
def test_the_line_is_that_of_theil_and_sen(seed):
    rng = np.random.default_rng(seed)
    places = np.arange(25.0)
    values = 0.3 * places + rng.normal(size=25)
    slope, level, _, _ = stats.theilslopes(values, places, method="joint")
    found = theil_sen(places, values)
    assert found.slope == pytest.approx(slope, abs=1e-12)
    assert found.level == pytest.approx(level, abs=1e-12)


def test_the_interval_of_the_slope_covers_as_often_as_it_says():
    rng = np.random.default_rng(1)
    places = np.arange(30.0)
    covered = 0
    for _ in range(300):
        line = theil_sen(places, 0.1 * places + rng.normal(size=30))
        covered += line.low <= 0.1 <= line.high
    assert covered / 300 > 0.92


def test_a_steady_rise_is_expected_to_breach_when_it_does():
    rng = np.random.default_rng(2)
    values = 0.02 * np.arange(40) + rng.normal(0, 0.03, 40)
    found = expected_breach(list(values), threshold=1.0, rising=True)
    assert found.windows == pytest.approx(50 - 39, abs=3)
    assert found.soonest <= found.windows <= found.latest


def test_noise_is_not_told_as_a_trend():
    rng = np.random.default_rng(3)
    told = [
        expected_breach(list(rng.normal(0, 1, 30)), threshold=2.5, rising=True).windows
        for _ in range(200)
    ]
    assert sum(one is not None for one in told) <= 4


def test_a_random_walk_is_hardly_ever_told_as_a_trend():
    rng = np.random.default_rng(4)
    told = 0
    for _ in range(100):
        walk = np.cumsum(rng.normal(size=40))
        found = expected_breach(list(walk), threshold=walk[-1] + 3, rising=True)
        told += found.windows is not None
    assert told <= 15


@pytest.mark.parametrize(
    ("values", "threshold", "reason"),
    [
        ([0.1] * 5, 1.0, "fewer than 12"),
        ([0.1] * 20, 1.0, "constant"),
        ([None] * 30, 1.0, "fewer than 12"),
        ([0.1 * n for n in range(20)], 1.0, "reached already"),
        ([-0.1 * n for n in range(20)], 1.0, "away from"),
        ([0.1 * n for n in range(20)], 100.0, "farther ahead"),
    ],
)
def test_where_nothing_can_be_said_the_reason_is(values, threshold, reason):
    found = expected_breach(values, threshold=threshold, rising=True)
    assert found.windows is None
    assert reason in found.reason


def test_the_interval_of_the_breach_covers_nearly_as_often_as_it_says():
    """Steady rises in noise: where a breach is told, how often does its interval hold the truth?"""
    rng = np.random.default_rng(31)
    told = covered = 0
    for _ in range(400):
        slope, noise = rng.uniform(0.01, 0.03), rng.uniform(0.02, 0.06)
        values = slope * np.arange(40) + noise * rng.normal(size=40)
        threshold = slope * (39 + rng.uniform(3, 15))
        found = expected_breach(list(values), threshold=threshold, rising=True)
        if found.windows is None:
            continue
        told += 1
        truth = threshold / slope - 39
        latest = math.inf if found.latest is None else found.latest
        soonest = 0.0 if found.soonest is None else found.soonest
        covered += soonest <= truth <= latest
    assert told > 200
    assert covered / told > 0.9
