"""Faults of columns, texts, identities and arrival are found and tested."""

import math

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from monitoring.stats import quality, structure
from monitoring.stats.building import profile_predictions
from monitoring.stats.reference import FieldSpec, Kind, Role, Schema, Task, freeze


def test_fields_that_vanish_appear_empty_or_change_type_are_named():
    declared = {"a": "double", "b": "double", "c": "string", "d": "double"}
    seen = {"a": "double", "b": "string", "c": "string", "e": "int64"}
    found = structure.schema_changes(declared, seen, rows=5, nulls={"c": 5})
    changes = {name: finding.parameters["change"] for name, finding in found.items()}
    assert changes == {"a": "", "b": "type", "c": "empty", "d": "disappeared", "e": "appeared"}
    assert found["a"].value == 0.0
    assert found["b"].value == 1.0
    assert structure.schema_changes(declared, seen, rows=0, nulls={})["a"].reason == "no rows"


def test_texts_off_the_pattern_are_counted_and_tested_as_fishers_test_does():
    good = pa.array(["N123"] * 20 + [None])
    bad = pa.array(["N123"] * 6 + ["?"] * 4)
    found = structure.pattern_share(bad, good, "^N[0-9]+$")
    assert found.value == 0.4
    wanted = stats.fisher_exact([[4, 6], [0, 20]]).pvalue
    assert found.p_value == pytest.approx(wanted, abs=1e-12)
    with pytest.raises(ValueError, match="no regular expression"):
        structure.pattern_misses(good, "(")


def test_texts_that_are_no_numbers_are_counted():
    found = structure.type_share(pa.array(["1", "-2.5e3", "x", None]), pa.array(["1", "2"]))
    assert found.value == pytest.approx(1 / 3)


def test_duplicates_and_freshness():
    assert structure.duplicates(90, 100, 1_000, 1_000).effect == pytest.approx(0.1)
    late = structure.freshness(600.0, usual_gap=60.0)
    assert late.p_value == pytest.approx(math.exp(-10))
    assert structure.freshness(None, usual_gap=60.0).reason
    assert structure.freshness(5.0, usual_gap=None).reason
    assert structure.duplicates(0, 0, 5, 5).reason == "no rows"


def test_a_field_of_many_rare_categories_brings_new_ones_without_having_changed():
    rng = np.random.default_rng(8)
    shares = 1 / np.arange(1, 501) ** 1.1
    shares /= shares.sum()
    schema = Schema(Task.BINARY, (FieldSpec("code", Role.FEATURE, Kind.CATEGORICAL),), ("0", "1"))
    alarms = 0
    for _ in range(100):
        usual, now = (
            pa.table({"code": rng.choice(500, n, p=shares).astype(str)}) for n in (2000, 1000)
        )
        bins = freeze(schema, usual)
        sides = [profile_predictions(bins, side) for side in (usual, now)]
        alarms += (quality.quality(bins, *sides, "code")["unseen_share"].p_value or 1.0) <= 0.01
    assert alarms <= 5
