"""Shapes: what was planted is found, and noise stays constant."""

import time

import numpy as np
import pytest

from monitoring.stats.shapes import Shape, shape_of

N = 60
PLACES = np.arange(N)
PLANTED = {
    Shape.SUDDEN: np.where(PLACES >= 25, 1.0, 0.0),
    Shape.GRADUAL: np.clip((PLACES - 20) / 15, 0, 1),
    Shape.INCREMENTAL: PLACES / N * 2,
    Shape.RECURRING: np.where((PLACES >= 20) & (PLACES < 40), 1.0, 0.0),
}


@pytest.mark.parametrize("shape", PLANTED)
def test_a_planted_shape_is_found_with_its_onset_and_size(shape):
    hits = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        found = shape_of(PLANTED[shape] + rng.normal(0, 0.1, N))
        hits += found.shape is shape
        assert found.best.size == pytest.approx(2.0 if shape is Shape.INCREMENTAL else 1.0, abs=0.3)
    assert hits >= 17
    if shape is Shape.SUDDEN:
        assert abs(found.best.onset - 25) <= 1


def test_noise_is_constant_or_uncertain():
    told = [shape_of(np.random.default_rng(seed).normal(size=N)).shape for seed in range(60)]
    assert sum(one not in {Shape.CONSTANT, Shape.UNCERTAIN} for one in told) <= 4


@pytest.mark.parametrize("n", [12, 16, 20, 40, 120])
def test_noise_of_any_length_has_a_shape_in_at_most_five_of_a_hundred(n):
    rng = np.random.default_rng(n)
    told = [shape_of(rng.normal(size=n)).shape for _ in range(400)]
    named = sum(one not in {Shape.CONSTANT, Shape.UNCERTAIN} for one in told)
    assert named <= 0.05 * 400


def test_many_windows_take_a_moment():
    series = np.random.default_rng(1).normal(size=120)
    begun = time.process_time()
    for _ in range(5):
        shape_of(series)
    assert (time.process_time() - begun) / 5 < 0.1


def test_windows_that_are_known_better_weigh_more():
    values = np.zeros(20)
    values[3] = 5.0
    errors = np.full(20, 0.1)
    errors[3] = 50.0
    assert shape_of(values, errors).best.size == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize("values", [[], [1.0] * 5, [np.nan] * 20, [1.0] * 20])
def test_too_short_or_constant_series_have_a_reason(values):
    found = shape_of(values)
    assert found.best is None
    assert found.reason


def test_four_hundred_windows_are_bounded():
    rng = np.random.default_rng(0)
    assert shape_of(rng.normal(size=400)).best is not None
