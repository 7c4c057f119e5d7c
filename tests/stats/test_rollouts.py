"""Assignment is uniform and monotone; guard-rails keep their rate of false stops and find harm."""

import numpy as np
import pytest
from scipy import stats

from monitoring.stats.experiments import Better, Moments
from monitoring.stats.experiments.assignment import WHOLE, position, role_of
from monitoring.stats.experiments.guards import harmful
from monitoring.stats.experiments.strata import (
    stratified_means,
    stratified_shares,
    stratified_traffic,
)

SALT, KEY = "5a" * 16, "flight-delay/2-against-1/20260302"
SHARES = (0.01, 0.05, 0.2, 0.5)
ROUNDS, LOOKS, ROWS = 100, 3, 800


def test_positions_are_uniform():
    places = [position(SALT, KEY, f"customer-{n}") >> 58 for n in range(64_000)]
    counts = np.bincount(places, minlength=64)
    assert stats.chisquare(counts).pvalue > 0.001


@pytest.mark.parametrize("unit", ["{}", "a{}@example.org", "{:036d}"])
def test_the_share_of_units_is_the_declared_one(unit):
    n = 40_000
    for parts in (100, 500, 2_000, 5_000):
        roles = [role_of(position(SALT, KEY, unit.format(k)), parts) for k in range(n)]
        hits = roles.count("challenger")
        assert stats.binomtest(hits, n, parts / WHOLE).pvalue > 0.0001


def test_raising_the_share_moves_no_unit_back():
    for n in range(500):
        place = position(SALT, KEY, str(n))
        found = [role_of(place, parts) for parts in range(0, WHOLE + 1, 100)]
        assert found == sorted(found, key=["champion", "challenger"].index)
        assert (found[0], found[-1]) == ("champion", "challenger")


def test_another_salt_or_experiment_draws_anew():
    n = 20_000
    usual = np.array([position(SALT, KEY, str(k)) / 2**64 < 0.5 for k in range(n)])
    for salt, key in (("a5" * 16, KEY), (SALT, "other")):
        other = np.array([position(salt, key, str(k)) / 2**64 < 0.5 for k in range(n)])
        assert abs(np.mean(usual == other) - 0.5) < 0.02


def looks(rng, usual, new):
    """Strata as a rollout sees them, look by look: each step has some looks, and its own base."""
    strata = []
    for share, drift in zip(SHARES, (0.0, 0.05, -0.03, 0.02), strict=True):
        hits = n = usual_hits = m = 0
        for _ in range(LOOKS):
            rows = int(rng.binomial(ROWS, share))
            n, m = n + rows, m + ROWS - rows
            hits += int(rng.binomial(rows, new + drift))
            usual_hits += int(rng.binomial(ROWS - rows, usual + drift))
            yield [*strata, ((hits, n), (usual_hits, m))]
        strata.append(((hits, n), (usual_hits, m)))


def stopped_at(rng, usual, new, margin, confidence):
    for place, strata in enumerate(looks(rng, usual, new)):
        found = stratified_shares(strata, confidence=confidence)
        if harmful(found, margin, Better.LOWER):
            return place
    return None


def test_the_declared_rate_of_false_stops_holds_at_the_margin():
    rng = np.random.default_rng(5)
    stops = [stopped_at(rng, 0.2, 0.22, 0.02, 0.9) for _ in range(ROUNDS)]
    false = sum(one is not None for one in stops)
    assert stats.binomtest(false, ROUNDS, 0.1, alternative="greater").pvalue > 0.01


def test_harm_is_found():
    rng = np.random.default_rng(6)
    stops = [stopped_at(rng, 0.2, 0.45, 0.02, 0.95) for _ in range(60)]
    assert all(one is not None for one in stops)
    assert np.median([one for one in stops if one is not None]) < 3 * LOOKS


def test_time_is_not_taken_for_a_difference():
    """Pooled, the challenger would look worse: most of its rows are of a bad time."""
    strata = [((2, 20), (198, 1_980)), ((400, 1_000), (400, 1_000))]
    found = stratified_shares(strata)
    assert found.value == pytest.approx(0.0)
    assert found.low < 0 < found.high
    pooled = 402 / 1_020 - 598 / 2_980
    assert pooled > 0.15


def test_means_over_steps_keep_their_rate_and_find_harm():
    rng = np.random.default_rng(7)

    def stops(gap):
        strata, kept = [], []
        for share in SHARES[1:]:
            new = rng.normal(gap, 1, int(2_400 * share))
            usual = rng.normal(0, 1, 2_400 - new.size)
            for part in (0.25, 0.5, 0.75, 1.0):
                seen = [values[: int(part * values.size)] for values in (new, usual)]
                arms = [Moments(v.size, float(v.sum()), float((v**2).sum())) for v in seen]
                kept = [*strata, tuple(arms)]
                found = stratified_means(kept, planned=7_200, confidence=0.9)
                if harmful(found, 0.0, Better.LOWER):
                    return True
            strata = kept
        return False

    false = sum(stops(0.0) for _ in range(ROUNDS))
    assert stats.binomtest(false, ROUNDS, 0.1, alternative="greater").pvalue > 0.01
    assert all(stops(0.5) for _ in range(40))


def test_traffic_of_many_steps_is_judged_against_each_steps_share():
    rng = np.random.default_rng(8)

    def refuted(off):
        steps = []
        for share in SHARES:
            new = int(rng.binomial(4_000, min(share * off, 1.0)))
            steps.append((4_000 - new, new, share))
            found = stratified_traffic(steps)
            if found.parameters["always_valid_p"] < 0.05:
                return True
        return False

    assert sum(refuted(1.0) for _ in range(400)) <= 30
    assert all(refuted(1.3) for _ in range(40))


def test_steps_without_rows_say_so():
    assert stratified_shares([]).reason
    assert stratified_traffic([(0, 0, 0.5)]).reason
    assert stratified_means([], planned=10).reason
