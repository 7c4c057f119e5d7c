"""Operational findings equal what NumPy and SciPy find in the raw rows."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from monitoring.stats.building import profile_predictions
from monitoring.stats.building.fields import total, total_of_squares
from monitoring.stats.operations import (
    NO_GAPS,
    NO_HOURS,
    Traffic,
    _mean,
    latency_quantile,
    operations,
    throughput,
    uptime,
)
from monitoring.stats.profiles import LATENCY_EDGES, OPERATIONS_SIZE, Profile, empty, merge
from monitoring.stats.reference import FieldSpec, Kind, Role, Schema, Task, freeze

SCHEMA = Schema(
    Task.REGRESSION,
    (
        FieldSpec("at", Role.TIMESTAMP, Kind.NUMERIC),
        FieldSpec("ms", Role.LATENCY, Kind.NUMERIC),
        FieldSpec("failed", Role.ERROR, Kind.CATEGORICAL),
        FieldSpec("size", Role.BYTES, Kind.NUMERIC),
        FieldSpec("cpu", Role.CPU, Kind.NUMERIC),
        FieldSpec("memory", Role.MEMORY, Kind.NUMERIC),
        FieldSpec("disk", Role.DISK, Kind.NUMERIC),
    ),
)
START = datetime(2013, 4, 1, tzinfo=UTC)
DAY = Traffic([100] * 24, [2_400] * 5)


def served(n, seed=0, slower=1.0, errors=0.02):
    rng = np.random.default_rng(seed)
    seconds = np.cumsum(rng.exponential(1.5, n))
    return pa.table(
        {
            "at": [START + timedelta(seconds=float(second)) for second in seconds],
            "ms": pa.array(rng.lognormal(3, 0.6, n) * slower, mask=rng.random(n) < 0.05),
            "failed": rng.random(n) < errors,
            "size": rng.integers(200, 900, n),
            "cpu": rng.random(n),
            "memory": rng.normal(1e9, 1e6, n),
            "disk": pa.nulls(n, pa.float64()),
        }
    )


USUAL_ROWS, ROWS = served(6_000), served(3_000, seed=1, slower=1.2, errors=0.05)
BINS = freeze(SCHEMA, USUAL_ROWS)
USUAL, NOW = profile_predictions(BINS, USUAL_ROWS), profile_predictions(BINS, ROWS)
FOUND = operations(BINS, USUAL, NOW, DAY)


def numbers(name, table=ROWS):
    return table[name].drop_null().to_numpy()


def test_means_are_numpys():
    for measure, name in {
        "latency_mean": "ms", "bytes_mean": "size", "cpu_mean": "cpu", "memory_mean": "memory"
    }.items():  # fmt: skip
        found, raw = FOUND[measure], numbers(name)
        assert found.value == pytest.approx(raw.mean(), rel=1e-12)
        assert found.n == raw.size
        error = raw.std(ddof=1) / raw.size**0.5
        assert (found.high - found.low) / 2 == pytest.approx(
            stats.norm.ppf(0.975) * error, rel=1e-6
        )


def test_a_change_of_the_mean_is_tested_as_scipy_does():
    found, now, usual = FOUND["latency_mean"], numbers("ms"), numbers("ms", USUAL_ROWS)
    welch = stats.ttest_ind(now, usual, equal_var=False).pvalue
    assert found.p_value == pytest.approx(welch, rel=1e-6)
    assert found.effect == pytest.approx(now.mean() - usual.mean(), rel=1e-9)


def test_the_largest_of_a_resource_is_reported():
    assert FOUND["cpu_mean"].parameters["largest"] == numbers("cpu").max()
    assert "role disk" in FOUND["disk_mean"].reason


@pytest.mark.parametrize(
    ("measure", "share"), [("latency_p50", 0.5), ("latency_p95", 0.95), ("latency_p99", 0.99)]
)
def test_a_quantile_of_latency_lies_within_its_bin_of_the_exact_one(measure, share):
    found, raw = FOUND[measure], numbers("ms")
    exact = np.quantile(raw, share, method="inverted_cdf")
    assert abs(found.value - exact) <= found.parameters["bin_bound"]
    assert found.parameters["bin_bound"] <= 0.1221 * found.value * 1.13
    assert found.low <= exact <= found.high
    assert found.low < found.value < found.high


def test_intervals_of_quantiles_hold_the_true_quantile_as_often_as_they_say():
    rng = np.random.default_rng(3)
    truth = math.exp(3 + 0.6 * stats.norm.ppf(0.95))
    held = 0
    for _ in range(300):
        drawn = pa.table({"ms": rng.lognormal(3, 0.6, 1_000)})
        profile = profile_predictions(BINS, drawn)
        found = latency_quantile("latency_p95", 0.95, USUAL.latency, profile.latency)
        held += found.low <= truth <= found.high
    assert 0.91 <= held / 300 <= 0.99


@pytest.mark.parametrize("n", [20, 60, 150, 300])
@pytest.mark.parametrize(("measure", "share"), [("latency_p50", 0.5), ("latency_p99", 0.99)])
def test_intervals_of_quantiles_hold_of_few_rows_too(n, measure, share):
    rng = np.random.default_rng(6)
    truth = math.exp(3 + 0.6 * stats.norm.ppf(share))
    held = 0
    for _ in range(400):
        drawn = np.histogram(rng.lognormal(3, 0.6, n), LATENCY_EDGES)[0]
        found = latency_quantile(measure, share, USUAL.latency, drawn)
        above = found.high is None or truth <= found.high
        held += above and (found.low is None or found.low <= truth)
    assert held / 400 >= 0.93
    assert (found.high is None) == (share == 0.99 and n < 368)


def test_equal_latencies_seldom_look_changed_and_slower_ones_do():
    rng = np.random.default_rng(4)
    small = 0
    for _ in range(300):
        profile = profile_predictions(BINS, pa.table({"ms": rng.lognormal(3, 0.6, 1_000)}))
        one = latency_quantile("latency_p95", 0.95, USUAL.latency, profile.latency)
        small += one.p_value < 0.05
    assert small / 300 < 0.09
    assert FOUND["latency_p50"].p_value < 1e-6
    assert FOUND["latency_p50"].effect > 0


def test_the_error_rate_is_tested_against_the_reference():
    found = FOUND["error_rate"]
    hits, usual = int(numbers("failed").sum()), int(numbers("failed", USUAL_ROWS).sum())
    table = [[hits, 3_000 - hits], [usual, 6_000 - usual]]
    wanted = stats.chi2_contingency(table, correction=False).pvalue
    assert found.value == hits / 3_000
    assert found.p_value == pytest.approx(wanted, rel=1e-9)
    interval = stats.binomtest(hits, 3_000).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high), abs=1e-12)


def test_gaps_are_those_between_rows_in_order_of_time():
    micros = np.sort([round(at.timestamp() * 1e6) for at in ROWS["at"].to_pylist()])
    gaps = np.diff(micros) / 1e6
    assert FOUND["longest_gap"].value == pytest.approx(gaps.max(), abs=1e-9)
    assert FOUND["longest_gap"].n == 2_999
    found = FOUND["gap_p99"]
    wanted = np.quantile(gaps, 0.99, method="inverted_cdf")
    assert abs(found.value - wanted) <= found.parameters["bin_bound"]
    assert found.low <= wanted <= found.high


def test_a_silence_stands_out_and_the_usual_gap_does_not():
    assert FOUND["longest_gap"].p_value > 0.05
    late = ROWS.slice(0, 1)
    moved = late.set_column(0, "at", [[START + timedelta(hours=9)]])
    silent = profile_predictions(BINS, pa.concat_tables([ROWS, moved]))
    found = operations(BINS, USUAL, silent, DAY)["longest_gap"]
    assert found.value > 20_000
    assert found.p_value == pytest.approx(1 - (1 - 1 / 6_000) ** 3_000, rel=1e-9)


def test_throughput_is_rows_an_hour_and_so_are_its_usual_bounds():
    found = throughput(1_200, Traffic([50] * 24, [2_400, 2_300, 2_500, 2_450]))
    assert (found.value, found.baseline) == (50.0, pytest.approx(2_412.5 / 24))
    assert found.effect == pytest.approx(50 - 2_412.5 / 24)
    assert found.p_value < 0.001
    low, high = (found.parameters[name] for name in ("usual_low", "usual_high"))
    assert low < found.baseline < high < 120


def test_uptime_is_the_share_of_hours_with_traffic():
    found = uptime(Traffic([5, 0, 9, 0], [4, 4, 4]))
    silent = math.exp(-1)
    assert found.value == 0.5
    assert found.p_value == pytest.approx(stats.binom.sf(1, 4, silent), rel=1e-12)
    assert found.effect == pytest.approx(0.5 - (1 - silent), rel=1e-12)
    busy = uptime(Traffic([900, 0], [3_000]))
    assert busy.p_value < 1e-300
    assert uptime(Traffic([1, 2], [2])).p_value == 1.0
    assert "earlier window" in uptime(Traffic([1, 0])).reason


def test_a_window_without_hours_has_neither_throughput_nor_uptime():
    assert throughput(0, Traffic([])).reason == NO_HOURS
    assert uptime(Traffic([])).reason == NO_HOURS


def test_no_rows_have_reasons_instead_of_numbers():
    found = operations(BINS, empty(BINS), empty(BINS), Traffic([0, 0]))
    assert (found.pop("throughput").value, found.pop("uptime").value) == (0.0, 0.0)
    assert all(one.value is None and one.reason for one in found.values())
    fresh = operations(BINS, empty(BINS), NOW, DAY)
    by_traffic = {"throughput", "uptime"}
    assert all(one.p_value is None for name, one in fresh.items() if name not in by_traffic)


def test_one_row_has_no_gap():
    found = operations(BINS, USUAL, profile_predictions(BINS, ROWS.slice(0, 1)), DAY)
    assert found["longest_gap"].reason == NO_GAPS
    assert found["gap_p99"].reason == NO_GAPS


def test_a_schema_without_operational_fields_says_what_to_declare():
    schema = replace(SCHEMA, fields=(FieldSpec("x", Role.FEATURE, Kind.NUMERIC),))
    plain = pa.table({"x": [1.0, 2.0]})
    bins = freeze(schema, plain)
    profile = profile_predictions(bins, plain)
    found = operations(bins, profile, profile, DAY)
    assert "role error" in found["error_rate"].reason
    assert "role latency" in found["latency_mean"].reason
    assert "role latency" in found["latency_p99"].reason


@pytest.mark.parametrize(("n", "most"), [(2, 0.14), (5, 0.09), (10, 0.09), (100, 0.08)])
def test_few_rows_do_not_alarm_more_often_than_many(n, most):
    rng = np.random.default_rng(n)
    p_values = []
    for _ in range(200):
        now = profile_predictions(BINS, pa.table({"ms": rng.normal(20, 3, n)}))
        usual = profile_predictions(BINS, pa.table({"ms": rng.normal(20, 3, 300)}))
        p_values.append(operations(BINS, usual, now, DAY)["latency_mean"].p_value)
    assert np.mean(np.array(p_values) < 0.05) <= most


def test_one_row_has_no_test():
    usual, now = (profile_predictions(BINS, pa.table({"ms": [1.0] * n})) for n in (9, 1))
    found = operations(BINS, usual, now, DAY)["latency_mean"]
    assert (found.value, found.p_value) == (1.0, None)
    assert "one row" in found.reason


@pytest.mark.parametrize("rows", [2, 7, 700, 30_000])
def test_constant_values_are_no_change(rows):
    # 0.1 has no exact binary form: means of different numbers of rows differ in the last bit.
    sides = [profile_predictions(BINS, pa.table({"ms": [0.1] * n})) for n in (3, rows)]
    found = operations(BINS, *sides, DAY)["latency_mean"]
    assert found.p_value == pytest.approx(1.0, abs=1e-3)
    other = profile_predictions(BINS, pa.table({"ms": [0.5] * 9}))
    assert operations(BINS, sides[0], other, DAY)["latency_mean"].p_value < 1e-6


def test_latencies_that_are_no_numbers_or_beyond_all_bins_do_no_harm():
    odd = pa.table({"ms": [np.nan, np.inf, -np.inf, -5.0, 1e9, 1e300]})
    found = operations(BINS, USUAL, profile_predictions(BINS, odd), DAY)
    assert found["latency_p99"].n == 3
    assert found["latency_p99"].value == pytest.approx(1e6)
    assert found["latency_p99"].parameters["bin_bound"] is None
    assert all(one.value is None or math.isfinite(one.value) for one in found.values())


@given(st.lists(st.integers(0, 60), min_size=1, max_size=6), st.randoms())
@settings(max_examples=25, deadline=None)
def test_the_order_of_merging_does_not_change_a_bit(sizes, random):
    ends = np.cumsum([0, *sizes])
    parts: list[Profile] = [
        profile_predictions(BINS, ROWS.slice(int(start), size))
        for start, size in zip(ends[:-1], sizes, strict=True)
    ]
    straight = operations(BINS, USUAL, merge(parts), DAY)
    random.shuffle(parts)
    assert operations(BINS, USUAL, merge([merge(parts[:3]), *parts[3:]]), DAY) == straight


@pytest.mark.parametrize("sd", [0.0, 1.0, 10.0, 1e4])
def test_values_far_from_zero_never_have_an_interval_that_is_too_short(sd):
    rng = np.random.default_rng(21)
    values = 1e9 + sd * rng.normal(size=2_000)
    sums = {"latency": total(values), "latency^2": total_of_squares(values)}
    counts = np.zeros(OPERATIONS_SIZE, np.int64)
    counts[:3] = 2_000
    profile = Profile("d", {"operations": counts}, sums)
    mean, error, n = _mean("latency", profile, 2_000)
    assert n == 2_000
    assert mean == pytest.approx(values.mean(), rel=1e-12)
    assert error >= 0.999 * values.std(ddof=1) / n**0.5
    if sd == 1e4:
        assert error == pytest.approx(values.std(ddof=1) / n**0.5, rel=1e-3)
