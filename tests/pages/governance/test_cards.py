"""Cards through their pages: read, written, never overwritten unseen; clearance decided."""

import pytest
from django.utils import timezone

from governance.models import CardRevision, Clearance
from governance.reads.cards import card_of
from governance.services.cards import revise_card
from monitoring.models import Measurement, Run
from tests.governance.conftest import Unchanged, ask, critical_incident

CARD = "/models/flight-delay/2/card"


def written(version):
    return card_of(version.pk).written


def form(version, **more):
    page = card_of(version.pk)
    return {**page.written, "note": "Mine", "expected_revision": page.revision.number, **more}


def test_a_card_is_read_with_its_words_numbers_and_facts(two, rita, page):
    text = page(rita, CARD)
    assert "About Limitations and caveats." in text
    assert "recorded by the training run" in text
    assert "0.720" in text
    assert "Flight operations" in text
    assert "data-print" in text
    assert "Not written yet" not in text
    markdown = page(rita, "/api/v1/models/flight-delay/versions/2/card?format=markdown&revision=1")
    assert "About Limitations and caveats." in markdown


def test_words_cannot_do_anything(two, olga, rita, post, page):
    evil = (
        "<script>alert(1)</script> [x](javascript:alert(1)) <img src=x onerror=alert(1)> **bold**"
    )
    assert post(olga, f"{CARD}/edit", form(two, risks=evil)).status_code == 302
    for address in (CARD, "/models/flight-delay/2", f"{CARD}/revisions"):
        text = page(rita, address)
        assert "<script>alert" not in text
        assert 'href="javascript' not in text
        assert "<img src=x" not in text
    assert "<strong>bold</strong>" in page(rita, CARD)


def test_olga_edits_one_section_and_the_others_stay(two, olga, post):
    before = written(two)
    answer = post(olga, f"{CARD}/edit", form(two, risks="Fog.\r\n\r\nSnow."), follow=True)
    assert "The card is saved as revision 2" in answer.content.decode()
    assert written(two) == {**before, "risks": "Fog.\n\nSnow."}
    newest = CardRevision.objects.filter(card__version=two).first()
    assert (newest.author, newest.note) == (olga, "Mine")


def test_an_emptied_section_is_missing_afterwards(two, olga, post, page):
    post(olga, f"{CARD}/edit", form(two, contact=""))
    assert "contact" not in written(two)
    assert "Still missing" in page(olga, "/models/flight-delay/2")


def test_what_another_wrote_meanwhile_is_shown_and_nothing_is_lost(two, olga, vera, post):
    old = form(two)
    revise_card(
        actor=vera,
        version_id=two.pk,
        sections={"risks": "Vera on risks", "fairness": "Vera on fairness"},
        note="Hers",
        expected_revision=1,
    )
    with Unchanged():
        answer = post(olga, f"{CARD}/edit", {**old, "risks": "Olga on risks", "note": "Mine"})
    text = answer.content.decode()
    assert answer.status_code == 412
    assert "Somebody else saved revision 2" in text
    assert "Olga on risks</textarea>" in text.replace("\n", "")
    assert "Vera on risks" in text
    assert "Vera on fairness</textarea>" in text.replace("\n", "")
    assert 'name="expected_revision" value="2"' in text
    assert written(two)["risks"] == "Vera on risks"


def test_a_section_too_long_is_said_beside_it(two, olga, post):
    with Unchanged():
        answer = post(olga, f"{CARD}/edit", form(two, risks="x" * 20_001))
    assert answer.status_code == 422
    assert "at most 20000 characters" in answer.content.decode()
    assert CardRevision.objects.filter(card__version=two).count() == 1


def test_who_may_not_write_is_refused(two, rita, adam, sam, post):
    with Unchanged():
        assert post(rita, f"{CARD}/edit", form(two, risks="!")).status_code == 403
        assert post(adam, f"{CARD}/refresh").status_code == 403
        assert post(sam, f"{CARD}/edit", form(two, risks="!")).status_code == 404
    assert written(two)["risks"] == "About Risks and mitigations."


def test_numbers_newer_than_the_card_are_shown_beside_it(two, rita, page):
    monitor = two.model.monitors.get(kind="performance")
    now = timezone.now()
    run = Run.objects.create(
        monitor=monitor,
        version=two,
        window_start=now,
        window_end=now,
        config_digest="c",
        verdict="ok",
        profile_digest="d",
        library_version="1",
    )
    measured = {"metric": "roc_auc", "value": 0.654, "low": 0.641, "high": 0.667, "n": 4321}
    Measurement.objects.create(
        run=run, monitor=monitor, version=two, window_end=now, verdict="ok", **measured
    )
    text = page(rita, "/models/flight-delay/2")
    assert "Measured since" in text
    assert "0.654" in text
    assert "(0.641–0.667)" in text
    assert "n = 4,321" in text


def test_revisions_are_listed_and_compared(two, olga, rita, page, post):
    post(olga, f"{CARD}/edit", form(two, risks="Fog."))
    text = page(rita, f"{CARD}/revisions")
    assert "Added: </span>Fog.</ins>" in text
    assert "Removed: </span>About Risks and mitigations.</del>" in text
    assert "Revision 1" in text
    earlier = page(rita, f"{CARD}?revision=1")
    assert "This is an earlier revision" in earlier
    assert "nobody has published this revision" in earlier
    assert "About Risks and mitigations." in earlier


def test_facts_and_numbers_are_refreshed_on_demand(two, olga, post):
    same = post(olga, f"{CARD}/refresh", follow=True).content.decode()
    assert "up to date already" in same
    two.model.purpose = "Another purpose"
    two.model.save()
    changed = post(olga, f"{CARD}/refresh", follow=True).content.decode()
    assert "Facts and numbers are of today: revision 2" in changed
    assert "Another purpose" in changed


def test_a_version_without_a_card_says_what_a_card_is(flights, olga, rita, page, post):
    flights.versions.create(number=7)
    assert "Write the card" in page(olga, "/models/flight-delay/7")
    assert "Developers and validators of the owning team write it" in page(
        rita, "/models/flight-delay/7/card"
    )
    address = "/models/flight-delay/7/card/edit"
    answer = post(olga, address, {"overview": "New", "note": "", "expected_revision": 0})
    assert answer.status_code == 302


@pytest.fixture
def suspended(serving, rita, post):
    address = "/models/flight-delay/1/clearance"
    data = {"step": "suspend", "environment": "production", "reason": "It looks wrong"}
    assert post(rita, address, data).status_code == 302
    return serving


def in_force(version):
    return Clearance.objects.get(version=version, until__isnull=True)


def test_rita_suspends_and_rosa_reinstates(suspended, rita, rosa, olga, page, post):
    assert in_force(suspended).state == "suspended"
    assert "is suspended in production" in page(olga, "/models/flight-delay")
    assert "Decide whether it may serve again" not in page(olga, "/models/flight-delay")
    assert "Decide whether it may serve again" in page(rosa, "/models/flight-delay")
    data = {"step": "reinstate", "environment": "production", "reason": "A sensor was broken"}
    answer = post(rosa, "/models/flight-delay/1/clearance", data, follow=True)
    assert "may serve again" in answer.content.decode()
    assert in_force(suspended).state == "cleared"


def test_a_late_click_does_the_step_that_was_offered_or_nothing(suspended, rosa, post):
    data = {"step": "suspend", "environment": "production", "reason": "Me too"}
    with Unchanged():
        answer = post(rosa, "/models/flight-delay/1/clearance", data)
    assert answer.status_code == 409
    assert "is suspended in production, not" in answer.content.decode()


def test_clearance_is_decided_with_a_reason_by_those_who_may(suspended, rita, olga, sam, post):
    address = "/models/flight-delay/1/clearance"
    data = {"step": "reinstate", "environment": "production", "reason": "Fine"}
    with Unchanged():
        assert post(olga, address, data).status_code == 403
        assert post(sam, address, data).status_code == 404
        assert post(rita, address, {**data, "reason": " "}).status_code == 422
    assert in_force(suspended).state == "suspended"


def test_the_overview_says_what_somebody_could_take_up(suspended, two, olga, adam, sam, page):
    incident = critical_incident(two)
    text = page(olga, "/")
    assert "suspended" in text
    assert f"/incidents/{incident.pk}" in text
    assert f"/incidents/{incident.pk}" not in page(adam, "/")
    assert f"/incidents/{incident.pk}" not in page(sam, "/")


def test_the_overview_brings_failed_changes_to_developers(suspended, two, olga, rita, page):
    request = ask(olga, two)
    type(request).objects.filter(pk=request.pk).update(state="failed", error="Away")
    assert "Changes that failed" in page(olga, "/")
    assert "Changes that failed" not in page(rita, "/")
