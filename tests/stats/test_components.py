"""Failures are counted by the stage of the pipeline that caused them."""

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from monitoring.stats.building import FAILED_COMPONENT, profile_outcomes
from monitoring.stats.components import component_errors
from monitoring.stats.profiles import empty, merge
from monitoring.stats.reference import FieldSpec, Kind, Role, Schema, Task, freeze

SCHEMA = Schema(
    Task.BINARY,
    (
        FieldSpec("said", Role.PREDICTION, Kind.CATEGORICAL),
        FieldSpec("was", Role.OUTCOME, Kind.CATEGORICAL),
    ),
    classes=("0", "1"),
    components=("retrieve", "rank", "answer"),
)


def failing(n, shares, seed=0):
    rng = np.random.default_rng(seed)
    stages = np.array([*SCHEMA.components, None, "mystery"], object)
    picked = stages[rng.choice(5, n, p=[*shares, 1 - sum(shares) - 0.01, 0.01])]
    was = pa.array(rng.integers(0, 2, n), mask=rng.random(n) < 0.2)
    return pa.table({"said": rng.integers(0, 2, n), "was": was, FAILED_COMPONENT: picked.tolist()})


USUAL_ROWS = failing(8_000, (0.02, 0.03, 0.05))
ROWS = failing(4_000, (0.02, 0.08, 0.05), seed=1)
BINS = freeze(SCHEMA, USUAL_ROWS)
USUAL, NOW = profile_outcomes(BINS, USUAL_ROWS), profile_outcomes(BINS, ROWS)


def test_shares_are_those_of_rows_whose_outcome_arrived():
    known = ROWS.to_pandas().dropna(subset=["was"])
    found = component_errors(BINS, USUAL, NOW)
    assert list(found) == ["retrieve", "rank", "answer"]
    for stage, one in found.items():
        assert one.value == pytest.approx((known[FAILED_COMPONENT] == stage).mean(), rel=1e-12)
        assert one.n == len(known)


def test_the_stage_that_got_worse_is_named_and_the_others_are_not():
    found = component_errors(BINS, USUAL, NOW)
    assert found["rank"].p_value < 1e-12
    assert found["rank"].effect == pytest.approx(0.05, abs=0.015)
    assert min(found["retrieve"].p_value, found["answer"].p_value) > 0.01
    now, usual = (side.counts["failed"] for side in (NOW, USUAL))
    table = [[now[1], now.sum() - now[1]], [usual[1], usual.sum() - usual[1]]]
    wanted = stats.chi2_contingency(table, correction=False).pvalue
    assert found["rank"].p_value == pytest.approx(wanted, rel=1e-9)


def test_rows_that_name_no_stage_or_an_unknown_one_are_counted_last():
    known = ROWS.to_pandas().dropna(subset=["was"])[FAILED_COMPONENT]
    assert NOW.counts["failed"][-1] == (~known.isin(SCHEMA.components)).sum()


def test_a_log_without_the_column_has_no_failures():
    profile = profile_outcomes(BINS, ROWS.drop_columns([FAILED_COMPONENT]))
    assert {one.value for one in component_errors(BINS, USUAL, profile).values()} == {0.0}


def test_no_outcome_yet_is_a_reason():
    found = component_errors(BINS, USUAL, empty(BINS))
    assert {one.reason for one in found.values()} == {"no rows"}
    assert component_errors(BINS, empty(BINS), NOW)["rank"].p_value is None


def test_one_after_the_other_is_the_same_as_all_at_once():
    parts = [profile_outcomes(BINS, ROWS.slice(start, 700)) for start in range(0, 4_000, 700)]
    assert component_errors(BINS, USUAL, merge(parts[::-1])) == component_errors(BINS, USUAL, NOW)
