"""Drift of explanations: the declared false-alarm rate holds, and real shifts are found."""

import numpy as np
import pytest

from monitoring.stats import explanations

NAMES = explanations.MEASURES


def drawn(n, rng, scale=(4.0, 2.0, 1.0, 0.5, 0.25)):
    """Contributions with heavy tails that hang together, as those of real answers do."""
    common = rng.standard_normal((n, 1))
    own = rng.standard_t(4, size=(n, len(scale)))
    return (0.5 * common + own) * np.array(scale)


@pytest.mark.parametrize("measure", NAMES)
def test_without_a_change_alarms_are_as_rare_as_declared(measure):
    """400 windows at alpha 0.05: between 2.6 % and 8.0 % (binomial, 99 %) for a valid test."""
    rng = np.random.default_rng(1)
    found = [
        explanations.shift(measure, drawn(200, rng), drawn(n, rng), seed=place).p_value
        for place, n in enumerate([50, 100, 200, 400] * 100)
    ]
    share = np.mean(np.array(found) < 0.05)
    assert share <= 0.08
    if measure == "importance_shift":
        assert share >= 0.026


def test_importance_that_moves_to_another_feature_is_found():
    rng = np.random.default_rng(2)
    for seed in range(10):
        moved = drawn(200, rng, scale=(2.0, 4.0, 1.0, 0.5, 0.25))
        found = explanations.shift("importance_shift", drawn(200, rng), moved, seed=seed)
        assert found.p_value < 0.001
        assert found.effect > 0.1
        assert found.low <= found.value <= found.high


def test_a_reversed_order_is_all_of_the_rank_shift():
    rng = np.random.default_rng(3)
    back = drawn(300, rng, scale=(0.25, 0.5, 1.0, 2.0, 4.0))
    found = explanations.shift("rank_shift", drawn(300, rng), back)
    assert found.value == pytest.approx(1.0)
    assert found.p_value < 0.001


def test_importances_are_those_of_numpy_and_scipy():
    from scipy.stats import spearmanr

    rng = np.random.default_rng(4)
    one, two = drawn(50, rng), drawn(60, rng, scale=(1, 1.2, 3, 0.1, 0.5))
    means = [np.abs(side).mean(axis=0) for side in (one, two)]
    parts = [side / side.sum() for side in means]
    found = explanations.shift("importance_shift", one, two)
    assert found.value == pytest.approx(np.abs(parts[0] - parts[1]).sum() / 2, abs=1e-12)
    ranks = explanations.shift("rank_shift", one, two)
    assert ranks.value == pytest.approx((1 - spearmanr(*means).statistic) / 2, abs=1e-12)
    np.testing.assert_allclose(explanations.shares(one), parts[0])


def test_the_same_seed_gives_the_same_bits():
    rng = np.random.default_rng(5)
    one, two = drawn(80, rng), drawn(90, rng)
    again = [explanations.shift("importance_shift", one, two, seed=9) for _ in range(2)]
    assert again[0] == again[1]


@pytest.mark.parametrize(
    ("reference", "window", "words"),
    [
        (np.ones((100, 3)), np.ones((5, 3)), "the window has fewer than 20"),
        (np.ones((5, 3)), np.ones((100, 3)), "the reference has fewer than 20"),
        (np.ones((30, 3)), np.ones((30, 2)), "over other features"),
        (np.ones((30, 1)), np.ones((30, 1)), "only one feature"),
        (np.zeros((30, 3)), np.ones((30, 3)), "no feature contributes"),
        (np.ones((30, 3)), np.full((30, 3), np.nan), "the window has fewer than 20"),
        (np.ones((30, 3)), np.zeros((0, 3)), "the window has fewer than 20"),
    ],
)
def test_what_cannot_be_compared_is_said(reference, window, words):
    found = explanations.shift("importance_shift", reference, window)
    assert found.value is None
    assert words in found.reason
