"""Recommendations: one answer from an ordered table, and never "keep" for want of data."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from governance.framework_files import BadFramework
from governance.recommendation_facts import FACTS, VERDICT_FACTS
from governance.recommendation_files import (
    clean,
    default_rules,
    parse,
    said_of,
    table_differences,
    written,
)
from governance.recommendation_rules import Recommended, facts_asked, recommend
from monitoring.models import MonitorKind

RULES = default_rules()
SOUND = {
    fact.name: ("ok" if fact.is_verdict else 0 if not fact.choices else None) for fact in FACTS
}
SOUND |= {
    "new_outcomes": 5000,
    "serving_days": 40,
    "incident_cause": "none",
    "attestation": "fit",
    "legal_basis": "not_recorded",
    "vendor_support": "not_recorded",
    "superseded": "no",
    "challenger": "none",
    "guard_rails": "none",
}
TABLE = [
    ({}, "keep", "sound"),
    ({"calibration": "breach"}, "recalibrate", "calibration-only"),
    (
        {"calibration": "breach", "discrimination": "breach"},
        "investigate_data",
        "worse-without-cause",
    ),
    (
        {"calibration": "breach", "discrimination": "breach", "drift": "breach"},
        "retrain",
        "changed-world",
    ),
    (
        {"quality": "breach", "performance": "breach", "drift": "breach"},
        "investigate_data",
        "bad-data",
    ),
    ({"performance": "breach", "drift": "breach"}, "retrain", "changed-world"),
    (
        {"performance": "breach", "drift": "breach", "new_outcomes": 200},
        "investigate_data",
        "worse-without-cause",
    ),
    ({"performance": "breach"}, "investigate_data", "worse-without-cause"),
    ({"concept": "breach"}, "retrain", "changed-world"),
    ({"challenger": "better", "guard_rails": "held"}, "replace", "better-challenger"),
    ({"challenger": "better", "guard_rails": "broken"}, "keep", "sound"),
    (
        {"challenger": "better", "guard_rails": "held", "quality": "breach"},
        "investigate_data",
        "changed-input",
    ),
    ({"silent_days": 61, "serving_days": 100}, "retire", "idle"),
    ({"silent_days": 8}, "investigate_data", "silent"),
    ({"superseded": "yes"}, "retire", "superseded"),
    ({"superseded": "yes", "challenger": "undecided"}, "keep", "sound"),
    ({"attestation": "unfit"}, "retire", "unfit"),
    ({"legal_basis": "over"}, "retire", "no-legal-basis"),
    ({"legal_basis": "soon", "vendor_support": "soon"}, "retire", "no-legal-basis"),
    ({"legal_basis": "later", "vendor_support": "later"}, "keep", "sound"),
    ({"vendor_support": "over"}, "replace", "no-vendor-support"),
    ({"vendor_support": "soon", "drift": "breach"}, "replace", "no-vendor-support"),
    ({"fairness": "breach"}, "investigate_data", "unequal"),
    ({"drift": "breach"}, "investigate_data", "changed-input"),
    ({"grave_findings": 1}, "investigate_data", "unsettled"),
    ({"lapsed_conditions": 1}, "investigate_data", "unsettled"),
    ({"age_days": 800}, "retrain", "old"),
    (
        {"performance": "insufficient_data", "estimate": "not_watched"},
        "investigate_data",
        "nothing-to-judge-by",
    ),
]


def test_every_kind_of_monitor_is_a_fact_that_rules_can_ask_about():
    assert set(MonitorKind.values) <= set(VERDICT_FACTS)


@pytest.mark.parametrize(("change", "wanted", "rule"), TABLE)
def test_the_default_table_says(change, wanted, rule):
    found = recommend(RULES, SOUND | change)
    assert (found.recommend, found.rule) == (wanted, rule)
    assert found.sentence
    assert found.why
    assert set(found.grounds) <= set(SOUND)


def test_every_rule_of_the_default_table_is_reached_by_some_case():
    assert {rule for _, _, rule in TABLE} == {rule["id"] for rule in RULES}


def test_too_little_data_is_said_and_never_becomes_keep_silently():
    young = SOUND | {"performance": "insufficient_data", "serving_days": 3}
    found = recommend(RULES, young)
    assert (found.recommend, found.enough) == ("keep", False)
    assert "performance" in found.unknown
    assert recommend(RULES, SOUND).enough


def test_what_nobody_watches_is_named_apart_from_what_has_too_little_data():
    found = recommend(
        RULES, SOUND | {"fairness": "not_watched", "calibration": "insufficient_data"}
    )
    assert (found.unwatched, found.unknown) == (("fairness",), ("calibration",))
    assert not found.enough


def value_of(fact):
    if fact.choices:
        return st.sampled_from(fact.choices)
    return st.none() | st.integers(0, 3000)


ANY_FACTS = st.fixed_dictionaries({fact.name: value_of(fact) for fact in FACTS})


@given(ANY_FACTS)
def test_any_facts_have_exactly_one_answer_and_the_same_one_again(facts):
    found = recommend(RULES, facts)
    assert found.recommend in list(Recommended)
    assert recommend(RULES, facts) == found
    assert [one.met for one in found.looked].count(True) == 1
    assert found.looked[-1].met is True
    assert (found.recommend == "keep" and found.enough) <= (not found.unknown)


@given(ANY_FACTS, st.sampled_from(VERDICT_FACTS))
def test_adding_a_breach_never_turns_a_step_into_keep(facts, name):
    before = recommend(RULES, facts)
    after = recommend(RULES, facts | {name: "breach"})
    if before.recommend != "keep":
        assert after.recommend != "keep"


@given(ANY_FACTS)
def test_a_breach_of_anything_but_how_cases_are_told_apart_is_never_kept(facts):
    for name in VERDICT_FACTS:
        if name != "discrimination" and facts[name] == "breach":
            assert recommend(RULES, facts).recommend != "keep"


NUMBER_RULES = st.lists(
    st.tuples(
        st.sampled_from(["retrain", "retire", "investigate_data"]),
        st.sampled_from(["open_incidents", "grave_findings", "silent_days"]),
        st.integers(0, 20),
    ),
    max_size=6,
)


@given(NUMBER_RULES, ANY_FACTS, st.integers(0, 50))
def test_a_table_of_lower_bounds_matches_no_later_rule_when_more_is_wrong(told, facts, more):
    rules = [
        rule_of(f"r{i}", step, [{"fact": fact, "at_least": bound}])
        for i, (step, fact, bound) in enumerate(told)
    ] + [RULES[-1]]
    before, worse = recommend(rules, facts), dict(facts)
    worse["open_incidents"] = (facts["open_incidents"] or 0) + more
    assert len(recommend(rules, worse).looked) <= len(before.looked)


def rule_of(key, step, when):
    return {"id": key, "recommend": step, "when": when, "sentence": "Said.", "why": "So."}


def test_a_table_is_written_as_a_file_and_read_again_as_it_was():
    assert parse(written(RULES).encode()) == RULES
    assert clean(RULES) == RULES


WRONG = [
    ("rules: []", "One to"),
    ("rule: x", "One mapping"),
    ("- a", "One mapping"),
    ("rules: [{id: a}]", "exactly"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_a_file_that_is_no_table_is_refused_with_the_place(text, said):
    with pytest.raises(BadFramework) as caught:
        parse(text.encode())
    assert said in str(caught.value)


BAD_RULES = [
    (rule_of("a", "retrain", [{"fact": "moon", "is": ["full"]}]), "A condition about one of"),
    (rule_of("a", "retrain", [{"fact": "drift", "is": ["bad"]}]), "`is` with a list"),
    (rule_of("a", "retrain", [{"fact": "silent_days", "is": ["ok"]}]), "`at_least`"),
    (rule_of("a", "retrain", [{"fact": "silent_days", "at_least": True}]), "whole numbers"),
    (rule_of("a", "repair", []), "One of keep"),
    (rule_of("A b", "retrain", [{"fact": "drift", "is": ["ok"]}]), "small letters"),
    (rule_of("a", "retrain", []), "Only the last rule has no condition"),
    (rule_of("a", "keep", [{"fact": "drift", "is": ["breach"]}]), "Only the last rule keeps"),
    (rule_of("a", "retrain", [{"any": [{"any": []}]}]), "A condition about"),
    (rule_of("sound", "retrain", [{"fact": "drift", "is": ["ok"]}]), "an id of its own"),
]


@pytest.mark.parametrize(("rule", "said"), BAD_RULES)
def test_a_rule_that_makes_no_sense_is_refused(rule, said):
    with pytest.raises(BadFramework) as caught:
        clean([rule, RULES[-1]])
    assert said in str(caught.value)


def test_a_table_without_a_last_word_is_refused():
    with pytest.raises(BadFramework):
        clean(RULES[:-1])
    with pytest.raises(ValueError, match="last rule"):
        recommend(RULES[:1], SOUND)


DIFFERENT = [
    (RULES[1:], True),
    ([RULES[1], RULES[0], *RULES[2:]], True),
    ([rule_of("new", "retire", [{"fact": "drift", "is": ["breach"]}]), *RULES], False),
    ([rule_of("new", "investigate_data", [{"fact": "drift", "is": ["ok"]}]), *RULES], True),
    ([RULES[0] | {"sentence": "Other words."}, *RULES[1:]], False),
    ([RULES[0] | {"recommend": "retrain"}, *RULES[1:]], True),
]


@pytest.mark.parametrize(("after", "loosens"), DIFFERENT)
def test_a_change_asks_less_unless_it_plainly_does_not(after, loosens):
    found = table_differences(RULES, after)
    assert found
    assert any(one.loosens for one in found) == loosens
    assert table_differences(RULES, RULES) == []


@settings(max_examples=50)
@given(st.sampled_from(RULES))
def test_every_rule_reads_as_a_sentence(rule):
    assert "_" not in said_of(rule)
    assert len(facts_asked(RULES)) > 15
