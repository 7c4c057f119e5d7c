"""Exact KS equals SciPy's in distance and p-value, with ties, at any size."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from monitoring.stats import raw

RNG = np.random.default_rng(3)


@pytest.mark.parametrize("decimals", [0, 1, 12])
@pytest.mark.parametrize(("m", "n"), [(1, 1), (2, 900), (700, 700), (1_500, 130), (30_000, 12_000)])
@pytest.mark.parametrize("shift", [0.0, 0.05, 0.6])
def test_distance_and_p_value_equal_scipy(m, n, shift, decimals):
    one, two = RNG.normal(size=m).round(decimals), RNG.normal(shift, 1, n).round(decimals)
    found, wanted = raw.ks(one, two), stats.ks_2samp(one, two)
    assert found.value == pytest.approx(wanted.statistic, abs=1e-12)
    assert found.p_value == pytest.approx(wanted.pvalue, abs=1e-12)


@pytest.mark.parametrize("square", [2.2, 3.0, 6.0, 12.0, 30.0])
def test_the_expanded_tail_equals_scipys_sum(square):
    n = 150_000
    value = (square / n) ** 0.5
    assert raw.tail(value, n) == pytest.approx(float(stats.kstwo.sf(value, n)), abs=1e-9)


def test_columns_of_tables_are_compared_one_by_one():
    one = pa.table({"x": [1.0, 2.0, None], "y": [None, None, None]})
    two = pa.table({"x": [3.0, float("nan"), float("inf")], "y": [1.0, 2.0, 3.0]})
    found = raw.ks_many(one, two, ["x", "y"])
    assert found["x"].value == 1.0
    assert found["x"].n == 2
    assert found["y"].value is None
    assert found["y"].reason == "no values on one side"


@pytest.mark.parametrize("n", [99_999, 100_000, 500_000])
@pytest.mark.parametrize("root", [0.3, 1.0, 1.48, 1.49, 2.0, 3.0, 4.5])
def test_the_fast_tail_is_scipys(n, root):
    value = root / n**0.5
    assert raw.tail(value, n) == pytest.approx(stats.kstwo.sf(value, n), abs=1e-9)
