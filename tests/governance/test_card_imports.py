"""Foreign cards come in field by field, only after a person confirmed, or not at all."""

import json

import pytest
from django.db import DatabaseError, transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.policies import Refused
from audit.models import Event
from governance.card_fields import BY_ID, SECTIONS
from governance.exports import FORMAT
from governance.formats.headings import closed, opened
from governance.formats.huggingface import huggingface
from governance.formats.toolkit import toolkit
from governance.importing import LARGEST, BadCard, read_card
from governance.importing.hazards import hazards
from governance.jobs.claims import judge_claims
from governance.models import CardImport, CardRevision, Finding
from governance.numbers import IMPORTED
from governance.reads.cards import card_of, exported
from governance.refusals import BadImport, CardChanged
from governance.services.card_imports import import_card, preview_import
from governance.services.cards import refresh_card
from registry.models import Contribution
from tests.governance.conftest import Unchanged
from tests.governance.test_cards import measured

README = """---
license: apache-2.0
datasets: [flights-2024]
language: en
model-index:
- name: Delay
  results:
  - task: {type: tabular-classification}
    dataset: {type: csv, name: Flights}
    metrics:
    - {type: roc_auc, name: ROC AUC, value: 0.9}
    - {type: latency, value: fast}
---
# Delay

Says who is late.

## Bias, Risks, and Limitations
<!-- say it plainly -->
Fog.

```
# not a heading <script>
```

### In winter

Snow.

## Poems

A poem.

## Model Card Contact

desk@example.org
"""
MCT = {
    "schema_version": "0.0.2",
    "model_details": {
        "name": "Delay",
        "overview": "Says who is late.",
        "owners": [{"name": "Ann", "contact": "ann@example.org"}, {"name": "Bo", "contact": "bo"}],
        "licenses": [{"identifier": "MIT"}],
        "graphics": {"collection": [{"name": "ROC"}]},
    },
    "model_parameters": {
        "data": [{"name": "Test set", "description": "May", "sensitive": {"a": 1}}]
    },
    "quantitative_analysis": {
        "performance_metrics": [
            {
                "type": "roc_auc",
                "value": "0.9",
                "slice": "night",
                "confidence_interval": {"lower_bound": "0.8", "upper_bound": "0.95"},
            }
        ]
    },
    "considerations": {
        "limitations": [{"description": "Fog"}],
        "ethical_considerations": [{"name": "Age", "mitigation_strategy": "Looked at"}],
    },
}
# Texts as the card stores them: trimmed, with one kind of line break.
LINES = st.sampled_from(
    ["## Purpose", "## Purpose #", "## Numbers ##", "---", "```", "# x", "Out of scope: x"]
) | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=40)
TEXT = (
    st.lists(LINES, min_size=1, max_size=6)
    .map(lambda lines: "\n".join(lines).strip())
    .filter(lambda text: text and not hazards("", text) and text != "*Not written.*")
)
CARDS = st.dictionaries(st.sampled_from([s.id for s in SECTIONS]), TEXT, min_size=1)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def card(texts, value=0.5, label="ROC AUC"):
    """A card as `exported` gives it."""
    claim = dict.fromkeys(("n", "as_of", "measurement", "reason"), None)
    claim |= {"key": "k", "label": label, "value": value, "low": value, "high": value}
    facts = {
        "model": {"name": "Départ 🛫", "task": "Binary", "owner": "Olga"},
        "version": {"number": 2, "registered_at": "2026-01-01", "summary": "New"},
        "artifact": {"uri": "s3://b/a"},
    }
    return {
        "format": FORMAT,
        "revision": {"number": 1, "at": "2026-01-01", "author": "Olga", "digest": "d"},
        "sections": [{"id": s.id, "title": s.title, "text": texts.get(s.id, "")} for s in SECTIONS],
        "facts": facts,
        "completeness": {"missing": []},
        "publication": {
            **dict.fromkeys(("by", "published_revision"), None),
            "state": "draft",
            "revision": 1,
            "newest_revision": 1,
        },
        "claims": [{**claim, "source": "measured in production", "state": "supported"}],
    }


@settings(deadline=None)
@given(texts=CARDS, value=NUMBERS)
def test_what_goes_out_to_hugging_face_comes_back(texts, value):
    found = read_card(huggingface(card(texts, value)).document.encode())
    assert found.sections == texts
    assert [(n.label, n.value) for n in found.numbers] == [("ROC AUC", value)]


@settings(deadline=None)
@given(texts=CARDS, value=NUMBERS)
def test_what_goes_out_to_the_toolkit_comes_back(texts, value):
    document = toolkit(card(texts, value)).document
    found = read_card(json.dumps(document).encode())
    assert found.sections == texts
    stated = [(n.label, n.value, n.low, n.high) for n in found.numbers]
    assert stated == [("ROC AUC", value, value, value)]


@given(TEXT)
def test_closing_headings_can_be_undone(text):
    assert opened(closed(text)) == text


def test_a_foreign_readme_is_sorted_by_its_headings():
    found = read_card(README.encode())
    assert found.sections["overview"] == "Says who is late."
    assert found.sections["risks"].startswith("Fog.")
    assert "# not a heading <script>" in found.sections["risks"]
    assert found.sections["risks"].endswith("### In winter\n\nSnow.")
    assert found.sections["contact"] == "desk@example.org"
    assert found.sections["licence"] == "Licence: apache-2.0"
    assert [(n.label, n.value) for n in found.numbers] == [("ROC AUC", 0.9)]
    lost = [one.path.split(" ")[0] for one in found.lost]
    assert {"language", "comments", "Poems", "model-index[0].results[0].dataset"} <= set(lost)
    assert "model-index[0].results[0].metrics[1].value" in lost


def test_a_foreign_toolkit_card_is_sorted_by_its_fields():
    found = read_card(json.dumps(MCT).encode())
    assert found.sections == {
        "overview": "Says who is late.",
        "contact": "Ann: ann@example.org\n\nBo: bo",
        "licence": "MIT",
        "evaluation_data": "**Test set**\n\nMay",
        "limitations": "Fog",
        "risks": "**Age**\n\nLooked at",
    }
    stated = [(n.label, n.value, n.low, n.high) for n in found.numbers]
    assert stated == [("roc_auc (night)", 0.9, 0.8, 0.95)]
    lost = {one.path for one in found.lost}
    assert lost == {
        "model_details.name",
        "model_details.graphics",
        "model_parameters.data[0].sensitive",
    }


def head(text):
    return f"---\n{text}\n---\n# A\n\nWords.\n".encode()


def mct(**more):
    return json.dumps({"model_details": {"overview": "x"}, **more}).encode()


BAD = {
    "empty": (b"  \n", "empty"),
    "picture": (b"\x89PNG\r\n\x1a\n\x00", "not UTF-8"),
    "latin": (head("license: mit") + "é".encode("latin-1"), "line 7: This is not UTF-8"),
    "utf-16": ("---\na: b\n---\nx".encode("utf-16"), "not UTF-8"),
    "nul": (head("license: mit") + b"\0", "line 7: Text cannot hold NUL"),
    "words": (b"Just words.", "neither a Hugging Face card nor"),
    "large": (head("a: b") + b"x" * LARGEST, "larger than 500 kB"),
    "open": (b"---\nlicense: mit\n", "has no end"),
    "broken": (head("license: [mit"), "line 2: Expected"),
    "bomb": (head("a: &a [x, x]\nb: [*a, *a, *a]"), "line 2: No anchors or aliases. Write"),
    "tag": (head("a: !!python/object/apply:os.system [ls]"), "line 2"),
    "twice": (head("license: mit\nlicense: gpl"), "is there twice"),
    "list": (head("- a\n- b"), "not a group of fields"),
    "licence": (head("license: {name: mit}"), "license: This is a group of fields, not text"),
    "index": (head("model-index: 7"), "model-index: This is not a list"),
    "results": (head("model-index: [{results: x}]"), "model-index[0].results: This is not a list"),
    "value": (
        head("model-index: [{results: [{metrics: [{type: a, value: [1]}]}]}]"),
        "metrics[0].value: This is not one number",
    ),
    "deep-yaml": (head("a: " + "[" * 40 + "]" * 40), "nested deeper"),
    "deeper-yaml": (head("a: " + "[" * 9000 + "]" * 9000), "nested too deeply"),
    "script": (head("license: mit") + b"<script>x</script>", "HTML tag <script>"),
    "handler": (head("license: mit") + b"<b onclick='x'>", "runs a script"),
    "address": (head("license: mit") + b"[x](javascript:alert(1))", "begins with javascript:"),
    "long": (head("license: mit") + b"x" * 20_001, "Overview: It has 20,0"),
    "broken-json": (b'{"model_details": ', "This is not JSON"),
    "json-list": (b"[1]", "neither a Hugging Face card nor"),
    "deep-json": (mct(x=json.loads("[" * 20 + "]" * 20)), "nested deeper than 12"),
    "deeper-json": (b'{"a":' + b"[" * 100_000, "nested deeper than 12"),
    "nan": (b'{"model_details": {"overview": NaN}}', "NaN is no number"),
    "doubled": (b'{"model_details": {}, "model_details": {}}', "there twice"),
    "surrogate": (b'{"model_details": {"overview": "\\ud83d"}}', "no text"),
    "other-json": (b'{"a": 1}', "not a card of the toolkit"),
    "nothing": (mct(model_details={"name": "x"}), "Nothing in it belongs"),
    "details": (mct(model_details=[]), "model_details: This is not a group"),
    "overview": (mct(model_details={"overview": ["x"]}), "model_details.overview: This is a list"),
    "considerations": (
        mct(considerations={"users": "all"}),
        "considerations.users: This is not a list",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_refused_with_the_place_and_how_to_mend_it(name):
    raw, said = BAD[name]
    with pytest.raises(BadCard) as error:
        read_card(raw)
    assert said in str(error.value)
    assert all(place.mend for place in error.value.places)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_changes_nothing(name, one, olga):
    with Unchanged(), pytest.raises(BadImport):
        import_card(actor=olga, version_id=one.pk, raw=BAD[name][0], take=None, expected_revision=1)
    assert not CardImport.objects.exists()
    assert CardRevision.objects.count() == 1


def bring(version, actor, take=None, raw=None, revision=None):
    return import_card(
        actor=actor,
        version_id=version.pk,
        raw=raw or README.encode(),
        take=take,
        expected_revision=revision or card_of(version.pk).revision.number,
    )


def imported(version):
    return [c for c in card_of(version.pk).claims if c.source == IMPORTED]


def test_a_preview_tells_all_and_writes_nothing(one, olga):
    with Unchanged():
        plan = preview_import(actor=olga, version_id=one.pk, raw=README.encode())
    overwritten = {p.section.id for p in plan.sections if p.overwrites}
    assert "risks" in overwritten
    assert "licence" not in overwritten
    assert [(n.stated.label, n.same) for n in plan.numbers] == [("ROC AUC", False)]
    assert plan.lost
    assert not CardImport.objects.exists()


def test_what_is_chosen_is_taken_and_the_rest_stays(one, olga):
    before = card_of(one.pk).written
    bring(one, olga, take=["licence", "number-0"])
    assert card_of(one.pk).written == {**before, "licence": "Licence: apache-2.0"}
    assert [(c.label, c.value, c.state) for c in imported(one)] == [("ROC AUC", 0.9, "stated")]
    told = Event.objects.get(event="governance.card.imported")
    assert (told.data["sections"], told.data["numbers"]) == (["licence"], {"ROC AUC": "0.9"})
    assert Contribution.objects.filter(version=one, person=olga, kind="card").exists()


def test_an_imported_number_is_judged_where_the_version_is_measured(one, olga):
    measured(one, "roc_auc", 0.70, low=0.68, high=0.72)
    bring(one, olga, take=["number-0"])
    judge_claims(model_id=one.model_id)
    claim = imported(one)[0]
    assert (claim.source, claim.state) == (IMPORTED, "contradicted")
    assert Finding.objects.filter(kind="claim").count() == 1


def test_a_number_is_held_against_a_measurement_that_comes_later(one, olga):
    bring(one, olga, take=["number-0"])
    measured(one, "roc_auc", 0.90, low=0.88, high=0.92)
    refresh_card(actor=olga, version_id=one.pk)
    judge_claims(model_id=one.model_id)
    assert imported(one)[0].state == "supported"


def test_our_own_card_adds_nothing_that_is_there(one, olga):
    for raw in (
        huggingface(exported(card_of(one.pk))).document,
        json.dumps(toolkit(exported(card_of(one.pk))).document),
    ):
        plan = preview_import(actor=olga, version_id=one.pk, raw=raw.encode())
        assert {p.section.id for p in plan.sections} == set(card_of(one.pk).written)
        assert not plan.keys
        with Unchanged(), pytest.raises(BadImport, match="nothing was changed"):
            bring(one, olga, raw=raw.encode())


def test_a_later_import_s_numbers_take_the_place_of_the_earlier(one, olga):
    bring(one, olga, take=["number-0"])
    plan = preview_import(actor=olga, version_id=one.pk, raw=json.dumps(MCT).encode())
    assert plan.dropped == ("ROC AUC",)
    bring(one, olga, raw=json.dumps(MCT).encode())
    assert [c.label for c in imported(one)] == ["roc_auc (night)"]


def test_a_card_changed_since_the_preview_is_not_overwritten(one, olga):
    with Unchanged(), pytest.raises(CardChanged):
        bring(one, olga, revision=7)
    assert not CardImport.objects.exists()


def test_who_may_not_write_the_card_may_not_import(one, rita, adam, sam):
    for person in (rita, adam, sam):
        with Unchanged(), pytest.raises(Refused):
            bring(one, person)
        with pytest.raises(Refused):
            preview_import(actor=person, version_id=one.pk, raw=README.encode())
    assert not CardImport.objects.exists()


def test_the_database_keeps_every_import_as_it_was(one, olga):
    bring(one, olga)
    with pytest.raises(DatabaseError), transaction.atomic():
        CardImport.objects.update(format="x")
    with pytest.raises(DatabaseError), transaction.atomic():
        CardImport.objects.all().delete()
    assert set(CardImport.objects.get().sections) <= set(BY_ID)
