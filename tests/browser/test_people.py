"""An administrator's day in a real browser: somebody comes, gets a role, and somebody leaves."""

import re

import pytest
from playwright.sync_api import expect

from accounts.models import User
from tests.accounts.second_factors import app_of
from tests.browser import test_doors
from tests.conftest import PASSWORD
from tests.world import world_of

page, at_home = test_doors.page, test_doors.at_home
confirm, enter, fits, picture = (
    test_doors.confirm,
    test_doors.enter,
    test_doors.fits,
    test_doors.picture,
)
NEW = "six green elephants sing"


@pytest.fixture
def world(transactional_db, team, olga, vera, rita, other_team, sam, adam, robot):
    app_of(olga)
    return world_of(team, olga)


def looked_at(page, name):
    picture(page, name)
    fits(page)


def test_anna_invites_nora_and_lets_olga_go(world, anna, olga, vera, at_home, page):
    page.goto(at_home)
    enter(page, anna)
    page.get_by_role("link", name="People").click()
    expect(page.get_by_text("sam@example.org")).to_be_visible()
    looked_at(page, "people")

    page.get_by_role("link", name="Add a person").click()
    looked_at(page, "person-new")
    page.fill("[name=name]", "Nora Lund")
    page.fill("[name=email]", "nora@example.org")
    page.get_by_role("button", name="Add and make a link").click()
    looked_at(page, "person-link")
    address = page.locator("[data-secret]").inner_text()

    nora = page.context.browser.new_page()
    nora.goto(address)
    looked_at(nora, "invitation")
    nora.fill("[name=password]", NEW)
    nora.fill("[name=again]", NEW)
    nora.get_by_role("button", name="Set the password").click()
    expect(nora.get_by_text("Your password is set")).to_be_visible()
    nora.goto(address)
    looked_at(nora, "invitation-over")

    page.get_by_role("link", name="Go on to Nora Lund").click()
    page.select_option("[name=role]", "validator")
    page.select_option("[name=team]", label="Flight operations")
    page.locator("#id_role_reason").fill("Takes over from Olga.")
    page.get_by_role("button", name="Give the role").click()
    expect(page.get_by_text("Nora Lund is validator now.")).to_be_visible()
    looked_at(page, "person-with-role")

    page.goto(f"{at_home}/people/{olga.pk}")
    looked_at(page, "person-owning")
    page.locator("#id_factors_reason").fill("She came to my desk.")
    page.get_by_role("button", name="Take them away").click()
    confirm(page)
    page.locator("#id_factors_reason").fill("She came to my desk.")
    page.get_by_role("button", name="Take them away").click()
    expect(page.get_by_text("Taken away from Olga")).to_be_visible()
    page.locator("summary", has_text="Hand over").click()
    page.select_option("[name=new_owner]", label="Vera")
    page.locator("#id_flight-operations_reason").fill("Olga leaves.")
    picture(page, "handing-over")
    page.get_by_role("button", name=re.compile("Hand everything")).click()
    page.locator("#id_close_reason").fill("Left the company.")
    page.get_by_role("button", name="Close the account").click()
    expect(page.get_by_text("Olga may sign in no more")).to_be_visible()
    looked_at(page, "person-closed")
    assert not User.objects.get(pk=olga.pk).is_active

    page.goto(f"{at_home}/teams")
    looked_at(page, "teams")
    page.get_by_role("link", name="Flight operations").click()
    looked_at(page, "team")
    assert PASSWORD not in page.content()
