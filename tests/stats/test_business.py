"""Business value equals what pandas finds in the raw rows."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from monitoring.stats.building import profile_outcomes, profile_predictions
from monitoring.stats.business import NO_VALUE, business, by_decision
from monitoring.stats.profiles import Profile, merge
from monitoring.stats.reference import FieldSpec, Kind, Role, Schema, Task, freeze

NAMES = ("a/b", "C", "C#", "ü^2")
SCHEMA = Schema(
    Task.MULTICLASS,
    (
        FieldSpec("said", Role.PREDICTION, Kind.CATEGORICAL),
        FieldSpec("was", Role.OUTCOME, Kind.CATEGORICAL),
        FieldSpec("euro", Role.VALUE, Kind.NUMERIC),
    ),
    classes=NAMES,
)
NUMBER = Schema(
    Task.REGRESSION,
    (
        FieldSpec("said", Role.PREDICTION, Kind.NUMERIC),
        FieldSpec("was", Role.OUTCOME, Kind.NUMERIC),
        FieldSpec("euro", Role.VALUE, Kind.NUMERIC),
    ),
)


def sold(n, seed=0, mean=5.0):
    rng = np.random.default_rng(seed)
    said = rng.choice([*NAMES, "unknown"], n)
    return pa.table(
        {
            "said": said,
            "was": np.where(rng.random(n) < 0.7, said, rng.choice(NAMES, n)),
            "euro": pa.array(rng.gamma(2, mean / 2, n), mask=rng.random(n) < 0.1),
        }
    )


USUAL_ROWS, ROWS = sold(5_000), sold(2_000, seed=1, mean=5.4)
BINS = freeze(SCHEMA, USUAL_ROWS)


def counted(table, bins=BINS):
    return merge([profile_predictions(bins, table), profile_outcomes(bins, table)])


USUAL, NOW = counted(USUAL_ROWS), counted(ROWS)
FRAME = ROWS.to_pandas()


def test_value_per_decision_and_in_total_are_pandas():
    found = business(USUAL, NOW)
    euro = FRAME.euro.dropna()
    assert found["value_per_decision"].value == pytest.approx(euro.mean(), rel=1e-12)
    assert found["value_total"].value == pytest.approx(euro.sum(), rel=1e-12)
    assert found["value_total"].n == len(euro)
    half = stats.norm.ppf(0.975) * euro.std(ddof=1) / len(euro) ** 0.5
    one = found["value_per_decision"]
    assert (one.low, one.high) == pytest.approx((euro.mean() - half, euro.mean() + half), rel=1e-9)


def test_the_reference_is_a_sample_too():
    found = business(USUAL, NOW)["value_per_decision"]
    usual, now = USUAL_ROWS.to_pandas().euro.dropna(), FRAME.euro.dropna()
    welch = stats.ttest_ind(now, usual, equal_var=False).pvalue
    assert found.effect == pytest.approx(now.mean() - usual.mean(), rel=1e-9)
    assert found.p_value == pytest.approx(welch, rel=1e-8)
    assert business(USUAL, NOW)["value_total"].p_value == pytest.approx(found.p_value, rel=1e-9)


def test_a_declared_target_comes_before_the_reference():
    found = business(USUAL, NOW, target=5.0)
    euro = FRAME.euro.dropna()
    wanted = stats.ttest_1samp(euro, 5).pvalue
    assert found["value_per_decision"].p_value == pytest.approx(wanted, rel=1e-8)
    assert found["value_per_decision"].baseline == 5.0
    assert found["value_total"].baseline == pytest.approx(5.0 * len(euro))
    assert found["value_total"].effect == pytest.approx(euro.sum() - 5 * len(euro), rel=1e-9)


def test_value_by_decision_is_the_grouped_mean_whatever_the_classes_are_called():
    found = by_decision(NOW)
    known = FRAME.dropna()
    for said in NAMES:
        own = known[known.said == said]
        assert found[said].value == pytest.approx(own.euro.mean(), rel=1e-12)
        for was in NAMES:
            cell = own[own.was == was].euro
            assert found[f"{said}, {was}"].value == pytest.approx(cell.mean(), rel=1e-12)
            assert found[f"{said}, {was}"].n == len(cell)
    assert found["(none)"].n == int((known.said == "unknown").sum())


def test_each_decision_is_compared_with_the_same_of_the_reference():
    found = by_decision(NOW, reference=USUAL)
    usual = USUAL_ROWS.to_pandas().dropna()
    assert found["C#"].baseline == pytest.approx(usual[usual.said == "C#"].euro.mean(), rel=1e-12)
    assert 0 <= found["C#"].p_value <= 1
    assert "reference" in by_decision(NOW, reference=Profile("d"))["C"].reason


def test_a_regression_has_one_value_of_all_rows():
    table = pa.table({"said": [1.0, 2.0, 3.0], "was": [1.0, 2.0, 2.0], "euro": [2.0, 4.0, None]})
    profile = counted(table, freeze(NUMBER, table))
    assert business(profile, profile)["value_total"].value == 6.0
    assert by_decision(profile) == {}


@pytest.mark.parametrize("values", [[], [None, None], [np.nan, np.inf, -np.inf]])
def test_no_value_is_a_reason_not_a_number(values):
    euro = pa.array(values, pa.float64())
    table = pa.table({"said": ["C"] * len(euro), "was": ["C"] * len(euro), "euro": euro})
    found = business(USUAL, counted(table))
    assert [one.reason for one in found.values()] == [NO_VALUE, NO_VALUE]
    assert by_decision(counted(table)) == {}


@pytest.mark.parametrize("rows", [2, 7, 700, 30_000])
def test_constant_values_are_no_change_and_others_are(rows):
    same, more = (
        counted(pa.table({"said": ["C"] * n, "was": ["C"] * n, "euro": [euro] * n}))
        for n, euro in ((3, 0.1), (rows, 0.1))
    )
    for found in (business(same, more), business(same, more, target=0.1)):
        assert all(one.p_value == pytest.approx(1.0, abs=1e-3) for one in found.values())
    assert business(same, more, target=0.2)["value_per_decision"].p_value < 1e-6


def test_neither_target_nor_reference_leaves_the_value():
    found = business(Profile("d"), NOW)["value_per_decision"]
    assert found.value is not None
    assert found.p_value is None
    assert "neither" in found.reason


@given(st.lists(st.integers(0, 80), min_size=1, max_size=6), st.randoms())
@settings(max_examples=25, deadline=None)
def test_the_order_of_merging_does_not_change_a_bit(sizes, random):
    ends = np.cumsum([0, *sizes])
    parts = [counted(ROWS.slice(int(s), n)) for s, n in zip(ends[:-1], sizes, strict=True)]
    straight = merge(parts)
    random.shuffle(parts)
    shuffled = merge([merge(parts[:2]), *parts[2:]])
    assert shuffled == straight
    assert business(USUAL, shuffled) == business(USUAL, straight)
