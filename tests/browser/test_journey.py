"""Rita's morning in a real browser: sign in, read, sign, and see the new champion."""

import json
import re
import urllib.request

import pytest
from django.utils import timezone
from playwright.sync_api import ConsoleMessage, expect

from accounts.services.tokens import create_token
from audit.verify import verify
from governance.models import SignOff
from governance.services.policies import install_default_policies
from ledger import runner
from ledger.models import Job, JobState
from registry.models import Model
from registry.reads.deployments import champion_at
from tests import browsers
from tests.conftest import PASSWORD
from tests.governance.conftest import ask, promoted, sign, version_of


@pytest.fixture
def page():
    complaints: list[str] = []

    def said(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    with browsers.started() as browser:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.on("console", said)
        yield page
    # A wrong password is answered 403, which the console notes as well.
    assert [text for text in complaints if "403 (Forbidden)" not in text] == []


@pytest.fixture
def waiting(transactional_db, team, olga, vera, rita):
    """Version 1 is champion; version 2's promotion is signed by Vera and waits for Rita."""
    install_default_policies()
    model = Model.objects.create(
        slug="flight-delay",
        name="Flight delay",
        purpose="Says which flights will be late.",
        team=team,
        owner=olga,
        task="binary",
        risk_tier="medium",
    )
    for kind in ("drift", "performance"):
        model.monitors.create(name=f"All {kind}", kind=kind, metric="psi")
    promoted(version_of(model, 1, olga), olga, vera, rita)
    request = ask(olga, version_of(model, 2, olga, auc=0.72), reason="Retrained after April")
    sign(vera, request)
    return request


def workers_finish():
    """What the workers do with the jobs that are due."""
    for job in Job.objects.filter(state=JobState.DUE, kind="governance.execute"):
        runner.run(job_id=job.pk)


def test_rita_signs_and_the_champion_changes(waiting, live_server, page, rita, robot):
    model_id = waiting.model_id
    assert champion_at(model_id, "production", timezone.now()).number == 1

    page.goto(live_server.url)
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    page.fill("[name=login]", rita.email)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Sign in").click()

    page.get_by_role("link", name=re.compile("^Inbox")).first.click()
    page.locator(f"main a[href='/change-requests/{waiting.pk}']").first.click()
    expect(page.get_by_text("Retrained after April").first).to_be_visible()
    expect(page.get_by_text("0.72").first).to_be_visible()

    page.get_by_role("link", name=re.compile("^Sign")).first.click()
    dialog = page.locator("dialog[open]")
    dialog.locator("[name=decision][value=approve]").check()
    dialog.locator("[name=reason]").fill("Better in every month since April.")
    dialog.locator("[name=password]").fill("not my password")
    dialog.get_by_role("button", name="Sign").click()
    expect(page.get_by_text("This is not your password.").first).to_be_visible()
    assert SignOff.objects.filter(request=waiting, person=rita).count() == 0

    # The words are kept, the password is not.
    expect(page.locator("[name=reason]")).to_have_value("Better in every month since April.")
    expect(page.locator("[name=password]")).to_have_value("")
    page.locator("[name=password]").fill(PASSWORD)
    page.get_by_role("button", name="Sign").click()
    expect(page.get_by_text("the quorum is reached").first).to_be_visible()
    workers_finish()

    page.goto(f"{live_server.url}/models/flight-delay")
    expect(page.get_by_text("champion").first).to_be_visible()
    page.goto(f"{live_server.url}/change-requests/{waiting.pk}")
    expect(page.get_by_text("executed").first).to_be_visible()
    assert champion_at(model_id, "production", timezone.now()).number == 2

    status = status_over_the_api(live_server.url, robot)
    assert status["champion"]["version"] == 2
    assert status["clearance"]["state"] == "cleared"
    assert verify().broken_at is None

    page.locator("summary", has_text=rita.name).first.click()
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{live_server.url}/inbox")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def status_over_the_api(address, robot):
    token = create_token(actor=robot, owner=robot, name="serving", scopes=["read"], days=1).text
    asked = urllib.request.Request(
        f"{address}/api/v1/models/flight-delay/status", headers={"Authorization": f"Bearer {token}"}
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        return json.load(answer)
