"""A card is a draft until somebody publishes it: who may, what it is bound to, who reads what."""

import json

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from accounts.policies import Refused
from audit.models import Event
from governance.models import ApprovalPolicy, CardPublication, CardRevision, SignOff
from governance.publishing import CardState, state_of, status_sentence
from governance.reads.as_of import as_of
from governance.reads.cards import card_of, exported, readers_card
from governance.reads.downloads import FORMATS
from governance.reads.publications import published_at
from governance.reads.requests import request_page
from governance.refusals import EvidenceChanged, Incomplete, NoSuchStep, WrongPassword
from governance.rounds import one_round
from governance.services.cards import refresh_card, revise_card
from governance.services.publishing import publish_card
from registry.models import Contribution
from tests.conftest import PASSWORD
from tests.governance.conftest import ask, carry_out, sign

CARD = "/models/flight-delay/1/card"
API = "/api/v1/models/flight-delay/versions/1/card"
TEXTUAL = ("markdown", "annex-iv", "huggingface", "mct", "sagemaker", "cyclonedx")


def publish(person, version, **more):
    page = card_of(version.pk)
    said = {"digest": page.revision.digest, "reason": "It is complete.", "password": PASSWORD}
    return publish_card(actor=person, version_id=version.pk, **{**said, **more})


def rewrite(person, version, text="Fog, and snow."):
    page = card_of(version.pk)
    return revise_card(
        actor=person,
        version_id=version.pk,
        sections={"risks": text},
        note="Snow",
        expected_revision=page.revision.number,
    )


@pytest.fixture
def low(one):
    one.model.risk_tier = "low"
    one.model.save()
    return one


class Nothing:
    """Proves that a refusal published nothing and left no event but a counted wrong proof."""

    def __enter__(self):
        self.before = self.count()

    def __exit__(self, kind, *_):
        if kind is None:
            assert self.count() == self.before

    @staticmethod
    def count():
        said = Event.objects.exclude(event="governance.proof.failed").count()
        return (CardPublication.objects.count(), said)


def test_rita_signs_the_card_of_a_medium_risk_model_and_readers_are_given_it(one, rita):
    assert readers_card(one.pk).state == CardState.DRAFT
    row = publish(rita, one)
    assert (row.printed_name, row.role, row.method) == ("Rita", "reviewer", "password")
    page = readers_card(one.pk)
    assert page.state == CardState.PUBLISHED
    assert page.publication.name == "Rita"
    event = Event.objects.get(event="governance.card.published")
    assert event.actor_name == "Rita"
    assert event.data["card"] == page.revision.digest
    assert event.data["reason"] == "It is complete."


def test_a_draft_after_it_is_there_for_who_asks_and_readers_keep_the_published_one(one, olga, rita):
    publish(rita, one)
    rewrite(olga, one)
    read, newest = readers_card(one.pk), card_of(one.pk)
    assert (read.revision.number, read.written["risks"]) == (1, "About Risks and mitigations.")
    assert (newest.revision.number, newest.state) == (2, CardState.DRAFT)
    assert read.draft.number == 2
    assert "Revision 2 is a newer draft." in read.status
    assert newest.status == "DRAFT: nobody has published this revision. Published is revision 1."


def test_publishing_the_draft_takes_the_place_of_what_was_published(one, olga, rita, vera):
    publish(rita, one)
    rewrite(olga, one)
    publish(rita, one)
    assert readers_card(one.pk).revision.number == 2
    assert card_of(one.pk, 1).state == CardState.PUBLISHED_EARLIER
    assert card_of(one.pk, 1).status.startswith("Was published by Rita (reviewer), signed, ")


def test_who_had_a_hand_in_the_version_signs_no_card_of_it(one, olga, vera):
    rewrite(vera, one)
    with Nothing(), pytest.raises(Refused, match="You had a hand in this version"):
        publish(vera, one)
    with Nothing(), pytest.raises(Refused, match="who had no hand in the version signs"):
        publish(olga, one)


def test_the_database_refuses_a_hand_and_any_change_afterwards(one, vera, rita):
    row = publish(rita, one)
    Contribution.objects.create(version=one, person=vera, kind="card")
    rewritten = {**vars(row), "person_id": vera.pk, "id": None}
    del rewritten["_state"]
    with pytest.raises(DatabaseError, match="had a hand"), transaction.atomic():
        CardPublication.objects.create(**rewritten)
    for sql in (
        "UPDATE governance_cardpublication SET printed_name = 'Adam'",
        "DELETE FROM governance_cardpublication",
    ):
        with (
            pytest.raises(DatabaseError, match="append-only"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(sql)


def test_a_card_of_low_risk_is_published_by_whoever_edits_without_a_signature(low, olga, rita):
    with Nothing(), pytest.raises(Refused, match="Developers and validators"):
        publish(rita, low)
    row = publish(olga, low, password="")
    assert (row.role, row.method) == ("developer", "")
    assert readers_card(low.pk).status.startswith("Published by Olga (developer), 20")


def test_auditors_and_strangers_publish_nothing(one, low, adam, sam):
    for person in (adam, sam):
        with Nothing(), pytest.raises(Refused):
            publish(person, one)


def test_a_wrong_password_is_counted_and_publishes_nothing(one, rita):
    with Nothing(), pytest.raises(WrongPassword):
        publish(rita, one, password="no")
    assert rita.pk is not None
    assert Event.objects.filter(event="governance.proof.failed").count() == 1


def test_what_was_read_is_what_is_published(one, olga, rita):
    read = card_of(one.pk).revision.digest
    rewrite(olga, one)
    with Nothing(), pytest.raises(EvidenceChanged, match="revision 2 and not as you read it"):
        publish(rita, one, digest=read)


def test_a_revision_is_published_once(one, rita, vera):
    publish(rita, one)
    with Nothing(), pytest.raises(NoSuchStep, match="Revision 1 is published already"):
        publish(vera, one)


def test_a_card_that_the_policy_finds_too_empty_is_not_published(one, olga, rita):
    empty = dict.fromkeys(("risks", "fairness", "limitations", "contact"), "")
    revise_card(actor=olga, version_id=one.pk, sections=empty, note="Less", expected_revision=1)
    with Nothing(), pytest.raises(Incomplete, match="the approval policy asks for 80%"):
        publish(rita, one)


def test_the_policy_in_force_says_which_roles_sign(one, rita, rosa):
    ApprovalPolicy.objects.filter(kind="promote", risk_tier="medium").update(
        rounds=one_round({"risk_officer": 1})
    )
    with Nothing(), pytest.raises(Refused, match="A risk officer of the team"):
        publish(rita, one)
    assert publish(rosa, one).role == "risk_officer"


def test_publishing_leaves_a_request_and_its_signatures_as_they_are(one, olga, vera, rita, rosa):
    request = ask(olga, one)
    sign(vera, request)
    publish(rita, one)
    assert request_page(rita, request.pk).changed == ()
    sign(rita, request)
    carry_out(request)
    assert request.state == "executed"
    assert SignOff.objects.filter(request=request).count() == 2


def test_a_draft_written_during_a_request_makes_its_signatures_stale(one, olga, vera, rita):
    publish(rita, one)
    request = ask(olga, one)
    rewrite(olga, one)
    page = request_page(rita, request.pk)
    assert any("The card changed from revision" in said for said in page.changed)


@pytest.mark.parametrize("name", TEXTUAL)
def test_every_export_says_whether_it_is_the_published_card(one, olga, rita, name):
    make = next(form.make for form in FORMATS if form.id == name)
    draft = make(exported(card_of(one.pk))).document
    assert "DRAFT: nobody has published this revision." in draft
    publish(rita, one)
    published = make(exported(readers_card(one.pk))).document
    assert "Published by Rita (reviewer), signed" in published
    assert "DRAFT" not in published


def test_the_api_gives_readers_the_published_card_and_the_newest_to_who_asks(
    one, olga, rita, client
):
    publish(rita, one)
    rewrite(olga, one)
    client.force_login(rita)
    read = client.get(API).json()
    assert (read["revision"]["number"], read["publication"]["state"]) == (1, "published")
    assert read["publication"]["newest_revision"] == 2
    assert client.get(f"{API}?revision=published").json() == read
    newest = client.get(f"{API}?revision=newest")
    assert newest.json()["publication"]["state"] == "draft"
    assert newest.headers["ETag"].startswith('"2-')
    assert client.get(f"{API}?revision=all").status_code == 400


def test_there_is_no_published_card_before_anybody_published_it(one, rita, client):
    client.force_login(rita)
    assert client.get(f"{API}?revision=published").status_code == 404
    assert client.get(API).json()["publication"]["by"] is None


def test_a_card_is_published_by_api(one, rita, olga, client):
    client.force_login(rita)
    body = {
        "digest": card_of(one.pk).revision.digest,
        "reason": "Read and compared.",
        "password": PASSWORD,
    }
    made = client.post(f"{API}/publications", json.dumps(body), content_type="application/json")
    assert made.status_code == 201, made.content
    assert made.json()["revision"] == 1
    again = client.post(f"{API}/publications", json.dumps(body), content_type="application/json")
    assert (again.status_code, again.json()["code"]) == (409, "no_such_step")
    listed = client.get(f"{API}/publications").json()["results"]
    assert [one["printed_name"] for one in listed] == ["Rita"]
    client.force_login(olga)
    refused = client.post(f"{API}/publications", json.dumps(body), content_type="application/json")
    assert refused.status_code == 403


def test_the_page_publishes_and_says_which_card_it_shows(one, olga, rita, client):
    client.force_login(rita)
    draft = client.get(CARD).content.decode()
    assert "This is a draft" in draft
    form = client.get(f"{CARD}/publish").content.decode()
    assert "Sign and publish" in form
    assert "A validator or reviewer of the team who had no hand" in form
    data = {"digest": card_of(one.pk).revision.digest, "reason": "Good", "password": PASSWORD}
    answer = client.post(f"{CARD}/publish", data, follow=True).content.decode()
    assert "Published: readers are given revision 1" in answer
    assert "This is the published card" in answer
    rewrite(olga, one)
    read = client.get(CARD).content.decode()
    assert "Read the draft" in read
    assert "Fog, and snow." not in read
    assert "Fog, and snow." in client.get(f"{CARD}?revision=2").content.decode()


def test_the_page_of_a_low_risk_card_asks_for_no_password(low, olga, client):
    client.force_login(olga)
    text = client.get(f"{CARD}/publish").content.decode()
    assert 'name="password"' not in text
    data = {"digest": card_of(low.pk).revision.digest, "reason": "Good"}
    with Nothing():
        assert client.post(f"{CARD}/publish", {**data, "reason": " "}).status_code == 422
    assert client.post(f"{CARD}/publish", data).status_code == 302
    assert readers_card(low.pk).publication.name == "Olga"


def test_a_signature_without_a_password_publishes_nothing(one, rita, client):
    client.force_login(rita)
    body = {"digest": card_of(one.pk).revision.digest, "reason": "Good"}
    with Nothing():
        answer = client.post(f"{API}/publications", body, content_type="application/json")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "password"


def test_the_page_shows_the_newer_draft_to_who_would_publish_an_older_one(one, olga, rita, client):
    client.force_login(rita)
    old = card_of(one.pk).revision.digest
    rewrite(olga, one)
    data = {"digest": old, "reason": "Good", "password": PASSWORD}
    with Nothing():
        answer = client.post(f"{CARD}/publish", data)
    text = answer.content.decode()
    assert answer.status_code == 409
    assert "not as you read it" in text
    assert card_of(one.pk).revision.digest in text
    assert "Good</textarea>" in text


def test_who_may_not_publish_reads_who_does(one, olga, client):
    client.force_login(olga)
    text = client.get(f"{CARD}/publish").content.decode()
    assert "You do not publish this card" in text
    assert "Sign and publish" not in text


def test_a_published_card_keeps_its_revision_when_facts_are_refreshed(one, olga, rita):
    publish(rita, one)
    one.model.purpose = "Another purpose"
    one.model.save()
    refresh_card(actor=olga, version_id=one.pk)
    page = readers_card(one.pk)
    assert page.revision.number == 1
    assert page.facts["model"]["purpose"] != "Another purpose"
    assert page.draft.number == 2
    assert CardRevision.objects.filter(card__version=one).count() == 2


def test_every_revision_is_one_of_four_things():
    states = [state_of(number, newest=4, published={2, 3}) for number in (1, 2, 3, 4)]
    assert states == ["earlier draft", "published earlier", "published", "draft"]
    nothing = {
        "state": "draft",
        "revision": 1,
        "published_revision": None,
        "newest_revision": 1,
        "by": None,
    }
    assert status_sentence(nothing).endswith("No revision is published yet.")


def test_what_readers_were_given_at_a_moment_is_told_later(one, olga, rita):
    before = timezone.now()
    publish(rita, one)
    between = timezone.now()
    rewrite(olga, one)
    publish(rita, one)
    assert published_at([one.pk], before) == {}
    assert published_at([one.pk], between)[one.pk]["revision"] == 1
    (version,) = as_of(one.model, timezone.now()).versions
    assert version["card"]["published"]["revision"] == 2
