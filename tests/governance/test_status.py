"""The status answer tells the truth after each step, from one prepared row."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from psycopg import Cursor, connect

from accounts.models import ApiToken, User
from accounts.policies import Refused
from accounts.services.tokens import create_token, hash_of
from audit.models import Event
from governance.jobs.execute import mark_failed
from governance.jobs.follow import follow_verdicts
from governance.models import ChangeRequest, Clearance, StatusRow
from governance.reads.prepared import for_token
from governance.refusals import ClearanceNotSo, Incomplete
from governance.services.clearance import reinstate_clearance, suspend_clearance
from ledger.models import Job
from monitoring.models import Health
from tests.conftest import person
from tests.governance.conftest import (
    Unchanged,
    ask,
    carry_out,
    critical_incident,
    promoted,
    sign,
)

URL = "/api/v1/models/flight-delay/status"


@pytest.fixture
def bearer(olga):
    token = create_token(actor=olga, owner=olga, name="cli", scopes=["read"], days=1)
    return {"Authorization": f"Bearer {token.text}"}


def answer(client, bearer, **query):
    found = client.get(URL, query, headers=bearer)
    assert found.status_code == 200, found.content
    return found.json()


def test_the_answer_follows_every_step(client, bearer, one, two, olga, vera, rita):
    follow_verdicts()
    told = answer(client, bearer)
    assert told["champion"] is None
    assert told["clearance"]["state"] == "not_cleared"
    request = ask(olga, one)
    assert [r["id"] for r in answer(client, bearer)["open_requests"]] == [request.pk]
    sign(vera, request)
    sign(rita, request)
    told = answer(client, bearer)
    assert (told["champion"], told["open_requests"][0]["state"]) == (None, "approved")
    assert [who["name"] for who in told["last_approval"]["by"]] == ["Vera", "Rita"]
    carry_out(request)
    told = answer(client, bearer)
    assert told["champion"]["version"] == 1
    assert told["champion"]["artifact_digest"] == one.artifact_digest
    assert told["clearance"]["state"] == "cleared"
    assert told["card_version"] == 2
    assert told["open_requests"] == []
    promoted(two, olga, vera, rita)
    assert answer(client, bearer)["champion"]["version"] == 2


def test_a_critical_incident_suspends_once_until_a_person_decides(
    client, bearer, one, olga, vera, rita
):
    promoted(one, olga, vera, rita)
    incident = critical_incident(one)
    follow_verdicts()
    told = answer(client, bearer)
    assert told["clearance"]["state"] == "suspended"
    assert "Temperature drifted" in told["clearance"]["reasons"][0]
    assert told["open_incidents"][0]["id"] == incident.pk
    before = Event.objects.count()
    follow_verdicts()
    assert Event.objects.count() == before
    reinstate_clearance(
        actor=rita, version_id=one.pk, environment="production", reason="A sensor, mended"
    )
    follow_verdicts()
    told = answer(client, bearer)
    assert told["clearance"]["state"] == "cleared", "the same incident suspends once"
    assert "Rita" in told["clearance"]["reasons"][0]
    assert Clearance.objects.filter(version=one).count() == 3
    critical_incident(one, kind="performance")
    follow_verdicts()
    assert answer(client, bearer)["clearance"]["state"] == "suspended"


def test_a_warning_does_not_suspend(client, bearer, one, olga, vera, rita):
    promoted(one, olga, vera, rita)
    incident = critical_incident(one)
    incident.severity = "warning"
    incident.save()
    follow_verdicts()
    # What is recommended is looked at by a job; nothing else came of it.
    with Unchanged():
        follow_verdicts()
    assert answer(client, bearer)["clearance"]["state"] == "cleared"


@pytest.mark.parametrize("name", ["olga", "vera", "adam", "anna", "sam", "robot"])
def test_others_do_not_decide_about_clearance(one, olga, vera, rita, name, request):
    promoted(one, olga, vera, rita)
    words = {"version_id": one.pk, "environment": "production", "reason": "So"}
    for decide in (suspend_clearance, reinstate_clearance):
        with Unchanged(), pytest.raises(Refused):
            decide(actor=request.getfixturevalue(name), **words)


def test_clearance_moves_only_from_where_it_is(one, olga, vera, rita, rosa):
    promoted(one, olga, vera, rita)
    words = {"actor": rosa, "version_id": one.pk, "environment": "production"}
    with Unchanged(), pytest.raises(ClearanceNotSo):
        reinstate_clearance(**words, reason="So")
    with Unchanged(), pytest.raises(Incomplete):
        suspend_clearance(**words, reason=" ")
    suspend_clearance(**words, reason="Complaints")
    with Unchanged(), pytest.raises(ClearanceNotSo):
        suspend_clearance(**words, reason="Complaints")


def test_health_is_told_when_monitoring_has_it(client, bearer, one, olga, vera, rita):
    promoted(one, olga, vera, rita)
    Health.objects.create(
        version=one, kind="drift", verdict="breach", summary="PSI 1.2", as_of=timezone.now()
    )
    assert answer(client, bearer)["health"] == {}
    follow_verdicts()
    assert answer(client, bearer)["health"]["drift"]["verdict"] == "breach"


def test_nothing_new_writes_no_row(one, olga, vera, rita):
    promoted(one, olga, vera, rita)
    rows = StatusRow.objects.count()
    follow_verdicts()
    assert StatusRow.objects.count() == rows


def test_seeing_mlflow_again_is_no_new_history(flights, client, bearer):
    follow_verdicts()
    flights.mlflow_seen = {"aliases": {}}
    flights.mlflow_seen_at = timezone.now()
    flights.save()
    follow_verdicts()
    rows = StatusRow.objects.count()
    flights.mlflow_seen_at += timedelta(seconds=30)
    flights.save()
    follow_verdicts()
    assert StatusRow.objects.count() == rows
    assert answer(client, bearer)["mlflow"]["seen_at"] > flights.created_at.isoformat()


def test_an_alias_moved_in_mlflow_is_told(flights, client, bearer, one, olga, vera, rita):
    flights.mlflow_name = "flight-delay"
    flights.mlflow_seen_at = timezone.now()
    flights.mlflow_seen = {"aliases": {"champion": 1}}
    flights.save()
    one.mlflow_version = 1
    one.save()
    promoted(one, olga, vera, rita)
    assert answer(client, bearer)["mlflow"]["agrees"] is True
    flights.refresh_from_db()
    flights.mlflow_seen = {"aliases": {"champion": 7}, "drift": [{"message": "moved"}]}
    flights.save()
    follow_verdicts()
    told = answer(client, bearer)["mlflow"]
    assert (told["agrees"], told["alias"], told["drift"]) == (False, 7, ["moved"])


def test_the_past_can_be_asked(client, bearer, one, two, olga, vera, rita):
    promoted(one, olga, vera, rita)
    between = timezone.now()
    promoted(two, olga, vera, rita)
    assert answer(client, bearer, at=between.isoformat())["champion"]["version"] == 1
    assert answer(client, bearer)["champion"]["version"] == 2
    before = one.model.created_at - timedelta(days=1)
    assert client.get(URL, {"at": before.isoformat()}, headers=bearer).status_code == 404
    assert client.get(URL, {"environment": "a\0"}, headers=bearer).status_code == 422
    for nonsense in ("yesterday", "2026-01-01T00:00:00", "2026-13-01T00:00:00Z"):
        assert client.get(URL, {"at": nonsense}, headers=bearer).status_code == 422


def test_an_answer_costs_one_query_by_token_and_three_by_session(
    client, bearer, one, olga, vera, rita
):
    promoted(one, olga, vera, rita)
    client.get(URL, headers=bearer)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        answer(client, bearer)
    assert len(queries) == 1
    client.force_login(olga, backend="allauth.account.auth_backends.AuthenticationBackend")
    with CaptureQueriesContext(connection) as queries:
        answer(client, {})
    assert len(queries) <= 3


TOKEN_CHANGES = {
    "none": {},
    "revoked": {"revoked_at": timezone.now()},
    "expired": {"expires_at": timezone.now() - timedelta(seconds=1)},
    "for writing": {"scopes": ["ingest", "manage"]},
}


@pytest.mark.parametrize("change", TOKEN_CHANGES)
@pytest.mark.parametrize("name", ["olga", "adam", "sam", "anna", "robot", "nobody"])
def test_a_token_is_told_what_its_owner_sees_while_it_lives(
    name, change, request, team, flights, one
):
    follow_verdicts()
    owner = person("nobody") if name == "nobody" else request.getfixturevalue(name)
    actor = request.getfixturevalue("anna") if name == "robot" else owner
    made = create_token(actor=actor, owner=owner, name="t", scopes=["read"], days=1)
    ApiToken.objects.filter(pk=made.token.pk).update(**TOKEN_CHANGES[change])
    for active in (True, False):
        User.objects.filter(pk=owner.pk).update(is_active=active)
        digest = hash_of(made.text)
        lives = ApiToken.objects.live().filter(hash=digest).first()
        seen = StatusRow.objects.visible_to(owner).latest_rows().first()
        heard = for_token(digest=digest, model="flight-delay", environment="production")
        assert (heard is not None) == (lives is not None)
        if heard is None:
            continue
        assert (heard.token_id, heard.may_read) == (lives.pk, "read" in lives.scopes)
        assert (heard.said and heard.said.etag) == (seen and seen.etag)


def test_a_token_without_the_scope_or_unknown_is_refused(client, bearer, one):
    follow_verdicts()
    ApiToken.objects.update(scopes=["ingest"])
    assert client.get(URL, headers=bearer).status_code == 403
    ApiToken.objects.update(revoked_at=timezone.now())
    assert client.get(URL, headers=bearer).status_code == 401


def test_the_use_of_a_token_is_noted_every_five_minutes(client, bearer, one):
    follow_verdicts()
    for ago, noted in [(None, True), (timedelta(minutes=6), True), (timedelta(minutes=4), False)]:
        before = ago and timezone.now() - ago
        ApiToken.objects.update(last_used_at=before)
        answer(client, bearer)
        assert (ApiToken.objects.get().last_used_at != before) == noted


@pytest.mark.django_db(transaction=True)
def test_a_connection_that_died_meanwhile_is_replaced(bearer, one):
    follow_verdicts()
    digest = hash_of(bearer["Authorization"].removeprefix("Bearer "))
    with connect(**connection.get_connection_params() | {"cursor_factory": Cursor}) as other:
        connection.ensure_connection()
        pid = connection.connection.info.backend_pid
        other.execute("SELECT pg_terminate_backend(%s)", [pid])
    heard = for_token(digest=digest, model="flight-delay", environment="production")
    assert heard.said is not None
    assert connection.connection.info.backend_pid != pid


def test_an_unchanged_answer_is_not_sent_again(client, bearer, one, olga, vera, rita):
    promoted(one, olga, vera, rita)
    etag = client.get(URL, headers=bearer)["ETag"]
    again = client.get(URL, headers={**bearer, "If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")
    critical_incident(one)
    follow_verdicts()
    assert client.get(URL, headers={**bearer, "If-None-Match": etag}).status_code == 200


def test_strangers_get_404_and_nobodies_401(client, one, sam, adam, olga):
    follow_verdicts()
    assert client.get(URL).status_code == 401
    assert client.get(URL, headers={"Authorization": "Bearer ombud_x"}).status_code == 401
    client.force_login(sam, backend="allauth.account.auth_backends.AuthenticationBackend")
    refused = client.get(URL)
    assert (refused.status_code, refused["Content-Type"]) == (404, "application/problem+json")
    client.force_login(adam, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert client.get(URL).status_code == 200
    assert client.get(URL, {"environment": "moon"}).status_code == 404
    assert client.post(URL).status_code in {403, 405}
    client.logout()
    ingest = create_token(actor=olga, owner=olga, name="i", scopes=["ingest"], days=1)
    sent = client.get(URL, headers={"Authorization": f"Bearer {ingest.text}"})
    assert sent.status_code == 403


def test_a_request_whose_job_is_dead_is_failed(one, olga, vera, rita):
    request = ask(olga, one)
    sign(vera, request)
    sign(rita, request)
    Job.objects.filter(kind="governance.execute").update(state="dead")
    follow_verdicts()
    request.refresh_from_db()
    assert request.state == "failed"
    with Unchanged():
        follow_verdicts()
    withdrawn = ChangeRequest.objects.filter(pk=request.pk)
    withdrawn.update(state="rejected")
    with Unchanged():
        mark_failed(request_id=request.pk, error="late")
