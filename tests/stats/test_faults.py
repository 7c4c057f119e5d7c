"""Which rows have a fault in a field, by kind."""

import doctest

import numpy as np
import pyarrow as pa
import pytest

from monitoring.stats import faults as module
from monitoring.stats.faults import faults
from monitoring.stats.reference import FieldSpec, Kind, Role

AGE = FieldSpec("x", Role.FEATURE, Kind.NUMERIC, low=0.0, high=120.0)
GATE = FieldSpec("x", Role.FEATURE, Kind.CATEGORICAL, categories=("Z9",), pattern="[A-Z][0-9]")


def told(spec, before, now, kind=None):
    sides = (pa.table({"x": pa.array(side, kind)}) for side in (before, now))
    return {one.name: one for one in faults(spec, *sides)}


def test_the_example_in_the_docstring_runs():
    assert doctest.testmod(module).failed == 0


def test_each_fault_of_a_number_names_its_rows():
    found = told(AGE, [30.0] * 9 + [None], [30.0, None, np.nan, np.inf, 130.0])
    assert found["is missing"].now.tolist() == [False, True, True, False, False]
    assert found["is missing"].before.sum() == 1
    assert found["is out of range"].now.tolist() == [False, False, False, True, True]


def test_a_value_that_became_frequent_is_a_sentinel():
    rng = np.random.default_rng(1)
    before, now = rng.normal(50, 10, 5_000), rng.normal(50, 10, 5_000)
    now[::50] = 0.0
    found = told(AGE, before, now)
    assert set(found) == {"is 0"}
    assert found["is 0"].now.sum() == 100


@pytest.mark.parametrize("share", [0.3, 0.5])
def test_a_value_that_was_always_frequent_is_none(share):
    rng = np.random.default_rng(2)
    rain = [np.where(rng.random(5_000) < part, 0.0, rng.random(5_000)) for part in (0.3, share)]
    assert told(AGE, *rain) == {}


def test_each_fault_of_a_text_names_its_rows():
    found = told(GATE, ["A1", "B2", None], ["A1", "Z9", "lost", None])
    assert found["is a new category"].now.tolist() == [False, False, True, False]
    assert found["breaks its pattern"].now.tolist() == [False, False, True, False]
    assert found["is missing"].now.tolist() == [False, False, False, True]
    assert found["is missing"].before.sum() == 1


def test_rows_without_a_fault_and_no_rows_have_none():
    assert told(AGE, [1.0, 2.0], [1.0, 2.0]) == {}
    assert told(AGE, [], [], pa.float64()) == {}
    assert told(GATE, [], [], pa.string()) == {}


def test_a_field_that_disappeared_is_missing_in_every_row():
    sides = (pa.table({"x": [1.0, 2.0]}), pa.table({"y": [1.0, 2.0, 3.0]}))
    (found,) = faults(AGE, *sides)
    assert (found.name, found.now.tolist()) == ("is missing", [True] * 3)
