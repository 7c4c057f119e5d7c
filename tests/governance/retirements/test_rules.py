"""The rules of retirement, one by one; what asks less; the tables of states. No database."""

from datetime import date, timedelta

import pytest

from governance.retirement_differences import retirement_differences
from governance.retirement_rules import (
    RULES,
    BadTerms,
    Breaching,
    DatedFact,
    LifeFacts,
    clean_terms,
    holds,
    judge,
)
from governance.retirement_states import (
    REGISTRATION_MOVES,
    RETIREMENT_MOVES,
    STEP_MOVES,
    IllegalRetirementMove,
    RegistrationState,
    RetirementState,
    StepState,
    move_registration,
    move_retirement,
    move_step,
)

TODAY = date(2026, 11, 20)
CLOCKS = {"notice_days": 30, "rest_days": 90, "log_days": 365}


def ago(days):
    return TODAY - timedelta(days=days)


def facts(**more):
    return LifeFacts(**{"today": TODAY, "registered_on": ago(100), **more})


def ends(days):
    return DatedFact(TODAY + timedelta(days=days), "Contract 7", "Olga")


CASES = [
    ("age", {"days": 100}, facts(), True),
    ("age", {"days": 101}, facts(), False),
    ("superseded", {"days": 30}, facts(successor=2, superseded_on=ago(30)), True),
    ("superseded", {"days": 30}, facts(successor=2, superseded_on=ago(29)), False),
    ("superseded", {"days": 0}, facts(), False),
    ("idle", {"days": 90}, facts(last_prediction_on=ago(90)), True),
    ("idle", {"days": 90}, facts(last_prediction_on=ago(89)), False),
    ("idle", {"days": 90}, facts(), True),
    ("breaching", {"windows": 3}, facts(breaching=(Breaching("Drift", 3, ago(1)),)), True),
    ("breaching", {"windows": 4}, facts(breaching=(Breaching("Drift", 3, ago(1)),)), False),
    ("breaching", {"windows": 1}, facts(), False),
    ("attestation", {"days_overdue": 60}, facts(attestation="unfit", attested_on=ago(1)), True),
    ("attestation", {"days_overdue": 60}, facts(attestation="fit", attested_on=ago(1)), False),
    ("attestation", {"days_overdue": 60}, facts(attestation_due_on=ago(60)), True),
    ("attestation", {"days_overdue": 60}, facts(attestation_due_on=ago(59)), False),
    ("legal_basis", {"days_before": 60}, facts(legal_basis=ends(60)), True),
    ("legal_basis", {"days_before": 60}, facts(legal_basis=ends(61)), False),
    ("legal_basis", {"days_before": 0}, facts(legal_basis=ends(-5)), True),
    ("legal_basis", {"days_before": 60}, facts(), False),
    ("vendor_support", {"days_before": 90}, facts(vendor_support=ends(90)), True),
    ("vendor_support", {"days_before": 90}, facts(vendor_support=ends(91)), False),
]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_each_rule_holds_from_its_number_on(case):
    rule, told, given, expected = CASES[case]
    answer = RULES[rule].judge(given, told)
    assert answer.holds is expected
    assert answer.said.endswith(".")


def test_every_rule_has_a_case_that_holds_and_one_that_does_not():
    assert {(rule, held) for rule, _, _, held in CASES} == {
        (rule, held) for rule in RULES for held in (True, False)
    }


def asked(match, *rules, **more):
    found = [{"rule": name, "parameters": told} for name, told in rules]
    return clean_terms({"match": match, "rules": found, **CLOCKS, **more})


def test_any_of_the_rules_or_all_of_them():
    rules = (("age", {"days": 50}), ("idle", {"days": 200}))
    for match, expected in (("any", True), ("all", False)):
        terms = asked(match, *rules)
        assert holds(terms, judge(terms, facts())) is expected


@pytest.mark.parametrize(
    "raw",
    [
        {"match": "some", "rules": [{"rule": "age", "parameters": {"days": 1}}], **CLOCKS},
        {"match": "any", "rules": [], **CLOCKS},
        {"match": "any", "rules": [{"rule": "mood", "parameters": {}}], **CLOCKS},
        {"match": "any", "rules": [{"rule": "age", "parameters": {"days": 0}}], **CLOCKS},
        {"match": "any", "rules": [{"rule": "age", "parameters": {"days": True}}], **CLOCKS},
        {"match": "any", "rules": [{"rule": "age", "parameters": {"weeks": 1}}], **CLOCKS},
        {"match": "any", "rules": [{"rule": "age"}, {"rule": "age"}], **CLOCKS},
        {"match": "any", "rules": [{"rule": "age"}], **CLOCKS, "notice_days": 0},
    ],
    ids=[f"wrong {n}" for n in range(8)],
)
def test_terms_that_make_no_sense_are_refused(raw):
    with pytest.raises(BadTerms):
        clean_terms(raw)


BASE = asked("any", ("age", {"days": 400}), ("legal_basis", {"days_before": 30}))
CHANGES = [
    (asked("any", ("age", {"days": 400})), True),
    (asked("any", ("age", {"days": 500}), ("legal_basis", {"days_before": 30})), True),
    (asked("any", ("age", {"days": 300}), ("legal_basis", {"days_before": 30})), False),
    (asked("any", ("age", {"days": 400}), ("legal_basis", {"days_before": 10})), True),
    (asked("all", ("age", {"days": 400}), ("legal_basis", {"days_before": 30})), True),
    ({**BASE, "notice_days": 10}, True),
    ({**BASE, "notice_days": 60}, False),
    ({**BASE, "log_days": 400}, True),
    ({**BASE, "log_days": 300}, True),
    ({**BASE, "rest_days": 10}, False),
    (
        asked(
            "any",
            ("age", {"days": 400}),
            ("idle", {"days": 9}),
            ("legal_basis", {"days_before": 30}),
        ),
        False,
    ),
]


@pytest.mark.parametrize("change", range(len(CHANGES)))
def test_what_asks_less_is_said(change):
    after, loosens = CHANGES[change]
    found = retirement_differences(BASE, after)
    assert len(found) == 1
    assert found[0].loosens is loosens


def test_where_all_have_to_hold_one_rule_more_asks_less():
    both = asked("all", ("age", {"days": 400}), ("idle", {"days": 9}))
    more = asked("all", ("age", {"days": 400}), ("idle", {"days": 9}), ("superseded", {"days": 1}))
    assert [one.loosens for one in retirement_differences(both, more)] == [True]
    assert [one.loosens for one in retirement_differences(more, both)] == [False]


TABLES = {
    "retirement": (RETIREMENT_MOVES, RetirementState, move_retirement),
    "step": (STEP_MOVES, StepState, move_step),
    "registration": (REGISTRATION_MOVES, RegistrationState, move_registration),
}


@pytest.mark.parametrize("name", TABLES)
def test_every_state_with_every_verb_moves_as_the_table_says_or_not_at_all(name):
    moves, states, move = TABLES[name]
    for state in states:
        for verb in {verb for _, verb in moves}:
            if (state, verb) in moves:
                assert move(state.value, verb) == moves[state, verb]
            else:
                with pytest.raises(IllegalRetirementMove):
                    move(state.value, verb)
