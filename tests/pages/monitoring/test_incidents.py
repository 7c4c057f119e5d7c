"""The pages of incidents: the list, one of them, and what people do about it."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from audit.models import Event
from monitoring.models import Alert, Incident, IncidentEntry, Monitor
from registry.models import Model, Version
from tests.pages.monitoring.conftest import make_incident, make_run
from tests.pages.monitoring.test_watching import queries_of

STEPS = (
    ("acknowledge", {"note": "Looking."}),
    ("note", {"text": "The sensor is broken."}),
    ("resolve", {"root_cause": "A broken sensor."}),
)


@pytest.fixture
def incident(monitor: Monitor, version: Version) -> Incident:
    run = make_run(monitor, version, values={"temperature": 0.31}, verdict="breach")
    return make_incident(run)


def address(incident: Incident, step: str = "") -> str:
    return f"/incidents/{incident.pk}/{step}".rstrip("/")


def test_rita_reads_what_happened(signed_in: Any, rita: Any, incident: Incident) -> None:
    html = signed_in(rita).get(address(incident)).content.decode()
    assert incident.title in html
    assert "PSI of temperature is 0.31" in html
    assert f'href="/runs/{incident.alerts.get().run_id}"' in html
    assert "may be suspended" in html
    assert "Acknowledge" in html


def test_sam_finds_no_incident(signed_in: Any, sam: Any, incident: Incident) -> None:
    client = signed_in(sam)
    assert incident.title not in client.get("/incidents").content.decode()
    assert client.get(address(incident)).status_code == 404
    for step, sent in STEPS:
        assert client.post(address(incident, step), sent).status_code == 404
    incident.refresh_from_db()
    assert incident.state == "open"


def test_adam_reads_but_every_step_is_refused(
    signed_in: Any, adam: Any, incident: Incident
) -> None:
    client = signed_in(adam)
    html = client.get(address(incident)).content.decode()
    assert incident.title in html
    assert address(incident, "resolve") not in html
    for step, sent in STEPS:
        assert client.post(address(incident, step), sent).status_code == 403, step
    incident.refresh_from_db()
    assert (incident.state, incident.owner) == ("open", None)
    assert IncidentEntry.objects.count() == 1
    assert not Event.objects.filter(event__startswith="monitoring.incident").exists()


def test_olga_takes_it_over_and_resolves_it(signed_in: Any, olga: Any, incident: Incident) -> None:
    client = signed_in(olga)
    for step, sent in STEPS:
        answer = client.post(address(incident, step), sent, follow=True)
        assert answer.status_code == 200
    html = answer.content.decode()
    assert "The incident is resolved." in html
    assert "A broken sensor." in html
    assert "The sensor is broken." in html
    incident.refresh_from_db()
    assert (incident.state, incident.owner) == ("resolved", olga)
    assert address(incident, "resolve") not in html


def test_a_resolution_without_a_cause_is_refused_on_the_page(
    signed_in: Any, olga: Any, incident: Incident
) -> None:
    answer = signed_in(olga).post(address(incident, "resolve"), {"root_cause": "  "})
    assert answer.status_code == 422
    assert "This field is required." in answer.content.decode()
    incident.refresh_from_db()
    assert incident.state == "open"


def test_an_incident_is_acknowledged_once(signed_in: Any, rosa: Any, incident: Incident) -> None:
    client = signed_in(rosa)
    client.post(address(incident, "acknowledge"), {})
    again = client.post(address(incident, "acknowledge"), {}, follow=True)
    assert "Nothing was changed." in again.content.decode()
    assert Event.objects.filter(event="monitoring.incident.acknowledged").count() == 1


def test_steps_are_not_links(signed_in: Any, olga: Any, incident: Incident) -> None:
    for step, _ in STEPS:
        assert signed_in(olga).get(address(incident, step)).status_code == 405


def test_incidents_are_filtered_and_paged(
    signed_in: Any, olga: Any, model: Model, incident: Incident
) -> None:
    run = incident.alerts.get().run
    for number in range(30):
        make_incident(run, state="resolved", n=number)
    client = signed_in(olga)
    first = client.get("/incidents").content.decode()
    assert "25 of 31 incidents" in first
    older = first.split("before=")[1].split('"')[0]
    second = client.get(f"/incidents?before={older}").content.decode()
    assert incident.title in second
    assert "(29)" not in second
    unresolved = client.get("/incidents?state=unresolved&model=flight-delay").content.decode()
    assert "1 of 1 incident" in unresolved
    assert "No incident matches" in client.get("/incidents?severity=info").content.decode()
    assert client.get("/incidents?before=x&state=x&severity=x&model=x").status_code == 200


def test_a_long_row_of_breaches_is_one_line(signed_in: Any, olga: Any, incident: Incident) -> None:
    for number in range(9):
        IncidentEntry.objects.create(
            incident=incident,
            at=timezone.now() + timedelta(hours=number),
            text=f"Breached again in the window to week {number}. PSI.",
        )
    html = signed_in(olga).get(address(incident)).content.decode()
    assert "Breached again in 9 windows" in html
    assert html.count("Breached again") == 1


def test_pages_ask_as_often_for_twenty_rows_as_for_two(
    signed_in: Any, olga: Any, monitor: Monitor, version: Version, incident: Incident
) -> None:
    client = signed_in(olga)
    client.get("/incidents")
    few = [queries_of(client, one) for one in ("/incidents", address(incident))]
    for number in range(20):
        fields = {f"field {number}": 0.3}
        run = make_run(monitor, version, weeks_ago=number + 1, values=fields, verdict="breach")
        make_incident(run, state="resolved", n=number)
        IncidentEntry.objects.create(incident=incident, person=olga, text="Looking.")
    Alert.objects.update(incident=incident)
    many = [queries_of(client, one) for one in ("/incidents", address(incident))]
    assert many == few
