"""Rita compares a card with its draft and publishes it, on a phone that runs no JavaScript."""

import pytest
from playwright.sync_api import expect

from governance.reads.cards import card_of, readers_card
from governance.services.cards import refresh_card, revise_card
from governance.services.publishing import publish_card
from tests import browsers
from tests.conftest import PASSWORD
from tests.governance.conftest import version_of
from tests.governance.test_cards import measured

WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture
def phone(transactional_db, monkeypatch):
    monkeypatch.setattr("ledger.claims.wake", lambda *_: None)
    with browsers.started() as browser:
        yield browser.new_page(viewport={"width": 390, "height": 844}, java_script_enabled=False)


def drafted(flights, olga, rita):
    """Version 2 with a published card, and a draft that changes words, facts and numbers."""
    version_of(flights, 1, olga)
    two = version_of(flights, 2, olga, auc=0.72)
    measured(two, "accuracy", 0.80, low=0.78, high=0.82, weeks_ago=1)
    refresh_card(actor=olga, version_id=two.pk)
    digest = card_of(two.pk).revision.digest
    publish_card(actor=rita, version_id=two.pk, digest=digest, reason="Complete", password=PASSWORD)
    measured(two, "accuracy", 0.84, low=0.80, high=0.88)
    two.files.create(path="MLmodel", size=48_211, sha256="1" * 64)
    words = {"risks": "About fog, snow and mitigations.", "trade_offs": "Recall for precision."}
    revise_card(actor=olga, version_id=two.pk, sections=words, note="Winter", expected_revision=2)
    return two


def test_rita_compares_the_draft_and_publishes_it(phone, live_server, flights, olga, rita):
    two = drafted(flights, olga, rita)
    phone.goto(live_server.url)
    phone.fill("[name=login]", rita.email)
    phone.fill("[name=password]", PASSWORD)
    phone.get_by_role("button", name="Sign in").click()

    phone.goto(f"{live_server.url}/models/flight-delay/2/card")
    expect(phone.get_by_text("This is the published card")).to_be_visible()
    phone.get_by_role("link", name="Read the draft").click()
    expect(phone.get_by_text("readers are given the published card")).to_be_visible()
    phone.get_by_role("link", name="Publish this draft").click()
    phone.get_by_role("link", name="Compare revision 2").click()
    expect(phone.locator("ins", has_text="fog, snow").first).to_be_visible()
    expect(phone.get_by_text("+4 percentage points (+5.0%)")).to_be_visible()
    assert phone.evaluate(WIDE) <= 0, "the page is wider than the phone"

    phone.select_option("select[name=from]", "1:1")
    phone.get_by_role("button", name="Compare").click()
    expect(phone.get_by_text("From version 1, revision 1")).to_be_visible()

    phone.goto(f"{live_server.url}/models/flight-delay/2/card/publish")
    assert phone.evaluate(WIDE) <= 0, "the page is wider than the phone"
    phone.fill("[name=reason]", "The winter is in it now.")
    phone.fill("[name=password]", PASSWORD)
    phone.get_by_role("button", name="Sign and publish").click()
    expect(phone.get_by_text("Published: readers are given revision 3")).to_be_visible()
    assert readers_card(two.pk).revision.number == 3
