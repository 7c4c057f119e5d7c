"""Second factors, passkeys and single sign-on in a real browser, with its virtual authenticator."""

import os
import re
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from playwright.sync_api import expect

from accounts import totp
from governance.models import SignOff
from tests.accounts.oidc_provider import running
from tests.accounts.sso_world import connected, known
from tests.browser import test_journey
from tests.conftest import PASSWORD

page, waiting = test_journey.page, test_journey.waiting
KEY = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
}
# Where pictures of the pages go, for people to look at; empty: none are made.
PICTURES = os.environ.get("OMBUD_PICTURES", "")


@pytest.fixture
def at_home(settings, live_server):
    """The address that people come by is the one that the test's server has."""
    settings.PUBLIC_URL = live_server.url
    return live_server.url


@pytest.fixture
def key(page):
    """A passkey's home inside the browser."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    return session.send("WebAuthn.addVirtualAuthenticator", {"options": KEY})


def picture(page, name):
    if not PICTURES:
        return
    for width in (1440, 390):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(400)  # the side bar slides
        page.screenshot(path=str(Path(PICTURES) / f"{name}-{width}.png"), full_page=True)
    page.set_viewport_size({"width": 1440, "height": 900})


def fits(page):
    """Nothing is wider than a telephone."""
    page.set_viewport_size({"width": 390, "height": 900})
    wide = page.evaluate("document.documentElement.scrollWidth")
    page.set_viewport_size({"width": 1440, "height": 900})
    assert wide <= 390


def enter(page, person):
    page.fill("[name=login]", person.email)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def confirm(page):
    expect(page.get_by_role("heading", name="Confirm it is you")).to_be_visible()
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Confirm").click()


def leave(page, person):
    page.locator("summary", has_text=person.name).first.click()
    page.get_by_role("button", name="Sign out").click()


def test_rita_adds_a_passkey_signs_in_and_signs_with_it(waiting, at_home, page, key, rita):
    page.goto(at_home)
    picture(page, "sign-in")
    fits(page)
    enter(page, rita)
    page.goto(f"{at_home}/accounts/security")
    picture(page, "security-empty")
    page.get_by_role("link", name="Add a passkey").click()
    picture(page, "confirm")
    confirm(page)
    page.fill("[name=name]", "Rita's laptop")
    picture(page, "new-passkey")
    fits(page)
    page.get_by_role("button", name="Add the passkey").click()
    expect(page.get_by_role("heading", name="Your recovery codes")).to_be_visible()
    with page.expect_download() as kept:
        page.get_by_role("link", name="Download").click()
    assert len(re.findall(r"^\d{8}$", Path(kept.value.path()).read_text(), re.MULTILINE)) == 10
    picture(page, "recovery-codes")
    fits(page)
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("Rita's laptop").first).to_be_visible()
    picture(page, "security-passkey")
    fits(page)

    leave(page, rita)
    page.goto(f"{at_home}/change-requests/{waiting.pk}")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("Retrained after April").first).to_be_visible()

    page.get_by_role("link", name=re.compile("^Sign")).first.click()
    dialog = page.locator("dialog[open]")
    dialog.locator("[name=decision][value=approve]").check()
    dialog.locator("[name=reason]").fill("Better in every month since April.")
    picture(page, "sign-dialog-passkey")
    dialog.get_by_role("button", name="Use your passkey").click()
    expect(page.get_by_text("the quorum is reached").first).to_be_visible()
    assert SignOff.objects.get(person=rita, request=waiting).method == "passkey"
    expect(page.get_by_text("proved by passkey, unlocked by its person").first).to_be_visible()
    picture(page, "signed")


def test_rita_sets_an_app_up_and_is_asked_for_its_code(waiting, at_home, page, rita):
    page.goto(f"{at_home}/accounts/security/app")
    enter(page, rita)
    confirm(page)
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    assert page.locator("img.ob-qr").evaluate("image => image.naturalWidth") > 0
    picture(page, "new-app")
    fits(page)
    secret = "".join(page.locator("main code").inner_text().split())
    page.fill("[name=code]", totp.code_of(secret, totp.step_at()))
    page.get_by_role("button", name="Set it up").click()
    page.get_by_role("link", name="I have kept them").click()
    picture(page, "security-app")
    fits(page)
    leave(page, rita)
    page.goto(f"{at_home}/change-requests/{waiting.pk}/sign")
    enter(page, rita)
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()
    picture(page, "second-step")
    fits(page)
    _forget_used_codes()
    page.fill("[name=code]", totp.code_of(secret, totp.step_at()))
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("Code of your authenticator app")).to_be_visible()
    picture(page, "sign-with-code")
    fits(page)
    page.locator("[name=decision][value=approve]").check()
    page.fill("[name=reason]", "Better in every month since April.")
    page.fill("[name=password]", PASSWORD)
    _forget_used_codes()
    page.fill("[name=code]", totp.code_of(secret, totp.step_at()))
    page.get_by_role("button", name="Sign", exact=True).click()
    expect(page.get_by_text("the quorum is reached").first).to_be_visible()
    assert SignOff.objects.get(person=rita, request=waiting).method == "password+totp"


def _forget_used_codes():
    """As if half a minute had passed, so that the test need not wait for the next code."""
    row = Authenticator.objects.get(type="totp")
    row.data["step"] -= 3
    row.save()


def test_rita_comes_and_signs_by_single_sign_on(waiting, at_home, page, rita, settings):
    rita.set_unusable_password()
    rita.save()
    with running() as provider:
        connected(settings, provider)
        provider.person = known("Rita", rita.email)
        page.goto(f"{at_home}/change-requests/{waiting.pk}/sign")
        picture(page, "sign-in-sso")
        fits(page)
        page.get_by_role("button", name="Go on with Aviation ID").click()
        page.get_by_role("button", name="Sign in anew with Aviation ID").wait_for()
        picture(page, "sign-sso")
        page.get_by_role("button", name="Sign in anew with Aviation ID").click()
        expect(page.get_by_text("You have signed in anew")).to_be_visible()
        picture(page, "sign-sso-anew")
        fits(page)
        page.locator("[name=decision][value=approve]").check()
        page.fill("[name=reason]", "Better in every month since April.")
        page.get_by_role("button", name="Sign", exact=True).click()
        expect(page.get_by_text("the quorum is reached").first).to_be_visible()
    assert SignOff.objects.get(person=rita, request=waiting).method == "sso"
