"""Sentinels are found by counts; shifts are not taken for sentinels."""

import numpy as np
import pyarrow as pa
import pytest

from monitoring.stats import sentinels
from monitoring.stats.building import profile_predictions
from monitoring.stats.reference import FieldSpec, Kind, Role, Schema, Task, freeze

RNG = np.random.default_rng(2)
SCHEMA = Schema(Task.REGRESSION, (FieldSpec("x", Role.FEATURE, Kind.NUMERIC),))


def changes(reference, current):
    tables = [pa.table({"x": pa.array(side, pa.float64())}) for side in (reference, current)]
    bins = freeze(SCHEMA, tables[0])
    left, right = (profile_predictions(bins, table) for table in tables)
    return sentinels.mass_changes(bins, left, right, "x")


@pytest.mark.parametrize("sentinel", [-999.0, 0.37, 9_999.0])
def test_a_new_value_in_two_rows_of_a_hundred_is_found_with_its_range(sentinel):
    current = RNG.normal(size=5_000)
    current[:100] = sentinel
    found = changes(RNG.normal(size=20_000), current)["new_mass"]
    assert found.value >= 0.02
    assert found.p_value < 1e-6
    assert found.parameters["from"] <= sentinel <= found.parameters["below"]


@pytest.mark.parametrize("shift", [0.0, 0.3, -0.3])
def test_a_shift_is_no_sentinel(shift):
    found = changes(RNG.normal(size=20_000), RNG.normal(shift, 1, 5_000))["new_mass"]
    assert found.value == 0.0
    assert found.p_value == 1.0


def test_a_mass_point_that_grows_is_measured():
    reference = np.where(RNG.random(10_000) < 0.1, 0.0, RNG.normal(size=10_000))
    current = np.where(RNG.random(10_000) < 0.2, 0.0, RNG.normal(size=10_000))
    found = changes(reference, current)["share of 0"]
    assert found.effect == pytest.approx((current == 0).mean() - (reference == 0).mean(), abs=1e-12)
    assert found.p_value < 1e-9


@pytest.mark.parametrize("odd", [[], [np.nan], [1.0], [np.inf]])
def test_odd_data_have_a_value_or_a_reason(odd):
    for pair in ((odd, [1.0, 2.0, 3.0]), ([1.0, 2.0, 3.0], odd), (odd, odd)):
        for finding in changes(*pair).values():
            assert finding.value is not None or finding.reason
