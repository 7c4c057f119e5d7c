"""Frameworks, controls, findings, waivers and risk by API."""

from datetime import timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from accounts.services.tokens import create_token
from governance.jobs.controls import rebuild_controls
from governance.models import Assessment, AttachedEvidence, Finding
from governance.services.frameworks import load_shipped
from tests.conftest import PASSWORD
from tests.governance.test_api import api
from tests.governance.test_findings import raised
from tests.governance.test_frameworks import OURS

__all__ = ["api"]

CONTROLS = "/api/v1/models/flight-delay/controls"


@pytest.fixture
def ruled(flights, one):
    load_shipped()
    rebuild_controls(model_ids=[flights.pk])
    return flights


def test_frameworks_are_listed_with_sources_and_dates(api, ruled, olga):
    told = {one["id"]: one for one in api(olga, "get", "/api/v1/frameworks").json()}
    assert told["sr-11-7"]["validity"] == "ended"
    assert told["sr-11-7"]["valid_to"] == told["sr-26-2"]["valid_from"] == "2026-04-17"
    assert told["nist-ai-rmf"]["controls"] == 72
    detail = api(olga, "get", "/api/v1/frameworks/nyc-ll144").json()
    assert detail["controls"][1]["crosswalk"] == [
        {"framework": "four-fifths", "control": "1607.4(D)"}
    ]


def test_a_team_adds_its_framework_as_yaml(api, client, team, rosa, olga):
    def send(person, raw):
        token = create_token(
            actor=person, owner=person, name="t", scopes=["read", "manage"], days=1
        )
        return client.post(
            "/api/v1/frameworks?team=flight-operations",
            raw,
            content_type="application/yaml",
            headers={"Authorization": f"Bearer {token.text}"},
        )

    wrong = send(rosa, OURS.replace(b"H.2", b"H.1"))
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["line"] == 12
    assert send(olga, OURS).status_code == 403
    made = send(rosa, OURS)
    assert made.status_code == 201, made.content
    assert [one["id"] for one in made.json()["controls"]] == ["H.1", "H.2"]


def test_controls_of_a_model_are_read_filtered_and_assessed(api, ruled, vera, olga, sam):
    told = api(vera, "get", CONTROLS, {"framework": "nist-ai-rmf", "state": "proposed"}).json()
    assert told["controls"]
    assert {one["state"] for one in told["controls"]} == {"proposed"}
    assert {one["framework"] for one in told["frameworks"]} == {"nist-ai-rmf", "iso-42001"}
    here = f"{CONTROLS}/nist-ai-rmf/MAP 2.2"
    read = api(vera, "get", here).json()
    body = {"result": "met", "reason": "Read", "digest": read["digest"]}
    made = api(vera, "post", f"{here}/assessments", body)
    assert made.status_code == 201, made.content
    assert (made.json()["edition"], made.json()["name"]) == (1, "Vera")
    assert api(vera, "get", here).json()["state"] == "met"
    assert api(olga, "post", f"{here}/assessments", body).status_code == 403
    assert Assessment.objects.count() == 1
    assert api(sam, "get", here).status_code == 404
    assert api(vera, "get", CONTROLS, {"state": "nearly"}).status_code == 422


def test_scope_decides_which_controls_concern_the_model(api, ruled, olga):
    body = {"jurisdictions": ["EU"], "purposes": ["interacts-with-people"]}
    assert api(olga, "put", "/api/v1/models/flight-delay/scope", body).status_code == 200
    told = api(olga, "get", CONTROLS, {"framework": "eu-ai-act"}).json()
    assert [one["control"] for one in told["controls"]] == ["Art50.1"]
    wrong = api(
        olga, "put", "/api/v1/models/flight-delay/scope", {**body, "jurisdictions": ["Europe!"]}
    )
    assert wrong.status_code == 422
    assert wrong.json()["errors"][0]["field"] == "jurisdictions"


def test_evidence_is_uploaded_and_its_hash_answered(client, ruled, olga):
    client.force_login(olga, "allauth.account.auth_backends.AuthenticationBackend")
    address = f"{CONTROLS}/nist-ai-rmf/GOVERN 2.2/evidence"
    file = SimpleUploadedFile("x.exe", b"Training of the operators")
    made = client.post(address, {"title": "Training", "file": file})
    assert made.status_code == 201, made.content
    assert made.json()["media_type"] == "text/plain"
    assert len(made.json()["sha256"]) == 64
    wrong = client.post(address, {"title": "T", "file": SimpleUploadedFile("x.txt", b"\x00")})
    assert (wrong.status_code, wrong.json()["code"]) == (415, "unsupported_media_type")
    empty = client.post(address, {"title": "T"})
    assert empty.status_code == 422
    assert AttachedEvidence.objects.count() == 1


def test_a_finding_goes_its_way_over_the_api(api, ruled, vera, olga, sam):
    body = {
        "model": "flight-delay",
        "version": 1,
        "kind": "limitation",
        "severity": "critical",
        "title": "Fog",
        "text": "It was never tried in fog",
    }
    made = api(vera, "post", "/api/v1/findings", body)
    assert made.status_code == 201, made.content
    here = f"/api/v1/findings/{made.json()['finding']['id']}"
    assert made["Location"] == here
    assert api(olga, "post", f"{here}/moves", {"verb": "close", "text": "x"}).status_code == 409
    for person, verb in ((olga, "start"), (olga, "propose"), (vera, "close")):
        moved = api(person, "post", f"{here}/moves", {"verb": verb, "text": "Done"})
        assert moved.status_code == 200, moved.content
    told = api(olga, "get", here).json()
    assert (told["finding"]["state"], told["finding"]["closed_by"]) == ("closed", "Vera")
    assert [one["verb"] for one in told["timeline"]] == ["close", "propose", "start", "raise"]
    assert api(sam, "get", here).status_code == 404
    assert api(sam, "get", "/api/v1/findings").json()["results"] == []
    assert api(sam, "post", "/api/v1/findings", body).status_code == 404


def test_a_waiver_over_the_api(api, ruled, vera, rosa):
    finding = raised(vera, ruled)
    body = {"model": "flight-delay", "reason": "Winter", "expires_on": "2099-01-01"}
    far = api(vera, "post", "/api/v1/waivers", {**body, "finding": finding.pk})
    assert far.status_code == 422
    body["expires_on"] = str(timezone.now().date() + timedelta(days=9))
    neither = api(vera, "post", "/api/v1/waivers", body)
    assert neither.status_code == 422
    made = api(vera, "post", "/api/v1/waivers", {**body, "finding": finding.pk})
    assert made.status_code == 201, made.content
    here = f"/api/v1/waivers/{made.json()['id']}"
    sent = {"decision": "grant", "reason": "Yes", "password": PASSWORD}
    granted = api(rosa, "post", f"{here}/decision", sent)
    assert (granted.json()["state"], granted.json()["decided_by"]) == ("granted", "Rosa")
    control = {"framework": "nist-ai-rmf", "control": "GOVERN 2.2"}
    other = api(vera, "post", "/api/v1/waivers", {**body, "control": control})
    assert other.status_code == 201
    api(rosa, "post", f"/api/v1/waivers/{other.json()['id']}/decision", sent)
    told = api(vera, "get", f"{CONTROLS}/nist-ai-rmf/GOVERN 2.2").json()
    assert (told["state"], told["waived_until"]) == ("waived", body["expires_on"])


def test_risk_over_the_api(api, ruled, rosa, vera):
    told = api(vera, "get", "/api/v1/models/flight-delay/risk").json()
    answers = {one["id"]: one["options"][0]["id"] for one in told["questions"]}
    body = {"answers": answers, "reason": "Weighed", "password": PASSWORD}
    assert api(vera, "post", "/api/v1/models/flight-delay/risk", body).status_code == 403
    wrong = {**body, "answers": {**answers, "people": "x"}}
    refused = api(rosa, "post", "/api/v1/models/flight-delay/risk", wrong)
    assert refused.json()["errors"][0]["field"] == "people"
    signed = api(rosa, "post", "/api/v1/models/flight-delay/risk", body)
    assert (signed.status_code, signed.json()["tier"]) == (201, "low")
    assert "password" not in signed.json()
    assert Finding.objects.count() == 0
