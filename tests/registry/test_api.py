"""The registry over HTTP: shapes, refusals, ETags, uploads, and what strangers may not see."""

import pytest

from accounts.services.tokens import create_token
from audit.models import Event
from registry.gateways import store
from registry.models import Archive, Model, Reference, Schema, Version
from tests.registry.conftest import FIELDS, reference_file

API = "/api/v1"
NEW = {
    "slug": "air-time",
    "name": "Air time",
    "purpose": "How long will it be in the air?",
    "team": "flight-operations",
    "task": "regression",
    "risk_tier": "low",
}
PARQUET = "application/vnd.apache.parquet"


@pytest.fixture
def as_(client):
    """Calls the API as somebody, with a token of these scopes."""

    def caller(person, *scopes):
        token = create_token(
            actor=person, owner=person, name="test", scopes=list(scopes or ("read",)), days=1
        )
        headers = {"Authorization": f"Bearer {token.text}"}

        def call(method, path, body=None, *, content_type="application/json", **more):
            return getattr(client, method)(
                API + path, body, content_type=content_type, headers={**headers, **more}
            )

        return call

    return caller


@pytest.fixture
def api(as_, olga):
    return as_(olga, "read", "manage")


def code(answer):
    return answer.status_code, answer.json()["code"]


def test_a_model_is_registered_read_and_listed(api, olga):
    made = api("post", "/models", NEW)
    assert made.status_code == 201
    assert made.json()["owner"] == "olga@example.org"
    assert made.json()["mlflow"]["name"] == "air-time"
    read = api("get", "/models/air-time")
    assert read.json() == made.json()
    assert read["ETag"] == made["ETag"]
    assert [one["slug"] for one in api("get", "/models").json()["results"]] == ["air-time"]
    assert api("get", "/models?task=binary").json()["results"] == []
    assert code(api("get", "/models?task=ranking")) == (422, "invalid")


def test_a_slug_that_is_taken_conflicts(api, flights):
    assert code(api("post", "/models", NEW | {"slug": "flight-delay"})) == (409, "already_there")
    assert Model.objects.count() == 1


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"task": "ranking"}, "task"),
        ({"slug": "no slug"}, "slug"),
        ({"risk": "low"}, "risk"),
        ({"kpis": "few"}, "kpis"),
        ({"name": None}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"outcome_horizon_hours": 0}, "outcome_horizon_hours"),
        ({"owner": "nobody"}, "owner"),
    ],
)
def test_wrong_fields_are_named(api, team, change, field):
    answer = api("post", "/models", NEW | change)
    assert code(answer) == (422, "invalid")
    assert answer.json()["errors"][0]["field"] == field
    assert not Model.objects.exists()


def test_what_is_no_json_is_400_and_what_is_no_object_422(api, db):
    assert api("post", "/models", "{").status_code == 400
    assert api("post", "/models", "[1]").status_code == 422
    assert api("post", "/models", "slug=x", content_type="text/plain").status_code == 415


def test_an_unknown_owner_and_a_foreign_team_are_refused(api, other_team):
    assert code(api("post", "/models", NEW | {"owner": "x@example.org"})) == (422, "model_invalid")
    assert code(api("post", "/models", NEW | {"team": "lending"})) == (403, "refused")
    assert code(api("post", "/models", NEW | {"team": "nowhere"})) == (403, "refused")
    assert not Model.objects.exists()


def test_a_change_needs_the_etag_that_was_read(api, flights):
    etag = api("get", "/models/flight-delay")["ETag"]
    change = {"name": "Late flights"}
    assert code(api("patch", "/models/flight-delay", change)) == (428, "if_match_missing")
    first = api("patch", "/models/flight-delay", change, **{"If-Match": etag})
    assert (first.status_code, first.json()["name"]) == (200, "Late flights")
    lost = api("patch", "/models/flight-delay", {"name": "Lost"}, **{"If-Match": etag})
    assert code(lost) == (412, "changed_since")
    for nonsense in ('"x"', "*", 'W/"1"'):
        answer = api("patch", "/models/flight-delay", {"name": "L"}, **{"If-Match": nonsense})
        assert code(answer) == (412, "changed_since")
    flights.refresh_from_db()
    assert flights.name == "Late flights"
    again = api(
        "patch",
        "/models/flight-delay",
        {"outcome_horizon_hours": 48},
        **{"If-Match": first["ETag"]},
    )
    assert again.json()["outcome_horizon_hours"] == 48


def test_a_version_is_registered_and_read_with_everything(api, champion, flights):
    made = api("post", "/models/flight-delay/versions", {"mlflow_version": 2, "summary": "New"})
    assert (made.status_code, made.json()["number"], made.json()["stage"]) == (201, 2, "candidate")
    answer = api("get", "/models/flight-delay/versions").json()["results"]
    assert [one["number"] for one in answer] == [2, 1]
    serving = api("get", "/models/flight-delay/versions?stage=serving").json()["results"]
    assert [one["number"] for one in serving] == [1]
    one = api("get", "/models/flight-delay/versions/1").json()
    assert one["periods"][0]["role"] == "champion"
    assert (one["reference"], one["schema"], one["files"]) == (None, [], [])
    twice = api("post", "/models/flight-delay/versions", {"mlflow_version": 2})
    assert code(twice) == (409, "already_there")
    assert code(api("post", "/models/flight-delay/versions", {})) == (422, "version_invalid")
    assert code(api("get", "/models/flight-delay/versions/9")) == (404, "not_found")


def test_a_schema_is_put_and_its_errors_are_all_named(api, one):
    path = "/models/flight-delay/versions/1/schema"
    put = api("put", path, {"fields": FIELDS})
    assert (put.status_code, len(put.json()["fields"])) == (200, len(FIELDS))
    assert api("put", path, FIELDS).json()["digest"] == put.json()["digest"]
    wrong = api("put", path, {"fields": FIELDS[1:]})
    assert code(wrong) == (422, "schema_invalid")
    assert "Exactly one field has the role id" in wrong.json()["errors"][0]["message"]
    for nonsense in ({}, {"fields": 5}, [], "text"):
        assert api("put", path, nonsense).status_code in {400, 422}
    assert Schema.objects.get().digest == put.json()["digest"]
    assert "schema" in api("get", "/models/flight-delay/versions/1").json()


def test_a_fixed_schema_conflicts(api, champion):
    answer = api("put", "/models/flight-delay/versions/1/schema", {"fields": FIELDS})
    assert code(answer) == (409, "schema_fixed")


def test_a_reference_is_uploaded(api, one, tmp_path):
    api("put", "/models/flight-delay/versions/1/schema", {"fields": FIELDS})
    raw = reference_file(tmp_path / "r.parquet").read_bytes()
    path = "/models/flight-delay/versions/1/reference"
    put = api("put", path, raw, content_type=PARQUET)
    assert (put.status_code, put.json()["rows"], put.json()["frozen_at"]) == (200, 200, None)
    assert store.digest(Reference.objects.get().path) == put.json()["digest"]
    read = api("get", "/models/flight-delay/versions/1").json()["reference"]
    assert read["digest"] == put.json()["digest"]
    assert code(api("put", path, raw)) == (415, "unsupported_media_type")
    assert code(api("put", path, b"\x80\x04", content_type=PARQUET)) == (
        415,
        "unsupported_media_type",
    )
    assert code(api("put", path, b"", content_type=PARQUET)) == (400, "body_incomplete")
    assert code(api("put", path, raw[:-9], content_type=PARQUET)) == (400, "broken_file")
    gzipped = api("put", path, raw, content_type=PARQUET, **{"Content-Encoding": "gzip"})
    assert gzipped.status_code == 415
    assert Reference.objects.count() == 1


def test_a_reference_that_is_too_large_is_broken_off(api, one, monkeypatch):
    monkeypatch.setattr("registry.services.references.MAX_BYTES", 10)
    answer = api(
        "put", "/models/flight-delay/versions/1/reference", b"PAR1" * 10, content_type=PARQUET
    )
    assert code(answer) == (413, "too_large")


PATHS = [
    ("get", "/models/flight-delay"),
    ("patch", "/models/flight-delay"),
    ("get", "/models/flight-delay/versions"),
    ("post", "/models/flight-delay/versions"),
    ("get", "/models/flight-delay/versions/1"),
    ("put", "/models/flight-delay/versions/1/schema"),
    ("put", "/models/flight-delay/versions/1/reference"),
]


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_what_sam_may_not_see_is_not_there(as_, sam, champion, method, path):
    kind = PARQUET if "reference" in path else "application/json"
    call = as_(sam, "read", "manage")
    body = b"PAR1" if kind == PARQUET else {"fields": FIELDS}
    events = Event.objects.count()
    answer = call(method, path, None if method == "get" else body, content_type=kind)
    assert code(answer) == (404, "not_found")
    assert Event.objects.count() == events


@pytest.mark.parametrize("name", ["adam", "vera", "rita"])
def test_who_reads_does_not_write(as_, request, name, one):
    person = request.getfixturevalue(name)
    scopes = ["read"] if name == "adam" else ["read", "manage"]
    call = as_(person, *scopes)
    assert call("get", "/models/flight-delay").status_code == 200
    answers = [
        call("post", "/models/flight-delay/versions", {"mlflow_version": 2}),
        call("put", "/models/flight-delay/versions/1/schema", {"fields": FIELDS}),
        call("put", "/models/flight-delay/versions/1/reference", b"PAR1", content_type=PARQUET),
        call("post", "/models", NEW),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert (Version.objects.count(), Schema.objects.count(), Model.objects.count()) == (1, 0, 1)


def test_a_reading_token_does_not_write(as_, olga, team):
    assert code(as_(olga, "read")("post", "/models", NEW))[0] == 403
    assert not Model.objects.exists()


def test_nobody_is_let_in_without_a_token(client, one):
    for method, path in PATHS:
        answer = getattr(client, method)(API + path)
        assert answer.status_code == 401, path


def test_archives_are_listed_and_read(api, as_, sam, olga, one):
    archive = Archive.objects.create(version=one, requested_by=olga)
    (row,) = api("get", "/archives").json()["results"]
    assert (row["model"], row["version"], row["state"]) == ("flight-delay", 1, "requested")
    assert api("get", "/archives?state=sealed").json()["results"] == []
    detail = api("get", f"/archives/{archive.pk}").json()
    assert (detail["archive"]["id"], detail["files"], detail["restores"]) == (archive.pk, [], [])
    assert as_(sam)("get", "/archives").json()["results"] == []
    assert code(as_(sam)("get", f"/archives/{archive.pk}")) == (404, "not_found")


def test_no_request_ever_asks_mlflow(api, champion, monkeypatch):
    def refuse(*_, **__):
        pytest.fail("a request asked MLflow")

    monkeypatch.setattr("registry.gateways.mlflow_http.send", refuse)
    api("post", "/models", NEW)
    api("post", "/models/flight-delay/versions", {"mlflow_version": 7})
    for path in ("/models", "/models/flight-delay", "/models/flight-delay/versions/1"):
        assert api("get", path).status_code == 200
