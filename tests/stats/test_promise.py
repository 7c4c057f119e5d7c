"""A small part of `make calibrate` with fixed seeds: quiet models stay quiet, changes are found."""

import pytest

from benchmarks.calibrate.monitors import one_sample
from benchmarks.calibrate.power import PLANTED, auc_power, power
from benchmarks.calibrate.quiet import Setting, Tally, margins, quarter
from monitoring.stats import null

SETTINGS = [
    Setting(reference=m, window=n, fields=5, levels=levels, season=season, mass=mass)
    for m, n in ((1_000, 100), (1_000, 10_000), (10_000, 10_000), (100_000, 1_000))
    for levels in (2, 20)
    for season, mass in ((False, False), (False, True), (True, True))
]


def campaign(contingency):
    results = {
        setting: quarter(setting, seed, contingency=contingency)
        for seed, setting in enumerate(SETTINGS)
    }
    return margins(results)["all"]


def keeps_the_promise(tally: Tally):
    return tally.kept and not tally.broken


def test_without_change_the_declared_number_of_false_alarms_is_kept():
    seen = campaign(null.contingency)
    assert seen.quarters > 15
    assert keeps_the_promise(seen)
    assert seen.alarms <= seen.significant


def test_a_test_that_takes_the_reference_as_exact_breaks_the_promise():
    seen = campaign(one_sample)
    assert not keeps_the_promise(seen)
    assert seen.broken == ["psi"]


@pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)
def test_a_small_change_is_found_within_two_windows(planted):
    assert power(planted, 100_000, 8).second == 8


def test_an_auc_that_falls_by_three_points_is_found_within_two_windows():
    found = auc_power(100_000, 60)
    assert found.second >= 57
