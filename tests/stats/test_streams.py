"""Streams: equal to River, quiet without change, and the hour of a change found."""

import numpy as np
import pytest
from river import drift

from monitoring.stats.streams import Adwin, PageHinkley, error_change, size_change

HOURS = 24 * 56


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("delta", [0.002, 0.2])
def test_adwin_finds_what_river_finds_at_the_same_values(seed, delta):
    rng = np.random.default_rng(seed)
    levels = np.repeat(rng.uniform(0, 1, 5), 700)
    stream = (
        (rng.random(levels.size) < levels).astype(float)
        if seed % 2
        else levels + rng.normal(0, 0.3, levels.size)
    )
    ours, theirs = Adwin(delta=delta), drift.ADWIN(delta=delta)
    for place, value in enumerate(stream.tolist()):
        found = ours.update(value)
        theirs.update(value)
        assert found == theirs.drift_detected, place
        assert ours.width == theirs.width
        assert ours.estimation == pytest.approx(theirs.estimation, abs=1e-9)
        if found:  # River begins anew with the next value
            ours = Adwin(delta=delta)


@pytest.mark.parametrize("seed", range(4))
def test_page_hinkley_signals_when_river_does(seed):
    rng = np.random.default_rng(seed)
    stream = np.concatenate([rng.normal(0, 1, 800), rng.normal(1.5, 1, 800), rng.normal(0, 1, 800)])
    ours, theirs = PageHinkley(threshold=20), drift.PageHinkley(threshold=20)
    signals = []
    for value in stream.tolist():
        found = ours.update(value)
        theirs.update(value)
        assert found == theirs.drift_detected
        signals.append(found)
    assert any(signals)


def hourly(rng, rate, hours=HOURS, rows=40):
    n = rng.poisson(rows, hours)
    return rng.binomial(n, rate), n


def test_without_change_a_year_of_models_is_quiet():
    rng = np.random.default_rng(1)
    found = [error_change("error_rate_change", *hourly(rng, 0.25), seed=s) for s in range(24)]
    p_values = np.array([one.p_value for one in found])
    assert (p_values <= 0.05).sum() <= 5, "of 24 about one"
    assert not any(one.parameters["confirmed"] for one in found if one.p_value > 0.01)


def test_the_hour_of_a_step_is_found_with_its_size():
    rng = np.random.default_rng(2)
    rate = np.where(np.arange(HOURS) < 900, 0.2, 0.3)
    found = error_change("error_rate_change", *hourly(rng, rate))
    assert found.parameters["confirmed"]
    assert abs(found.parameters["onset_hour"] - 900) <= 12
    assert found.effect == pytest.approx(0.1, abs=0.02)
    assert found.p_value < 1e-3
    assert found.low < 0.3 < found.high


def test_a_daily_rhythm_is_no_change():
    rng = np.random.default_rng(3)
    clock = np.arange(HOURS) % 24
    rate = np.where((clock > 7) & (clock < 20), 0.35, 0.15)
    alarms = sum(
        error_change("error_rate_change", *hourly(rng, rate), seed=s).p_value <= 0.01
        for s in range(16)
    )
    assert alarms <= 2


def test_the_size_of_errors_that_doubles_is_found():
    rng = np.random.default_rng(4)
    n = rng.poisson(30, HOURS)
    level = np.where(np.arange(HOURS) < 700, 5.0, 8.0)
    sums = np.array(
        [rng.exponential(one, count).sum() for one, count in zip(level, n, strict=True)]
    )
    found = size_change("error_size_change", sums, n)
    assert abs(found.parameters["onset_hour"] - 700) <= 6
    assert found.effect == pytest.approx(3.0, abs=0.5)


def test_too_few_hours_and_constant_errors_have_their_reason_or_no_change():
    few = error_change("error_rate_change", np.zeros(20, np.int64), np.ones(20, np.int64))
    assert few.value is None
    assert "days" in few.reason
    same = error_change("error_rate_change", np.zeros(500, np.int64), np.ones(500, np.int64))
    assert (same.p_value, same.effect) == (1.0, 0.0)
    none = error_change("error_rate_change", np.zeros(500, np.int64), np.zeros(500, np.int64))
    assert none.value is None


def test_equal_counts_and_seed_give_equal_bits():
    rng = np.random.default_rng(5)
    errors, n = hourly(rng, 0.3)
    assert error_change("x", errors, n, seed=3) == error_change("x", errors, n, seed=3)
