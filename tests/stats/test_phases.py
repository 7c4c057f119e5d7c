"""A reference for the hours that a window holds."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from monitoring.stats import null
from monitoring.stats.building import profile_predictions
from monitoring.stats.phases import (
    HOURS,
    SIZES,
    Scheme,
    choose_scheme,
    mixed_counts,
    phase_of,
    phase_of_hour,
    reference_for,
    rounded,
)
from monitoring.stats.profiles import merge, numeric_view
from tests.stats.conftest import flights

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
TILT = np.linspace(-1, 1, 10)


def season(kind, *, m=20_000, seed=1, effect=0.6):
    """Counts by hour of the week of a field of ten cells with one kind of season."""
    rng = np.random.default_rng(seed)
    table = np.zeros((HOURS, 10), np.int64)
    for hour in range(HOURS):
        day, clock = divmod(hour, 24)
        size = {
            "none": 0.0,
            "weekend": effect * (day >= 5),
            "weekday": effect * np.sin(2 * np.pi * day / 7),
            "hour": effect * np.sin(2 * np.pi * clock / 24),
            "weekend_hour": effect * np.sin(2 * np.pi * clock / 24) * (1 if day < 5 else -1),
            "week_hour": effect * np.sin(2 * np.pi * 13 * hour / HOURS),
        }[kind]
        shares = (1 + size * TILT) / 10
        table[hour] = rng.multinomial(m // HOURS, shares)
    return table


@pytest.mark.parametrize("scheme", list(Scheme))
def test_the_scheme_that_made_the_season_is_chosen(scheme):
    counts = {"a": season(scheme.value), "b": season("none", seed=2)}
    assert choose_scheme(counts, days=28).scheme is scheme


def test_without_a_season_phases_are_hardly_ever_chosen():
    chosen = [choose_scheme({"a": season("none", seed=seed)}, days=28).scheme for seed in range(40)]
    assert chosen.count(Scheme.NONE) >= 38


def test_a_season_too_small_to_matter_is_left_alone():
    counts = {"a": season("weekend", m=2_000_000, effect=0.1)}
    assert choose_scheme(counts, days=28).scheme is Scheme.NONE


def test_a_reference_of_ten_days_cannot_tell_a_weekend_from_an_odd_day():
    assert choose_scheme({"a": season("weekend")}, days=10).scheme in {Scheme.NONE, Scheme.HOUR}


def test_nothing_to_look_at_means_no_phases():
    assert choose_scheme({}, days=28).scheme is Scheme.NONE
    assert choose_scheme({"a": np.zeros((HOURS, 3), np.int64)}, days=28).scheme is Scheme.NONE


def test_every_hour_of_a_week_has_a_phase_and_every_phase_an_hour():
    for scheme in Scheme:
        moments = [MONDAY + timedelta(hours=hour) for hour in range(HOURS)]
        found = [phase_of(moment, scheme) for moment in moments]
        assert sorted(set(found)) == list(range(SIZES[scheme]))
        assert found == [phase_of_hour(hour, scheme) for hour in range(HOURS)]


def test_a_weekend_window_is_compared_with_weekends():
    rng = np.random.default_rng(1)
    tables = np.array([rng.multinomial(50_000, (1 + tilt * TILT) / 10) for tilt in (0, 0.6)])
    window = rng.multinomial(4_000, (1 + 0.6 * TILT) / 10)
    assert null.contingency(tables.sum(axis=0), window) < 1e-9
    assert null.contingency(mixed_counts([0, 4_000], tables), window) > 0.001


def test_a_mixed_reference_has_as_many_rows_as_it_is_worth():
    tables = np.array([[900, 100], [40, 60]])
    assert mixed_counts([1, 0], tables).sum() == 1_000
    half = mixed_counts([5, 5], tables)
    assert half.sum() == pytest.approx(1 / (0.25 / 1_000 + 0.25 / 100), abs=1)
    assert half[0] / half.sum() == pytest.approx((0.9 + 0.4) / 2, abs=0.005)


def test_windows_against_a_mixed_reference_alarm_as_often_as_they_should():
    rng = np.random.default_rng(2)
    shares = np.array([(1 + tilt * TILT) / 10 for tilt in (0, 0.6)])
    alarms = 0
    for _ in range(1_000):
        tables = np.array(
            [rng.multinomial(m, one) for m, one in zip((5_000, 300), shares, strict=True)]
        )
        window = sum(rng.multinomial(n, one) for n, one in zip((300, 700), shares, strict=True))
        alarms += null.contingency(mixed_counts([300, 700], tables), window) <= 0.05
    assert 25 <= alarms <= 70


def test_a_reference_over_all_phases_as_they_were_is_the_whole_reference(bins):
    parts = {phase: profile_predictions(bins, flights(500, seed=phase)) for phase in range(3)}
    found = reference_for(dict.fromkeys(parts, 70), parts)
    assert (found.rows, found.unseen) == (1_500, 0)
    whole = merge(parts.values())
    assert found.profile.counts["field/age"].tolist() == whole.counts["field/age"].tolist()
    one, other = (numeric_view(bins, side, "age") for side in (found.profile, whole))
    assert one.mean == pytest.approx(other.mean, rel=1e-9)
    assert one.sd == pytest.approx(other.sd, rel=1e-9)


def test_phases_that_the_reference_never_saw_take_the_whole_reference_and_are_told(bins):
    parts = {phase: profile_predictions(bins, flights(500, seed=phase)) for phase in range(2)}
    found = reference_for({0: 50, 7: 50}, parts)
    assert found.unseen == pytest.approx(0.5)
    assert found.weights == pytest.approx({0: 0.75, 1: 0.25})
    assert found.profile.rows == found.rows == 800


def test_a_window_without_rows_gets_the_whole_reference_and_none_is_refused(bins):
    part = profile_predictions(bins, flights(500))
    assert reference_for({}, {3: part}).profile.rows == 500
    with pytest.raises(ValueError, match="no rows"):
        reference_for({0: 5}, {})


def test_rounding_keeps_the_total():
    assert rounded(np.array([0.4, 0.4, 0.4, 2.8])).tolist() == [1, 0, 0, 3]
