"""The canonical table, the facts that are gathered, the schema and the exports hold together."""

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from governance.card_fields import BY_ID, SECTIONS
from governance.card_requirements import STARTS, TIER_STARTS, template
from governance.card_schema import card_schema
from governance.card_table import FACTS, FIELDS, ROWS, Kind, Origin
from governance.reads import papers
from governance.reads.card_facts import facts_of
from governance.reads.cards import card_of, exported
from governance.reads.downloads import BY_FORMAT
from governance.services.registrations import keep_registration
from governance.services.risk import sign_risk
from registry.models import RiskTier, Schema, TaskType
from tests.conftest import PASSWORD
from tests.governance.conftest import promoted

DOCS = Path(__file__).parents[2] / "docs" / "cards.md"
FORMATS = ("json", "markdown", "pdf", "annex-iv", "huggingface", "mct", "sagemaker", "cyclonedx")
ANSWERS = {
    "materiality": "little",
    "autonomy": "advice",
    "people": "none",
    "reversibility": "at_once",
}


def gathered(facts):
    """Every path of gathered facts, with the name of a group that is of any shape or a list."""
    found = set()
    for group, content in facts.items():
        if group == "lineage" or isinstance(content, list):
            found.add(group)
        else:
            found |= {f"{group}.{name}" for name in content or {}}
    return found


def test_every_section_is_in_the_table_and_the_table_knows_no_others():
    said = {name for field in FIELDS for name in field.sections}
    assert said == set(BY_ID)
    assert len({field.id for field in FIELDS}) == len(FIELDS)
    assert all(field.origins and field.types for field in FIELDS)


def test_every_fact_that_is_gathered_is_in_the_table_and_the_other_way_round(one, rosa):
    sign_risk(
        actor=rosa, model_id=one.model_id, answers=ANSWERS, reason="Little", password=PASSWORD
    )
    keep_registration(actor=rosa, model_id=one.model_id, verb="draft", reason="Annex VIII")
    assert gathered(facts_of(one)) == {fact.path for fact in FACTS}


def test_signed_risk_and_groups_come_into_the_card(one, olga, rosa):
    schema = Schema.objects.get(version=one)
    schema.fields = [*schema.fields, {"name": "carrier", "dtype": "string", "role": "group"}]
    schema.save()
    sign_risk(
        actor=rosa, model_id=one.model_id, answers=ANSWERS, reason="Little", password=PASSWORD
    )
    facts = facts_of(one)
    assert facts["schema"]["groups"] == [{"name": "carrier", "dtype": "string"}]
    assert facts["risk"]["signed_by"] == "Rosa"
    assert facts["risk"]["reasons"]


def test_the_schema_is_made_from_the_table_fact_by_fact():
    groups = card_schema("x")["properties"]["facts"]["properties"]
    said = {
        f"{group}.{name}" for group, shape in groups.items() for name in shape.get("properties", ())
    }
    listed = {group for group, shape in groups.items() if "properties" not in shape}
    assert said | listed == {fact.path for fact in FACTS}
    parts = {name: set(groups[name]["items"]["properties"]) for name in ROWS}
    assert parts == {name: set(row) for name, row in ROWS.items()}


def test_a_fact_that_the_table_does_not_know_is_refused(one, olga, vera, rita):
    promoted(one, olga, vera, rita)
    card = exported(card_of(one.pk))
    schema = Draft202012Validator(card_schema("x"))
    assert card["facts"]["deployments"]
    assert schema.is_valid(card)
    for group in ("model", "schema", "deployments", "approvals"):
        told = json.loads(json.dumps(card))
        place = told["facts"][group]
        (place[0] if isinstance(place, list) else place)["invented"] = 1
        assert not schema.is_valid(told), group


def planted(card):
    """A card with a word of its own in every section and every fact, and one claim."""
    sections = [{**part, "text": f"said-{part['id']}-here"} for part in card["sections"]]
    facts = {}
    for fact in FACTS:
        group, _, name = fact.path.partition(".")
        if name:
            facts.setdefault(group, {})[name] = _value(fact)
        else:
            facts[group] = _rows(group) if fact.kind == Kind.ROWS else {"note": _token(fact)}
    claim = {**card["claims"][0], "label": "said-claim-here", "low": 0.6, "high": 0.8}
    return {**card, "sections": sections, "facts": facts, "claims": [claim]}


def _token(fact):
    if fact.path == "artifact.digest":
        return "ab" * 32
    return f"said-{fact.path.replace('.', '-').replace('_', '-')}-here"


def _value(fact):
    if fact.kind == Kind.WHOLE:
        return 70_000_000 + FACTS.index(fact)
    if fact.kind == Kind.TEXTS:
        return [_token(fact)]
    if fact.kind == Kind.FIELDS:
        return [{"name": _token(fact), "dtype": "number"}]
    return _token(fact)


def _rows(name):
    row = dict.fromkeys(ROWS[name], "x") | {"name": f"said-{name}-here", "role": "reviewer"}
    if name == "deployments":
        del row["name"]
        row["environment"] = "said-deployments-here"
    if name == "guidelines":
        row |= {"title": "said-guidelines-here", "answers": []}
    return [row]


def marks(field):
    """What is looked for in a document: the words of each part of the field."""
    found = [f"said-{name}-here" for name in field.sections]
    for fact in field.facts:
        if fact.kind == Kind.ROWS:
            found.append(f"said-{fact.path}-here")
        elif fact.kind == Kind.WHOLE:
            found.append(str(70_000_000 + FACTS.index(fact)))
        else:
            found.append(_token(fact))
    return found + ["said-claim-here"] * field.claims


def document(card, name):
    if name == "pdf":
        return papers.card_html(card)
    return BY_FORMAT[name].make(card).document


def held(field, text):
    text = text.replace(",", "")  # a paper writes 70,000
    there = [mark in text for mark in marks(field)]
    return "yes" if all(there) else "part" if any(there) else "–"


def coverage(card):
    """Each canonical field in each format, as lines of the documentation's table."""
    texts = [document(card, name) for name in FORMATS]
    for field in FIELDS:
        origins = ", ".join(str(origin) for origin in Origin if origin in field.origins)
        cells = [held(field, text) for text in texts]
        yield f"| {' | '.join([field.title, origins, ', '.join(field.types), *cells])} |"


def test_the_documentation_says_what_is_in_which_export(one):
    lines = list(coverage(planted(exported(card_of(one.pk)))))
    documented = DOCS.read_text()
    missing = [line for line in lines if line not in documented]
    assert missing == [], "docs/cards.md: these lines of the table are to be\n" + "\n".join(lines)


def test_our_own_format_holds_every_field(one):
    card = planted(exported(card_of(one.pk)))
    text = document(card, "json")
    assert {field.id for field in FIELDS if held(field, text) != "yes"} == set()


@pytest.mark.parametrize("name", ["huggingface", "mct", "sagemaker", "cyclonedx"])
def test_what_a_format_does_not_hold_is_in_its_report(one, name):
    export = BY_FORMAT[name].make(planted(exported(card_of(one.pk))))
    named = " ".join(loss.field for loss in export.losses).lower()
    for section in SECTIONS:
        if f"said-{section.id}-here" not in export.document:
            assert section.title.lower() in named, section.id


def test_starts_are_of_sections_tasks_and_tiers_that_there_are():
    assert set(STARTS) == set(TaskType.values)
    assert set(TIER_STARTS) <= set(RiskTier.values)
    assert {name for starts in TIER_STARTS.values() for name in starts} <= set(BY_ID)


@pytest.mark.parametrize("task", TaskType.values)
@pytest.mark.parametrize("tier", RiskTier.values)
def test_a_new_card_has_a_prompt_for_every_section(task, tier):
    needs = template(task=task, tier=tier)
    assert [need.section.id for need in needs] == [section.id for section in SECTIONS]
    assert all(len(need.start) > 10 for need in needs)


def test_a_high_risk_card_asks_for_every_point_of_the_annex_that_people_write():
    asked = {one.section.id for one in template(task="binary", tier="high") if one.required}
    assert {"interaction", "supply", "interface", "compute", "architecture"} <= asked
    assert {"standards", "declaration", "factors", "changes", "security"} <= asked
    low = {one.section.id for one in template(task="binary", tier="low") if one.required}
    assert not low & {"standards", "declaration", "interface"}


def test_the_form_of_a_new_card_begins_with_what_is_asked_and_folds_the_rest(flights, olga, client):
    flights.versions.create(number=7)
    client.force_login(olga)
    text = client.get("/models/flight-delay/7/card/edit").content.decode()
    folded = text.index("more sections, which this model")
    assert text.index('id="id_trade_offs"') < folded < text.index('id="id_citation"')
    assert "Name who may overrule and stop it." in text


def test_what_was_written_and_is_wrong_is_not_folded_away(one, olga, client):
    client.force_login(olga)
    data = {"citation": "x" * 20_001, "note": "", "expected_revision": 1}
    answer = client.post("/models/flight-delay/1/card/edit", data)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert text.index('id="id_citation_error"') < text.index("more sections, which this model")
