"""Shifts of level, spread and single cells, against SciPy and against simulation."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from monitoring.stats import shifts
from monitoring.stats.building import profile_predictions
from monitoring.stats.reference import FieldSpec, Kind, Role, Schema, Task, freeze


def counted(values, size=60):
    return np.bincount(values, minlength=size)


@pytest.mark.parametrize("seed", range(5))
def test_the_level_test_is_the_one_of_mann_and_whitney(seed):
    rng = np.random.default_rng(seed)
    one, other = rng.integers(0, 50, 4_000), rng.integers(1, 51, 3_900)
    wanted = stats.mannwhitneyu(other, one, use_continuity=False, method="asymptotic").pvalue
    found = shifts.level_shift(counted(one), counted(other)).p_value
    assert found == pytest.approx(wanted, rel=1e-9)


def test_without_ties_the_spread_test_is_the_one_of_mood():
    rng = np.random.default_rng(1)
    values = rng.permutation(4_000)
    one, other = counted(values[:2_000], 4_000), counted(values[2_000:], 4_000)
    wanted = stats.mood(values[2_000:], values[:2_000]).pvalue
    assert shifts.spread_shift(one, other).p_value == pytest.approx(wanted, rel=1e-6)


def test_a_normal_shift_and_ratio_are_told_in_their_own_units():
    cuts = stats.norm.ppf(np.linspace(0, 1, 241))
    reference = np.round(np.diff(stats.norm.cdf(cuts)) * 1e8).astype(int)
    for shift, ratio in ((0.1, 1.0), (-0.5, 1.0), (0.0, 1.15), (0.0, 0.8)):
        current = np.round(np.diff(stats.norm.cdf((cuts - shift) / ratio)) * 1e8).astype(int)
        assert shifts.level_shift(reference, current).value == pytest.approx(shift, abs=1e-3)
        if not shift:
            found = shifts.spread_shift(reference, current).value
            assert found == pytest.approx(np.log(ratio), abs=2e-3)


def test_the_interval_holds_the_true_shift_as_often_as_it_says():
    rng = np.random.default_rng(2)
    cuts = stats.norm.ppf(np.linspace(0, 1, 101))
    shares = np.diff(stats.norm.cdf(cuts)), np.diff(stats.norm.cdf(cuts - 0.1))
    held = 0
    for _ in range(500):
        found = shifts.level_shift(*(rng.multinomial(2_000, one) for one in shares))
        held += found.low <= 0.1 <= found.high
    assert 0.92 <= held / 500 <= 0.98


def test_the_p_value_of_a_cell_is_that_of_the_hypergeometric():
    m, n = 20_000, 2_000
    totals = np.array([3, 30, 300, 1_500])
    hits = np.array([2, 9, 12, 200])
    tails = np.minimum(
        stats.hypergeom.sf(hits - 1, m + n, totals, n), stats.hypergeom.cdf(hits, m + n, totals, n)
    )
    found = shifts.cell_p_values(totals - hits, hits, m, n)
    assert found == pytest.approx(2 * tails, rel=0.05)


def test_a_rare_category_that_halves_is_named():
    reference, current = np.array([60_000, 38_000, 2_000]), np.array([6_050, 3_850, 100])
    found = shifts.cell_shift(reference, current, ["a", "b", "c"])
    assert found.parameters["cell"] == "c"
    assert found.effect == pytest.approx(-0.01)
    assert found.p_value < 1e-9


def test_the_bins_of_a_small_reference_do_not_alarm_against_a_large_window():
    rng = np.random.default_rng(3)
    gaps = np.diff(np.arange(241) * 1_000 // 240)
    labels = [str(place) for place in range(240)]
    alarms = 0
    for _ in range(300):
        window = rng.multinomial(50_000, rng.dirichlet(gaps))
        alarms += shifts.value_shift(gaps, window, labels).p_value <= 0.02
    assert alarms <= stats.binom.ppf(0.999, 300, 0.02)


@pytest.mark.parametrize("measure", ["level_shift", "spread_shift"])
@pytest.mark.parametrize(("m", "n", "mass"), [(1_000, 100, 0.0), (100_000, 100, 0.8)])
def test_rank_tests_alarm_as_often_as_they_say(measure, m, n, mass):
    rng = np.random.default_rng(4)
    shares = np.append((1 - mass) * np.full(240, 1 / 240), mass)
    left, right = rng.multinomial(m, shares, 6_000), rng.multinomial(n, shares, 6_000)
    found = shifts.rank_p_values(measure, left, right)
    for level in (0.05, 0.01, 0.001):
        assert (found <= level).sum() <= stats.binom.ppf(0.9999, found.size, level)
    assert (found <= 0.05).mean() > 0.03


@pytest.mark.parametrize(
    ("left", "right"), [([0, 0], [1, 2]), ([1, 2], [0, 0]), ([5, 0], [5, 0]), ([1, 0], [0, 1])]
)
def test_bad_input_gives_a_reason_or_a_number_but_no_error(left, right):
    left, right = np.array(left), np.array(right)
    for found in (
        shifts.level_shift(left, right),
        shifts.spread_shift(left, right),
        shifts.cell_shift(left, right, ["a", "b"]),
        shifts.value_shift(left, right, ["a", "b"]),
    ):
        assert found.value is not None or found.reason
        assert found.p_value is None or 0 <= found.p_value <= 1


MIXED = Schema(
    Task.REGRESSION,
    (
        FieldSpec("size", Role.FEATURE, Kind.NUMERIC),
        FieldSpec("colour", Role.FEATURE, Kind.CATEGORICAL),
    ),
)


def rows(n, *, seed, shift=0.0, sentinel=0.0):
    rng = np.random.default_rng(seed)
    size = np.where(rng.random(n) < sentinel, -999.0, rng.standard_t(3, n) + shift)
    return pa.table({"size": size, "colour": rng.choice(["red", "blue"], n, p=[0.9, 0.1])})


def test_from_rows_to_shifts_by_the_name_of_a_field():
    bins = freeze(MIXED, rows(20_000, seed=1))
    reference = profile_predictions(bins, rows(20_000, seed=1))
    quiet = profile_predictions(bins, rows(5_000, seed=2))
    moved = profile_predictions(bins, rows(5_000, seed=3, shift=0.3, sentinel=0.01))
    found = shifts.drift(bins, reference, moved, "size")
    assert set(found) == {"level_shift", "spread_shift", "value_shift"}
    assert found["level_shift"].p_value < 1e-9
    assert found["value_shift"].parameters["cell"].startswith("-inf to")
    assert found["value_shift"].effect == pytest.approx(0.01, abs=0.005)
    assert all(one.p_value > 1e-4 for one in shifts.drift(bins, reference, quiet, "size").values())
    assert set(shifts.drift(bins, reference, quiet, "colour")) == {"cell_shift"}
    assert set(shifts.drift(bins, reference, quiet, "size", measures=["level_shift"])) == {
        "level_shift"
    }


def _field(values, reference):
    schema = Schema(Task.BINARY, (FieldSpec("x", Role.FEATURE, Kind.NUMERIC),), ("0", "1"))
    bins = freeze(schema, pa.table({"x": reference}))
    counted = [profile_predictions(bins, pa.table({"x": side})) for side in (reference, values)]
    return shifts.drift(bins, *counted, "x", measures=("value_shift",))["value_shift"]


@pytest.mark.parametrize("by", [0.2, 0.5, 1.0, 2.0, 3.0])
def test_a_field_that_moved_as_a_whole_has_no_single_value_to_blame(by):
    rng = np.random.default_rng(4)
    found = _field(rng.normal(by, 1, 10_000), rng.normal(0, 1, 50_000))
    assert found.p_value > 0.01 or (found.effect or 0.0) < 0.005


@pytest.mark.parametrize(("sentinel", "share"), [(-999.0, 0.01), (999.0, 0.2), (0.123, 0.02)])
def test_a_sentinel_stands_out_wherever_it_lies(sentinel, share):
    rng = np.random.default_rng(5)
    values = rng.normal(0, 1, 10_000)
    values[rng.random(10_000) < share] = sentinel
    found = _field(values, rng.normal(0, 1, 50_000))
    assert found.p_value < 1e-6
    assert found.effect == pytest.approx(share, abs=0.008)


@pytest.mark.parametrize("by", [1, 3])
def test_a_discrete_field_that_moved_has_no_single_value_to_blame(by):
    rng = np.random.default_rng(6)
    usual, now = rng.poisson(9, 50_000), rng.poisson(9 + by, 10_000)
    found = _field(now.astype(float), usual.astype(float))
    assert found.p_value > 0.01 or (found.effect or 0.0) < 0.005


def test_one_value_of_a_discrete_field_stands_out():
    rng = np.random.default_rng(7)
    usual, now = rng.poisson(9, 50_000), rng.poisson(9, 10_000)
    now[rng.random(10_000) < 0.1] = 3
    found = _field(now.astype(float), usual.astype(float))
    assert found.p_value < 1e-6
    assert found.effect == pytest.approx(0.1, abs=0.02)
