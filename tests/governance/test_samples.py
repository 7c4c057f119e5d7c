"""Seeded samples: drawn again by anybody, kept as drawn, walked through, noted on, concluded."""

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.policies import Refused
from accounts.services.tokens import create_token
from audit.models import Event
from governance import sampling
from governance.models import Finding, FindingEntry, Sample, SampleEntry, SampleItem, Waiver
from governance.reads.samples import entries_of, item_page, sample_page
from governance.refusals import Incomplete, NoSuchStep
from governance.services.findings import move
from governance.services.samples import (
    Draw,
    conclude_item,
    draw_sample,
    note_item,
    raise_exception,
)
from registry.models import Model
from tests.governance.conftest import ask, carry_out, critical_incident, promoted, sign

ROOT = Path(__file__).parents[2]


def plan(**more):
    today = timezone.now().date()
    said = {
        "title": "Promotions",
        "population": "changes",
        "since": today,
        "until": today,
        "size": 2,
        "seed": "2026-11",
    }
    return Draw(**(said | more))


@pytest.fixture
def history(one, two, olga, vera, rita):
    """Three changes were carried out: two promotions and a retirement."""
    promoted(one, olga, vera, rita)
    promoted(two, olga, vera, rita)
    request = ask(olga, one, kind="retire")
    sign(rita, request)
    carry_out(request)
    return request


@pytest.fixture
def sample(history, adam):
    return draw_sample(actor=adam, draw=plan())


@pytest.fixture
def item(history, adam):
    """A promotion that was drawn."""
    return draw_sample(actor=adam, draw=plan(population="promotions")).items.get(position=1)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sets(st.integers(1, 10**12), min_size=1, max_size=60),
    st.text(max_size=20),
    st.integers(1, 70),
)
def test_a_sample_follows_from_population_and_seed_alone(numbers, seed, size):
    listed = sorted(numbers)
    found = sampling.drawn(kind="x", numbers=listed, seed=seed, size=size)
    assert found == sampling.drawn(kind="x", numbers=reversed(listed), seed=seed, size=size)
    assert len(found) == min(size, len(listed))
    larger = sampling.drawn(kind="x", numbers=listed, seed=seed, size=size + 5)
    assert larger[: len(found)] == found


def test_each_item_is_drawn_as_often_as_another():
    drawn = [
        number
        for seed in range(2000)
        for number, _ in sampling.drawn(kind="x", numbers=range(10), seed=str(seed), size=3)
    ]
    counts = [drawn.count(number) for number in range(10)]
    assert sum(counts) == 6000
    assert all(500 < count < 700 for count in counts)  # 600 ± 5 standard deviations


def test_a_known_sample_stays_the_same():
    found = sampling.drawn(kind="change_request", numbers=range(1, 101), seed="ombud", size=5)
    import hashlib

    keys = {
        n: hashlib.sha256(f"ombud-sample/1\nombud\nchange_request:{n}\n".encode()).hexdigest()
        for n in range(1, 101)
    }
    assert [n for n, _ in found] == sorted(keys, key=keys.get)[:5]


def test_adam_draws_and_everything_is_told(sample, adam):
    assert sample.population_size == 3
    assert sample.items.count() == 2
    event = Event.objects.get(event="governance.sample.drawn")
    assert event.data["population_digest"] == sample.population_digest
    assert event.data["seed"] == "2026-11"
    assert len(event.data["items"]) == 2
    assert (
        draw_sample(actor=adam, draw=plan(title="Again")).items.first().key
        == sample.items.first().key
    )


def test_anybody_draws_it_again_with_the_short_script(sample, adam, signed_in, tmp_path):
    told = signed_in(adam).get(f"/api/v1/samples/{sample.pk}").content
    file = tmp_path / "sample.json"
    file.write_bytes(told)
    assert drawn_again(file).returncode == 0
    content = json.loads(told)
    content["items"][0]["number"] += 1
    file.write_text(json.dumps(content))
    assert drawn_again(file).returncode == 1
    content = json.loads(told)
    content["numbers"].append(999)
    file.write_text(json.dumps(content))
    assert drawn_again(file).returncode == 1


def drawn_again(file):
    script = ROOT / "clients/ombud_sample.py"
    return subprocess.run(
        [sys.executable, "-I", "-S", script, file], capture_output=True, check=False
    )


@pytest.mark.parametrize(
    ("population", "count"),
    [("changes", 3), ("promotions", 2), ("retirements", 1), ("signoffs", 5)],
)
def test_each_population_holds_what_it_says(history, adam, population, count):
    assert (
        draw_sample(actor=adam, draw=plan(population=population, size=10)).population_size == count
    )


def test_incidents_and_waivers_are_populations_too(history, adam, olga, one):
    critical_incident(one)
    draw_sample(actor=adam, draw=plan(population="incidents"))
    item = SampleItem.objects.get(kind="incident")
    assert "Temperature drifted" in item_page(adam, item.sample_id, 1).walk.facts[0][1]
    raised = raise_exception(actor=adam, item_id=item.pk, severity="low", text="Late.")
    Waiver.objects.create(
        model=one.model, finding=raised, reason="x", expires_on=date(2099, 1, 1), asked_by=olga
    )
    waivers = draw_sample(actor=adam, draw=plan(population="waivers"))
    assert item_page(adam, waivers.pk, 1).walk.label.startswith("W-")


def test_filters_narrow_the_population(history, adam):
    with pytest.raises(Incomplete, match="nothing to draw"):
        draw_sample(actor=adam, draw=plan(filters={"team": "lending"}))
    narrowed = draw_sample(
        actor=adam, draw=plan(filters={"model": "flight-delay", "tier": "medium"})
    )
    assert narrowed.population_size == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 0},
        {"size": 501},
        {"seed": " "},
        {"title": ""},
        {"population": "people"},
        {"until": date(2020, 1, 1)},
        {"since": date(2999, 1, 1), "until": date(2999, 1, 2)},
    ],
)
def test_a_wrong_draw_is_refused_and_nothing_is_kept(history, adam, wrong):
    events = Event.objects.count()
    with pytest.raises(Incomplete):
        draw_sample(actor=adam, draw=plan(**wrong))
    assert (Sample.objects.count(), Event.objects.count()) == (0, events)


@pytest.mark.parametrize("name", ["olga", "vera", "rita", "rosa", "anna", "sam", "robot"])
def test_only_auditors_draw_note_and_conclude(item, name, request):
    person = request.getfixturevalue(name)
    events = Event.objects.count()
    for attempt in (
        lambda: draw_sample(actor=person, draw=plan()),
        lambda: note_item(actor=person, item_id=item.pk, text="x"),
        lambda: conclude_item(actor=person, item_id=item.pk, conclusion="exception", text="x"),
        lambda: raise_exception(actor=person, item_id=item.pk, severity="low", text="x"),
    ):
        with pytest.raises(Refused):
            attempt()
    assert (SampleEntry.objects.count(), Event.objects.count()) == (0, events)


@pytest.mark.parametrize("table", ["sample", "sampleitem", "sampleentry"])
@pytest.mark.parametrize(
    "change", ["UPDATE {} SET id = id", "DELETE FROM {}", "TRUNCATE {} CASCADE"]
)
def test_the_database_refuses_to_change_or_remove_what_was_drawn_and_written(
    item, adam, table, change
):
    note_item(actor=adam, item_id=item.pk, text="Seen.")
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change.format(f"governance_{table}"))
    assert (Sample.objects.count(), SampleItem.objects.count()) == (1, 2)
    assert SampleEntry.objects.count() == 1


def test_a_walkthrough_tells_request_evidence_gates_signatures_execution_and_events(item, adam):
    walk = item_page(adam, item.sample_id, item.position).walk
    assert {"artifact", "card"} <= {one["part"] for one in walk.evidence}
    assert [one["name"] for one in walk.signatures] == ["Vera", "Rita"]
    assert all(one["covers"] and one["reason"] and one["meaning"] for one in walk.signatures)
    assert dict(walk.execution)["State"] == "executed"
    names = [one["event"] for one in walk.events]
    assert "governance.request.submitted" in names
    assert names.count("governance.signoff.signed") == 2
    assert "governance.request.executed" in names
    assert any(name.startswith("registry.") for name in names)
    assert "proofs come with the next" in " ".join(walk.not_found)


def test_a_signoffs_walkthrough_begins_with_the_signature(history, adam):
    sample = draw_sample(actor=adam, draw=plan(population="signoffs", size=1))
    walk = item_page(adam, sample.pk, 1).walk
    assert walk.facts[0][0] == "Signed by"


def test_notes_stay_with_auditors_until_they_are_shared(item, adam, olga, sam, anna):
    note_item(actor=adam, item_id=item.pk, text="Ask Vera about this.")
    assert len(entries_of(adam, item)) == 1
    for person in (olga, sam, anna):
        assert not SampleItem.objects.visible_to(person).exists()
    assert "Ask Vera" not in json.dumps([event.data for event in Event.objects.all()])
    assert not Event.objects.visible_to(olga).filter(event__startswith="governance.sample").exists()
    note_item(actor=adam, item_id=item.pk, text="Please explain.", shared=True)
    assert [one.text for one in entries_of(olga, item)] == ["Please explain."]
    assert SampleItem.objects.visible_to(olga).exists()
    assert not SampleItem.objects.visible_to(sam).exists()


def test_a_later_conclusion_stands_beside_the_earlier(item, adam):
    conclude_item(actor=adam, item_id=item.pk, conclusion="not_applicable", text="Wrong kind.")
    conclude_item(actor=adam, item_id=item.pk, conclusion="no_exception", text="Looked again.")
    page = item_page(adam, item.sample_id, item.position)
    assert page.conclusion == "no_exception"
    assert [one.conclusion for one in page.entries] == ["not_applicable", "no_exception"]
    told = dict(sample_page(adam, item.sample_id).counts)
    assert (told["no exception"], told["not applicable"]) == (1, 0)


def test_an_exception_is_a_finding_of_the_models_owner(item, adam, olga):
    found = raise_exception(actor=adam, item_id=item.pk, severity="high", text="Signed too fast.")
    assert (found.kind, found.owner, found.raised_by) == ("audit", olga, adam)
    link = FindingEntry.objects.get(finding=found, verb="raise")
    assert (link.link_kind, link.link_id) == ("change_request", item.number)
    assert item_page(adam, item.sample_id, item.position).conclusion == "exception"
    assert move(actor=olga, finding_id=found.pk, verb="start", text="On it.").state == "in_progress"
    with pytest.raises(NoSuchStep):
        raise_exception(actor=adam, item_id=item.pk, severity="high", text="Twice.")
    assert Finding.objects.count() == 1


def test_the_finding_cannot_be_closed_by_the_auditor(item, adam, olga):
    found = raise_exception(actor=adam, item_id=item.pk, severity="high", text="Signed too fast.")
    with pytest.raises(Refused):
        move(actor=adam, finding_id=found.pk, verb="start", text="I do it.")


def test_adam_works_through_the_pages(history, adam, signed_in):
    client = signed_in(adam)
    today = f"{timezone.now():%Y-%m-%d}"
    form = {
        "title": "Q4",
        "population": "changes",
        "since": today,
        "until": today,
        "size": 3,
        "seed": "s",
    }
    drawn = client.post("/samples/new", form)
    assert drawn.status_code == 302
    address = drawn["Location"]
    assert "3 of 3" in client.get(address).content.decode()
    entry = {"conclusion": "no_exception", "text": "All in order."}
    assert client.post(f"{address}/1/entries", entry).status_code == 302
    page = client.get(f"{address}/1").content.decode()
    assert "All in order." in page
    assert "I reviewed the evidence" in page
    raised = client.post(f"{address}/2/exception", {"severity": "low", "text": "No reason given."})
    assert raised.status_code == 302
    assert "exception" in client.get(address).content.decode()
    assert client.post("/samples/new", form | {"size": 0}).status_code == 422
    assert client.post(f"{address}/1/entries", {"text": ""}).status_code == 422
    assert "Q4" in client.get("/samples").content.decode()


def test_olga_sees_the_item_that_was_shared_and_no_form(item, adam, olga, signed_in):
    note_item(actor=adam, item_id=item.pk, text="Please explain.", shared=True)
    address = f"/samples/{item.sample_id}/{item.position}"
    page = signed_in(olga).get(address).content.decode()
    assert "Please explain." in page
    assert "Keep it" not in page
    assert signed_in(olga).post(f"{address}/entries", {"text": "Mine."}).status_code == 403
    assert signed_in(olga).get(f"/samples/{item.sample_id}").status_code == 404


def test_the_api_draws_reads_and_concludes(history, adam, signed_in):
    client = signed_in(adam)
    today = f"{timezone.now():%Y-%m-%d}"
    body = {
        "title": "By API",
        "population": "promotions",
        "since": today,
        "until": today,
        "size": 1,
        "seed": "s",
    }
    drawn = client.post("/api/v1/samples", body, content_type="application/json")
    assert drawn.status_code == 201, drawn.content
    item = f"{drawn['Location']}/items/1"
    assert client.get(item).json()["walkthrough"]["signatures"]
    entry = {"text": "Fine.", "conclusion": "no_exception"}
    told = client.post(f"{item}/entries", entry, content_type="application/json")
    assert told.json()["conclusion"] == "no_exception"
    assert client.get("/api/v1/samples").json()["results"][0]["title"] == "By API"


def bearer(adam, scopes):
    token = create_token(actor=adam, owner=adam, name="desk", scopes=scopes, days=1)
    return {"Authorization": f"Bearer {token.text}"}


def drawing():
    today = f"{timezone.now():%Y-%m-%d}"
    body = {"title": "By token", "population": "promotions", "since": today, "until": today}
    return body | {"size": 1, "seed": "s"}


def test_an_auditors_token_draws_notes_and_changes_nothing_else(history, adam, client):
    desk = bearer(adam, ["read", "audit"])
    as_json = {"content_type": "application/json"}
    drawn = client.post("/api/v1/samples", drawing(), headers=desk, **as_json)
    assert drawn.status_code == 201, drawn.content
    noted = client.post(
        f"{drawn['Location']}/items/1/entries", {"text": "Seen."}, headers=desk, **as_json
    )
    assert noted.status_code == 201, noted.content
    refused = client.post("/api/v1/models", {"slug": "mine"}, headers=desk, **as_json)
    assert refused.status_code == 403
    assert "lacks the scope 'manage'" in refused.json()["detail"]
    assert not Model.objects.filter(slug="mine").exists()


def test_a_token_that_only_reads_draws_nothing(history, adam, client):
    desk = bearer(adam, ["read"])
    refused = client.post(
        "/api/v1/samples", drawing(), headers=desk, content_type="application/json"
    )
    assert refused.status_code == 403
    assert "lacks the scope 'manage' or 'audit'" in refused.json()["detail"]
    assert not Sample.objects.exists()
