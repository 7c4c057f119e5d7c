"""A segment is chosen on a dashboard in a browser that runs no JavaScript, on a phone."""

import pytest
from playwright.sync_api import expect

from tests import browsers
from tests.conftest import PASSWORD
from tests.monitoring import counted, world


@pytest.fixture
def counted_week(transactional_db, monkeypatch, team, olga, robot):
    monkeypatch.setattr("ledger.claims.wake", lambda *_: None)
    model = world.make_model(team, olga)
    version = counted.make_version(model)
    counted.send_week(robot, model, version, 300)
    counted.watch(model, version)
    return version


@pytest.fixture
def phone():
    with browsers.started() as browser:
        yield browser.new_page(viewport={"width": 390, "height": 844}, java_script_enabled=False)


def test_olga_chooses_a_segment_and_keeps_it_from_dashboard_to_dashboard(
    counted_week, live_server, phone, olga
):
    phone.goto(live_server.url)
    phone.fill("[name=login]", olga.email)
    phone.fill("[name=password]", PASSWORD)
    phone.get_by_role("button", name="Sign in").click()
    phone.goto(f"{live_server.url}/monitoring/flight-delay/performance?period=4w")

    phone.select_option("select[name=segment]", "origin=JFK")
    phone.get_by_role("button", name="Show").click()
    assert "segment=origin%3DJFK" in phone.url
    assert "period=4w" in phone.url
    expect(phone.get_by_text("origin = JFK beside all rows").first).to_be_visible()

    phone.get_by_role("link", name="Operations").click()
    assert "segment=origin%3DJFK" in phone.url
    expect(phone.get_by_text("origin = JFK beside all rows").first).to_be_visible()
    expect(phone.get_by_text("95 % latency").first).to_be_visible()

    phone.get_by_role("link", name="Set up a monitor of them").click()
    phone.get_by_role("link", name="Operations", exact=True).click()
    expect(phone.locator("select[name=segment]")).to_have_value("origin=JFK")
