"""Pages of archives, holds, purges and retention: what they tell, and to whom they offer what."""

import pytest
from django.urls import reverse

from monitoring.models import Erasure
from registry.services.holds import place_hold
from tests.conftest import PASSWORD
from tests.governance.test_purges import archive, ask, rolf

__all__ = ["archive", "rolf"]
pytestmark = pytest.mark.django_db
CASE = {"case": "Doe v. Airline", "reason": "The court asked for it."}


def shown(client, route, *arguments):
    return client.get(reverse(route, args=arguments)).content.decode()


def test_the_list_tells_cost_last_day_hold_and_drill(archive, one, rosa, signed_in):
    place_hold(actor=rosa, model_id=one.model_id, **CASE)
    client = signed_in(rosa)
    for page in (shown(client, "archives"), shown(client, "archive", archive.pk)):
        assert "Doe v. Airline" in page
        assert "USD" in page
    answer = client.get("/api/v1/archives").json()
    (told,) = answer["items"] if "items" in answer else answer["results"]
    assert told["keeping"]["holds"] == ["Doe v. Airline"]
    assert told["keeping"]["kept_until"]


def test_rosa_places_and_lifts_a_hold_on_its_page(one, rosa, olga, signed_in):
    address = reverse("holds", args=[one.model.slug])
    client = signed_in(rosa)
    assert client.post(address, CASE).status_code == 302
    assert client.post(address, CASE).status_code == 422
    hold = one.model.holds.get()
    client.post(reverse("hold-lift", args=[one.model.slug, hold.pk]), {"reason": "Closed."})
    hold.refresh_from_db()
    assert hold.lifted_because == "Closed."
    assert "Place the hold" not in shown(signed_in(olga), "holds", one.model.slug)


def test_the_page_of_holds_names_the_erasures_that_wait(one, rosa, signed_in):
    place_hold(actor=rosa, model_id=one.model_id, **CASE)
    row = Erasure.objects.create(
        model=one.model,
        state="waiting",
        reference="Letter 8",
        basis="GDPR Art. 17",
        received_on="2026-01-01",
        due_on="2026-02-01",
        selection=["f1"],
        selected=1,
        digest="d" * 64,
        asked_by=rosa,
    )
    page = shown(signed_in(rosa), "holds", one.model.slug)
    assert f"Erasure E-{row.pk}: Letter 8" in page
    assert "because the hold wins" in page
    assert "Doe v. Airline, placed by Rosa" in shown(signed_in(rosa), "erasure", row.pk)


def test_a_purge_is_asked_for_and_signed_on_its_pages(archive, rosa, rolf, signed_in):
    address = reverse("purge-new", args=[archive.pk])
    asked = signed_in(rosa).post(address, {"reason": "Its years are over."})
    row = archive.purges.get()
    assert asked.url == reverse("purge", args=[row.pk])
    assert "You asked for it" in shown(signed_in(rosa), "purge", row.pk)
    client = signed_in(rolf)
    assert "Sign: remove it for good" in shown(client, "purge", row.pk)
    said = {"digest": row.digest, "reason": "Nothing needs it.", "password": PASSWORD}
    confirm = reverse("purge-confirm", args=[row.pk])
    assert client.post(confirm, said | {"password": "wrong"}).status_code in {403, 422}
    assert client.post(confirm, said).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.decided_name) == ("confirmed", "Rolf")


def test_under_a_hold_no_form_is_offered(archive, one, rosa, rolf, signed_in):
    row = ask(rosa, archive)
    place_hold(actor=rosa, model_id=one.model_id, **CASE)
    page = shown(signed_in(rolf), "purge", row.pk)
    assert "It cannot be confirmed now" in page
    assert "Sign: remove it for good" not in page


def test_retention_is_proposed_by_api_and_signed_on_its_page(anna, rosa, signed_in):
    from accounts.roles import Role
    from registry.models import RetentionTable
    from tests.conftest import person

    years = {"low": 4, "medium": 6, "high": 12}
    said = {"years": years, "reason": "The lawyers asked for it."}
    client = signed_in(anna)
    made = client.post("/api/v1/retention", said, content_type="application/json")
    assert made.status_code == 201, made.content
    row = RetentionTable.objects.get()
    ruler = signed_in(person("rhea", (Role.RISK_OFFICER, None)))
    signed = {"digest": row.digest, "reason": "It is right.", "password": PASSWORD}
    assert ruler.post(reverse("retention-sign", args=[row.pk]), signed).status_code == 302
    page = shown(signed_in(rosa), "retention")
    assert "12 years" in page
    assert "Propose another" not in page
