"""A receipt tells what was in force when a prediction was made, and what nobody knows."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.services.tokens import create_token
from governance.models import Clearance
from governance.services.clearance import suspend_clearance
from monitoring.models import Batch, Measurement
from monitoring.services import lookups
from registry.models import Deployment, Schema
from tests.governance.conftest import critical_incident, promoted
from tests.monitoring import world
from tests.monitoring.world import FIELDS, rows

NOW = timezone.now()
URL = "/api/v1/receipts/f3"
WHERE = {"environment": "production", "reason": "Complaints"}


@pytest.fixture(autouse=True)
def _no_broker(monkeypatch):
    monkeypatch.setattr("ledger.claims.wake", lambda *_: None)


@pytest.fixture
def served(one, olga, vera, rita, robot):
    """Version 1, promoted two days ago, and ten predictions of today with their outcomes."""
    Schema.objects.filter(version=one).update(fields=FIELDS)
    promoted(one, olga, vera, rita)
    before = NOW - timedelta(days=2)
    Deployment.objects.update(started_at=before)
    Clearance.objects.update(since=before)
    one.change_requests.update(executed_at=before)
    one.card.revisions.update(at=before)
    one.refresh_from_db()
    found = rows(10, start=NOW - timedelta(hours=5), hours=1)
    world.send(robot, one, found)
    world.send_outcomes(robot, one.model, found, after=0.5)
    return found


@pytest.fixture
def ask(client, olga):
    token = create_token(actor=olga, owner=olga, name="cli", scopes=["read"], days=1)

    def get(status=200, url=URL, **query):
        found = client.get(
            url,
            {"model": "flight-delay", **query},
            headers={"Authorization": f"Bearer {token.text}"},
        )
        assert found.status_code == status, found.content
        return found.json()

    return get


def test_it_tells_version_clearance_card_signatures_and_the_outcome(served, one, ask):
    (told,) = ask()["receipts"]
    assert told["version"]["number"] == 1
    assert told["version"]["artifact_digest"] == one.artifact_digest
    assert told["prediction"]["row"]["carrier"] == served[3]["carrier"]
    assert [where["role"] for where in told["deployments"]] == ["champion"]
    assert [where["state"] for where in told["clearances"]] == ["cleared"]
    assert told["card"]["digest"] == one.card.revisions.order_by("-number").first().digest
    (change,) = told["approvals"]
    assert {sign["name"] for sign in change["signatures"]} == {"Vera", "Rita"}
    assert all(sign["digest"] == change["digest"] for sign in change["signatures"])
    assert told["outcomes"][0]["outcome"] in (served[3]["was_late"], int(served[3]["was_late"]))
    assert "No outcome has arrived." not in told["not_found"]
    assert "No explanation of this prediction is stored." in told["not_found"]


def test_what_happened_later_is_not_told(served, one, rita, ask):
    suspend_clearance(actor=rita, version_id=one.pk, **WHERE)
    critical_incident(one)
    one.incidents.update(began_at=timezone.now())
    (told,) = ask()["receipts"]
    assert [where["state"] for where in told["clearances"]] == ["cleared"]
    assert told["incidents"] == []


def test_what_was_open_then_is_told(served, one, ask):
    critical_incident(one)
    one.incidents.update(began_at=NOW - timedelta(days=1))
    (told,) = ask()["receipts"]
    assert len(told["incidents"]) == 1


def test_a_prediction_before_anything_was_in_place_says_so(served, ask):
    Deployment.objects.update(started_at=timezone.now())
    Clearance.objects.update(since=timezone.now())
    (told,) = ask()["receipts"]
    assert "No deployment of this version was in force then." in told["not_found"]
    assert "No clearance of this version was in force then." in told["not_found"]
    assert "No window had been measured by then." in told["not_found"]
    assert not Measurement.objects.exists()


def test_an_unknown_id_says_whether_all_of_the_log_was_read(served, ask, monkeypatch):
    told = ask(404, "/api/v1/receipts/nobody")
    assert "No version logged" in told["detail"]
    monkeypatch.setattr(lookups, "MOST_FILES", 0)
    assert "Say about when" in ask(404)["detail"]


def test_a_time_narrows_the_search(served, ask):
    assert ask(at=NOW.isoformat())["receipts"]
    assert "No version logged" in ask(404, at=(NOW - timedelta(days=30)).isoformat())["detail"]
    assert ask(422, at="yesterday")["errors"][0]["field"] == "at"


def test_a_shadow_s_answer_to_the_same_row_has_a_receipt_of_its_own(served, two, robot, ask):
    Schema.objects.filter(version=two).update(fields=FIELDS)
    two.refresh_from_db()
    world.send(robot, two, served)
    assert [one["version"]["number"] for one in ask()["receipts"]] == [1, 2]


def test_a_stranger_finds_nothing(served, client, sam, signed_in):
    answer = signed_in(sam).get(URL, {"model": "flight-delay"})
    assert answer.status_code == 404
    assert b"carrier" not in answer.content
    page = signed_in(sam).get("/receipts", {"model": "flight-delay", "prediction": "f3"})
    assert b"The row as it was logged" not in page.content


def test_the_page_shows_it_and_what_is_wrong_with_a_question(served, olga, signed_in):
    client = signed_in(olga)
    html = client.get("/receipts", {"model": "flight-delay", "prediction": "f3"}).content.decode()
    for words in ("What was in force", "champion in production", "Vera", "No explanation"):
        assert words in html
    none = client.get("/receipts", {"model": "flight-delay", "prediction": "nobody"})
    assert "Not in the log" in none.content.decode()
    assert "This field is required" in client.get("/receipts", {"model": ""}).content.decode()
    assert client.get("/receipts").status_code == 200


def test_the_log_is_read_within_bounds(served, olga, one, monkeypatch):
    monkeypatch.setattr(lookups, "MOST_ROWS", 1)
    found = lookups.find_prediction(actor=olga, model_id=one.model_id, prediction_id="f3")
    assert found.files <= Batch.objects.count()
    assert found.predictions, "the newest file is always looked at"
