"""The technical file lists the sub-points of Annex IV with their evidence, or as not there."""

from governance.formats.annex_parts import PARTS, parts_of
from governance.reads import papers
from governance.reads.cards import card_of, exported
from tests.governance.conftest import promoted


def evidence(card, point):
    return {one.part.title: one.evidence for one in parts_of(card, point)}


def test_points_one_and_two_have_all_eight_sub_points():
    for point in "12":
        ids = dict.fromkeys(part.id for part in PARTS if part.id.startswith(point))
        assert list(ids) == [f"{point}({letter})" for letter in "abcdefgh"]


def test_written_sections_are_evidence_and_unwritten_ones_are_not(one):
    found = evidence(exported(card_of(one.pk)), "2")
    assert found["Assessment of human oversight"] == ("Section “Human oversight”",)
    assert found["Cybersecurity"] == ()


def test_test_reports_count_only_with_signatures(one, two, olga, vera, rita):
    title = "Test reports, dated and signed"
    assert evidence(exported(card_of(two.pk)), "2")[title] == ()
    promoted(one, olga, vera, rita)
    signed = evidence(exported(card_of(one.pk)), "2")[title]
    assert "Vera" in signed[0]
    assert "Rita" in signed[0]


def test_the_technical_file_says_what_is_not_there(one):
    card = exported(card_of(one.pk))
    html = papers.annex_html(card)
    empty = [one for point in "12" for one in parts_of(card, point) if not one.evidence]
    assert html.count("<strong>not there</strong>") == len(empty)
    assert "2(c)" in html


def test_other_points_have_no_sub_points(one):
    assert parts_of(exported(card_of(one.pk)), "3") == ()
