"""What a change is made of: features, segments, faults."""

import math

import numpy as np
import pytest
from scipy import stats

from monitoring.stats.findings import Finding, undefined
from monitoring.stats.root_cause import (
    Cause,
    CauseKind,
    Part,
    decompose,
    fault_cause,
    feature_causes,
    mean_p,
    ranked,
    segment_causes,
)

BEFORE = {"short": Part(600, 60, 60), "long": Part(400, 120, 120)}
AFTER = {"short": Part(300, 36, 36), "long": Part(700, 224, 224)}


def part(values):
    return Part(values.size, float(values.sum()), float((values**2).sum()))


def test_a_change_of_mix_and_within_adds_up_by_hand():
    found = decompose(BEFORE, AFTER)
    short, long = {one.name: one for one in found.shifts}["short"], found.shifts[0]
    assert found.change == pytest.approx(0.26 - 0.18)
    assert short.mix == pytest.approx((0.3 - 0.6) * ((0.10 + 0.12) / 2 - 0.22))
    assert short.within == pytest.approx((0.12 - 0.10) * 0.45)
    assert long.mix == pytest.approx((0.7 - 0.4) * ((0.30 + 0.32) / 2 - 0.22))
    assert long.within == pytest.approx((0.32 - 0.30) * 0.55)


@pytest.mark.parametrize("seed", range(20))
def test_the_components_sum_to_the_change(seed):
    rng = np.random.default_rng(seed)
    sides = [
        {f"s{place}": part(rng.normal(place, 3, rng.integers(1, 200))) for place in range(12)}
        for _ in range(2)
    ]
    found = decompose(*sides)
    assert found.mix + found.within == pytest.approx(found.change, abs=1e-14)
    parts = [value for one in found.shifts for value in (one.mix, one.within)]
    assert math.fsum(parts) == pytest.approx(found.change, abs=1e-13)
    shares = [cause.contribution for cause in segment_causes(*sides)]
    assert math.fsum(shares) == pytest.approx(1, abs=1e-12)


def test_a_segment_that_appears_is_all_mix():
    found = decompose({"a": Part(100, 10)}, {"a": Part(100, 10), "new": Part(100, 50)})
    new = next(one for one in found.shifts if one.name == "new")
    assert new.within == 0
    assert found.within == 0
    assert found.mix == pytest.approx(0.2)


def test_equal_means_and_another_mix_are_no_segments_fault():
    causes = segment_causes({"a": Part(10, 1), "b": Part(10, 1)}, {"a": Part(20, 2)})
    assert {one.reason for one in causes} == {"the overall mean has not changed"}
    assert {one.contribution for one in causes} == {None}


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ({}, {"a": Part(1, 1)}, "no rows before"),
        ({"a": Part(1, 1)}, {}, "no rows after"),
        ({"a": Part(1, math.inf)}, {"a": Part(1, 1)}, "sums that are not finite, or of no rows"),
        ({"a": Part(1, 1)}, {"a": Part(0, 1)}, "sums that are not finite, or of no rows"),
        ({"a": Part(1, 1)}, {"a": Part(-1, 1)}, "sums that are not finite, or of no rows"),
    ],
)
def test_sums_that_cannot_be_decomposed_say_why(before, after, reason):
    assert decompose(before, after).reason == reason
    assert segment_causes(before, after)[0].reason == reason


def test_ten_thousand_segments_are_decomposed():
    before = {str(place): Part(10, place % 7) for place in range(10_000)}
    after = {str(place): Part(10 + place % 3, place % 5) for place in range(10_000)}
    found = decompose(before, after)
    assert found.mix + found.within == pytest.approx(found.change, abs=1e-14)


def test_the_p_value_of_a_segment_is_welchs_in_large_samples():
    rng = np.random.default_rng(1)
    one, two = rng.normal(0, 1, 90_000), rng.normal(0.01, 1, 80_000)
    wanted = stats.ttest_ind(one, two, equal_var=False).pvalue
    assert mean_p(part(one), part(two)) == pytest.approx(wanted, rel=1e-3)
    assert mean_p(Part(1, 1, 1), part(two)) is None
    assert mean_p(Part(5, 1), part(two)) is None


def drift(effect):
    return Finding("psi", effect + 0.01, 1_000, p_value=0.5, effect=effect)


def test_features_share_drift_times_importance():
    causes = feature_causes(
        {"a": drift(0.3), "b": drift(0.1), "c": drift(0.9)}, {"a": -2.0, "b": 2.0, "c": 0.0}
    )
    assert [one.contribution for one in causes] == pytest.approx([0.75, 0.25, 0.0])
    assert causes[0].evidence["importance"] == 2.0
    assert causes[0].evidence["effect"] == 0.3


def test_without_importances_features_weigh_the_same():
    causes = feature_causes({"a": drift(0.3), "b": drift(0.1)}, {})
    assert [one.contribution for one in causes] == pytest.approx([0.75, 0.25])


def test_a_feature_without_drift_and_one_that_is_unknown():
    gone = undefined("psi", n=0, reason="no rows")
    causes = feature_causes({"a": drift(0.0), "b": gone}, {"a": math.nan, "b": 1.0})
    assert (causes[0].contribution, causes[1].contribution) == (0.0, None)
    assert causes[1].reason == "no rows"
    assert feature_causes({}, {"a": 1.0}) == []


def test_rows_with_a_fault_explain_what_vanishes_without_them():
    rng = np.random.default_rng(2)
    old, new = rng.random(10_000) < 0.1, rng.random(9_000) < 0.1
    bad = rng.random(1_000) < 0.8
    found = fault_cause(
        "age is null",
        faulty=(Part(0, 0.0, 0.0), part(bad.astype(float))),
        others=(part(old.astype(float)), part(new.astype(float))),
    )
    after = np.concatenate([new, bad])
    wanted = (after.mean() - new.mean()) / (after.mean() - old.mean())
    assert found.contribution == pytest.approx(wanted, abs=1e-12)
    assert found.contribution > 0.9
    assert found.evidence["p_value"] < 1e-9
    assert found.evidence["faulty_share_after"] == 0.1


def test_a_fault_that_was_there_before_explains_nothing():
    same = (Part(100, 80), Part(100, 80))
    found = fault_cause("f", faulty=same, others=(Part(900, 90), Part(900, 180)))
    change = (260 - 170) / 1_000
    moved = (0.26 - 0.2) - (0.17 - 0.1)
    assert found.contribution == pytest.approx(moved / change)
    assert abs(found.contribution) < 0.12


@pytest.mark.parametrize(
    ("faulty", "others", "reason"),
    [
        (
            (Part(0, 0), Part(9, 1)),
            (Part(9, 1), Part(0, 0)),
            "every row has the fault, on one side",
        ),
        (
            (Part(0, 0), Part(9, math.nan)),
            (Part(9, 1), Part(9, 1)),
            "sums that are not finite, or of no rows",
        ),
        ((Part(0, 0), Part(0, 0)), (Part(9, 1), Part(9, 1)), "the mean has not changed"),
    ],
)
def test_faults_that_explain_no_change_say_why(faulty, others, reason):
    found = fault_cause("f", faulty=faulty, others=others)
    assert (found.contribution, found.reason) == (None, reason)


def test_causes_are_ranked_by_size_and_the_unknown_come_last():
    causes = [
        Cause(CauseKind.FEATURE, "b", 0.2),
        Cause(CauseKind.SEGMENT, "x", -0.7),
        Cause(CauseKind.DATA_QUALITY, "f", None, {}, "no rows"),
        Cause(CauseKind.FEATURE, "a", 0.2),
    ]
    assert [one.name for one in ranked(causes)] == ["x", "a", "b", "f"]
