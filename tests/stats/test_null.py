"""The null at the actual sizes: exact moments, honest tails, and no cost with hundreds of cells."""

import time

import numpy as np
import pytest
from scipy import stats

from monitoring.stats import null, stability


def p_values(*, shares, m, n, drawn, seed=3):
    rng = np.random.default_rng(seed)
    left, right = rng.multinomial(m, shares, drawn), rng.multinomial(n, shares, drawn)
    return np.array([null.contingency(one, other) for one, other in zip(left, right, strict=True)])


@pytest.mark.parametrize(("m", "n", "cells"), [(300, 40, 6), (1_000, 1_000, 12)])
def test_the_moments_given_all_totals_are_those_of_every_such_table(m, n, cells):
    usual = np.arange(1, cells + 1) / np.arange(1, cells + 1).sum()
    totals = np.random.default_rng(1).multinomial(m + n, usual)
    drawn = np.random.default_rng(2).multivariate_hypergeometric(totals, n, size=60_000)
    expected = totals * n / (m + n)
    statistic = ((drawn - expected) ** 2 / expected).sum(axis=1) * (m + n) / m
    mean, variance, skewness = null._moments(totals.astype(float), n, m)
    assert mean == pytest.approx(statistic.mean(), rel=0.01)
    assert variance == pytest.approx(statistic.var(), rel=0.03)
    assert skewness == pytest.approx(stats.skew(statistic), abs=0.2)


def test_with_dense_cells_the_p_value_is_that_of_the_contingency_table():
    rng = np.random.default_rng(4)
    for _ in range(20):
        left, right = rng.multinomial(90_000, [0.1] * 10), rng.multinomial(40_000, [0.1] * 10)
        wanted = stats.chi2_contingency([left, right], correction=False).pvalue
        assert null.contingency(left, right) == pytest.approx(wanted, rel=0.01, abs=1e-4)


SIZES = [
    (np.full(5, 0.2), 10_000, 100),
    (np.full(25, 0.04), 1_000, 1_000),
    (1 / np.arange(1, 26) / (1 / np.arange(1, 26)).sum(), 10_000, 100),
    (1 / np.arange(1, 501) / (1 / np.arange(1, 501)).sum(), 10_000, 1_000),
    (1 / np.arange(1, 501) / (1 / np.arange(1, 501)).sum(), 10_000, 1_000_000),
]


@pytest.mark.parametrize(("shares", "m", "n"), SIZES)
def test_a_p_value_is_as_small_as_it_says_and_not_more_often(shares, m, n):
    found = p_values(shares=shares, m=m, n=n, drawn=6_000)
    for level in (0.05, 0.01, 0.001):
        most = stats.binom.ppf(0.9999, found.size, 1.3 * level)
        assert (found <= level).sum() <= most
    assert (found <= 0.05).sum() >= 0.4 * 0.05 * found.size


def test_categories_that_the_reference_did_not_happen_to_see_are_no_change():
    rng = np.random.default_rng(5)
    shares = 1 / np.arange(1, 501) / (1 / np.arange(1, 501)).sum()
    alarms = 0
    for _ in range(400):
        left, right = rng.multinomial(1_000, shares), rng.multinomial(10_000, shares)
        seen = left > 0
        cells = np.append(left[seen], 0), np.append(right[seen], right[~seen].sum())
        assert cells[1][-1] > 500
        alarms += null.contingency(*cells) <= 0.01
    assert alarms <= stats.binom.ppf(0.999, 400, 0.02)


def test_a_category_that_is_really_new_is_still_found():
    reference = np.array([5_000, 3_000, 1_990, 10, 0])
    current = np.array([480, 290, 199, 1, 30])
    assert null.contingency(reference, current) < 1e-9


def test_every_distance_has_a_null_without_nan_whatever_the_cells():
    for left, right in (([9, 0], [9, 0]), ([1, 1], [1, 1]), ([10**6, 1], [0, 2]), ([3], [4])):
        for name, distance in stability.DISTANCES.items():
            found = null.null_of(name, distance, np.array(left), np.array(right), seed=1)
            numbers = (found.mean, found.sd, found.quantile, found.p_value)
            assert np.isfinite(numbers).all()
            assert 0 <= found.p_value <= 1


def test_the_same_seed_gives_the_same_bits():
    left, right = np.array([40, 30, 20, 9]), np.array([12, 8, 3, 2])
    one, other = (null.null_of("psi", stability.psi, left, right, seed=9) for _ in range(2))
    assert one == other


def test_five_hundred_cells_cost_milliseconds():
    rng = np.random.default_rng(6)
    left, right = rng.multinomial(100_000, [0.002] * 500), rng.multinomial(10_000, [0.002] * 500)
    began = time.process_time()
    for _ in range(5):
        null.null_of("psi", stability.psi, left, right, seed=1)
    assert (time.process_time() - began) / 5 < 0.1
