"""Many fields and many monitors share one number of false alarms."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from monitoring.stats.multiplicity import (
    Budget,
    benjamini_hochberg,
    expected_false_alarms,
    split_budget,
)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_adjusted_p_values_are_scipys(p_values):
    found = benjamini_hochberg(p_values)
    assert found == pytest.approx(stats.false_discovery_control(p_values).tolist(), abs=1e-12)


def test_what_was_not_tested_stays_so_and_does_not_count():
    assert benjamini_hochberg([0.01, None, 0.02]) == pytest.approx([0.02, None, 0.02])
    assert benjamini_hochberg([None]) == [None]


def test_twenty_five_quiet_fields_alarm_as_often_as_one():
    rng = np.random.default_rng(1)
    runs = 4_000
    alarms = sum(min(benjamini_hochberg(rng.random(25).tolist())) <= 0.05 for _ in range(runs))
    assert alarms <= stats.binom.ppf(0.999, runs, 0.05)
    assert alarms >= stats.binom.ppf(0.001, runs, 0.05)


def test_all_monitors_together_spend_the_budget_and_no_more():
    rates = {"drift": 1 / 7, "operations": 24.0, "never": 0.0}
    alphas = split_budget(rates, Budget(false_alarms=0.5, days=90))
    assert alphas["never"] == 0
    assert expected_false_alarms(alphas, rates) == pytest.approx(0.5)


def test_who_waits_for_a_second_window_may_judge_each_at_a_larger_alpha():
    rates = {"operations": 24.0}
    once = split_budget(rates)["operations"]
    waits = {"operations": (2, 3)}
    twice = split_budget(rates, open_after=waits, correlated={"operations": 0.1})["operations"]
    unknown = split_budget(rates, open_after=waits)["operations"]
    assert once == unknown == pytest.approx(1 / 2160)
    assert twice > 10 * once
