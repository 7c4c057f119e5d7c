"""Sparse tables are tested exactly or by Monte Carlo, equal to SciPy."""

import numpy as np
import pytest
from scipy import stats

from monitoring.stats import contingency


def test_two_cells_equal_fishers_test():
    found = contingency.sparse(np.array([8, 2, 0]), np.array([1, 5, 0]))
    wanted = stats.fisher_exact([[8, 2], [1, 5]])
    assert found.p_value == pytest.approx(wanted.pvalue, abs=1e-12)
    chi = stats.chi2_contingency([[8, 2], [1, 5]], correction=False)
    assert found.value == pytest.approx(chi.statistic, abs=1e-12)


def test_many_cells_agree_with_the_chi_square_where_it_holds():
    table = np.array([[300, 200, 120, 80], [60, 55, 20, 25]])
    found = contingency.sparse(*table, draws=20_000)
    wanted = stats.chi2_contingency(table, correction=False)
    assert found.value == pytest.approx(wanted.statistic, abs=1e-9)
    assert found.p_value == pytest.approx(wanted.pvalue, abs=0.012)
    assert found == contingency.sparse(*table, draws=20_000)


def test_sparse_windows_without_change_alarm_no_more_often_than_alpha():
    rng = np.random.default_rng(5)
    shares = 1 / np.arange(1, 21)
    shares /= shares.sum()
    alarms = sum(
        contingency.sparse(
            rng.multinomial(40, shares), rng.multinomial(15, shares), draws=300
        ).p_value
        <= 0.05
        for _ in range(300)
    )
    assert alarms <= stats.binom.ppf(0.9999, 300, 0.05)


def test_one_cell_or_no_rows_have_a_reason():
    assert contingency.sparse(np.array([5, 0]), np.array([2, 0])).reason.startswith("all rows")
    assert contingency.sparse(np.array([0, 0]), np.array([2, 0])).reason == "no rows on one side"
