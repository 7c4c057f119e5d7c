"""Correlations and reconstruction errors from sums equal those of the rows."""

import numpy as np
import pytest
from scipy import stats
from sklearn.decomposition import PCA

from monitoring.stats import moments
from monitoring.stats.moments import Moments

RNG = np.random.default_rng(9)
NAMES = ["a", "b", "c", "d"]
MIX = np.array([[1, 0.8, 0, 0], [0, 0.6, 0, 0], [0, 0, 1, 0.3], [0, 0, 0, 1.0]])


def moments_of(rows):
    fixed = np.round(rows * 1024).astype(np.int64)
    full = np.full((rows.shape[1],) * 2, rows.shape[0])
    return Moments(fixed.sum(axis=0), fixed.T @ fixed, full)


def rows(n, mix=MIX):
    return RNG.normal(size=(n, 4)) @ mix


def test_the_pair_whose_correlation_changed_is_named():
    broken = MIX.copy()
    broken[:, 1] = [0, 1, 0, 0]
    before, after = rows(20_000), rows(3_000, broken)
    found = moments.correlation_change(moments_of(before), moments_of(after), NAMES)
    wanted = np.abs(np.corrcoef(after.T) - np.corrcoef(before.T)).max()
    assert found.value == pytest.approx(wanted, abs=2e-3)
    assert found.parameters["pair"] == "a * b"
    assert found.p_value < 1e-12


def test_windows_without_change_keep_the_level():
    reference = moments_of(rows(50_000))
    alarms = {"correlation": 0, "pca": 0}
    for _ in range(300):
        window = moments_of(rows(500))
        change = moments.correlation_change(reference, window, NAMES)
        alarms["correlation"] += change.p_value <= 0.05
        alarms["pca"] += moments.pca_error(reference, window).p_value <= 0.05
    assert max(alarms.values()) <= stats.binom.ppf(0.9999, 300, 0.05)


def test_the_reconstruction_error_equals_scikit_learns():
    before, after = rows(20_000), rows(3_000, np.eye(4))
    mean, sd = before.mean(axis=0), before.std(axis=0)
    left, right = (before - mean) / sd, (after - mean) / sd
    found = moments.pca_error(moments_of(before), moments_of(after))
    kept = 4 - found.parameters["components_left_out"]
    pca = PCA(kept).fit(left)
    errors = [
        ((side - pca.inverse_transform(pca.transform(side))) ** 2).sum(axis=1).mean()
        for side in (left, right)
    ]
    assert found.value == pytest.approx(errors[1] / errors[0], rel=2e-3)
    assert found.p_value < 1e-9


def test_constant_or_few_rows_have_a_reason():
    flat = moments_of(np.ones((50, 4)))
    single = moments_of(rows(1))
    for side in (flat, single):
        assert moments.correlation_change(side, side, NAMES).reason
        assert moments.pca_error(side, side).reason
