"""Change requests through their pages: asked for, signed, refused, withdrawn, refreshed."""

import pytest

from governance.models import ChangeRequest, SignOff
from governance.services.cards import revise_card
from tests.conftest import PASSWORD
from tests.governance.conftest import Unchanged, ask, sign

NEW = "/models/flight-delay/2/request"


def words(request, **more):
    return {
        "decision": "approve",
        "meaning": "I reviewed the evidence",
        "reason": "The numbers hold",
        "password": PASSWORD,
        "digest": request.digest,
        **more,
    }


def change(**more):
    return {
        "kind": "promote",
        "role": "champion",
        "traffic": "100",
        "environment": "production",
        "reason": "It is better",
        **more,
    }


def revised(version, person):
    return revise_card(
        actor=person,
        version_id=version.pk,
        sections={"risks": "New words"},
        note="Risks",
        expected_revision=version.card.revisions.first().number,
    )


def test_olga_asks_for_a_promotion_and_lands_on_its_page(serving, two, olga, post):
    answer = post(olga, NEW, change(role="challenger", traffic="12.5"), follow=True)
    made = ChangeRequest.objects.get(version=two)
    assert answer.redirect_chain == [(f"/change-requests/{made.pk}", 302)]
    assert f"CR-{made.pk} is submitted" in answer.content.decode()
    assert (made.role, str(made.traffic_share), made.reason) == (
        "challenger",
        "0.1250",
        "It is better",
    )


def test_the_form_says_who_signs_and_how_the_gates_answer(serving, two, olga, page):
    text = page(olga, NEW)
    assert "1 validator" in text
    assert "1 reviewer" in text
    assert "Card is complete" in text
    assert "Every gate that must pass does" in text


def test_gates_that_do_not_pass_refuse_and_the_text_is_kept(serving, two, olga, post):
    two.files.all().delete()
    two.artifact_digest = ""
    two.save()
    with Unchanged():
        answer = post(olga, NEW, change(reason="My long reason"))
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "One gate does not pass yet" in text
    assert "Its files are not hashed yet" in text
    assert "My long reason" in text


def test_a_second_request_for_the_same_is_refused_with_the_first_beside_it(asked, olga, post):
    with Unchanged():
        answer = post(olga, NEW, change())
    assert answer.status_code == 409
    assert f"/change-requests/{asked.pk}" in answer.content.decode()


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": ""},
        {"reason": "x" * 4001},
        {"traffic": "0"},
        {"traffic": "101"},
        {"traffic": "NaN"},
        {"role": "king"},
        {"environment": "Not good"},
        {"kind": "restore"},
    ],
)
def test_what_makes_no_sense_is_said_beside_the_field(serving, two, olga, post, wrong):
    with Unchanged():
        answer = post(olga, NEW, change(**wrong))
    assert answer.status_code in {409, 422}
    assert "ob-error" in answer.content.decode() or "ob-notice-breach" in answer.content.decode()


def test_who_may_not_ask_is_refused(serving, two, rita, adam, sam, post):
    with Unchanged():
        assert post(rita, NEW, change()).status_code == 403
        assert post(adam, NEW, change()).status_code == 403
        assert post(sam, NEW, change()).status_code == 404


def test_the_page_shows_champion_beside_challenger_with_gates_and_evidence(asked, rita, page):
    text = page(rita, f"/change-requests/{asked.pk}")
    assert "Champion beside proposed version" in text
    assert "0.720" in text
    assert "0.700" in text
    assert asked.digest in text
    assert "Not worse than the champion" in text
    assert "It is better on newer weather" in text
    assert 'data-dialog="sign-dialog"' in text


def test_rita_signs_and_then_vera_and_it_is_approved(asked, rita, vera, post):
    address = f"/change-requests/{asked.pk}/sign"
    first = post(rita, address, words(asked), follow=True)
    assert "Other signatures are still needed" in first.content.decode()
    second = post(vera, address, words(asked, meaning="own", own_words="I tried it"), follow=True)
    assert "the quorum is reached" in second.content.decode()
    asked.refresh_from_db()
    assert asked.state == "approved"
    assert set(SignOff.objects.filter(request=asked).values_list("printed_name", "meaning")) == {
        ("Rita", "I reviewed the evidence"),
        ("Vera", "I tried it"),
    }


def test_rita_rejects_and_it_ends(asked, rita, post):
    address = f"/change-requests/{asked.pk}/sign"
    answer = post(rita, address, words(asked, decision="reject"), follow=True)
    assert "The request is rejected" in answer.content.decode()
    asked.refresh_from_db()
    assert asked.state == "rejected"


def test_a_wrong_password_signs_nothing_and_keeps_the_words_but_not_the_password(asked, rita, post):
    answer = post(
        rita,
        f"/change-requests/{asked.pk}/sign",
        words(asked, reason="My long reason", password="not the password"),
    )
    text = answer.content.decode()
    assert answer.status_code == 403
    assert "This is not your password" in text
    assert "My long reason" in text
    assert "not the password" not in text
    assert not SignOff.objects.filter(request=asked).exists()


def test_changed_evidence_is_said_and_the_words_are_kept(asked, rita, post):
    with Unchanged():
        answer = post(
            rita,
            f"/change-requests/{asked.pk}/sign",
            words(asked, digest="0" * 64, reason="My long reason"),
        )
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "The evidence changed while you read it" in text
    assert "My long reason" in text
    assert f'value="{asked.digest}"' in text


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": ""},
        {"decision": "maybe"},
        {"decision": "reject", "meaning": "I reviewed the evidence and approve the change"},
        {"meaning": "made up"},
        {"meaning": "own", "own_words": " "},
        {"password": ""},
    ],
)
def test_an_incomplete_signature_is_none(asked, rita, post, wrong):
    with Unchanged():
        answer = post(rita, f"/change-requests/{asked.pk}/sign", words(asked, **wrong))
    assert answer.status_code == 422
    assert "ob-error" in answer.content.decode()


def test_who_had_a_hand_or_no_role_cannot_sign(asked, olga, adam, sam, post, page):
    address = f"/change-requests/{asked.pk}/sign"
    assert "You cannot sign this request" in page(olga, address)
    with Unchanged():
        assert post(olga, address, words(asked)).status_code in {403, 422}
        assert post(adam, address, words(asked)).status_code in {403, 422}
        assert post(sam, address, words(asked)).status_code == 404


def test_stale_evidence_is_shown_and_refreshed(asked, two, rita, vera, olga, post, page):
    sign(rita, asked)
    revised(two, olga)
    address = f"/change-requests/{asked.pk}"
    assert "The evidence is stale" in page(rita, address)
    assert "Refresh the evidence" not in page(rita, address)
    assert "Refresh the evidence" in page(olga, address)
    with Unchanged():
        assert post(rita, f"{address}/refresh").status_code == 403
    done = post(olga, f"{address}/refresh", follow=True).content.decode()
    assert "Today&#x27;s evidence is frozen" in done
    before = asked.digest
    asked.refresh_from_db()
    assert asked.digest != before
    assert "stale" in page(rita, address)


def test_a_request_with_stale_evidence_is_rejected_on_its_page(asked, two, rita, olga, post, page):
    revised(two, olga)
    address = f"/change-requests/{asked.pk}"
    assert "evidence is stale" in page(rita, "/inbox").partition("What you asked for")[0]
    assert "evidence is stale" in page(olga, "/inbox").partition("What you asked for")[2]
    assert "Reject …" in page(rita, address)
    assert "Reject …" not in page(olga, address)
    form = page(rita, f"{address}/sign")
    assert "It cannot be approved now, but rejected" in form
    assert 'value="approve"' not in form
    assert "approve the change" not in form
    with Unchanged():
        refused = post(rita, f"{address}/sign", words(asked))
    assert refused.status_code == 409
    assert "Refresh the evidence" in refused.content.decode()
    done = post(rita, f"{address}/sign", words(asked, decision="reject"), follow=True)
    assert "The request is rejected" in done.content.decode()
    asked.refresh_from_db()
    assert asked.state == "rejected"


def test_olga_withdraws_with_a_reason(asked, olga, post):
    address = f"/change-requests/{asked.pk}/withdraw"
    with Unchanged():
        assert post(olga, address, {"reason": ""}).status_code == 422
    answer = post(olga, address, {"reason": "A newer one comes"}, follow=True)
    assert f"CR-{asked.pk} is withdrawn" in answer.content.decode()
    asked.refresh_from_db()
    assert asked.state == "withdrawn"
    with Unchanged():
        again = post(olga, address, {"reason": "Once more"})
    assert again.status_code == 409
    assert "only an open one can be changed" in again.content.decode()


def test_what_failed_is_tried_again_by_builders_only(asked, olga, rita, post, page):
    ChangeRequest.objects.filter(pk=asked.pk).update(state="failed", error="MLflow was away.")
    address = f"/change-requests/{asked.pk}"
    assert "MLflow was away." in page(rita, address)
    with Unchanged():
        assert post(rita, f"{address}/retry").status_code == 403
    assert "carried out again" in post(olga, f"{address}/retry", follow=True).content.decode()


def test_an_open_request_is_not_tried_again(asked, olga, post):
    with Unchanged():
        answer = post(olga, f"/change-requests/{asked.pk}/retry", follow=True)
    assert "only a failed one is tried again" in answer.content.decode()


def test_the_inbox_sorts_by_what_one_has_to_do(asked, two, olga, rita, page):
    title = "Promote version 2 to champion"
    for_rita = page(rita, "/inbox")
    assert title in for_rita.partition("What you asked for")[0]
    assert title in page(rita, "/")
    for_olga = page(olga, "/inbox").partition("What you asked for")
    assert title not in for_olga[0]
    assert title in for_olga[2].partition("Recently decided")[0]
    sign(rita, asked, decision="reject")
    assert title in page(rita, "/inbox").partition("Recently decided")[2]


def test_all_requests_are_filtered(asked, two, olga, page):
    ask(olga, two, role="shadow", environment="staging")
    assert "2 to shadow" in page(olga, "/change-requests?state=open&model=flight-delay")
    assert "No request matches" in page(olga, "/change-requests?state=failed")
