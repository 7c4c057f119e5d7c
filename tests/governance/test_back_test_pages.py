"""Back-tests on pages and by API: asked for, read, and refused where nothing may be asked."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from audit.chain import sha256_of
from governance.models import BackTest
from governance.services.policy_changes import propose
from governance.trials import stored, what_is_wrong
from ledger import runner
from ledger.models import Job
from monitoring.models import Incident, Monitor
from tests.days import today
from tests.governance.conftest import Unchanged, critical_incident, promoted
from tests.governance.test_back_tests import ago

PERIOD = {
    "since": (today() - timedelta(days=365)).isoformat(),
    "until": today().isoformat(),
}
STAGE = {"gate": "stage", "mode": "prevent", "parameters": {}}
LIMIT = {
    "gate": "within_limits",
    "mode": "prevent",
    "parameters": {"metric": "auc", "at_least": 0.71},
}
POLICY = {
    "kind": "promote",
    "risk_tier": "medium",
    "quorum": {"reviewer": 2, "validator": 1},
    "gates": [STAGE, LIMIT],
    **PERIOD,
}
ADDRESS = "/back-tests/policy?kind=promote&tier=medium"


@pytest.fixture
def past(one, two, olga, vera, rita):
    """Version 1, with AUC .70, had a critical incident; version 2, with .72, went well."""
    promoted(one, olga, vera, rita)
    first = ago(one, 200)
    promoted(two, olga, vera, rita)
    second = ago(two, 100)
    at = first.executed_at + timedelta(days=5)
    Incident.objects.filter(pk=critical_incident(one).pk).update(opened_at=at)
    return first, second


def worked_off():
    row = BackTest.objects.latest("pk")
    runner.run(job_id=Job.objects.get(kind="governance.back_test", key=str(row.pk)).pk)
    row.refresh_from_db()
    assert row.state == "done", row.error
    return row


def sent(**more):
    """The form as a browser sends it: two rounds, gates, and the past."""
    said = {
        "round1-name": "Validation",
        "round1-validator": "1",
        "round2-name": "Decision",
        "round2-reviewer": "2",
        "stage-mode": "prevent",
        "within_limits1-mode": "",
        "within_limits2-mode": "prevent",
        "within_limits2-metric": "auc",
        "within_limits2-at_least": "0.71",
        "card_complete-mode": "warn",
        "card_complete-minimum": "1",
        "no_open_findings-severity": "critical",
        "within_days": "30",
        "reason": "Would it have helped?",
        **PERIOD,
    }
    return said | more


def test_a_policy_is_tried_from_the_page_and_its_result_says_what_it_would_have_done(
    past, anna, signed_in
):
    browser = signed_in(anna)
    page = browser.get(ADDRESS)
    assert "starts with policy 1, in force" in page.content.decode()
    answer = browser.post(ADDRESS, sent())
    assert answer.status_code == 302, answer.context["form"].errors
    row = worked_off()
    assert row.proposal["quorum"] == {"reviewer": 2, "validator": 1}
    assert LIMIT in row.proposal["gates"]
    text = browser.get(answer["Location"]).content.decode()
    assert "It would have blocked 1 of 2 past changes." in text
    assert "Of the one that went wrong, it would have stopped 1; of the 1 that went well" in text
    assert "and asked for 1 reviewer more" in text
    assert reverse("change-request", args=[past[0].pk]) in text
    assert "Incident: Temperature drifted" in text
    assert "Would it have helped?" in text
    assert (
        f"BT-{row.pk}: the policy to promote a medium-risk model"
        in browser.get("/back-tests").content.decode()
    )


def test_the_form_of_a_proposal_is_tried_as_it_is(past, anna, signed_in):
    """What a proposal sends says nothing of a period: the last year is looked at."""
    said = {name: one for name, one in sent().items() if name not in (*PERIOD, "within_days")}
    assert signed_in(anna).post(ADDRESS, said).status_code == 302
    row = BackTest.objects.get()
    assert (row.last_day, row.within_days) == (today(), 30)
    page = signed_in(anna).get("/policies/promote/medium/propose").content.decode()
    assert 'formaction="/back-tests/policy?kind=promote&amp;tier=medium"' in page


def test_a_proposal_that_waits_fills_the_form(past, anna, rosa, signed_in):
    gates = [STAGE, {"gate": "card_complete", "mode": "prevent", "parameters": {"minimum": 0.9}}]
    rounds = [{"name": "All", "quorum": {"reviewer": 3}}]
    change = propose(
        actor=rosa,
        kind="promote",
        risk_tier="medium",
        rounds=rounds,
        gates=gates,
        reason="Two were too few.",
    )
    browser = signed_in(anna)
    there = f"{ADDRESS}&change={change.pk}"
    assert (
        there.replace("&", "&amp;") in browser.get(f"/policy-changes/{change.pk}").content.decode()
    )
    form = browser.get(there).context["form"]
    assert form["card_complete-minimum"].value() == 0.9
    assert form["round1-reviewer"].value() == 3
    assert browser.get(f"{ADDRESS}&change=99999999999999999999").status_code == 200


def test_a_form_that_makes_no_sense_is_told_why(past, anna, signed_in):
    browser = signed_in(anna)
    for change in (
        {"until": "2001-01-01"},
        {"round1-validator": "", "round2-reviewer": ""},
        {"stage-mode": "warn"},
        {"within_limits2-at_least": ""},
    ):
        with Unchanged():
            assert browser.post(ADDRESS, sent(**change)).status_code == 422
    assert not BackTest.objects.exists()


def test_a_reviewer_tries_it_on_the_own_team_only(past, rita, team, other_team, signed_in):
    browser = signed_in(rita)
    page = browser.get(ADDRESS).content.decode()
    assert team.name in page
    assert other_team.name not in page
    assert browser.post(ADDRESS, sent(team=other_team.slug)).status_code == 422
    assert browser.post(ADDRESS, sent(team=team.slug)).status_code == 302
    assert BackTest.objects.get().team == team


def test_a_policy_is_tried_by_api(past, anna, signed_in):
    client = signed_in(anna)
    answer = client.post("/api/v1/back-tests", POLICY, content_type="application/json")
    assert answer.status_code == 202, answer.json()
    assert answer.json()["state"] == "requested"
    row = worked_off()
    told = client.get(answer["Location"]).json()
    assert told["says"][0] == "It would have blocked 1 of 2 past changes."
    assert sha256_of(told["result"]) == told["result_digest"] == row.result_digest
    (line,) = client.get("/api/v1/back-tests").json()["results"]
    assert (line["id"], line["state"], "result" in line) == (row.pk, "done", False)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "sell"},
        {"quorum": {}},
        {"quorum": {"reviewer": 0}},
        {"gates": [STAGE, LIMIT | {"gate": "none"}]},
        {"gates": [STAGE, LIMIT | {"parameters": {}}]},
        {"gates": [STAGE, LIMIT | {"parameters": {"metric": "auc", "at_least": "much"}}]},
        {"gates": [LIMIT] * 41},
        {"until": "1999-01-01"},
        {"within_days": 0},
    ],
)
def test_what_cannot_be_tried_is_refused_by_api(past, anna, signed_in, change):
    client = signed_in(anna)
    with Unchanged():
        answer = client.post("/api/v1/back-tests", POLICY | change, content_type="application/json")
        assert answer.status_code in (400, 422)
    assert not BackTest.objects.exists()


def test_a_monitor_is_tried_by_its_team(flights, olga, signed_in):
    monitor = Monitor.objects.filter(model=flights, kind="drift").get()
    Monitor.objects.filter(pk=monitor.pk).update(breach=0.2)
    client = signed_in(olga)
    assert f"/monitors/{monitor.pk}/try" in client.get(f"/monitors/{monitor.pk}").content.decode()
    page = client.get(f"/monitors/{monitor.pk}/try")
    fields = {one.html_name: one.value() for one in page.context["form"]}
    said = {name: value for name, value in fields.items() if value is not None}
    answer = client.post(f"/monitors/{monitor.pk}/try", said | {"breach": "0.4"})
    assert answer.status_code == 302, answer.context["form"].errors
    row = worked_off()
    assert (row.proposal["breach"], row.present["breach"]) == (0.4, 0.2)
    text = client.get(answer["Location"]).content.decode()
    assert "There is no window with a log in the period." in text
    monitor.refresh_from_db()
    assert monitor.breach == 0.2
    address = f"/api/v1/monitors/{monitor.pk}/back-tests"
    body = {"settings": {"breach": "high"}, **PERIOD}
    assert client.post(address, body, content_type="application/json").status_code == 422
    body = {"settings": {"breach": 0.5}, **PERIOD}
    assert client.post(address, body, content_type="application/json").status_code == 202


def test_a_stranger_does_not_see_it(past, rita, sam, team, signed_in):
    signed_in(rita).post(ADDRESS, sent(team=team.slug))
    row = BackTest.objects.get()
    stranger = signed_in(sam)
    assert stranger.get(f"/back-tests/{row.pk}").status_code == 404
    assert stranger.get(f"/api/v1/back-tests/{row.pk}").status_code == 404
    assert stranger.get("/api/v1/back-tests").json()["results"] == []


def test_what_people_wrote_is_escaped(past, anna, signed_in):
    browser = signed_in(anna)
    browser.post(ADDRESS, sent(reason="<script>alert(1)</script>"))
    text = browser.get(f"/back-tests/{BackTest.objects.get().pk}").content.decode()
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_many_rows_cost_as_many_queries_as_one(past, anna, signed_in):
    browser = signed_in(anna)
    browser.post(ADDRESS, sent())
    row = worked_off()
    with CaptureQueriesContext(
        connection,
    ) as few:
        browser.get("/back-tests")
        browser.get(f"/back-tests/{row.pk}")
    for _ in range(3):
        browser.post(ADDRESS, sent())
    with CaptureQueriesContext(connection) as many:
        browser.get("/back-tests")
        browser.get(f"/back-tests/{row.pk}")
    assert len(many) == len(few)


def test_a_proposal_is_a_policy_or_says_what_is_missing():
    assert what_is_wrong("promote", "high", {"reviewer": 1}, [STAGE, LIMIT]) is None
    assert what_is_wrong("promote", "high", {"reviewer": 1}, [LIMIT])[0] == "gates"
    assert what_is_wrong("promote", "high", {"auditor": 1}, [])[0] == "quorum"
    assert stored({"at": 1}) == {"at": 1}
