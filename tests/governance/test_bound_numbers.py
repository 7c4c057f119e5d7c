"""Numbers in people's words are bound to what was measured, and judged like every claim."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.policies import Refused
from audit.models import Event
from governance.bound_numbers import bind, faults_of, linked, spoken, unbound_in, value_of
from governance.card_fields import BadSections
from governance.jobs.claims import judge_claims
from governance.models import Finding
from governance.reads.cards import card_of, exported
from governance.reads.downloads import FORMATS
from governance.reads.written_numbers import unbound_of
from governance.refusals import CardChanged
from governance.services.cards import bind_number, revise_card
from tests.governance.conftest import Unchanged
from tests.governance.test_cards import measured

BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
WORDS = "Its ROC AUC is [0.70](number:roc_auc) in production; 0.45 of all are flagged."


def written(olga, version, text=WORDS, section="metrics"):
    page = card_of(version.pk)
    return revise_card(
        actor=olga,
        version_id=version.pk,
        sections={section: text},
        note="",
        expected_revision=page.revision.number,
    )


def claim_of(version):
    (claim,) = [c for c in card_of(version.pk).claims if c.key.startswith("written_")]
    return claim


@pytest.mark.parametrize(
    ("shown", "value", "rounding"),
    [
        ("0.69", 0.69, 0.005),
        ("69 %", 0.69, 0.005),
        ("69.5%", 0.695, 0.0005),
        ("1,234", 1234.0, 0.5),
        ("-0.3", -0.3, 0.05),
        ("−2", -2.0, 0.5),
    ],
)
def test_a_number_is_read_as_it_is_written(shown, value, rounding):
    found = value_of(shown)
    assert found == (pytest.approx(value), pytest.approx(rounding))


@pytest.mark.parametrize("shown", ["about .7", "seven", "0,69", "1.2.3", "12,34", "", "%"])
def test_what_is_no_number_is_not_read(shown):
    assert value_of(shown) is None


def test_a_bound_number_is_a_claim_and_holds_while_it_is_measured_so(one, olga):
    measured(one, "roc_auc", 0.7042, low=0.69, high=0.72)
    written(olga, one)
    claim = claim_of(one)
    assert (claim.value, claim.measurement_id is not None) == (0.7, True)
    judge_claims(model_id=one.model_id)
    assert claim_of(one).state == "supported"


def test_it_is_contradicted_when_the_measure_has_fallen_and_every_reader_sees_it(
    one, olga, vera, client
):
    measured(one, "roc_auc", 0.7042, weeks_ago=2, low=0.69, high=0.72)
    written(olga, one)
    measured(one, "roc_auc", 0.61, low=0.60, high=0.62)
    judge_claims(model_id=one.model_id)
    assert claim_of(one).state == "contradicted"
    assert Finding.objects.filter(model=one.model, kind="claim").exists()
    (part,) = [p for p in card_of(one.pk).sections if p.section.id == "metrics"]
    assert "contradicted" in part.html
    card = exported(card_of(one.pk))
    files = {one.id: one for one in FORMATS}
    markdown = files["markdown"].make(card).document
    assert "is 0.70 (contradicted) in production" in markdown
    assert "number:roc_auc" not in markdown
    assert "number:roc_auc" in files["json"].make(card).document
    for name in ("huggingface", "mct", "sagemaker", "cyclonedx", "annex-iv"):
        assert "number:roc_auc" not in files[name].make(card).document


def test_a_number_bound_to_what_nobody_measured_is_only_stated(one, olga):
    written(olga, one, "Its lift is [2.1](number:lift).")
    claim = claim_of(one)
    assert (claim.state, claim.measurement_id) == ("stated", None)


def test_the_same_number_in_two_sections_is_one_claim(one, olga):
    measured(one, "roc_auc", 0.70)
    written(olga, one)
    written(olga, one, WORDS, section="overview")
    assert claim_of(one).value == 0.7


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[high](number:roc_auc)", "no number"),
        ("[0.7](number:ROC-AUC)", "no name of a measure"),
        ("[0.7](number:a) " * 101, "At most 100"),
    ],
)
def test_bindings_that_make_no_sense_are_told_and_nothing_is_written(text, sentence, one, olga):
    assert sentence in faults_of(text)
    with Unchanged(), pytest.raises(BadSections) as told:
        written(olga, one, text)
    assert sentence in told.value.errors["metrics"]


def test_only_what_looks_measured_is_said_to_be_unbound():
    text = """# 0.99 in a heading
Trained on 2024-01-02 with Python 3.11 and scikit-learn 1.5.2; see [paper](https://x.org/1.25).
1. It is right in 68 % of cases, 0.70 at best, `0.31` in code.
2. 15 minutes, 336,776 flights, revision 2.5, bound: [0.66](number:accuracy).
"""
    assert unbound_in(text) == ["68 %", "0.70"]


def test_olga_is_shown_what_is_unbound_and_binds_it_with_one_click(one, olga, vera, rita, client):
    measured(one, "roc_auc", 0.7042)
    written(olga, one, "It reaches 0.70, and 12.5 % are late.")
    first, second = unbound_of(one.pk, card_of(one.pk).written)
    assert (first.shown, first.name, first.label) == ("0.70", "roc_auc", "ROC AUC")
    assert (second.shown, second.name) == ("12.5 %", "")
    client.force_login(olga, backend=BACKEND)
    page = "/models/flight-delay/1/card?revision=" + str(card_of(one.pk).revision.number)
    assert "Numbers in words that nothing measures" in client.get(page).content.decode()
    listed = client.get("/api/v1/models/flight-delay/versions/1/card/unbound-numbers").json()
    assert [row["shown"] for row in listed] == ["0.70", "12.5 %"]
    form = {
        "section": "metrics",
        "shown": "0.70",
        "name": "roc_auc",
        "expected_revision": card_of(one.pk).revision.number,
    }
    done = client.post("/models/flight-delay/1/card/bind", form, follow=True)
    assert "judged every night" in done.content.decode()
    assert claim_of(one).value == 0.7
    assert [u.shown for u in unbound_of(one.pk, card_of(one.pk).written)] == ["12.5 %"]
    again = client.post("/models/flight-delay/1/card/bind", form, follow=True)
    assert "Nothing was changed" in again.content.decode()
    client.force_login(rita, backend=BACKEND)
    assert "Numbers in words that nothing" not in client.get(page).content.decode()


def test_binding_is_an_edit_with_everything_that_goes_with_it(one, olga, rita):
    written(olga, one, "It reaches 0.70.")
    number = card_of(one.pk).revision.number
    asked = {"version_id": one.pk, "section": "metrics", "shown": "0.70", "name": "roc_auc"}
    with Unchanged(), pytest.raises(Refused):
        bind_number(actor=rita, expected_revision=number, **asked)
    with Unchanged(), pytest.raises(CardChanged):
        bind_number(actor=olga, expected_revision=number - 1, **asked)
    with Unchanged(), pytest.raises(BadSections):
        bind_number(actor=olga, expected_revision=number, **{**asked, "shown": "0.71"})
    bind_number(actor=olga, expected_revision=number, **asked)
    told = Event.objects.filter(event="governance.card.revised").latest("sequence")
    assert told.data["note"] == "0.70 is bound to roc auc"


@given(st.text(max_size=200))
def test_no_text_breaks_the_scanner_and_words_without_bindings_stay(text):
    unbound_in(text)
    faults_of(text)
    if "](number:" not in text:
        assert linked(text, {}) == spoken(text, {}) == text


@given(st.decimals(0, 99, places=2), st.sampled_from(["roc_auc", "mae"]))
def test_what_is_bound_is_found_again(number, name):
    bound = bind(f"It is {number} here, and {number} there.", str(number), name)
    assert bound == f"It is [{number}](number:{name}) here, and {number} there."
    assert unbound_in(bound) == [str(number)]
