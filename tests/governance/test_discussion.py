"""People talk about a change request; a change that a signer asks for holds it until settled."""

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Membership
from accounts.policies import Refused
from accounts.roles import Role
from audit.models import Event
from governance.models import RequestEntry
from governance.reads.discussion import discussion_of
from governance.reads.inbox import requests_waiting_for
from governance.reads.requests import request_page
from governance.refusals import AlreadySigned, ChangesAsked, Incomplete, NotOpen
from governance.services.cards import revise_card
from governance.services.discussion import say
from governance.services.requests import refresh_evidence, withdraw
from tests.conftest import person
from tests.governance.conftest import Unchanged, ask, sign


@pytest.fixture
def request_of_olga(one, olga):
    return ask(olga, one)


def asked(actor, request, text="Name who is on call at night."):
    return say(actor=actor, request_id=request.pk, kind="change_asked", text=text)


def about(actor, request, entry, kind, text="Done: the card names them."):
    return say(actor=actor, request_id=request.pk, kind=kind, text=text, about_id=entry.pk)


def test_nobody_approves_until_what_vera_asked_for_is_settled(request_of_olga, olga, vera, rita):
    request = request_of_olga
    entry = asked(vera, request)
    assert entry.role == "validator"
    for signer in (vera, rita):
        with Unchanged(), pytest.raises(ChangesAsked, match="Vera asked for a change"):
            sign(signer, request)
    about(olga, request, entry, "answer")
    with Unchanged(), pytest.raises(ChangesAsked):
        sign(rita, request)
    about(vera, request, entry, "settled")
    sign(vera, request)
    sign(rita, request)
    request.refresh_from_db()
    assert request.state == "approved"
    told = Event.objects.filter(event__startswith="governance.change.")
    assert list(told.order_by("sequence").values_list("event", flat=True)) == [
        "governance.change.asked",
        "governance.change.answered",
        "governance.change.settled",
    ]


def test_it_can_be_rejected_all_the_same(request_of_olga, vera, rita):
    asked(vera, request_of_olga)
    sign(rita, request_of_olga, "reject")
    request_of_olga.refresh_from_db()
    assert request_of_olga.state == "rejected"


def test_it_stays_asked_when_the_evidence_is_refreshed(request_of_olga, olga, vera, rita, one):
    asked(vera, request_of_olga)
    revise_card(
        actor=olga,
        version_id=one.pk,
        sections={"contact": "Call Olga."},
        note="",
        expected_revision=one.card.revisions.first().number,
    )
    refresh_evidence(actor=olga, request_id=request_of_olga.pk)
    request_of_olga.refresh_from_db()
    with Unchanged(), pytest.raises(ChangesAsked):
        sign(rita, request_of_olga)


@pytest.mark.parametrize("name", ["olga", "adam", "sam", "anna", "robot", "rosa"])
def test_only_who_may_sign_asks_for_changes(name, request, request_of_olga):
    with Unchanged(), pytest.raises(Refused):
        asked(request.getfixturevalue(name), request_of_olga)


def test_only_who_asked_or_another_in_the_same_role_settles(
    request_of_olga, team, vera, rita, olga
):
    entry = asked(vera, request_of_olga)
    for other in (rita, olga):
        with Unchanged(), pytest.raises(Refused, match="Who asked for it settles it"):
            about(other, request_of_olga, entry, "settled")
    viktor = person("viktor", (Role.VALIDATOR, team))
    about(viktor, request_of_olga, entry, "settled", "Vera is on leave; the card names them.")
    with Unchanged(), pytest.raises(AlreadySigned):
        about(viktor, request_of_olga, entry, "settled")
    with Unchanged(), pytest.raises(AlreadySigned):
        about(olga, request_of_olga, entry, "answer")


def test_who_lost_the_role_settles_nothing_any_more(request_of_olga, vera):
    entry = asked(vera, request_of_olga)
    Membership.objects.filter(user=vera).update(role=Role.DEVELOPER)
    vera = type(vera).objects.get(pk=vera.pk)
    with Unchanged(), pytest.raises(Refused):
        about(vera, request_of_olga, entry, "settled")


def test_a_signer_answers_nothing_and_the_asker_of_the_request_does(request_of_olga, vera, olga):
    entry = asked(vera, request_of_olga)
    with Unchanged(), pytest.raises(Refused):
        about(vera, request_of_olga, entry, "answer")
    about(olga, request_of_olga, entry, "answer")


def test_olga_sees_in_her_inbox_what_is_asked_of_her(request_of_olga, olga, vera, client):
    client.force_login(olga, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert "Changes that signers ask of you" not in client.get("/inbox").content.decode()
    entry = asked(vera, request_of_olga)
    assert "Changes that signers ask of you" in client.get("/inbox").content.decode()
    about(olga, request_of_olga, entry, "answer")
    assert "Changes that signers ask of you" not in client.get("/inbox").content.decode()


def test_comments_are_kept_and_taken_back_by_their_author_only(request_of_olga, olga, vera):
    entry = say(actor=olga, request_id=request_of_olga.pk, kind="comment", text="**Look** at May.")
    with Unchanged(), pytest.raises(Refused, match="Only who wrote"):
        about(vera, request_of_olga, entry, "retraction")
    about(olga, request_of_olga, entry, "retraction", "The wrong month.")
    with Unchanged(), pytest.raises(AlreadySigned):
        about(olga, request_of_olga, entry, "retraction")
    (comment,) = discussion_of(vera, request_of_olga).comments
    assert (comment.said.entry.text, comment.retracted.text) == (
        "**Look** at May.",
        "The wrong month.",
    )


def test_comments_go_on_after_the_decision_changes_do_not(request_of_olga, olga, vera):
    withdraw(actor=olga, request_id=request_of_olga.pk, reason="Not now")
    say(actor=vera, request_id=request_of_olga.pk, kind="comment", text="A pity.")
    with Unchanged(), pytest.raises(NotOpen):
        asked(vera, request_of_olga)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"text": "  "}, "text"),
        ({"text": "x" * 4001}, "text"),
        ({"text": "a\0b"}, "text"),
        ({"kind": "shout"}, "kind"),
        ({"kind": "answer"}, "about"),
        ({"kind": "settled", "about_id": 999_999}, "about"),
        ({"about_id": 1}, "about"),
    ],
    ids=["empty", "long", "null", "unknown", "about nothing", "about no entry", "about something"],
)
def test_what_makes_no_sense_is_told_and_nothing_is_written(wrong, field, request_of_olga, olga):
    said = {"kind": "comment", "text": "Seen.", **wrong}
    with Unchanged(), pytest.raises(Incomplete) as told:
        say(actor=olga, request_id=request_of_olga.pk, **said)
    assert told.value.field == field
    assert not RequestEntry.objects.exists()


def test_an_entry_of_another_request_cannot_be_meant(request_of_olga, two, olga, vera):
    other = ask(olga, two)
    entry = asked(vera, other)
    with Unchanged(), pytest.raises(Incomplete):
        about(olga, request_of_olga, entry, "answer")


def test_what_was_said_cannot_be_altered(request_of_olga, olga):
    say(actor=olga, request_id=request_of_olga.pk, kind="comment", text="Seen.")
    for verb in ("UPDATE {0} SET text = 'x'", "DELETE FROM {0}"):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            connection.cursor().execute(verb.format("governance_requestentry"))


def test_markdown_of_a_comment_cannot_do_anything(request_of_olga, olga, vera):
    text = "<script>alert(1)</script> [x](javascript:alert(1)) **bold**"
    say(actor=olga, request_id=request_of_olga.pk, kind="comment", text=text)
    page = request_page(vera, request_of_olga.pk)
    html = page.discussion.comments[0].said.html
    assert "<script" not in html
    assert 'href="javascript' not in html
    assert "<strong>bold</strong>" in html


def test_the_page_takes_words_and_keeps_them_when_they_are_refused(
    request_of_olga, olga, vera, rita, client
):
    backend = "allauth.account.auth_backends.AuthenticationBackend"
    address = f"/change-requests/{request_of_olga.pk}/entries"
    client.force_login(vera, backend=backend)
    client.post(address, {"kind": "change_asked", "text": "Name who is on call."})
    page = client.get(f"/change-requests/{request_of_olga.pk}").content.decode()
    assert "Vera, validator, asked for a change" in page
    assert "Settle" in page
    client.force_login(rita, backend=backend)
    entry = RequestEntry.objects.get()
    refused = client.post(address, {"kind": "retraction", "about": entry.pk, "text": "Mine"})
    assert refused.status_code == 422
    assert "Mine" in refused.content.decode()
    page = client.get(f"/change-requests/{request_of_olga.pk}").content.decode()
    assert "asked for a change that is not settled yet" in page
    empty = client.post(address, {"kind": "comment", "text": ""})
    assert empty.status_code == 422


def test_the_api_lists_and_adds_and_names_what_is_unsettled(request_of_olga, vera, client):
    client.force_login(vera, backend="allauth.account.auth_backends.AuthenticationBackend")
    path = f"/api/v1/change-requests/{request_of_olga.pk}"
    made = client.post(
        f"{path}/entries",
        {"kind": "change_asked", "text": "Name who is on call."},
        content_type="application/json",
    )
    assert made.status_code == 201
    listed = client.get(f"{path}/entries").json()["results"]
    assert [one["text"] for one in listed] == ["Name who is on call."]
    assert client.get(path).json()["changes_asked"] == ["Vera: Name who is on call."]
    assert requests_waiting_for(vera).exists()
