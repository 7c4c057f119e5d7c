"""Agreement of outcomes equals scikit-learn's and SciPy's on the raw rows."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import cohen_kappa_score

from monitoring.stats.agreement import NOTHING_IN_COMMON, agreement
from monitoring.stats.building import profile_agreement
from monitoring.stats.intervals import delta_error
from monitoring.stats.profiles import Profile, merge
from monitoring.stats.reference import FieldSpec, Kind, Role, Schema, Task, freeze

CLASSES = ("a", "b", "c")
LABELS = Schema(Task.MULTICLASS, (FieldSpec("was", Role.OUTCOME, Kind.CATEGORICAL),), CLASSES)
NUMBERS = Schema(Task.REGRESSION, (FieldSpec("was", Role.OUTCOME, Kind.NUMERIC),))


def judged(n, seed=0):
    rng = np.random.default_rng(seed)
    true = rng.choice(CLASSES, n, p=[0.6, 0.3, 0.1])
    other = np.where(rng.random(n) < 0.7, true, rng.choice([*CLASSES, "d"], n))
    return pa.table({"was": pa.array(true, mask=rng.random(n) < 0.1), "proxy": other})


def measured(n, seed=0, bias=0.5):
    rng = np.random.default_rng(seed)
    true = rng.normal(50, 10, n)
    proxy = true + bias + rng.normal(0, 4, n)
    return pa.table({"was": pa.array(true, mask=rng.random(n) < 0.1), "proxy": proxy})


LABEL_BINS, NUMBER_BINS = freeze(LABELS, judged(100)), freeze(NUMBERS, measured(100))


def of_labels(table):
    return profile_agreement(LABEL_BINS, table, "proxy")


def of_numbers(table):
    return profile_agreement(NUMBER_BINS, table, "proxy")


def test_kappa_and_share_are_scikit_learns():
    table = judged(4_000)
    frame = table.to_pandas().dropna()
    frame = frame[frame.proxy.isin(CLASSES)]
    found = agreement(of_labels(table))
    wanted = cohen_kappa_score(frame.was, frame.proxy)
    assert found["cohen_kappa"].value == pytest.approx(wanted, abs=1e-12)
    assert found["agreement_share"].value == pytest.approx((frame.was == frame.proxy).mean())
    assert found["cohen_kappa"].n == len(frame)


def test_the_error_of_kappa_is_that_of_the_delta_method_where_margins_differ():
    counts = np.array([[300, 90, 10], [30, 200, 5], [15, 120, 100]])

    def kappa(shares):
        table = shares.reshape(3, 3)
        chance = table.sum(axis=0) @ table.sum(axis=1)
        return (np.trace(table) - chance) / (1 - chance)

    found = agreement(Profile("d", {"agreement": counts}))["cohen_kappa"]
    assert found.standard_error == pytest.approx(delta_error(counts.ravel(), kappa), rel=1e-6)


def test_correlation_and_difference_are_scipys():
    table = measured(2_000)
    frame = table.to_pandas().dropna()
    found = agreement(of_numbers(table))
    wanted = stats.pearsonr(frame.was, frame.proxy)
    one = found["agreement_correlation"]
    assert one.value == pytest.approx(wanted.statistic, abs=1e-9)
    interval = wanted.confidence_interval(0.95)
    assert (one.low, one.high) == pytest.approx((interval.low, interval.high), abs=1e-9)
    difference = frame.proxy - frame.was
    assert found["agreement_difference"].value == pytest.approx(difference.mean(), abs=1e-12)
    half = stats.norm.ppf(0.975) * difference.std(ddof=0) / len(difference) ** 0.5
    assert found["agreement_difference"].high == pytest.approx(difference.mean() + half, abs=1e-9)


def test_no_row_in_common_is_a_reason():
    found = agreement(Profile("d"))
    assert {one.reason for one in found.values()} == {NOTHING_IN_COMMON}
    alone = pa.table({"was": ["a", None], "proxy": [None, "b"]})
    assert {one.reason for one in agreement(of_labels(alone)).values()} == {NOTHING_IN_COMMON}
    odd = pa.table({"was": [1.0, np.nan, np.inf], "proxy": [np.nan, 1.0, 2.0]})
    assert {one.value for one in agreement(of_numbers(odd)).values()} == {None}


def test_one_class_has_a_share_and_no_kappa():
    found = agreement(of_labels(pa.table({"was": ["a"] * 9, "proxy": ["a"] * 9})))
    assert found["agreement_share"].value == 1.0
    assert found["cohen_kappa"].value is None
    assert found["cohen_kappa"].reason


def test_a_constant_has_a_difference_and_no_correlation():
    found = agreement(of_numbers(pa.table({"was": [5.0] * 9, "proxy": np.arange(9.0)})))
    assert found["agreement_difference"].value == -1.0
    assert "constant" in found["agreement_correlation"].reason


def test_a_binary_and_a_text_spelling_of_a_class_agree():
    schema = Schema(Task.BINARY, (FieldSpec("was", Role.OUTCOME, Kind.CATEGORICAL),), ("0", "1"))
    table = pa.table({"was": [True, False, True], "proxy": ["1", "0", "0"]})
    profile = profile_agreement(freeze(schema, table), table, "proxy")
    assert profile.counts["agreement"].tolist() == [[1, 0], [1, 1]]


def test_a_schema_without_an_outcome_is_refused():
    schema = Schema(Task.REGRESSION, (FieldSpec("x", Role.FEATURE, Kind.NUMERIC),))
    table = pa.table({"x": [1.0]})
    with pytest.raises(ValueError, match="role outcome"):
        profile_agreement(freeze(schema, table), table, "proxy")


@given(st.lists(st.integers(0, 60), min_size=1, max_size=6), st.randoms(), st.booleans())
@settings(max_examples=30, deadline=None)
def test_the_order_of_merging_does_not_change_a_bit(sizes, random, numeric):
    table, count = (measured(360), of_numbers) if numeric else (judged(360), of_labels)
    ends = np.cumsum([0, *sizes])
    parts = [count(table.slice(int(s), n)) for s, n in zip(ends[:-1], sizes, strict=True)]
    straight = merge(parts)
    random.shuffle(parts)
    shuffled = merge([merge(parts[:2]), *parts[2:]])
    assert shuffled == straight
    assert agreement(shuffled) == agreement(straight)
