"""Sam, of another team, meets nothing of this one: on no route, in no list, under no filter."""

import re
from urllib.parse import quote

import pytest
from django.apps import apps

from audit.models import Event
from tests.conftest import person
from tests.marked import mark, person_client, readable
from tests.test_routes import routes, table
from tests.world import world_of

MARK = "Zqwx secret"
# Parameters of addresses that are numbers of rows, and whose rows they are.
ROWS = {
    "request": "governance.ChangeRequest",
    "incident": "monitoring.Incident",
    "monitor": "monitoring.Monitor",
    "run": "monitoring.Run",
    "archive": "registry.Archive",
    "hold": "registry.LegalHold",
    "purge": "registry.Purge",
    "experiment": "monitoring.Experiment",
    "retraining": "monitoring.Retraining",
    "policy": "monitoring.RetrainingPolicy",
    "evidence": "governance.AttachedEvidence",
    "finding": "governance.Finding",
    "waiver": "governance.Waiver",
    "attestation": "governance.Attestation",
    "sample": "governance.Sample",
    "bundle": "governance.Bundle",
}


@pytest.fixture
def world(team, olga, vera, rita, other_team):
    found = world_of(team, olga)
    team.name = f"{MARK} team"
    team.save()
    olga.name = f"{MARK} Olga"
    olga.save()
    marked = mark(MARK)
    assert len(marked) > 30, marked
    return found


def told(client, address):
    """What an answer says, without the words that were asked for."""
    answer = client.get(address)
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return answer.status_code, body.decode("utf-8", "replace").replace(quote(MARK), "")


def test_sam_reads_nothing_of_it_on_any_route(world, sam):
    client, seen, leaks = person_client(sam), 0, []
    for address in readable(world):
        status, body = told(client, address)
        assert status < 500, address
        seen += 1
        if MARK in body or "flight-operations" in body:
            leaks.append(address)
    assert leaks == []
    assert seen > 130


def test_adam_does_read_it_so_the_marks_are_there(world, adam):
    client = person_client(adam)
    shown = [one for one in readable(world) if MARK in told(client, one)[1]]
    assert len(shown) > 50, shown


@pytest.mark.parametrize("asked", ["model=flight-delay", "q=Zqwx", "team=flight-operations"])
def test_no_filter_shows_sam_more(world, sam, asked):
    client, leaks = person_client(sam), []
    for address in readable(world):
        if "{" not in address:
            _, body = told(client, f"{address}?{asked}")
            leaks += [address] if MARK in body else []
    assert leaks == []


def test_every_row_of_the_installation_is_none_of_sam_s(world, sam):
    client, tried, open_to_sam = person_client(sam), 0, []
    expected = table()
    for path in routes():
        names = re.findall(r"\{(\w+)\}", path)
        if not names or names[0] not in ROWS or f"GET {path}" not in expected:
            continue
        for row in apps.get_model(ROWS[names[0]]).objects.values_list("pk", flat=True):
            address = "/" + path.replace(f"{{{names[0]}}}", str(row)).replace("{position}", "1")
            tried += 1
            if client.get(address).status_code not in {403, 404}:
                open_to_sam.append(address)
    assert open_to_sam == []
    assert tried > 20


def test_no_event_of_the_team_is_proved_to_sam(world, team, sam):
    client = person_client(sam)
    sequences = list(Event.objects.filter(team_id=team.pk).values_list("sequence", flat=True))
    answers = [client.get(f"/api/v1/audit/events/{one}/proof").status_code for one in sequences]
    assert set(answers) == {404}
    assert answers


@pytest.mark.parametrize("kind", ["html", "api"])
def test_who_has_no_role_at_all_sees_nothing(world, kind):
    client = person_client(person("nemo"))
    for address in readable(world):
        if ("/api/" in address) == (kind == "api"):
            status, body = told(client, address)
            assert status < 500, address
            assert MARK not in body, address
