"""What answers rest on, at a desk and on a phone without JavaScript."""

import os

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from monitoring.services.explanations import set_explanation_policy
from tests import browsers
from tests.conftest import PASSWORD
from tests.monitoring import explained, world


@pytest.fixture
def pages(transactional_db, monkeypatch, team, olga, robot):
    """Where to look, and a sentence that has to be there."""
    monkeypatch.setattr("ledger.claims.wake", lambda *_: None)
    version = world.make_version(world.make_model(team, olga))
    one = explained.explanation(version, robot, olga)
    explained.importance(version)
    set_explanation_policy(actor=olga, model_id=version.model_id, share=0.02, per_day=40)
    slug = version.model.slug
    return {
        "model": (reverse("monitoring-explanations", args=[slug]), "Explained predictions"),
        "version": (reverse("version", args=[slug, 1]), "What its answers rest on"),
        "one": (reverse("explanation", args=[one.pk]), "What each feature added"),
        "receipt": (
            f"{reverse('receipt')}?model={slug}&prediction=f3",
            "What the answer rests on",
        ),
    }


@pytest.mark.parametrize(("width", "script"), [(1440, True), (390, False)])
def test_the_pages_fit_and_say_what_answers_rest_on(pages, live_server, olga, width, script):
    with browsers.started() as browser:
        page = browser.new_page(
            viewport={"width": width, "height": 900}, java_script_enabled=script
        )
        page.goto(live_server.url)
        page.fill("[name=login]", olga.email)
        page.fill("[name=password]", PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        for name, (url, words) in pages.items():
            page.goto(f"{live_server.url}{url}")
            expect(page.get_by_role("heading", name=words)).to_be_visible()
            expect(page.get_by_text("temperature").first).to_be_visible()
            if folder := os.environ.get("OMBUD_PICTURES"):
                page.screenshot(path=f"{folder}/explanations-{name}-{width}.png", full_page=True)
            if script:
                assert page.evaluate("document.documentElement.scrollWidth") <= width
