"""Two cards of a model side by side: words, facts with units, claims, completeness."""

import time

import pytest

from governance.card_differences import MOST_PAIRS, difference_between, words_between
from governance.models import Claim
from governance.reads.card_differences import compared
from governance.reads.cards import card_of, exported
from governance.services.cards import refresh_card, revise_card
from governance.services.publishing import publish_card
from governance.units import change_of, unit_of_claim
from tests.conftest import PASSWORD
from tests.governance.test_cards import measured

API = "/api/v1/models/flight-delay/versions/{}/card/differences"
PAGE = "/models/flight-delay/{}/card/revisions"


def rewrite(person, version, **sections):
    number = card_of(version.pk).revision.number
    return revise_card(
        actor=person,
        version_id=version.pk,
        sections=sections,
        note="Changed",
        expected_revision=number,
    )


def between(version, before="1", after="newest"):
    return compared(version, before, after).difference


def test_words_that_came_and_went_are_told_word_by_word(one, olga):
    rewrite(olga, one, risks="About fog and mitigations.")
    (section,) = between(one).sections
    assert section.words == (
        (" ", "About "),
        ("-", "Risks "),
        ("+", "fog "),
        (" ", "and mitigations."),
    )
    assert (section.kind, section.added, section.removed) == ("changed", 1, 1)


def test_a_section_is_new_or_gone_and_completeness_says_so(one, olga):
    rewrite(olga, one, contact="", trade_offs="Recall for precision.")
    found = between(one)
    assert {one.section.id: one.kind for one in found.sections} == {
        "contact": "gone",
        "trade_offs": "new",
    }
    assert found.newly_written == ("Trade-offs",)
    assert found.no_longer_written == ("Contact",)


@pytest.mark.parametrize("old", ["", "a b c", "one\ntwo\n", "x " * 2000, "same\n" * 900])
@pytest.mark.parametrize("new", ["", "a c", "two\none\n", "y x " * 1500, "same\nother\n" * 700])
def test_both_texts_can_be_put_together_again(old, new):
    words = words_between(old, new)
    assert "".join(text for mark, text in words if mark in " -") == old
    assert "".join(text for mark, text in words if mark in " +") == new


def test_the_longest_sections_are_compared_in_little_time():
    old = "".join(f"word{n % 7} {n}\n" for n in range(1800))
    new = "".join(f"word{n % 5} {n}\n" for n in range(1800))
    assert len(old.split()) * len(new.split()) > MOST_PAIRS
    began = time.process_time()
    words = words_between(old, new)
    assert time.process_time() - began < 5
    assert "".join(text for mark, text in words if mark in " +") == new


def test_what_stayed_is_shortened_on_the_page_and_whole_in_the_answer(one, olga):
    rewrite(olga, one, risks="kept " * 100 + "before")
    rewrite(olga, one, risks="kept " * 100 + "after")
    (section,) = between(one, "2").sections
    assert ("…", "60") in section.shortened
    assert section.words[0] == (" ", "kept " * 100)


def test_facts_of_two_versions_stand_side_by_side_with_units(one, two, olga):
    one.files.create(path="MLmodel", size=91, sha256="1" * 64)
    refresh_card(actor=olga, version_id=one.pk)
    found = compared(two, "1:newest", "2:newest").difference
    facts = {(fact.group, fact.name): fact for fact in found.facts}
    size = facts["Artifact", "size"]
    assert (size.before, size.after) == (100, 9)
    assert size.change.words == "-91 bytes (-91.0%)"
    assert facts["Artifact", "files"].change.words == "-1 file (-50.0%)"
    assert facts["Version", "number"].change is None


def test_claims_are_new_gone_or_changed_with_value_tolerance_and_state(one, olga):
    measured(one, "accuracy", 0.80, low=0.78, high=0.82, weeks_ago=1)
    refresh_card(actor=olga, version_id=one.pk)
    measured(one, "accuracy", 0.84, low=0.80, high=0.88)
    refresh_card(actor=olga, version_id=one.pk)
    first, second = between(one, "1", "2"), between(one, "2", "3")
    assert [(claim.label, claim.kind) for claim in first.claims] == [("accuracy", "new")]
    (changed,) = second.claims
    assert changed.parts == ("value", "tolerance", "interval")
    assert changed.change.words == "+4 percentage points (+5.0%)"
    assert second.same_claims == 1
    assert [claim.kind for claim in between(one, "2", "1").claims] == ["gone"]


def test_a_changed_state_is_a_difference_of_its_own(one):
    before = exported(card_of(one.pk))
    after = {**before, "claims": [{**before["claims"][0], "state": "contradicted"}]}
    (claim,) = difference_between(before, after).claims
    assert claim.parts == ("state",)
    assert claim.change.words == "no change"


def test_changes_say_their_unit_and_what_they_are_of():
    assert change_of(0.5, 0.45, "share").words == "-5 percentage points (-10.0%)"
    assert change_of(0.0, 3.0, "rows").words == "+3 rows"
    assert change_of(10.0, 12.5, "answer").words == "+2.5 in the unit of the answer (+25.0%)"
    assert change_of(9, 48_220, "bytes").words == "+48,211 bytes (5,358 times as much)"
    assert change_of(87, 93, "%").words == "+6 points"
    assert change_of(-2.0, -1.0, "").words == "+1 (+50.0%)"
    assert unit_of_claim("measured_mae_mae", "mae") == "answer"
    assert unit_of_claim("recorded_unheard_of_x", "x") == ""


def test_without_names_the_newest_is_compared_with_what_readers_have(one, olga, rita):
    digest = card_of(one.pk).revision.digest
    publish_card(actor=rita, version_id=one.pk, digest=digest, reason="Good", password=PASSWORD)
    rewrite(olga, one, risks="Fog")
    rewrite(olga, one, risks="Fog and snow")
    both = compared(one, "", "")
    assert (both.before.value, both.after.value) == ("1:1", "1:3")
    assert compared(one, "published", "newest").before.value == "1:1"


@pytest.mark.parametrize("side", ["9", "2:1", "0:1", "x", "1:", "1:1:1", "-1", "٣"])
def test_what_is_not_there_is_not_compared(one, side):
    assert compared(one, side, "newest") is None


def test_the_api_tells_differences_between_versions(one, two, olga, rita, client):
    rewrite(olga, two, risks="Snow.")
    client.force_login(rita)
    answer = client.get(API.format(2), {"from": "1:1", "to": "newest"})
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert (found["from"]["version"], found["to"]["revision"]) == (1, 2)
    risks = next(part for part in found["sections"] if part["id"] == "risks")
    assert {"mark": "added", "text": "Snow."} in risks["words"]
    (claim,) = [one for one in found["claims"] if one["label"].endswith("AUC")]
    assert claim["change"]["absolute"] == pytest.approx(0.02)
    assert claim["before"]["value"] == 0.7
    assert client.get(API.format(2), {"from": "9"}).status_code == 404


def test_a_stranger_compares_nothing(one, two, sam, client):
    client.force_login(sam)
    assert client.get(API.format(2)).status_code == 404
    assert client.get(PAGE.format(2)).status_code == 404


def test_another_models_versions_are_not_named(one, other_team, olga, client):
    client.force_login(olga)
    assert client.get(API.format(1), {"from": "7:1"}).status_code == 404


def test_the_page_shows_both_sides_and_says_added_and_removed_in_words(one, two, olga, client):
    rewrite(olga, two, risks="Snow <b>and</b> fog.")
    client.force_login(olga)
    text = client.get(PAGE.format(2), {"from": "1:1", "to": "2:2"}).content.decode()
    assert '<span class="visually-hidden">Added: </span>' in text
    assert "&lt;b&gt;" in text
    assert '<optgroup label="Version 1">' in text
    assert '<option value="1:1"' in text
    assert "From" in text
    odd = client.get(PAGE.format(2), {"from": "x"}).content.decode()
    assert "One of the two cards that were asked for is not there" in odd


def test_a_tolerance_of_a_claim_is_in_the_export(one, olga):
    measured(one, "accuracy", 0.80, low=0.78, high=0.82)
    refresh_card(actor=olga, version_id=one.pk)
    claims = {claim["label"]: claim for claim in exported(card_of(one.pk))["claims"]}
    assert claims["accuracy"]["tolerance"] == pytest.approx(0.02)
    assert Claim.objects.filter(tolerance__isnull=False).count() == 1
