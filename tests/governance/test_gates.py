"""The pure rules: facts in, findings out."""

from dataclasses import replace

import pytest

from governance.gates import GATES, Facts, evaluate
from governance.numbers import MEASURED, ON_REFERENCE, RECORDED, Number, base_name, compare
from governance.policy_table import DEFAULTS
from governance.reads.numbers import name
from governance.states import (
    REQUEST_MOVES,
    GateMode,
    IllegalRequestMove,
    RequestKind,
    RequestState,
    move_request,
)

SOUND = Facts(
    kind="promote",
    environment="production",
    role="champion",
    task="binary",
    version=2,
    stage="candidate",
    artifact_digest="a" * 64,
    files=("model.skops",),
    schema_fields=3,
    reference_rows=500,
    card_share=1.0,
    card_missing=(),
    monitors={"drift": 1, "performance": 1},
    incidents=(),
    numbers=(),
    champion=None,
    champion_numbers=(),
)


def ask(gate, facts, **parameters):
    (finding,) = evaluate([{"gate": gate, "mode": "prevent", "parameters": parameters}], facts)
    return finding


def auc(value, source=RECORDED, low=None, high=None):
    return (Number("auc", "AUC", value, source, low, high),)


@pytest.mark.parametrize(
    ("gate", "change"),
    [
        ("stage", {"stage": "retired"}),
        ("stage", {"stage": "serving", "serves_as": (("production", "champion"),)}),
        ("artifact_hashed", {"artifact_digest": ""}),
        ("schema_present", {"schema_fields": 0}),
        ("reference_present", {"reference_rows": 0}),
        ("card_complete", {"card_share": 0.9, "card_missing": ("Risks",)}),
        ("monitors_enabled", {"monitors": {"drift": 1}}),
        ("no_critical_incident", {"incidents": ("Temperature drifted",)}),
        ("format_safe", {"pickled": ("model.pkl",)}),
        ("format_safe", {"files": ()}),
        ("replaced", {"serves_as": (("production", "champion"),)}),
        ("archive_verified", {"archive": "requested"}),
    ],
)
def test_a_gate_does_not_pass_what_it_is_there_for(gate, change):
    parameters = {"kinds": ["drift", "performance"]} if gate == "monitors_enabled" else {}
    finding = ask(gate, replace(SOUND, **change), **parameters)
    assert finding.prevents
    assert finding.message.endswith(".")
    sound = replace(SOUND, archive="sealed", archive_verified=True)
    assert ask(gate, sound, **parameters).passed


@pytest.mark.parametrize(
    ("ours", "theirs", "passed"),
    [
        (auc(0.70), auc(0.72), True),
        (auc(0.70), auc(0.721), False),
        (auc(0.60, MEASURED, 0.55, 0.66), auc(0.70, MEASURED, 0.65, 0.75), True),
        (auc(0.60, MEASURED, 0.58, 0.62), auc(0.70, MEASURED, 0.65, 0.75), False),
        (auc(0.90), auc(0.70, MEASURED), False),
        ((), auc(0.70), False),
    ],
)
def test_a_version_is_compared_with_the_champion_on_the_same_kind_of_data(ours, theirs, passed):
    facts = replace(SOUND, numbers=ours, champion=1, champion_numbers=theirs)
    assert ask("not_worse", facts, margin=0.02).passed is passed


def test_errors_are_better_when_smaller():
    better = Number("mae", "MAE", 5.0, RECORDED)
    worse = Number("mae", "MAE", 6.0, RECORDED)
    found = compare("regression", [worse], [better])
    assert found.worse_by == pytest.approx(0.2)
    assert compare("regression", [better], [worse]).worse_by < 0


def test_a_runs_name_for_a_measure_is_understood():
    assert base_name("Test_ROC_AUC") == "roc_auc"
    assert base_name("auc") == "auc"


@pytest.mark.parametrize(
    ("metric", "written"),
    [
        ("test_roc_auc", "test ROC AUC"),
        ("auc", "AUC"),
        ("val_log_loss", "val log loss"),
        ("macro_f1", "macro F1"),
        ("hold_out.brier", "Brier score on the hold-out"),
        ("latest.roc_auc", "ROC AUC on the latest data"),
        ("lift", "lift"),
        ("test_", "test"),
    ],
)
def test_a_measure_is_named_as_people_write_it(metric, written):
    assert name(metric) == written


@pytest.mark.parametrize(("files", "said"), [(("a",), "1 file is"), (("a", "b"), "2 files are")])
def test_files_are_counted_in_words(files, said):
    finding = ask("artifact_hashed", replace(SOUND, files=files))
    assert (finding.passed, finding.message) == (True, f"{said} hashed.")


def test_without_a_champion_there_is_nothing_to_be_worse_than():
    assert ask("not_worse", SOUND).passed
    assert ask("not_worse", replace(SOUND, champion=2)).passed


def test_every_kind_and_tier_has_a_policy_with_signatures_and_known_gates():
    assert {(p.kind, p.risk_tier) for p in DEFAULTS} == {
        (kind.value, tier) for kind in RequestKind for tier in ("high", "medium", "low")
    }
    for policy in DEFAULTS:
        assert sum(policy.quorum.values()) >= 1
        assert {gate["gate"] for gate in policy.gates} <= GATES.keys()
        assert {gate["mode"] for gate in policy.gates} <= {mode.value for mode in GateMode}
        assert "stage" in {gate["gate"] for gate in policy.gates}


@pytest.mark.parametrize("state", RequestState)
@pytest.mark.parametrize("verb", sorted({verb for _, verb in REQUEST_MOVES}))
def test_a_request_moves_by_the_table_or_not_at_all(state, verb):
    if (state, verb) in REQUEST_MOVES:
        assert move_request(state, verb) == REQUEST_MOVES[state, verb]
    else:
        with pytest.raises(IllegalRequestMove):
            move_request(state, verb)


def ratio(value, source=ON_REFERENCE, low=None, high=None):
    name = "demographic_parity_ratio"
    return Number(name, "ratio of selection rates (race)", value, source, low, high, 995)


FOUR_FIFTHS = {"metric": "demographic_parity_ratio", "at_least": 0.8, "of_groups": True}


@pytest.mark.parametrize(
    ("more", "changes", "passed", "words"),
    [
        ({}, {"numbers": (ratio(0.69, low=0.6, high=0.79),)}, False, "0.69, measured on the"),
        ({}, {"numbers": (ratio(0.92, low=0.85, high=0.99),)}, True, "has to be at least 0.8"),
        ({}, {"numbers": (ratio(0.89, low=0.78, high=0.95),)}, True, "reaches beyond the limit"),
        (
            {"when_unsure": "prevent"},
            {"numbers": (ratio(0.89, low=0.78, high=0.95),)},
            False,
            "more rows would tell",
        ),
        (
            {"when_unsure": "condition"},
            {"numbers": (ratio(0.89, low=0.78, high=0.95),)},
            False,
            "ask for it under a condition on its demographic parity ratio",
        ),
        (
            {"when_unsure": "condition"},
            {
                "numbers": (ratio(0.89, low=0.78, high=0.95),),
                "conditions": ("demographic_parity_ratio",),
            },
            True,
            "so it is a condition",
        ),
        ({}, {"numbers": (ratio(0.9), ratio(0.7, MEASURED))}, False, "measured in production"),
        ({}, {"numbers": (ratio(0.9), ratio(0.7))}, False, "0.7, measured on the reference"),
        ({}, {"has_groups": True}, False, "was never measured"),
        ({}, {"has_groups": False}, True, "names no groups of people"),
        ({}, {"role": "shadow", "numbers": (ratio(0.1),)}, True, "not asked of a shadow"),
        ({"tasks": ["regression"]}, {"numbers": (ratio(0.1),)}, True, "whose task is binary"),
    ],
)
def test_a_number_is_held_against_limits_set_before(more, changes, passed, words):
    found = ask("within_limits", replace(SOUND, **changes), **FOUR_FIFTHS | more)
    assert found.passed is passed
    assert words in found.message
