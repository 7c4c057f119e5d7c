"""Rows that are new, and rows far out, are those that NumPy finds row by row."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.spatial.distance import mahalanobis

from monitoring.stats.building import profile_predictions
from monitoring.stats.joint import CLIP, FIXED, SHRINK, standardised
from monitoring.stats.novelty import TOO_FEW_FIELDS, novelty
from monitoring.stats.profiles import empty, merge
from monitoring.stats.reference import FieldSpec, Kind, Role, Schema, Task, freeze

SCHEMA = Schema(
    Task.REGRESSION,
    (
        FieldSpec("a", Role.FEATURE, Kind.NUMERIC, low=-10.0, high=10.0),
        FieldSpec("b", Role.FEATURE, Kind.NUMERIC),
        FieldSpec("c", Role.FEATURE, Kind.NUMERIC),
        FieldSpec("w", Role.FEATURE, Kind.CATEGORICAL),
    ),
)


def rows(n, seed=0, twist=0.8):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n))
    return pa.table(
        {
            "a": pa.array(a, mask=rng.random(n) < 0.03),
            "b": twist * a + (1 - twist**2) ** 0.5 * b,
            "c": rng.exponential(1, n),
            "w": rng.choice(["x", "y"], n),
        }
    )


USUAL_ROWS = rows(20_000)
BINS = freeze(SCHEMA, USUAL_ROWS)
USUAL = profile_predictions(BINS, USUAL_ROWS)


def found_in(table, reference=USUAL):
    return novelty(reference, profile_predictions(BINS, table))


def test_a_row_is_new_once_however_much_of_it_is_new():
    table = pa.table(
        {
            "a": [11.0, 0.0, np.inf, None, 0.0, -11.0],
            "b": [0.0, 0.0, 0.0, 0.0, -np.inf, 0.0],
            "c": [1.0] * 6,
            "w": ["z", "z", "x", "x", None, "x"],
        }
    )
    found = found_in(table)["novel_share"]
    assert found.value == pytest.approx(5 / 6)
    assert found.n == 6
    table = [[5, 1], [0, 20_000]]
    assert found.p_value == pytest.approx(stats.fisher_exact(table).pvalue, rel=1e-9)


def test_distances_are_scipys():
    space = BINS.joint
    fixed, present = standardised(space, USUAL_ROWS)
    whole = fixed[present.all(axis=1)] / FIXED
    covariance = np.cov(whole, rowvar=False)
    shrunk = (1 - SHRINK) * covariance + SHRINK * np.diag(np.diag(covariance))
    inverse = np.linalg.inv(shrunk)
    centre = whole.mean(axis=0)
    wanted = [mahalanobis(row, centre, inverse) ** 2 for row in whole[:500]]
    assert space.distances(whole[:500] * FIXED) == pytest.approx(wanted, rel=1e-9)


def test_standardised_values_are_medians_and_deviations_in_fixed_point():
    fixed, present = standardised(BINS.joint, USUAL_ROWS)
    b = USUAL_ROWS["b"].to_numpy()
    z = np.clip((b - BINS.numeric["b"].centre) / b.std(), -CLIP, CLIP)
    assert np.abs(fixed[:, 1] - z * FIXED).max() <= 0.5 + 1e-9
    assert (fixed[~present] == 0).all()


def test_one_reference_row_in_a_thousand_is_distant():
    complete = int(np.isfinite(USUAL_ROWS["a"].to_numpy(zero_copy_only=False)).sum())
    usual = USUAL.counts["novel"].tolist()
    assert usual[2] == complete
    assert usual[3] == pytest.approx(complete / 1_000, abs=1)


def test_a_broken_correlation_makes_rows_distant_though_no_field_moved():
    fresh, twisted = found_in(rows(5_000, seed=1)), found_in(rows(5_000, seed=2, twist=-0.8))
    assert fresh["distant_share"].p_value > 0.01
    assert twisted["distant_share"].p_value < 1e-12
    assert twisted["distant_share"].effect > 0.01
    assert twisted["novel_share"].p_value > 0.01


def test_equal_windows_seldom_look_new():
    small = sum(
        found_in(rows(500, seed=10 + seed))["distant_share"].p_value < 0.05 for seed in range(200)
    )
    assert small / 200 < 0.09


def test_a_singular_reference_still_has_distances():
    table = pa.table(
        {"a": np.arange(50.0) / 10, "b": np.arange(50.0), "c": [7.0] * 50, "w": ["x"] * 50}
    )
    bins = freeze(SCHEMA, table)
    profile = profile_predictions(bins, table)
    assert np.isfinite(bins.joint.whitening).all()
    assert novelty(profile, profile)["distant_share"].value == 0.0


@pytest.mark.parametrize("scale", [1e-310, 1e308])
def test_features_of_absurd_size_are_standardised(scale):
    values = np.array([-1.0, 0.0, 1.0] * 20) * scale
    table = pa.table({"a": [0.0] * 60, "b": values, "c": values, "w": ["x"] * 60})
    bins = freeze(SCHEMA, table)
    assert np.isfinite(standardised(bins.joint, table)[0]).all()
    assert novelty(*[profile_predictions(bins, table)] * 2)["distant_share"].n == 60


def test_no_rows_and_missing_features_have_reasons():
    none = novelty(USUAL, empty(BINS))
    assert (none["novel_share"].reason, none["distant_share"].reason) == ("no rows", TOO_FEW_FIELDS)
    gone = found_in(pa.table({"w": ["x", "y"]}))
    assert gone["novel_share"].value == 0.0
    assert gone["distant_share"].reason == TOO_FEW_FIELDS


def test_without_a_reference_there_is_a_share_and_no_test():
    found = found_in(rows(50), reference=empty(BINS))
    assert found["novel_share"].value == 0.0
    assert found["novel_share"].p_value is None


@given(st.lists(st.integers(0, 60), min_size=1, max_size=6), st.randoms())
@settings(max_examples=25, deadline=None)
def test_the_order_of_merging_does_not_change_a_bit(sizes, random):
    ends = np.cumsum([0, *sizes])
    parts = [
        profile_predictions(BINS, USUAL_ROWS.slice(int(start), size))
        for start, size in zip(ends[:-1], sizes, strict=True)
    ]
    straight = merge(parts)
    random.shuffle(parts)
    assert merge([merge(parts[:2]), *parts[2:]]) == straight
