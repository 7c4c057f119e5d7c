"""The card in every format: valid by that format's own rules, and honest about what it loses."""

import io
import json
import socket
import time

import jsonschema
import pypdf
import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from huggingface_hub import ModelCard

from governance.formats.annex import annex_iv
from governance.formats.sagemaker import sagemaker
from governance.reads import papers
from governance.reads.cards import card_of, exported
from governance.reads.closed import Closed, NotFetched
from governance.reads.downloads import BY_FORMAT, FORMATS
from governance.services.cards import refresh_card, revise_card
from tests.governance.conftest import promoted
from tests.governance.test_cards import measured

TEXT = {"type": "string"}


def listed(**fields):
    return {"type": "array", "items": shape(**fields)}


def shape(**fields):
    return {"type": "object", "additionalProperties": False, "properties": fields}


PAIRS = listed(key=TEXT, value=TEXT)
SAID = listed(description=TEXT)
TOOLKIT = shape(
    schema_version={"const": "0.0.2"},
    model_details=shape(
        name=TEXT,
        overview=TEXT,
        documentation=TEXT,
        owners=listed(name=TEXT, contact=TEXT),
        version=shape(name=TEXT, date=TEXT, diff=TEXT),
        licenses=listed(identifier=TEXT, custom_text=TEXT),
        references=listed(reference=TEXT),
        citations=listed(style=TEXT, citation=TEXT),
        path=TEXT,
    ),
    model_parameters=shape(
        model_architecture=TEXT,
        data=listed(name=TEXT, link=TEXT, description=TEXT),
        input_format=TEXT,
        input_format_map=PAIRS,
        output_format=TEXT,
        output_format_map=PAIRS,
    ),
    quantitative_analysis=shape(
        performance_metrics=listed(
            type=TEXT,
            value=TEXT,
            slice=TEXT,
            confidence_interval=shape(lower_bound=TEXT, upper_bound=TEXT),
        )
    ),
    considerations=shape(
        users=SAID,
        use_cases=SAID,
        limitations=SAID,
        tradeoffs=SAID,
        ethical_considerations=listed(name=TEXT, mitigation_strategy=TEXT),
    ),
)


@pytest.fixture
def card(one, olga):
    measured(one, "auc", 0.68, low=0.66, high=0.70)
    refresh_card(actor=olga, version_id=one.pk)
    return exported(card_of(one.pk))


def made(card, name):
    return BY_FORMAT[name].make(card)


def test_hugging_face_reads_its_front_matter_and_results(card):
    text = made(card, "huggingface").document
    read = ModelCard(text)
    results = read.data.eval_results
    assert read.data.model_name == "Flight delay"
    assert [r.metric_value for r in results] == [c["value"] for c in card["claims"]]
    assert all(r.task_type == "tabular-classification" and r.dataset_name for r in results)
    assert yaml.safe_load(text.split("---\n")[1])["model-index"]
    assert "About Limitations and caveats." in read.text


def test_the_toolkit_s_card_has_its_fields_and_no_others(card):
    document = json.loads(made(card, "mct").document)
    jsonschema.validate(document, TOOLKIT)
    metric = document["quantitative_analysis"]["performance_metrics"][0]
    assert metric["confidence_interval"] == {"lower_bound": "0.66", "upper_bound": "0.7"}
    assert "About Human oversight." in document["model_details"]["documentation"]


def test_the_bill_of_materials_passes_the_official_validator(card):
    text = made(card, "cyclonedx").document
    assert JsonStrictValidator(SchemaVersion.V1_7).validate_str(text) is None
    assert "About Human oversight." in text
    broken = text.replace('"machine-learning-model"', '"oracle"')
    assert JsonStrictValidator(SchemaVersion.V1_7).validate_str(broken) is not None


def test_sagemaker_s_limits_cut_and_say_so(one, olga):
    texts = {"risks": "x" * 5000, "oversight": "y" * 3000}
    revise_card(actor=olga, version_id=one.pk, sections=texts, note="Long", expected_revision=1)
    export = sagemaker(exported(card_of(one.pk)))
    more = export.document["additional_information"]
    assert len(more["ethical_considerations"]) == 2048
    assert len(more["custom_details"]["Human oversight"]) == 1024
    cut = {loss.field: loss.why for loss in export.losses}
    assert "2,952 more were cut" in cut["Risks"]
    assert "1,976 more were cut" in "".join(loss.why for loss in export.losses)


def test_sagemaker_s_card_is_never_longer_than_it_may_be(card):
    claim = card["claims"][0]
    export = sagemaker({**card, "claims": [{**claim, "label": f"m{i}"} for i in range(2000)]})
    assert len(json.dumps(export.document)) <= 100_000
    assert any("numbers" in loss.field for loss in export.losses)


@pytest.mark.parametrize("name", ["huggingface", "mct", "sagemaker", "cyclonedx"])
def test_no_word_is_lost_without_being_named(card, name):
    export = made(card, name)
    text = export.document
    named = {loss.field for loss in export.losses}
    for part in card["sections"]:
        assert not part["text"] or part["text"] in text or part["title"] in named


@pytest.mark.parametrize("name", ["mct", "sagemaker", "cyclonedx"])
def test_no_fact_is_lost_without_being_named(one, olga, vera, rita, name):
    promoted(one, olga, vera, rita)
    card = exported(card_of(one.pk))
    assert card["facts"]["approvals"], "there is something to lose"
    export = made(card, name)
    named = " ".join(loss.field.lower() for loss in export.losses)
    for group, facts in card["facts"].items():
        for value in [] if not isinstance(facts, dict) else facts.items():
            key, said = value
            if isinstance(said, str) and said and said not in export.document:
                assert key.replace("_", " ") in named, (group, key, said)
    planted = {**card, "facts": {**card["facts"], "model": {**card["facts"]["model"]}}}
    planted["facts"]["model"]["kpi"] = "Fewer complaints than 12 a day"
    fields = [loss.field for loss in made(planted, name).losses]
    assert any("kpi" in field for field in fields)


def test_the_technical_file_has_nine_points_and_says_what_is_missing(card):
    answers = annex_iv(card)
    assert [answer.point.id for answer in answers] == [str(n) for n in range(1, 10)]
    html = papers.annex_html(card)
    assert html.count('class="missing"') == sum(len(a.missing) for a in answers) + 1
    assert "Missing: Declaration of conformity" in html


def test_the_card_as_pdf_is_tagged_numbered_and_signed(one, olga, vera, rita):
    promoted(one, olga, vera, rita)
    card = exported(card_of(one.pk))
    began = time.process_time()
    document = papers.pdf(papers.card_html(card))
    assert time.process_time() - began < 10
    folder = pypdf.PdfReader(io.BytesIO(document))
    text = " ".join(" ".join(page.extract_text() for page in folder.pages).split())
    assert folder.trailer["/Root"]["/MarkInfo"]["/Marked"]
    assert f"1 / {len(folder.pages)}" in text
    sign = card["facts"]["approvals"][0]
    assert sign["name"] in text
    assert sign["meaning"] in text
    assert sign["digest"] in "".join(text.split())


def test_a_pdf_fetches_nothing(card, monkeypatch):
    asked = []

    def refuse(self, url, headers=None):
        asked.append(url)
        raise NotFetched(url)

    def opened(*_):
        raise AssertionError("A document opened a connection.")

    monkeypatch.setattr(Closed, "fetch", refuse)
    monkeypatch.setattr(socket.socket, "connect", opened)
    card["sections"][0]["text"] = "![x](http://192.0.2.1/a.png)"
    assert papers.pdf(papers.card_html(card)).startswith(b"%PDF")
    assert "http://192.0.2.1/a.png" in asked
    with pytest.raises(papers.CannotPrint, match="at most"):
        papers.pdf("x" * 200_000)


def test_every_format_is_answered_with_its_losses(one, rita, signed_in):
    client = signed_in(rita)
    address = "/api/v1/models/flight-delay/versions/1/card"
    for form in FORMATS:
        answer = client.get(address, {"format": form.id})
        assert answer.status_code == 200, (form.id, answer.content)
        assert answer["Content-Type"].startswith(form.media_type)
        report = client.get(address, {"format": form.id, "losses": "1"}).json()
        assert report["format"] == form.id
    assert client.get(address, {"format": "papyrus"}).status_code == 404


def test_strangers_get_no_file(one, sam, signed_in):
    answer = signed_in(sam).get("/api/v1/models/flight-delay/versions/1/card?format=pdf")
    assert answer.status_code == 404
    assert b"Flight" not in answer.content
