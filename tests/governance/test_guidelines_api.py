"""Guidelines, purposes and re-approvals over the API: the same rules, the same refusals."""

import json

import pytest

from governance.guideline_files import TEMPLATE
from governance.models import GuidelineAnswers, Revalidation
from tests.conftest import PASSWORD
from tests.governance.conftest import Unchanged, promoted
from tests.governance.test_guidelines import ANSWERS

YAML = "application/yaml"
VERSION = "/api/v1/models/flight-delay/versions/2/guidelines"


@pytest.fixture
def api(client):
    def send(person, method, path, body=None, content_type="application/json"):
        client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
        data = json.dumps(body) if content_type == "application/json" else body
        return client.generic(method, path, data or "", content_type=content_type)

    return send


def signature(digest):
    return {"digest": digest, "reason": "Read with care", "password": PASSWORD}


def test_a_guideline_goes_from_its_file_to_signed_answers(api, one, two, olga, rita, rosa, sam):
    made = api(
        olga, "POST", "/api/v1/guidelines?team=flight-operations", TEMPLATE.read_bytes(), YAML
    )
    assert made.status_code == 201, made.content
    edition = made.json()["editions"][0]
    assert (edition["state"], edition["tiers"]) == ("draft", ["high", "medium", "low"])
    where = "/api/v1/guidelines/ethical-guidelines"
    assert api(sam, "GET", where).status_code == 404
    assert api(olga, "POST", f"{where}/sign", signature(edition["digest"])).status_code == 403
    stale = api(rosa, "POST", f"{where}/sign", signature("0" * 64))
    assert (stale.status_code, stale.json()["code"]) == (409, "evidence_changed")
    assert api(rosa, "POST", f"{where}/sign", signature(edition["digest"])).status_code == 200
    assert api(rosa, "GET", "/api/v1/guidelines").json()[0]["signed_by"] == "Rosa"

    [asked] = api(olga, "GET", VERSION).json()
    assert (asked["state"], len(asked["questions"])) == ("missing", 6)
    mine = f"{VERSION}/ethical-guidelines"
    assert "version:1" in api(olga, "GET", mine).json()["candidates"]
    wrong = api(olga, "PUT", mine, {"answers": {"harmed": "all"}})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "harmed")
    draft = api(olga, "PUT", mine, {"answers": ANSWERS}).json()
    assert api(olga, "POST", f"{mine}/sign", signature(draft["digest"])).status_code == 403
    done = api(rita, "POST", f"{mine}/sign", signature(draft["digest"]))
    assert (done.status_code, done.json()["state"]) == (200, "signed")
    assert api(rita, "POST", f"{mine}/sign", signature(draft["digest"])).status_code in {403, 409}
    again = api(olga, "PUT", mine, {"answers": draft["answers"]})
    assert again.status_code == 200, "answers may be sent again as they were read"
    assert GuidelineAnswers.objects.count() == 2
    ended = {"reason": "Replaced", "password": PASSWORD}
    assert api(rosa, "POST", f"{where}/end", ended).json()["editions"][0]["state"] == "ended"
    assert api(olga, "GET", VERSION).json() == []


def test_a_wrong_file_names_its_lines(api, olga):
    with Unchanged():
        answer = api(
            olga, "POST", "/api/v1/guidelines?team=flight-operations", b"id: x\ntitle: 5", YAML
        )
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} >= {"questions"}


def test_a_purpose_is_changed_with_a_reason_and_says_what_it_reopens(
    api, one, olga, vera, rita, sam
):
    promoted(one, olga, vera, rita)
    where = "/api/v1/models/flight-delay/purpose"
    assert api(sam, "GET", where).status_code == 404
    assert api(olga, "POST", where, {"purpose": "Rebooks."}).status_code == 422
    with Unchanged():
        assert api(rita, "POST", where, {"purpose": "x", "reason": "y"}).status_code == 403
    same = api(olga, "POST", where, {"kpis": [], "reason": "y"})
    assert (same.status_code, same.json()["errors"][0]["field"]) == (422, "purpose")
    made = api(olga, "POST", where, {"purpose": "Rebooks.", "reason": "The desk asks for it"})
    assert (made.status_code, made.json()["after"]["purpose"]) == (201, "Rebooks.")
    read = api(rita, "GET", where).json()
    assert [one["cause"] for one in read["waiting"]] == ["purpose"]
    listed = api(rita, "GET", "/api/v1/revalidations?open=true").json()["results"]
    assert [(one["model"], one["version"]) for one in listed] == [("flight-delay", 1)]
    assert api(sam, "GET", "/api/v1/revalidations").json()["results"] == []
    status = api(rita, "GET", "/api/v1/models/flight-delay/status").json()
    assert "earlier purpose" in status["clearance"]["reasons"][-1]
    assert status["clearance"]["on_expiry"] == "closed"
    assert Revalidation.objects.count() == 1


def test_the_plain_change_of_a_model_refuses_a_purpose_without_its_reason(client, flights, olga):
    client.force_login(olga, backend="allauth.account.auth_backends.AuthenticationBackend")
    where = "/api/v1/models/flight-delay"
    etag = client.get(where)["ETag"]
    with Unchanged():
        answer = client.patch(
            where,
            json.dumps({"purpose": "Other"}),
            content_type="application/json",
            headers={"If-Match": etag},
        )
    assert answer.status_code == 422
    assert "with a reason" in answer.json()["detail"]
