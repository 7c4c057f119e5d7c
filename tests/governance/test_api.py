"""Governance by API: problems say what is wrong, strangers see nothing."""

import pytest

from accounts.services.tokens import create_token
from audit.models import Event
from governance.models import CardRevision, ChangeRequest, SignOff
from registry.models import Archive, Version
from tests.conftest import PASSWORD
from tests.governance.conftest import Unchanged, ask, critical_incident, promoted, sign

CARD = "/api/v1/models/flight-delay/versions/1/card"
REQUESTS = "/api/v1/change-requests"
WANTED = {
    "kind": "promote",
    "model": "flight-delay",
    "version": 1,
    "role": "champion",
    "reason": "Better in fog",
}


@pytest.fixture
def api(client):
    def call(user, method, address, data=None, **headers):
        token = create_token(
            actor=user,
            owner=user,
            name="t",
            scopes=["read"] if user.name == "Adam" else ["read", "manage"],
            days=1,
        )
        return getattr(client, method)(
            address,
            data,
            content_type="application/json",
            headers={"Authorization": f"Bearer {token.text}", **headers},
        )

    return call


def decision(request, **more):
    return {
        "decision": "approve",
        "meaning": "I reviewed the evidence",
        "reason": "It holds",
        "digest": request.digest,
        "password": PASSWORD,
        **more,
    }


def test_a_change_is_asked_for_read_and_signed(api, one, olga, vera, rita):
    asked = api(olga, "post", REQUESTS, WANTED)
    assert asked.status_code == 201, asked.content
    told = asked.json()
    assert (told["state"], told["missing"]) == ("open", {"validator": 1, "reviewer": 1})
    assert all(gate["passed"] for gate in told["gates"])
    assert asked["Location"] == f"{REQUESTS}/{told['id']}"
    request = ChangeRequest.objects.get(pk=told["id"])
    for person in (vera, rita):
        signed = api(person, "post", f"{REQUESTS}/{request.pk}/decisions", decision(request))
        assert signed.status_code == 201, signed.content
        assert "password" not in signed.json()
    read = api(olga, "get", f"{REQUESTS}/{request.pk}").json()
    assert read["state"] == "approved"
    assert [s["counts"] for s in read["signatures"]] == [True, True]
    assert (
        api(olga, "get", REQUESTS, {"state": "approved"}).json()["results"][0]["id"] == request.pk
    )
    assert api(olga, "get", REQUESTS, {"state": "open"}).json()["results"] == []


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"password": "guess"}, 403, "wrong_password"),
        ({"digest": "0" * 64}, 409, "evidence_changed"),
        ({"decision": "maybe"}, 422, "invalid"),
        ({"meaning": ""}, 422, "invalid"),
    ],
)
def test_a_refused_signature_says_why(api, one, olga, rita, change, status, code):
    request = ask(olga, one)
    refused = api(rita, "post", f"{REQUESTS}/{request.pk}/decisions", decision(request, **change))
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert refused["Content-Type"] == "application/problem+json"
    assert not SignOff.objects.exists()


def test_the_requester_and_the_auditor_may_not_sign(api, one, olga, vera, adam):
    request = ask(vera, one)
    address = f"{REQUESTS}/{request.pk}/decisions"
    for person in (vera, adam):
        assert api(person, "post", address, decision(request)).status_code == 403
    assert not SignOff.objects.exists()


def test_gates_that_do_not_pass_come_with_how_to_mend_them(api, flights, olga):
    Version.objects.create(model=flights, number=1)
    refused = api(olga, "post", REQUESTS, WANTED)
    assert (refused.status_code, refused.json()["code"]) == (422, "gates_not_passed")
    assert {gate["gate"] for gate in refused.json()["gates"]} >= {"artifact_hashed"}
    assert not ChangeRequest.objects.exists()


def test_strangers_find_nothing(api, one, olga, sam):
    request = ask(olga, one)
    with_digest = decision(request)
    for method, address, data in [
        ("get", CARD, None),
        ("patch", CARD, {"sections": {}}),
        ("get", f"{REQUESTS}/{request.pk}", None),
        ("post", REQUESTS, WANTED),
        ("post", f"{REQUESTS}/{request.pk}/decisions", with_digest),
        ("post", f"{REQUESTS}/{request.pk}/withdraw", {"reason": "x"}),
        ("post", f"{REQUESTS}/{request.pk}/refresh", None),
        ("post", "/api/v1/archives", {"model": "flight-delay", "version": 1, "reason": "x"}),
    ]:
        assert api(sam, method, address, data).status_code == 404, (method, address)
    assert api(sam, "get", REQUESTS).json()["results"] == []
    request.refresh_from_db()
    assert request.state == "open"


def test_a_request_is_withdrawn_once(api, one, olga, rita):
    request = ask(olga, one)
    address = f"{REQUESTS}/{request.pk}/withdraw"
    assert api(rita, "post", address, {"reason": "x"}).status_code == 403
    assert api(olga, "post", address, {"reason": "x"}).json()["state"] == "withdrawn"
    assert api(olga, "post", address, {"reason": "x"}).status_code == 409


def test_stale_evidence_is_told_and_refreshed(api, one, olga, rita):
    request = ask(olga, one)
    api(olga, "patch", CARD, {"sections": {"risks": "Snow"}}, **{"If-Match": '"1"'})
    told = api(rita, "get", f"{REQUESTS}/{request.pk}").json()
    assert "card changed" in told["stale"][0]
    refused = api(rita, "post", f"{REQUESTS}/{request.pk}/decisions", decision(request))
    assert (refused.status_code, refused.json()["code"]) == (409, "evidence_stale")
    told = api(olga, "post", f"{REQUESTS}/{request.pk}/refresh").json()
    assert told["stale"] == []
    assert told["digest"] != request.digest


def test_a_card_is_read_as_json_and_markdown(api, one, olga):
    found = api(olga, "get", CARD)
    assert (found.status_code, found["ETag"][:3]) == (200, '"1-')
    assert found.json()["revision"]["number"] == 1
    text = api(olga, "get", CARD, {"format": "markdown"})
    assert text["Content-Type"].startswith("text/markdown")
    assert text.content.decode().startswith("# Flight delay 1: model card")
    assert api(olga, "get", CARD, **{"If-None-Match": found["ETag"]}).status_code == 304
    assert api(olga, "get", CARD, **{"If-None-Match": '"1"'}).status_code == 200
    assert api(olga, "get", CARD, {"revision": 7}).status_code == 404
    assert api(olga, "get", CARD, {"revision": "x"}).status_code == 400


def test_a_card_is_changed_by_who_read_it(api, one, olga, rita):
    change = {"sections": {"risks": "Snow"}, "note": "Winter"}
    assert api(olga, "patch", CARD, change).status_code == 428
    assert api(olga, "patch", CARD, change, **{"If-Match": "*"}).status_code == 400
    assert api(rita, "patch", CARD, change, **{"If-Match": '"1"'}).status_code == 403
    bad = api(olga, "patch", CARD, {"sections": {"mood": "x"}}, **{"If-Match": '"1"'})
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "sections.mood")
    assert CardRevision.objects.count() == 1
    done = api(olga, "patch", CARD, change, **{"If-Match": '"1"'})
    assert (done.status_code, done["ETag"][:3]) == (200, '"2-')
    again = api(olga, "patch", CARD, change, **{"If-Match": done["ETag"]})
    assert again.status_code == 200
    late = api(olga, "patch", CARD, change, **{"If-Match": '"1"'})
    assert (late.status_code, late.json()["code"]) == (412, "card_changed")


def test_archives_are_asked_for_by_change_requests(api, one, olga):
    Version.objects.filter(pk=one.pk).update(stage="retired")
    wanted = {"model": "flight-delay", "version": 1, "reason": "Retention"}
    asked = api(olga, "post", "/api/v1/archives", wanted)
    assert (asked.status_code, asked.json()["kind"]) == (201, "archive")
    assert api(olga, "get", "/api/v1/archives").status_code == 200
    archive = Archive.objects.create(version=one)
    refused = api(olga, "post", f"/api/v1/archives/{archive.pk}/restore", {"reason": "Audit"})
    assert (refused.status_code, refused.json()["code"]) == (422, "gates_not_passed")
    assert api(olga, "post", "/api/v1/archives/999/restore", {"reason": "x"}).status_code == 404


def test_a_signature_needs_a_person_even_with_a_session(signed_in, one, olga, rita):
    request = ask(olga, one)
    sent = signed_in(rita).post(
        f"{REQUESTS}/{request.pk}/decisions",
        decision(request, password=""),
        content_type="application/json",
    )
    assert sent.status_code == 422
    sign(rita, request)
    assert SignOff.objects.count() == 1


CLEARANCE = "/api/v1/models/flight-delay/versions/1/clearance"
STATUS = "/api/v1/models/flight-delay/status"


def clear(decision, reason="I looked", **more):
    return {"decision": decision, "reason": reason, **more}


def test_clearance_is_suspended_and_reinstated_by_those_who_may(api, one, olga, vera, rita, rosa):
    promoted(one, olga, vera, rita)
    incident = critical_incident(one)
    suspended = api(rita, "post", CLEARANCE, clear("suspend", "Too many complaints"))
    assert suspended.status_code == 200, suspended.content
    told = suspended.json()
    assert (told["state"], told["decided_by"]) == ("suspended", "Rita")
    assert told["reasons"] == ["Rita: Too many complaints"]
    assert api(olga, "get", STATUS).json()["clearance"]["state"] == "suspended"
    again = api(rosa, "post", CLEARANCE, clear("reinstate"))
    assert (again.status_code, again.json()["considered"]) == (200, [incident.pk])
    assert api(olga, "get", STATUS).json()["clearance"]["state"] == "cleared"


@pytest.mark.parametrize("name", ["olga", "vera", "adam", "anna", "robot"])
def test_others_do_not_decide_about_clearance(name, signed_in, request, one, olga, vera, rita):
    promoted(one, olga, vera, rita)
    client = signed_in(request.getfixturevalue(name))
    with Unchanged():
        refused = client.post(CLEARANCE, clear("suspend"), content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (403, "refused")


def test_strangers_do_not_find_the_version_whose_clearance_it_is(signed_in, sam, one):
    with Unchanged():
        answer = signed_in(sam).post(CLEARANCE, clear("suspend"), content_type="application/json")
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (clear("reinstate"), 409, "clearance_not_so"),
        (clear("suspend", environment="staging"), 409, "clearance_not_so"),
        (clear("keep"), 422, "invalid"),
        (clear("suspend", reason=" "), 422, "invalid"),
        (clear("suspend", reason="x" * 1001), 422, "invalid"),
        (clear("suspend", environment="a b"), 422, "invalid"),
    ],
)
def test_a_decision_that_makes_no_sense_changes_nothing(
    api, one, olga, vera, rita, sent, status, code
):
    promoted(one, olga, vera, rita)
    assert api(rita, "get", STATUS).status_code == 200
    events = Event.objects.filter(event__contains="clearance").count()
    refused = api(rita, "post", CLEARANCE, sent)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert Event.objects.filter(event__contains="clearance").count() == events
