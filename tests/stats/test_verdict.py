"""The two-key rule, limits, and hysteresis; the chain from batch to verdict."""

import doctest
import importlib
import json
import pkgutil

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

import monitoring.stats
from monitoring.stats import performance, quality, shifts, stability, storage
from monitoring.stats.building import profile_outcomes, profile_predictions
from monitoring.stats.evidence import evidence
from monitoring.stats.findings import Finding, undefined
from monitoring.stats.multiplicity import split_budget
from monitoring.stats.profiles import merge
from monitoring.stats.reference import FieldSpec, Kind, Role, Schema, Task, freeze
from monitoring.stats.verdict import (
    DEFAULT_THRESHOLDS,
    Direction,
    Limit,
    Threshold,
    Verdict,
    is_alerting,
    judge,
    judge_limit,
    judge_run,
    worst,
)
from tests.stats.conftest import flights

PSI = Threshold(warning=0.1, breach=0.2)
OK, W, B, NONE = Verdict.OK, Verdict.WARNING, Verdict.BREACH, Verdict.INSUFFICIENT_DATA


def psi_of(effect, *, n=5_000, p_value=1e-9):
    return Finding("psi", effect, n, p_value=p_value, effect=effect)


@pytest.mark.parametrize(
    ("effect", "significant", "wanted"),
    [(0.3, True, B), (0.15, True, W), (0.05, True, OK), (0.3, False, OK), (0.15, False, OK)],
)
def test_a_breach_needs_both_keys(effect, significant, wanted):
    assert judge(psi_of(effect), PSI, significant=significant) is wanted


def test_below_the_minimum_n_there_is_no_verdict():
    assert judge(psi_of(9.0, n=99), PSI, significant=True) is NONE
    assert judge(undefined("psi", n=5_000, reason="no rows"), PSI, significant=True) is NONE


def test_a_halved_rare_class_passes_the_relative_minimum():
    found = quality.share_change("share", 100, 10_000, 2_000, 100_000)
    relative = Threshold(breach=0.05, relative=0.4)
    assert judge(found, relative, significant=True) is B
    assert judge(found, Threshold(breach=0.05), significant=True) is OK


def test_the_default_for_categories_warns_of_a_halved_rare_class_without_an_incident():
    found = quality.share_change("share", 100, 10_000, 2_000, 100_000)
    assert judge(found, DEFAULT_THRESHOLDS["cell_shift"], significant=True) is W
    assert judge(found, DEFAULT_THRESHOLDS["cell_shift"], significant=False) is OK
    lost = quality.share_change("share", 0, 10_000, 20_000, 100_000)
    assert judge(lost, DEFAULT_THRESHOLDS["cell_shift"], significant=True) is B


def test_direction_says_which_changes_count():
    better = Finding("accuracy", 0.9, 5_000, baseline=0.7, effect=0.2)
    assert judge(better, Threshold(breach=0.1, direction=Direction.DOWN), significant=True) is OK
    assert judge(better, Threshold(breach=0.1, direction=Direction.UP), significant=True) is B


def test_a_limit_is_breached_only_by_the_whole_interval():
    limit = Limit(at_least=0.8)
    assert judge_limit(Finding("parity_ratio", 0.65, 900, low=0.6, high=0.7), limit) is B
    assert judge_limit(Finding("parity_ratio", 0.78, 900, low=0.7, high=0.85), limit) is W
    assert judge_limit(Finding("parity_ratio", 0.86, 900, low=0.7, high=0.95), limit) is OK
    assert judge_limit(Finding("parity_ratio", 0.1, 20, low=0.0, high=0.2), limit) is NONE
    assert judge_limit(Finding("mae", 9.0, 900, low=8.5, high=9.5), Limit(at_most=8.0)) is B


def test_a_run_is_corrected_for_all_its_findings():
    findings = [(psi_of(0.5, p_value=0.02), PSI)] + [(psi_of(0.0, p_value=0.9), PSI)] * 24
    assert judge_run(findings, alpha=0.05)[0].verdict is OK
    assert judge_run(findings[:1], alpha=0.05)[0].verdict is B


def test_findings_below_the_minimum_n_do_not_weigh_on_the_others():
    findings = [(psi_of(0.5, p_value=0.04), PSI)] + [(psi_of(0.0, p_value=0.9, n=5), PSI)] * 9
    judged = judge_run(findings, alpha=0.05)
    assert judged[0].verdict is B
    assert {judgement.verdict for judgement in judged[1:]} == {NONE}


def test_the_worst_verdict_wins_and_missing_data_do_not_hide_it():
    assert worst([OK, NONE, B, W]) is B
    assert worst([OK, NONE]) is OK
    assert worst([]) is NONE


@pytest.mark.parametrize(
    ("history", "wanted"),
    [
        ([], False),
        ([B], False),
        ([B, B], True),
        ([B, OK, B], True),
        ([B, OK, OK, B], False),
        ([B, B, OK], True),
        ([B, B, OK, OK], False),
        ([B, B, OK, W], False),
        ([B, NONE, NONE, B], True),
        ([B, B, OK, OK, B], False),
    ],
)
def test_alerts_open_after_two_of_three_and_close_after_two_clean(history, wanted):
    assert is_alerting(history) is wanted


@given(st.lists(st.sampled_from(list(Verdict)), max_size=30))
def test_windows_without_data_never_change_an_alert(history):
    without = [verdict for verdict in history if verdict is not NONE]
    assert is_alerting(history) is is_alerting(without)


def test_senseless_hysteresis_is_refused():
    with pytest.raises(ValueError, match="k of n"):
        is_alerting([B], open_after=(3, 2))


def test_findings_hold_no_nan_and_go_to_json():
    found = Finding("x", float("nan"), 3, low=float("-inf"), parameters={"a": float("nan")})
    assert (found.value, found.low, found.parameters["a"]) == (None, None, None)
    assert found.reason
    json.dumps(found.as_dict(), allow_nan=False)


def hourly(bins, hours, shift=0.0):
    tables = [flights(1_000, seed=100 + hour, shift=shift) for hour in range(hours)]
    stored = [
        storage.to_bytes(profile_predictions(bins, table) + profile_outcomes(bins, table))
        for table in tables
    ]
    return merge(storage.from_bytes(raw) for raw in stored)


def judged_day(bins, reference, day):
    found = [
        stability.drift(bins, reference, day, spec.name, measures=["psi"])["psi"]
        for spec in bins.schema.profiled
    ]
    alpha = split_budget({"drift": 1.0})["drift"]
    return judge_run([(finding, PSI) for finding in found], alpha=alpha)


def test_from_batch_to_verdict(bins, reference_table):
    reference = profile_predictions(bins, reference_table)
    quiet, shifted = (judged_day(bins, reference, hourly(bins, 6, shift)) for shift in (0, 8))
    assert {judgement.verdict for judgement in quiet} == {OK}
    names = [spec.name for spec in bins.schema.profiled]
    assert [name for name, said in zip(names, shifted, strict=True) if said.verdict is B] == ["age"]


def test_everything_found_goes_to_json(bins, reference_table):
    reference = profile_predictions(bins, reference_table)
    day = hourly(bins, 2)
    found = [*performance.performance(bins, day).values()]
    found += stability.drift(bins, reference, day, "age").values()
    found += quality.quality(bins, reference, day, "carrier").values()
    for finding in found:
        json.dumps(finding.as_dict(), allow_nan=False)
    noted = evidence(bins, reference, day, seed=1)
    assert noted["bins"] == bins.digest
    assert noted["current_profile"] == storage.digest(day)


@pytest.mark.parametrize("name", [m.name for m in pkgutil.iter_modules(monitoring.stats.__path__)])
def test_the_examples_in_the_docstrings_run(name):
    module = importlib.import_module(f"monitoring.stats.{name}")
    extra = {"np": __import__("numpy"), "pyarrow": __import__("pyarrow")}
    assert doctest.testmod(module, extraglobs=extra).failed == 0


JUDGED = {
    "psi": PSI,
    "level_shift": Threshold(warning=0.05, breach=0.08),
    "spread_shift": Threshold(warning=0.05, breach=0.1),
}


@pytest.mark.parametrize(("mean", "sd"), [(0.12, 1.0), (0.0, 1.15)])
def test_small_real_changes_are_found_at_ten_thousand_rows(mean, sd):
    rng = np.random.default_rng(8)
    schema = Schema(Task.REGRESSION, (FieldSpec("x", Role.FEATURE, Kind.NUMERIC),))
    bins = freeze(schema, pa.table({"x": rng.normal(size=50_000)}))
    reference = profile_predictions(bins, pa.table({"x": rng.normal(size=50_000)}))
    found = 0
    for _ in range(40):
        window = profile_predictions(bins, pa.table({"x": rng.normal(mean, sd, 10_000)}))
        drift = stability.drift(bins, reference, window, "x", measures=list(JUDGED))
        drift |= shifts.drift(bins, reference, window, "x", measures=list(JUDGED))
        run = judge_run([(drift[name], limits) for name, limits in JUDGED.items()], alpha=0.005)
        found += worst([judgement.verdict for judgement in run]) in {W, B}
    assert found >= 38
