"""Many looks, k of n windows, one share of the budget."""

import numpy as np
import pytest
from scipy import special, stats

from monitoring.stats.sequential import (
    alarm_probability,
    alpha_per_look,
    chance_beyond,
    correlation,
    expected_alarms,
)


@pytest.mark.parametrize("open_after", [(1, 1), (2, 2), (2, 3), (3, 5)])
def test_independent_windows_alarm_as_the_binomial_says(open_after):
    k, n = open_after
    for alpha in (1e-4, 0.01, 0.3):
        wanted = alpha * sum(stats.binom.pmf(others, n - 1, alpha) for others in range(k - 1, n))
        assert alarm_probability(alpha, open_after=open_after) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("correlated", [0.1, 0.5, 0.9])
def test_windows_that_share_a_reference_alarm_as_simulated(correlated):
    rng = np.random.default_rng(1)
    shared = rng.normal(size=(200_000, 1))
    z = correlated**0.5 * shared + (1 - correlated) ** 0.5 * rng.normal(size=(200_000, 3))
    bad = np.abs(z) > 2
    seen = np.mean(bad[:, 2] & (bad[:, :2].sum(axis=1) >= 1))
    alpha = 2 * special.ndtr(-2.0)
    found = alarm_probability(alpha, open_after=(2, 3), correlated=correlated)
    assert found == pytest.approx(seen, rel=0.05)


def test_two_windows_that_share_a_reference_agree_as_the_bivariate_normal_does():
    alpha, rho = 0.02, 0.4
    at = -special.ndtri(alpha / 2)
    both = stats.multivariate_normal(cov=[[1, rho], [rho, 1]])
    wanted = 2 * both.cdf([-at, -at]) + 2 * (special.ndtr(-at) - both.cdf([-at, at]))
    found = alarm_probability(alpha, open_after=(2, 2), correlated=rho)
    assert found == pytest.approx(wanted, abs=1e-6)


@pytest.mark.parametrize("correlated", [0.0, 0.09, 0.5, 0.99, 1.0])
def test_alpha_spends_the_share_whole_and_never_more(correlated):
    for looks, open_after in ((13, (1, 1)), (2_160, (2, 3)), (2_160, (3, 4))):
        alpha = alpha_per_look(1 / 12, looks, open_after=open_after, correlated=correlated)
        spent = expected_alarms(alpha, looks, open_after=open_after, correlated=correlated)
        assert spent <= 1 / 12 * (1 + 1e-6)
        assert alpha == 0.05 or spent == pytest.approx(1 / 12, rel=1e-4)
        assert alpha >= min(0.05, 1 / 12 / looks) * (1 - 1e-6)


def test_a_monitor_that_never_looks_spends_nothing():
    assert alpha_per_look(1 / 12, 0) == 0
    assert expected_alarms(0.01, 0) == 0


def test_windows_correlate_through_the_reference_and_through_common_rows():
    assert correlation(rows=10_000, reference_rows=10_000) == pytest.approx(0.5)
    assert correlation(rows=10_000, reference_rows=1e12) == pytest.approx(0, abs=1e-6)
    assert correlation(rows=100, reference_rows=1e12, overlap=0.75) == pytest.approx(0.75)


def test_the_practical_minimum_may_leave_fewer_alarms_than_alpha_allows():
    beyond = chance_beyond(0.07, 0.0105, fields=25)
    assert beyond == pytest.approx(25 * 2 * special.ndtr(-0.07 / 0.0105))
    assert expected_alarms(0.01, 13, beyond=beyond) < 1e-6
    assert chance_beyond(0.1, 0.0) == 0
    assert chance_beyond(0.0, 0.01, fields=3) == 1


@pytest.mark.parametrize(
    "senseless",
    [
        lambda: alarm_probability(0.1, open_after=(3, 2)),
        lambda: alarm_probability(1.2),
        lambda: correlation(rows=0, reference_rows=5),
        lambda: correlation(rows=5, reference_rows=5, overlap=2),
    ],
)
def test_senseless_settings_are_refused(senseless):
    with pytest.raises(ValueError, match=r"k of n|Sizes"):
        senseless()
