"""Cramér–von Mises and energy distance from counts agree with SciPy on the raw rows."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from monitoring.stats import areas
from monitoring.stats.building import profile_predictions
from monitoring.stats.profiles import numeric_view
from monitoring.stats.reference import FieldSpec, Kind, Role, Schema, Task, freeze

RNG = np.random.default_rng(8)
SCHEMA = Schema(Task.REGRESSION, (FieldSpec("x", Role.FEATURE, Kind.NUMERIC),))


def views(reference, current):
    tables = [pa.table({"x": pa.array(side, pa.float64())}) for side in (reference, current)]
    bins = freeze(SCHEMA, tables[0])
    sides = (numeric_view(bins, profile_predictions(bins, table), "x") for table in tables)
    return bins.numeric["x"], *sides


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.5])
def test_both_agree_with_the_raw_rows_within_their_bounds(shift):
    one, two = RNG.normal(size=6_000), RNG.normal(shift, 1, 1_000)
    found = areas.cramer_von_mises(*views(one, two))
    wanted = stats.cramervonmises_2samp(one, two)
    assert found.parameters["criterion"] == pytest.approx(wanted.statistic, rel=0.03, abs=0.01)
    # The criterion may differ by 0.01, which near its median moves p by 0.04.
    assert found.p_value == pytest.approx(wanted.pvalue, abs=0.04)
    energy = areas.energy(*views(one, two))
    exact = stats.energy_distance(one / one.std(), two / one.std())
    assert energy.value == pytest.approx(exact, rel=0.03, abs=0.003)
    assert energy.parameters["lower_bound"] <= exact <= energy.parameters["upper_bound"]


def test_windows_without_change_keep_the_level():
    alarms = np.zeros(2)
    one = RNG.normal(size=20_000)
    for _ in range(200):
        seen = views(one, RNG.normal(size=500))
        for place, measure in enumerate((areas.cramer_von_mises, areas.energy)):
            alarms[place] += measure(*seen).p_value <= 0.05
    assert alarms.max() <= stats.binom.ppf(0.9999, 200, 0.05)


@pytest.mark.parametrize("odd", [[], [1.0], [np.nan], [3.0] * 50])
def test_odd_data_have_a_value_or_a_reason(odd):
    for pair in ((odd, [1.0, 2.0, 3.0]), ([1.0, 2.0, 3.0], odd), (odd, odd)):
        for measure in (areas.cramer_von_mises, areas.energy):
            found = measure(*views(*pair))
            assert found.value is not None or found.reason
