"""A proposed policy is asked of what was frozen; what is not there is not guessed."""

import pytest

from governance.gates import GATES
from governance.past_changes import (
    NEEDS,
    Basis,
    Fate,
    Past,
    Verdict,
    ask,
    fate_of,
    lacking,
    verdict_of,
)
from governance.policy_table import DEFAULTS
from tests.governance.conftest import SECTIONS

AUC = {
    "metric": "test_auc",
    "label": "test AUC",
    "value": "0.7",
    "low": None,
    "high": None,
    "n": None,
    "verdict": "",
    "as_of": None,
    "measurement": None,
    "source": "recorded by the training run",
}


def gate(name, mode="prevent", **parameters):
    return {"gate": name, "mode": mode, "parameters": parameters}


def frozen(gates=(), answers=(), **more):
    return {
        "change": {
            "kind": "promote",
            "environment": "production",
            "role": "champion",
            "version": 2,
            "risk_tier": "medium",
        },
        "artifact": {"digest": "a" * 64, "files": 2},
        "card": {"revision": 1, "digest": "c" * 64},
        "schema": {"digest": "s" * 64},
        "reference": {"digest": "r" * 64},
        "policy": {"id": 1, "number": 1, "quorum": {"reviewer": 1}, "gates": list(gates)},
        "gates": list(answers),
        "measurements": [AUC],
        "champion": None,
        **more,
    }


def answer(name, *, passed, **evidence):
    said = {"gate": name, "title": GATES[name][0], "mode": "prevent", "passed": passed}
    return {**said, "message": "As it was said then.", "evidence": evidence}


def asked(proposed, past):
    return ask([proposed], past)[0]


def test_a_gate_that_was_asked_with_the_same_parameters_answers_as_then():
    then = answer("no_critical_incident", passed=True, incidents=[])
    past = Past(frozen([gate("no_critical_incident", "warn")], [then]), "binary")
    found = asked(gate("no_critical_incident"), past)
    assert (found.passed, found.basis, found.mode) == (True, Basis.THEN, "prevent")
    assert found.message == "As it was said then."


def test_parameters_that_were_kept_as_text_are_the_same_parameters():
    then = answer("card_complete", passed=True, share="0.8", minimum="0.8")
    past = Past(frozen([gate("card_complete", minimum="0.8")], [then]), "binary")
    assert asked(gate("card_complete", minimum=0.8), past).basis is Basis.THEN


def test_a_stricter_share_is_asked_anew_of_the_card_that_the_digest_names():
    half = dict(list(SECTIONS.items())[: len(SECTIONS) // 2])
    then = answer("card_complete", passed=True, share=0.5, minimum=0.5)
    evidence = frozen([gate("card_complete", minimum=0.5)], [then])
    found = asked(gate("card_complete", minimum=1.0), Past(evidence, "binary", sections=half))
    assert (found.passed, found.basis) == (False, Basis.ANEW)
    assert "Write:" in found.message


def test_a_card_that_is_not_there_as_it_was_cannot_be_told():
    found = asked(gate("card_complete", minimum=1.0), Past(frozen(), "binary"))
    assert (found.passed, found.basis) == (None, Basis.NOTHING)
    assert found.message == "The frozen evidence does not hold the card as it was then."


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("stage", {}),
        ("monitors_enabled", {"kinds": ["fairness"]}),
        ("no_critical_incident", {}),
        ("no_open_findings", {"severity": "high"}),
        ("replaced", {}),
        ("archive_verified", {}),
        ("guidelines_answered", {}),
        ("format_safe", {}),
        ("schema_present", {}),
        ("reference_present", {}),
    ],
)
def test_what_was_not_asked_then_and_is_not_frozen_cannot_be_told(name, parameters):
    found = asked(gate(name, **parameters), Past(frozen(), "binary"))
    assert found.passed is None
    assert found.message.startswith("The frozen evidence does not hold ")


def test_other_kinds_of_monitors_are_asked_of_the_counts_that_were_kept():
    then = answer("monitors_enabled", passed=True, enabled={"drift": 2})
    past = Past(frozen([gate("monitors_enabled", kinds=["drift"])], [then]), "binary")
    assert asked(gate("monitors_enabled", kinds=["fairness"]), past).passed is False
    assert asked(gate("monitors_enabled", kinds=[]), past).passed is True


@pytest.mark.parametrize(
    ("titles", "wanted", "passed"),
    [
        (["A gap"], "medium", False),  # more are asked for: those that were there still fail
        (["A gap"], "critical", None),  # which of them is critical was not kept
        ([], "critical", True),
        ([], "medium", None),  # lighter ones were not kept
    ],
)
def test_findings_are_told_as_far_as_they_were_kept(titles, wanted, passed):
    then = answer("no_open_findings", passed=not titles, severity="high", findings=titles)
    past = Past(frozen([gate("no_open_findings", severity="high")], [then]), "binary")
    assert asked(gate("no_open_findings", severity=wanted), past).passed is passed


def test_another_margin_is_held_against_the_frozen_numbers_of_both():
    champion = {
        "version": 1,
        "artifact_digest": "b",
        "measurements": [AUC | {"value": "0.73", "low": "0.725", "high": "0.735"}],
    }
    past = Past(frozen(champion=champion), "binary")
    assert asked(gate("not_worse", margin=0.02), past).passed is False
    assert asked(gate("not_worse", margin=0.05), past).passed is True


def test_a_limit_is_asked_of_the_frozen_numbers():
    past = Past(frozen(), "binary")
    assert asked(gate("within_limits", metric="auc", at_least=0.65), past).passed is True
    assert asked(gate("within_limits", metric="auc", at_least=0.75), past).passed is False
    of_groups = gate("within_limits", metric="auc", at_least=0.65, of_groups=True)
    assert asked(of_groups, past).passed is None
    schema = [{"name": "age", "role": "group"}]
    assert asked(of_groups, Past(frozen(), "binary", schema=schema)).passed is True


def test_guidelines_that_were_frozen_are_asked():
    guidelines = {"stamp": "x", "asked": [{"title": "Lending", "state": "draft"}]}
    found = asked(gate("guidelines_answered"), Past(frozen(guidelines=guidelines), "binary"))
    assert found.passed is False
    assert "Lending (draft)" in found.message


def test_a_gate_whose_needs_nobody_said_is_not_asked_of_the_past(monkeypatch):
    monkeypatch.delitem(NEEDS, "artifact_hashed")
    found = asked(gate("artifact_hashed"), Past(frozen(), "binary"))
    assert found.message == "The frozen evidence does not hold what this gate looks at."


def test_every_gate_of_every_default_policy_has_an_answer_of_some_kind():
    past = Past(frozen(), "binary", sections=SECTIONS, schema=[], reference_rows=5, pickled=())
    names = {one["gate"] for row in DEFAULTS for one in row.gates}
    for row in DEFAULTS:
        assert len(ask(row.gates, past)) == len(row.gates)
    assert names <= set(GATES)


def test_one_failing_gate_that_prevents_blocks_whatever_cannot_be_told():
    past = Past(frozen(), "binary")
    failing = gate("within_limits", metric="auc", at_least=0.9)
    assert verdict_of(ask([failing, gate("stage")], past)) is Verdict.BLOCKED
    assert verdict_of(ask([gate("stage"), gate("artifact_hashed")], past)) is Verdict.UNTOLD
    assert verdict_of(ask([failing | {"mode": "warn"}], past)) is Verdict.WARNED
    assert verdict_of(ask([failing | {"mode": "inform"}], past)) is Verdict.PASSED
    assert verdict_of(ask([gate("artifact_hashed")], past)) is Verdict.PASSED


def test_signatures_are_lacking_role_by_role():
    assert lacking({"reviewer": 2, "validator": 1}, {"reviewer": 1, "risk_officer": 1}) == {
        "reviewer": 1,
        "validator": 1,
    }
    assert lacking({"reviewer": 1}, {"reviewer": 2}) == {}


def test_a_change_went_well_only_when_its_time_is_over():
    assert fate_of(None, (), 5, 4) is Fate.NOT_DONE
    assert fate_of(1, ("a sign",), 5, 4) is Fate.BADLY
    assert fate_of(1, (), 5, 4) is Fate.TOO_EARLY
    assert fate_of(1, (), 5, 5) is Fate.WELL
