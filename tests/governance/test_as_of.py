"""A model at any date: what was in force then, and what cannot be told."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.jobs.findings import Found, raise_finding
from governance.models import ApprovalPolicy
from governance.reads.as_of import as_of
from governance.rounds import one_round
from governance.services.cards import revise_card
from governance.services.policy_changes import propose, withdraw_policy
from registry.services.models import change_model, set_tier
from tests.governance.conftest import critical_incident, promoted


def then(model):
    model.refresh_from_db()
    return as_of(model, timezone.now())


@pytest.fixture
def times(flights, one, two, olga, vera, rita):
    """Moments between the steps of a life: before, with one serving, with two serving."""
    moments = {"first": timezone.now()}
    promoted(one, olga, vera, rita)
    moments["one"] = timezone.now()
    promoted(two, olga, vera, rita)
    moments["two"] = timezone.now()
    return moments


def stages(found):
    return {one["number"]: one["stage"] for one in found.versions}


def champions(found):
    return [one["version"] for one in found.serving if one["role"] == "champion"]


def test_stages_and_champions_are_those_of_that_moment(flights, times):
    found = {name: as_of(flights, at) for name, at in times.items()}
    assert stages(found["first"]) == {1: "candidate", 2: "candidate"}
    assert stages(found["one"]) == {1: "serving", 2: "candidate"}
    assert stages(found["two"]) == {1: "approved", 2: "serving"}
    assert [champions(found[name]) for name in times] == [[], [1], [2]]


def test_signatures_clearance_and_policies_are_those_of_that_moment(flights, times):
    before, later = as_of(flights, times["first"]), as_of(flights, times["one"])
    assert (before.changes, before.clearances) == ([], [])
    assert [sign["name"] for sign in later.changes[0]["signatures"]] == ["Vera", "Rita"]
    assert [(one["version"], one["state"]) for one in later.clearances] == [(1, "cleared")]
    assert {one["kind"] for one in later.policies} >= {"promote", "retire"}


def test_the_card_in_force_is_the_revision_of_that_moment(flights, one, olga):
    at = timezone.now()
    was = as_of(flights, at).versions[0]["card"]["revision"]
    revise_card(
        actor=olga,
        version_id=one.pk,
        sections={"overview": "New words."},
        note="x",
        expected_revision=was,
    )
    assert as_of(flights, at).versions[0]["card"]["revision"] == was
    assert then(flights).versions[0]["card"]["revision"] == was + 1


def test_a_tier_and_a_name_changed_since_are_taken_back(flights, olga):
    at = timezone.now()
    change_model(actor=olga, model_id=flights.pk, changes={"name": "Delay"})
    between = timezone.now()
    change_model(actor=olga, model_id=flights.pk, changes={"name": "Lateness"})
    set_tier(actor=olga, model_id=flights.pk, tier="high")
    flights.refresh_from_db()
    assert as_of(flights, at).model["name"] == "Flight delay"
    assert as_of(flights, between).model["name"] == "Delay"
    assert as_of(flights, between).model["risk_tier"] == "medium"
    assert then(flights).model["risk_tier"] == "high"


def test_findings_and_incidents_are_told_while_they_were_open(flights, one, olga):
    at = timezone.now()
    raise_finding(actor=olga, model=flights, found=Found("validation", "low", "A gap", "There."))
    incident = critical_incident(one)
    before = as_of(flights, at)
    assert (before.findings, before.incidents) == ([], [])
    assert [one["title"] for one in then(flights).findings] == ["A gap"]
    assert [one["id"] for one in then(flights).incidents] == [incident.pk]


def test_a_request_is_pending_only_while_it_waits(flights, times):
    assert as_of(flights, times["one"]).pending == []


def test_a_proposed_policy_is_told_while_it_waited(flights, anna):
    change = propose(
        actor=anna,
        kind="promote",
        risk_tier=flights.risk_tier,
        rounds=one_round({"reviewer": 4}),
        gates=ApprovalPolicy.objects.get(
            kind="promote", risk_tier=flights.risk_tier, current=True
        ).gates,
        reason="Four pairs of eyes.",
    )
    waiting = timezone.now()
    assert [one["id"] for one in as_of(flights, waiting).proposals] == [change.pk]
    withdraw_policy(actor=anna, change_id=change.pk, reason="Three are enough.")
    assert then(flights).proposals == []
    assert [one["reason"] for one in as_of(flights, waiting).proposals] == ["Four pairs of eyes."]


def test_the_number_of_queries_does_not_grow_with_what_is_there(flights, one, times, olga):
    def asked():
        with CaptureQueriesContext(connection) as caught:
            then(flights)
        return len(caught)

    before = asked()
    for number in range(20):
        found = Found("validation", "low", f"Gap {number}", "There.")
        raise_finding(actor=olga, model=flights, found=found)
    assert asked() == before <= 27


def test_before_its_registration_it_says_so(flights):
    found = as_of(flights, flights.created_at - timedelta(days=1))
    assert not found.registered
    assert "was not registered then" in found.not_found[0]
    assert found.versions == []


def test_what_is_missing_is_said(flights):
    told = then(flights).not_found
    assert "No version had been registered by then." in told
    assert "No version served anywhere." in told
    assert "No window had been measured." in told


def test_a_stranger_sees_no_past(flights, sam, signed_in):
    assert signed_in(sam).get("/models/flight-delay/as-of").status_code == 404
    at = "2026-01-01T00:00:00Z"
    assert signed_in(sam).get(f"/api/v1/models/flight-delay/as-of?at={at}").status_code == 404


def test_the_api_and_the_page_tell_the_same(flights, times, adam, signed_in):
    client = signed_in(adam)
    at = times["one"].isoformat().replace("+00:00", "Z")
    answer = client.get("/api/v1/models/flight-delay/as-of", {"at": at}).json()
    assert [one["version"] for one in answer["serving"]] == [1]
    page = client.get("/models/flight-delay/as-of").content.decode()
    assert "Who served where" in page
    past = client.get("/models/flight-delay/as-of?day=2020-01-01").content.decode()
    assert "was not registered then" in past


def test_a_watch_is_told_while_it_was_on(flights, times, adam, signed_in):
    assert as_of(flights, times["first"]).watches == []
    assert [one["version"] for one in as_of(flights, times["one"]).watches] == [1]
    assert as_of(flights, times["two"]).watches[0]["version"] == 2
    page = signed_in(adam).get("/models/flight-delay/as-of").content.decode()
    assert "Watched after deployment" in page
    assert "Version 2, production" in page


@pytest.mark.parametrize("at", ["", "yesterday", "2026-01-01", "2999-01-01T00:00:00Z"])
def test_no_past_moment_is_refused(flights, adam, signed_in, at):
    answer = signed_in(adam).get("/api/v1/models/flight-delay/as-of", {"at": at})
    assert answer.status_code == 422
    page = signed_in(adam).get("/models/flight-delay/as-of", {"day": at})
    assert page.status_code == 200
