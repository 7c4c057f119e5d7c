"""Errors of a regression: quantiles within their bound, percentages, and group by group."""

import numpy as np
import pytest

from monitoring.stats import performance
from monitoring.stats.exact import exact
from monitoring.stats.profiles import Profile, empty
from monitoring.stats.reference import Bins, FieldSpec, Kind, Role, Schema, Task
from tests.stats.test_stability import assert_defined

SCHEMA = Schema(
    Task.REGRESSION, (FieldSpec("region", Role.GROUP, Kind.CATEGORICAL),), groups=("region",)
)
BINS = Bins(SCHEMA, levels={"region": ("north", "south")}, residual_scale=10.0)


def histogram_of(residuals):
    return np.histogram(residuals, BINS.residual_edges)[0]


def residuals(n, seed, scale=3.0):
    return np.random.default_rng(seed).normal(0.5, scale, n)


@pytest.mark.parametrize("n", [50, 1_000, 20_000])
def test_quantiles_of_the_error_lie_within_their_bound(n):
    errors = residuals(n, 7)
    found = performance.error_quantiles(BINS, histogram_of(errors))
    for kind, values in (("error", errors), ("absolute_error", np.abs(errors))):
        for percent in (5, 50, 95):
            one = found[f"{kind}_p{percent}"]
            wanted = np.quantile(values, percent / 100, method="inverted_cdf")
            assert abs(one.value - wanted) <= one.parameters["bin_bound"] + 1e-12
            assert one.low <= one.value <= one.high


def test_the_interval_of_a_quantile_covers_as_often_as_it_says():
    covered = 0
    for seed in range(400):
        one = performance.error_quantiles(BINS, histogram_of(residuals(400, seed)))["error_p50"]
        covered += one.low <= 0.5 <= one.high
    assert covered >= 366


def test_errors_beyond_the_histogram_have_a_reason():
    found = performance.error_quantiles(BINS, histogram_of(np.full(10, 1e9)))
    assert found["error_p50"].value is None
    assert "outermost" in found["error_p50"].reason
    for one in found.values():
        assert_defined(one)


def test_a_perfect_regression_has_an_error_of_nearly_nothing():
    found = performance.error_quantiles(BINS, histogram_of(np.zeros(30)))
    one = found["absolute_error_p95"]
    assert one.value <= 0.01
    assert one.value <= one.parameters["bin_bound"]


def test_the_percentage_error_leaves_out_outcomes_of_zero():
    truth, answer = np.array([10.0, 20.0, 0.0, -5.0]), np.array([11.0, 15.0, 3.0, -5.0])
    parts = np.abs(answer - truth)[truth != 0] / np.abs(truth[truth != 0])
    sums = {
        "labelled/percentage": exact(float(parts.sum())),
        "labelled/percentage^2": exact(float((parts**2).sum())),
    }
    profile = Profile(
        BINS.digest,
        {"percentage": np.array([3]), "residual": np.zeros(204, np.int64)},
        sums,
    )
    found = performance.regression(profile)["mape"]
    assert found.value == pytest.approx((0.1 + 0.25 + 0) / 3)
    assert found.n == 3
    zero = Profile(BINS.digest, {"percentage": np.array([0]), "labelled": np.array([4])})
    assert performance.regression(zero)["mape"].reason == "no outcome differs from 0"


@pytest.mark.parametrize("rows", [0, 1])
def test_hardly_any_rows_give_reasons_or_numbers(rows):
    for one in performance.error_quantiles(BINS, histogram_of(residuals(rows, 0))).values():
        assert_defined(one)
    for one in performance.regression(empty(BINS)).values():
        assert_defined(one)


def test_a_field_that_was_not_declared_is_refused():
    with pytest.raises(KeyError):
        performance.regression_by_group(BINS, empty(BINS), "colour")
    assert performance.regression_by_group(BINS, empty(BINS), "region") == {}
