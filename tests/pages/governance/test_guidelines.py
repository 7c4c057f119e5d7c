"""Pages of guidelines, purposes and re-approvals: who sees what, and what the forms do."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from governance.guideline_files import TEMPLATE
from governance.models import GuidelineAnswers, GuidelineEdition, PurposeChange
from tests.conftest import PASSWORD
from tests.governance.conftest import Unchanged, ask
from tests.governance.test_guidelines import answered, put_in_force, signed
from tests.governance.test_purposes import changed, late
from tests.governance.test_risk import signed as sign_risk

GUIDELINE = "/guidelines/ethical-guidelines"
TWO = "/models/flight-delay/2/guidelines"
MINE = f"{TWO}/ethical-guidelines"
FORM = {
    "harmed--text": "Travellers <b>who</b> miss a connection",
    "groups--yes": "yes",
    "groups--reason": "Within two points",
    "trade_off--choice": "caution",
    "trade_off--reason": "A warning costs little",
    "rejected--rejected-version-1": "Blind to winter",
    "rejected--reason": "The same month",
    "consulted--text": "The ground staff",
    "objection--yes": "no",
    "objection--reason": "Nobody is decided upon",
}


def signature(digest, password=PASSWORD):
    return {"digest": digest, "reason": "Read with care", "password": password}


@pytest.fixture
def ethics(team, olga, rosa):
    return put_in_force(olga, rosa, team)


def test_a_team_starts_from_the_shipped_draft_and_somebody_else_puts_it_in_force(
    one, team, page, post, olga, rita
):
    assert "No guideline yet" in page(olga, "/guidelines")
    assert "id: ethical-guidelines" in page(olga, "/guidelines/new")
    sent = {"team": team.pk, "text": TEMPLATE.read_text().replace("\n", "\r\n")}
    assert post(olga, "/guidelines/new", sent).status_code == 302
    text = page(olga, GUIDELINE)
    assert "The draft waits for a signature" in text
    assert "Put it in force" not in text
    assert "Put it in force" in page(rita, GUIDELINE)
    digest = GuidelineEdition.objects.get().digest
    with Unchanged():
        assert post(olga, f"{GUIDELINE}/sign", signature(digest)).status_code == 403
    wrong = post(rita, f"{GUIDELINE}/sign", signature(digest, "guess"))
    assert wrong.status_code == 403
    assert "This is not your password" in wrong.content.decode()
    assert post(rita, f"{GUIDELINE}/sign", signature(digest)).status_code == 302
    assert "Signed in" in page(rita, GUIDELINE)
    assert "in force" in page(rita, "/guidelines")


def test_wrong_lines_are_named_and_nothing_is_kept(team, post, olga):
    with Unchanged():
        answer = post(olga, "/guidelines/new", {"team": team.pk, "text": "id: x\nquestions: []"})
    assert answer.status_code == 422
    assert "line 2, questions" in answer.content.decode()
    assert GuidelineEdition.objects.count() == 0


def test_answers_are_written_in_a_form_and_signed_by_somebody_else(
    ethics, one, two, page, post, olga, rita, vera, client
):
    assert "not answered" in page(olga, TWO).lower()
    assert "Version 1: why it was rejected" in page(olga, MINE)
    assert "Keep the answers" not in page(rita, MINE)
    assert post(olga, MINE, {"harmed--text": "Some"}).status_code == 302
    assert "Questions are open" in page(rita, MINE)
    assert post(olga, MINE, FORM).status_code == 302
    row = GuidelineAnswers.objects.get(state="draft")
    assert row.answers["groups"] == {"yes": True, "reason": "Within two points"}
    assert row.answers["rejected"]["rejected"][0]["candidate"] == "version:1"
    assert "Ethical guidelines to sign" in page(rita, "/inbox")
    text = page(rita, MINE)
    assert "Travellers &lt;b&gt;who&lt;/b&gt; miss" in text
    with Unchanged():
        assert post(olga, f"{MINE}/sign", signature(row.digest)).status_code == 403
    assert post(rita, f"{MINE}/sign", signature(row.digest)).status_code == 302
    assert "Asked the desk" not in page(vera, MINE)
    assert "answered and signed" in page(vera, MINE).lower()


def test_a_half_answer_is_refused_beside_its_question_and_words_are_kept(
    ethics, one, two, post, olga
):
    with Unchanged():
        answer = post(olga, MINE, {**FORM, "groups--reason": ""})
    assert answer.status_code == 422
    text = answer.content.decode()
    assert "Say why." in text
    assert "The ground staff" in text


def test_a_guideline_is_ended_with_a_signature(ethics, one, page, post, rosa, olga):
    sent = {"reason": "Replaced", "password": PASSWORD}
    with Unchanged():
        assert post(olga, f"{GUIDELINE}/end", sent).status_code == 403
    assert post(rosa, f"{GUIDELINE}/end", sent).status_code == 302
    assert "Nothing is asked" in page(olga, "/models/flight-delay/1/guidelines")


def test_reviewers_read_the_answers_in_the_request_and_in_the_card(
    ethics, one, two, page, olga, rita
):
    signed(rita, answered(olga, two))
    request = ask(olga, two)
    for address in (f"/change-requests/{request.pk}", "/models/flight-delay/2/card"):
        text = page(rita, address)
        assert "More cases for a person to decide" in text
        assert "It was blind to winter." in text
        assert "I read these answers, had no hand in the version" in text


def test_a_purpose_is_changed_on_its_page_and_reopens_what_was_signed(
    serving, page, post, olga, rita, rosa
):
    where = "/models/flight-delay/purpose"
    assert "Change it" not in page(rita, where)
    sent = {"purpose": "Rebooks.", "kpis": "One\r\n\r\nTwo ", "requirements": "", "reason": "Asked"}
    with Unchanged():
        assert post(rita, where, sent).status_code == 403
        assert post(olga, where, {**sent, "reason": ""}).status_code == 422
    assert post(olga, where, sent).status_code == 302
    assert PurposeChange.objects.get().after["kpis"] == ["One", "Two"]
    text = page(rita, where)
    assert "<del>Says which flights will be late.</del>" in "".join(text.split("\n")).replace(
        "  ", ""
    )
    for address in (where, "/models/flight-delay"):
        assert "Approvals to be given anew" in page(rita, address)
    assert "Approvals for you to have given anew" in page(olga, "/inbox")
    assert "approved for an earlier purpose" in page(rita, "/models/flight-delay")
    assert "approved for an earlier purpose" in page(rita, "/models/flight-delay/1")
    late(serving, "high")
    text = page(rita, "/models/flight-delay")
    assert "The signatures of a re-validation clear it again" in text
    assert "Decide whether it may serve again" not in text
    assert "revalidate" in page(olga, "/models/flight-delay/1/request?kind=revalidate").lower()


def test_the_risk_page_says_what_the_tier_decides_and_when_to_answer_anew(
    serving, page, olga, rosa
):
    text = page(rosa, "/models/flight-delay/risk")
    for words in ("every 24 months after the last approval", "fail closed", "within 60"):
        assert words in " ".join(text.split())
    sign_risk(rosa, serving.model, materiality="much", people="many")
    assert "Answer it anew" not in page(rosa, "/models/flight-delay/risk")
    changed(olga, serving.model)
    assert "changed after this was signed" in page(rosa, "/models/flight-delay/risk")


@pytest.mark.parametrize(
    ("address", "most"),
    [("/guidelines", 8), (GUIDELINE, 9), (TWO, 9), (MINE, 14), ("/models/flight-delay/purpose", 9)],
)
def test_a_page_asks_a_bounded_number_of_queries(
    address, most, ethics, one, two, team, page, olga, rosa, client
):
    for number in range(3):
        raw = TEMPLATE.read_bytes().replace(b"ethical-guidelines", f"more-{number}".encode())
        put_in_force(olga, rosa, team, raw)
        answered(olga, two, harmed={"text": f"Some {number}"})
        changed(olga, two.model, {"kpis": [f"KPI {number}"]})
    page(olga, address)
    with CaptureQueriesContext(connection) as asked_for:
        client.get(address)
    assert len(asked_for) <= most
