"""Two rows or twenty: a page asks the database the same number of questions."""

from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from governance.jobs.cards import write_revision
from governance.jobs.status import rebuild_status
from governance.models import ChangeRequest, GateResult
from monitoring.models import Health, Incident
from registry.models import Deployment, Model, Version

PAGES = {
    "/": 12,
    "/models": 12,
    "/models/flight-delay": 27,
    "/models/flight-delay/2": 32,
    "/models/flight-delay/2/card": 12,
    "/models/flight-delay/2/card/revisions": 15,
    "/models/flight-delay/2/card/edit": 12,
    "/models/flight-delay/2/request": 29,
    "/inbox": 17,
    "/change-requests": 12,
    "/change-requests/{asked}": 28,
}


def grow(asked, olga, numbers):
    """More of everything that a page could show."""
    model, version, now = asked.model, asked.version, timezone.now()
    for number in numbers:
        other = Model.objects.create(
            slug=f"model-{number}",
            name=f"Model {number}",
            purpose="To be counted",
            team=model.team,
            owner=olga,
            task="binary",
            risk_tier="low",
        )
        Version.objects.create(model=other, number=1)
        more = Version.objects.create(model=model, number=number, registered_by=olga)
        write_revision(actor=olga, version_id=more.pk, sections={}, note="One more")
        Health.objects.create(version=more, kind="drift", verdict="ok", as_of=now)
        Deployment.objects.create(
            version=more, model=model, role="shadow", started_at=now, environment=f"e{number}"
        )
        for owner in (more, version):
            Incident.objects.create(
                model=model,
                version=owner,
                kind="drift",
                title="Old",
                severity="warning",
                state="resolved",
                began_at=now,
            )
        copy = ChangeRequest.objects.get(pk=asked.pk)
        copy.pk, copy.version, copy.environment, copy.state = (
            None,
            version,
            f"e{number}",
            "rejected",
        )
        copy.save()
        GateResult.objects.create(
            request=asked, gate=f"g{number}", title="More", mode="warn", passed=True, message="."
        )
    rebuild_status(model_ids=list(Model.objects.values_list("pk", flat=True)))


def queries(client, address):
    with CaptureQueriesContext(connection) as seen:
        assert client.get(address).status_code == 200
    return len(seen)


def test_a_page_asks_no_more_when_there_is_more(asked, olga, client):
    client.force_login(olga, backend="allauth.account.auth_backends.AuthenticationBackend")
    addresses = {address.format(asked=asked.pk): most for address, most in PAGES.items()}
    grow(asked, olga, range(100, 102))
    for address in addresses:
        client.get(address)
    few = {address: queries(client, address) for address in addresses}
    grow(asked, olga, range(200, 218))
    many = {address: queries(client, address) for address in addresses}
    assert many == few
    assert {address: n for address, n in few.items() if n > addresses[address]} == {}


def test_the_list_of_models_has_pages(asked, olga, client):
    client.force_login(olga, backend="allauth.account.auth_backends.AuthenticationBackend")
    grow(asked, olga, range(100, 130))
    first = client.get("/models").content.decode()
    assert "31 models, page 1 of 2" in first
    assert "page=2" in first
    assert "Model 129" not in first
    assert "Model 129" in client.get("/models?page=2").content.decode()
