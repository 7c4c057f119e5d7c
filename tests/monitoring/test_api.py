"""The monitoring API: who may, in which shape, with how many queries."""

import io
import json
from datetime import timedelta

import pytest
from django.test import Client

from accounts.roles import Scope
from accounts.services.tokens import create_token
from audit.models import Event
from monitoring.jobs.schedule import schedule_windows
from monitoring.models import Batch, Incident, Monitor
from tests.monitoring import world
from tests.monitoring.world import START, ndjson, outcomes, predictions, rows

pytestmark = pytest.mark.django_db
PREDICTIONS = "/api/v1/models/flight-delay/versions/1/predictions"
OUTCOMES = "/api/v1/models/flight-delay/outcomes"
NDJSON = "application/x-ndjson"
MONITOR = {
    "model": "flight-delay",
    "name": "KS of distance",
    "kind": "drift",
    "metric": "ks",
    "fields": ["distance"],
    "warning": 0.05,
    "breach": 0.1,
}


def key(user, *scopes):
    made = create_token(actor=user, owner=user, name="test", scopes=list(scopes), days=1)
    return {"HTTP_AUTHORIZATION": f"Bearer {made.text}"}


@pytest.fixture
def robots_key(robot):
    return key(robot, Scope.INGEST)


@pytest.fixture
def shifted(robot, version):
    """A week in which the temperature has moved: runs, measurements, alerts and an incident."""
    world.send(robot, version, rows(1400, hours=20, start=START, warmer=8.0))
    world.send(robot, version, rows(10, start=START + timedelta(days=6), prefix="g"))
    world.work()
    schedule_windows()
    world.work("monitoring.evaluate")
    return version


def test_the_robot_sends_predictions_and_outcomes(client, robots_key, version):
    found = rows(20)
    body = ndjson(predictions(found))
    more = {"HTTP_IDEMPOTENCY_KEY": "day-1", **robots_key}
    answer = client.post(PREDICTIONS, body, content_type=NDJSON, **more)
    assert answer.status_code == 201, answer.content
    assert answer.json()["rows"] == 20
    again = client.post(PREDICTIONS, body, content_type=NDJSON, **more)
    assert (again.status_code, again.json()) == (200, answer.json())
    assert again["Idempotent-Replay"] == "true"
    sent = client.post(OUTCOMES, ndjson(outcomes(found)), content_type=NDJSON, **robots_key)
    assert (sent.status_code, sent.json()["rows"]) == (201, 20)


def test_a_refusal_is_a_problem_with_rows_and_reasons(client, robots_key, version):
    found = predictions(rows(4))
    found[2]["distance"] = "far"
    answer = client.post(PREDICTIONS, ndjson(found), content_type=NDJSON, **robots_key)
    assert answer.status_code == 422
    assert answer["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["errors"][0]["row"]) == ("rows_rejected", 2)
    assert not Batch.objects.exists()
    part = client.post(
        f"{PREDICTIONS}?mode=partial", ndjson(found), content_type=NDJSON, **robots_key
    )
    assert (part.status_code, part.json()["rows"]) == (201, 3)


def test_a_body_that_stops_early_or_has_no_length_is_refused(client, robots_key, version):
    body = ndjson(predictions(rows(4)))
    # The test client refuses to read beyond its own payload; a real stream just ends.
    length, stream = str(len(body) + 9), io.BytesIO(body)
    short = client.generic(
        "POST",
        PREDICTIONS,
        body,
        NDJSON,
        CONTENT_LENGTH=length,
        **{"wsgi.input": stream, **robots_key},
    )
    assert (short.status_code, short.json()["code"]) == (400, "body_incomplete")
    none = client.post(PREDICTIONS, body, content_type=NDJSON, CONTENT_LENGTH="", **robots_key)
    assert none.status_code == 411
    large = client.post(
        PREDICTIONS, body, content_type=NDJSON, CONTENT_LENGTH=str(2**27), **robots_key
    )
    assert large.status_code == 413
    assert not Batch.objects.exists()


def test_a_token_without_the_scope_ingest_sends_nothing(client, robot, version):
    body = ndjson(predictions(rows(4)))
    for scope in (Scope.READ, Scope.MANAGE):
        answer = client.post(PREDICTIONS, body, content_type=NDJSON, **key(robot, scope))
        assert answer.status_code == 403
    assert client.post(PREDICTIONS, body, content_type=NDJSON).status_code == 401
    assert not Batch.objects.exists()


def test_sam_sees_nothing_and_adam_writes_nothing(signed_in, sam, adam, shifted):
    incident, monitor = Incident.objects.get(), Monitor.objects.first()
    events = Event.objects.count()
    writes = [
        ("post", PREDICTIONS, {}),
        ("post", OUTCOMES, {}),
        ("post", "/api/v1/monitors", MONITOR),
        ("patch", f"/api/v1/monitors/{monitor.pk}", {"enabled": False}),
        ("post", f"/api/v1/incidents/{incident.pk}/acknowledge", {}),
        ("post", f"/api/v1/incidents/{incident.pk}/resolve", {"root_cause": "x"}),
        ("post", f"/api/v1/incidents/{incident.pk}/notes", {"text": "x"}),
    ]
    reads = [
        "/api/v1/models/flight-delay/measurements",
        f"/api/v1/monitors/{monitor.pk}",
        f"/api/v1/incidents/{incident.pk}",
    ]
    for user, status in ((sam, 404), (adam, 403)):
        browser = signed_in(user)
        for method, path, body in writes:
            answer = getattr(browser, method)(
                path, json.dumps(body), content_type="application/json"
            )
            assert answer.status_code == status, (path, answer.content)
        assert {browser.get(path).status_code for path in reads} == {404 if user is sam else 200}
    assert Event.objects.count() == events
    incident.refresh_from_db()
    assert incident.state == "open"


@pytest.mark.parametrize("name", ["monitors", "runs", "alerts", "incidents"])
def test_lists_show_the_team_its_own_and_strangers_nothing(signed_in, olga, sam, shifted, name):
    assert signed_in(olga).get(f"/api/v1/{name}").json()["results"]
    assert signed_in(sam).get(f"/api/v1/{name}").json()["results"] == []


@pytest.mark.parametrize(
    "path", ["models/flight-delay/measurements", "monitors", "runs", "alerts", "incidents"]
)
def test_a_list_takes_few_queries_whatever_its_length(
    signed_in, olga, shifted, django_assert_max_num_queries, path
):
    browser = signed_in(olga)
    browser.get(f"/api/v1/{path}")
    with django_assert_max_num_queries(6):
        answer = browser.get(f"/api/v1/{path}?page_size=200")
    assert answer.status_code == 200
    assert answer.json()["results"]


def test_measurements_are_filtered(signed_in, olga, shifted):
    path = "/api/v1/models/flight-delay/measurements?field=temperature&metric=psi&version=1"
    (found,) = signed_in(olga).get(path).json()["results"]
    assert (found["verdict"], found["kind"]) == ("breach", "drift")
    assert found["low"] < found["value"] < found["high"]
    assert found["parameters"]["alpha"] > 0
    assert signed_in(olga).get(path + "&verdict=odd").status_code in {400, 422}


def test_a_monitor_is_created_changed_and_told_in_the_trail(signed_in, olga, version):
    browser = signed_in(olga)
    made = browser.post("/api/v1/monitors", MONITOR, content_type="application/json")
    assert made.status_code == 201, made.content
    assert (made.json()["fields"], made.json()["created_by"]) == (["distance"], "Olga")
    path = f"/api/v1/monitors/{made.json()['id']}"
    changed = browser.patch(path, {"breach": 0.2}, content_type="application/json")
    assert (changed.status_code, changed.json()["breach"]) == (200, 0.2)
    events = Event.objects.filter(event__startswith="monitoring.monitor").order_by("sequence")
    assert [one.event for one in events] == [
        "monitoring.monitor.created",
        "monitoring.monitor.changed",
    ]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"metric": "roc_auc"}, "metric"),
        ({"warning": 0.3}, "warning"),
        ({"warning": None, "breach": None}, "breach"),
        ({"alpha": 0.5}, "alpha"),
        ({"window_hours": 100, "every_hours": 30}, "every_hours"),
        ({"segments": ["JFK"]}, "segments"),
        ({"kind": "magic"}, "kind"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_settings_that_do_not_go_together_are_refused_by_field(
    signed_in, olga, version, wrong, field
):
    answer = signed_in(olga).post(
        "/api/v1/monitors", {**MONITOR, **wrong}, content_type="application/json"
    )
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)
    assert not Monitor.objects.exists()


def test_an_incident_is_acknowledged_noted_and_resolved(signed_in, olga, shifted):
    incident = Incident.objects.get()
    path, browser = f"/api/v1/incidents/{incident.pk}", signed_in(olga)
    answer = browser.post(f"{path}/acknowledge", {"note": "Mine."}, content_type="application/json")
    assert (answer.status_code, answer.json()["owner"]) == (200, "Olga")
    browser.post(f"{path}/notes", {"text": "It is spring."}, content_type="application/json")
    again = browser.post(f"{path}/acknowledge", {}, content_type="application/json")
    assert (again.status_code, again.json()["code"]) == (409, "illegal_move")
    empty = browser.post(f"{path}/resolve", {"root_cause": " "}, content_type="application/json")
    assert empty.status_code == 422
    done = browser.post(
        f"{path}/resolve", {"root_cause": "Season."}, content_type="application/json"
    ).json()
    assert (done["state"], done["root_cause"]) == ("resolved", "Season.")
    people = [line["person"] for line in done["timeline"] if line["person"]]
    assert people == ["Olga", "Olga", "Olga"]
    told = Event.objects.filter(event__startswith="monitoring.incident").order_by("sequence")
    assert [one.event.rsplit(".")[-1] for one in told] == [
        "opened",
        "acknowledged",
        "noted",
        "resolved",
    ]


def test_a_csrf_token_is_asked_of_browsers(olga, shifted):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(olga, backend="allauth.account.auth_backends.AuthenticationBackend")
    path = f"/api/v1/incidents/{Incident.objects.get().pk}/acknowledge"
    assert browser.post(path, {}, content_type="application/json").status_code == 403
    assert Incident.objects.get().state == "open"
