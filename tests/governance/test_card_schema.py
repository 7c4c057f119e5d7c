"""What a card must hold, why, and the published schema that every exported card keeps to."""

import copy

import pytest
from jsonschema import Draft202012Validator

from governance.card_fields import BY_ID, REQUIRED, SECTIONS
from governance.card_requirements import DEMANDS, STARTS, score, template
from governance.jobs.claims import judge_claims
from governance.reads.cards import card_of, exported
from governance.services.cards import refresh_card, revise_card
from registry.models import RiskTier, TaskType
from tests.governance.conftest import SECTIONS as TEXTS
from tests.governance.conftest import promoted
from tests.governance.test_cards import measured


@pytest.fixture
def schema(client):
    answer = client.get("/schemas/card")
    assert answer.status_code == 200
    return answer.json()


def valid(schema, card):
    return Draft202012Validator(schema).is_valid(card)


def test_the_schema_is_published_for_everybody_and_is_itself_valid(schema):
    Draft202012Validator.check_schema(schema)
    assert schema["$id"].endswith("/schemas/card")


def test_a_first_card_without_words_keeps_to_the_schema(schema, one, olga):
    nothing = dict.fromkeys(BY_ID, "")
    revise_card(
        actor=olga, version_id=one.pk, sections=nothing, note="Emptied", expected_revision=1
    )
    assert valid(schema, exported(card_of(one.pk)))


def test_a_card_with_numbers_and_signatures_keeps_to_the_schema(schema, one, olga, vera, rita):
    measured(one, "roc_auc", 0.70, low=0.68, high=0.72)
    promoted(one, olga, vera, rita)
    refresh_card(actor=olga, version_id=one.pk)
    judge_claims(model_id=one.model_id)
    card = exported(card_of(one.pk))
    assert {claim["state"] for claim in card["claims"]} == {"supported", "stated"}
    assert card["facts"]["approvals"]
    assert valid(schema, card)


def test_what_the_api_answers_keeps_to_the_schema(schema, one, client, vera):
    client.force_login(vera)
    answer = client.get(f"/api/v1/models/flight-delay/versions/{one.number}/card")
    assert valid(schema, answer.json())


@pytest.mark.parametrize("field", ["format", "revision", "sections", "claims", "completeness"])
def test_a_card_without_one_of_its_parts_is_refused(schema, one, field):
    card = exported(card_of(one.pk))
    del card[field]
    assert not valid(schema, card)


def test_a_card_with_changed_sections_or_states_is_refused(schema, one):
    card = exported(card_of(one.pk))
    swapped, invented = copy.deepcopy(card), copy.deepcopy(card)
    swapped["sections"].reverse()
    invented["claims"][0]["state"] = "proven"
    assert not valid(schema, swapped)
    assert not valid(schema, invented)


def test_every_task_has_a_start_and_every_demand_is_of_a_section():
    assert set(STARTS) == set(TaskType.values)
    assert {one.section for one in DEMANDS} <= set(BY_ID)
    assert {name for starts in STARTS.values() for name in starts} <= set(BY_ID)
    assert {tier for one in DEMANDS for tier in one.tiers} <= set(RiskTier.values)


@pytest.mark.parametrize("task", TaskType.values)
def test_a_higher_tier_never_asks_for_less(task):
    low, medium, high = (
        {need.section.id for need in template(task=task, tier=tier) if need.required}
        for tier in ("low", "medium", "high")
    )
    assert {section.id for section in REQUIRED} == low
    assert low < medium < high


def test_only_tasks_with_a_threshold_need_one_at_medium_risk():
    asked = {
        task: score(TEXTS, task=task, tier="medium").missing for task in ("binary", "regression")
    }
    assert [need.section.id for need in asked["binary"]] == ["thresholds", "trade_offs"]
    assert [need.section.id for need in asked["regression"]] == ["trade_offs"]


def test_every_requirement_has_a_reason_and_a_full_card_is_complete():
    empty = score({}, task="binary", tier="high")
    assert empty.percent == 0
    assert all(need.reasons for need in empty.missing)
    full = score({section.id: "x" for section in SECTIONS}, task="binary", tier="high")
    assert (full.percent, full.missing) == (100, ())


def test_the_card_and_its_form_say_what_is_asked_and_why(one, client, olga):
    client.force_login(olga)
    page = client.get(f"/models/flight-delay/{one.number}/card").content.decode()
    form = client.get(f"/models/flight-delay/{one.number}/card/edit").content.decode()
    for text in (page, form):
        assert "Annex IV 2(b)" in text
    assert "The score from which the answer is yes" in form
