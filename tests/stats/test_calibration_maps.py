"""Calibration maps against scikit-learn, and the rules for when one is worth a version."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, logit

from clients import ombud_calibration
from monitoring.stats import calibration_maps as maps
from monitoring.stats import recalibrating
from monitoring.stats.recalibrating import Rows
from sandbox.inside.chance_map import chance_map

VECTORS = Path(__file__).parents[2] / "clients" / "vectors" / "calibration.json"


def drawn(n, *, seed=0, slope=1.0, shift=0.0, days=60):
    """Scores whose log odds are `slope` times too large, moved by `shift`."""
    rng = np.random.default_rng(seed)
    truth = np.clip(rng.beta(1.5, 3, size=n), 1e-4, 1 - 1e-4)
    outcomes = (rng.random(n) < truth).astype(float)
    scores = expit(slope * logit(truth) + shift)
    return Rows(scores, outcomes, np.arange(n) * days // n)


def halves(n, **more):
    whole = drawn(n, **more)
    return whole.split(int(0.7 * n))


def test_isotonic_is_scikit_learn_s():
    from sklearn.isotonic import IsotonicRegression

    rows = drawn(3_000, slope=2.0)
    theirs = IsotonicRegression(out_of_bounds="clip").fit(rows.scores, rows.outcomes)
    mine = maps.isotonic(rows.scores, rows.outcomes)
    grid = np.linspace(0, 1, 501)
    np.testing.assert_allclose(maps.applied(mine, grid), theirs.predict(grid), atol=1e-9)


def test_platt_is_scikit_learn_s_on_log_odds():
    from sklearn.calibration import _SigmoidCalibration

    rows = drawn(3_000, slope=2.0, shift=0.5)
    theirs = _SigmoidCalibration().fit(logit(rows.scores), rows.outcomes)
    mine = maps.platt(rows.scores, rows.outcomes)
    np.testing.assert_allclose(
        maps.applied(mine, rows.scores), theirs.predict(logit(rows.scores)), atol=2e-5
    )


def test_beta_holds_the_line_of_log_odds_as_a_case():
    rows = drawn(4_000, slope=2.0)
    line, beta = (maps.fitted(one, rows.scores, rows.outcomes) for one in ("platt", "beta"))
    losses = [
        recalibrating.log_losses(maps.applied(one, rows.scores), rows.outcomes).mean()
        for one in (line, beta)
    ]
    assert losses[1] <= losses[0] + 1e-4
    assert beta["a"] >= 0
    assert beta["b"] >= 0


@pytest.mark.parametrize("method", maps.METHODS)
def test_a_known_distortion_is_undone(method):
    rows = drawn(40_000, slope=2.0, shift=0.7)
    found = maps.applied(maps.fitted(method, rows.scores, rows.outcomes), rows.scores)
    truth = expit((logit(rows.scores) - 0.7) / 2.0)
    assert np.abs(found - truth).mean() < 0.01


@pytest.mark.parametrize("method", maps.METHODS)
def test_sandbox_and_client_apply_a_map_as_the_statistics_do(method):
    rows = drawn(2_000, slope=1.7, seed=4)
    told = json.loads(json.dumps(maps.fitted(method, rows.scores, rows.outcomes)))
    grid = np.r_[0.0, 1.0, np.linspace(0, 1, 201), rows.scores[:50]]
    expected = maps.applied(told, grid)
    np.testing.assert_allclose(chance_map(told)(grid), expected, atol=1e-12)
    client = [ombud_calibration.calibrated(told, one) for one in grid]
    np.testing.assert_allclose(client, expected, atol=1e-12)


def test_the_client_answers_its_test_vectors(tmp_path):
    vectors = json.loads(VECTORS.read_text())
    assert {one["map"]["method"] for one in vectors} == set(maps.METHODS)
    for one in vectors:
        path = tmp_path / "calibration.json"
        path.write_text(json.dumps(one["map"]))
        told = ombud_calibration.load_map(path)
        for score, chance in one["answers"]:
            assert ombud_calibration.calibrated(told, score) == pytest.approx(chance, abs=1e-12)
            assert chance_map(told)(np.array([score]))[0] == pytest.approx(chance, abs=1e-12)


def test_what_cannot_be_fitted_or_read_is_said(tmp_path):
    with pytest.raises(ValueError, match="one class"):
        maps.platt(np.array([0.1, 0.9]), np.array([1.0, 1.0]))
    with pytest.raises(ValueError, match="the same"):
        maps.isotonic(np.array([0.5, 0.5]), np.array([0.0, 1.0]))
    path = tmp_path / "calibration.json"
    path.write_text('{"form": 2}')
    with pytest.raises(ValueError, match="another form"):
        ombud_calibration.load_map(path)
    with pytest.raises(ValueError, match="knows no method"):
        ombud_calibration.calibrated({"form": 1, "method": "magic"}, 0.5)


def test_scores_that_say_nothing_get_no_falling_map():
    rng = np.random.default_rng(3)
    scores, outcomes = rng.random(5_000), rng.random(5_000)
    upside = (outcomes < 1 - scores).astype(float)
    told = maps.platt(scores, upside)
    assert told["slope"] == 0
    chances = maps.applied(told, np.linspace(0, 1, 11))
    assert np.ptp(chances) == 0


def test_too_few_outcomes_are_refused():
    early, later = halves(300, slope=2.0)
    assert "Too few outcomes to learn from" in recalibrating.refusal(early, later)


def test_calibrated_scores_are_left_alone_whatever_is_drawn():
    """At most one in a hundred by the rule's own significance; 200 draws without a distortion."""
    refused = [recalibrating.refusal(*halves(4_000, seed=seed)) for seed in range(200)]
    assert sum(one == "" for one in refused) <= 4
    assert "Calibration is not the trouble" in next(one for one in refused if one)


def test_distorted_scores_are_found_and_mended():
    for seed in range(5):
        early, later = halves(12_000, slope=2.2, shift=0.5, seed=seed)
        assert recalibrating.refusal(early, later) == ""
        method, losses = recalibrating.chosen(early)
        assert set(losses) == set(maps.METHODS)
        told = maps.fitted(method, early.scores, early.outcomes)
        found = recalibrating.compared(later, maps.applied(told, later.scores))
        assert found["refusal"] == ""
        assert found["after"]["ece"]["value"] < found["before"]["ece"]["value"]
        assert found["differences"]["brier"]["high"] < 0
        assert len(found["after"]["reliability"]) > 5


def test_of_maps_that_do_the_same_the_simplest_is_chosen():
    early, _ = halves(12_000, slope=2.0)
    assert recalibrating.chosen(early)[0] == "platt"


def test_a_step_that_no_line_follows_is_left_to_isotonic():
    rng = np.random.default_rng(5)
    scores = rng.random(20_000)
    truth = np.where(scores < 0.5, 0.1, np.where(scores < 0.55, 0.9, 0.2 + 0.7 * (scores > 0.8)))
    truth = np.maximum.accumulate(np.sort(truth))[np.argsort(np.argsort(scores))]
    outcomes = (rng.random(20_000) < truth).astype(float)
    rows = Rows(scores, outcomes, np.arange(20_000) // 300)
    assert recalibrating.chosen(rows)[0] == "isotonic"


def test_what_would_harm_a_group_is_refused():
    """Two groups whose scores err to opposite sides: one map for both makes the smaller worse."""
    rng = np.random.default_rng(6)
    n = 20_000
    truth = rng.beta(1.5, 3, size=n)
    outcomes = (rng.random(n) < truth).astype(float)
    small = rng.random(n) < 0.15
    odds = logit(np.clip(truth, 1e-4, 1 - 1e-4))
    scores = expit(np.where(small, odds, odds + 1.2))
    days = np.arange(n) // 200
    parts = {"sex": ["F" if one else "M" for one in small]}
    early, later = Rows(scores, outcomes, days).split(int(0.7 * n))
    later = Rows(later.scores, later.outcomes, later.days, {"sex": parts["sex"][int(0.7 * n) :]})
    method, _ = recalibrating.chosen(early)
    told = maps.fitted(method, early.scores, early.outcomes)
    found = recalibrating.compared(later, maps.applied(told, later.scores))
    assert found["differences"]["brier"]["high"] < 0, "better on the whole"
    assert found["refusal"] == "It would make the chances worse for sex F."
