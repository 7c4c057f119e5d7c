"""A purge: two people, after retention, never under hold; killed anywhere, done once."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.policies import Refused
from accounts.roles import Role
from audit.models import Event
from governance.refusals import EvidenceChanged, NotOpen, WrongPassword
from governance.services.purges import KeptYet, ask_to_purge, confirm_purge, refuse_purge
from ledger.models import Job
from registry.gateways import store
from registry.jobs import purging
from registry.models import Archive, Purge, Version
from registry.reads.purges import why_not
from registry.services.holds import lift_hold, place_hold
from tests.conftest import PASSWORD, person
from tests.governance.retirements.conftest import sealed as seal
from tests.registry.conftest import work
from tests.registry.test_deviations_under_load import killed

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - timedelta(days=4 * 366)

# Where a worker dies: the module, the function, and at which call of it.
PLACES = {
    "before the first byte": {"module": "registry.jobs.purging", "name": "_remove", "at": 1},
    "after the manifest": {"module": "registry.gateways.store", "name": "delete", "at": 2},
    "after the last byte": {"module": "registry.jobs.purging", "name": "_finish", "at": 1},
}
KILLED = """
import os, signal
from importlib import import_module
from django.conf import settings
settings.STORE_URL = {store!r}
module, calls = import_module({module!r}), []
real = module.{name}
def deadly(*told, **named):
    calls.append(told)
    if len(calls) == {at}:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*told, **named)
module.{name} = deadly
from ledger.runner import run
run(job_id={job})
"""


@pytest.fixture
def rolf(team):
    return person("rolf", (Role.RISK_OFFICER, team))


@pytest.fixture
def archive(one):
    """Sealed four years ago; archives of models of low risk are kept for three."""
    one.model.risk_tier = "low"
    one.model.save(update_fields=["risk_tier"])
    Archive.objects.create(version=one, documents={"card.md": "# Card"})
    row = seal(one)
    Archive.objects.filter(pk=row.pk).update(sealed_at=LONG_AGO)
    row.refresh_from_db()
    return row


def ask(rosa, archive):
    return ask_to_purge(actor=rosa, archive_id=archive.pk, reason="Its years are over.")


def confirm(person, row, **more):
    said = {"reason": "Nothing needs it.", "digest": row.digest, "password": PASSWORD}
    return confirm_purge(actor=person, purge_id=row.pk, **said | more)


def files():
    return [name for name, _ in store.listed("archives")]


def told():
    return [e.event for e in Event.objects.filter(event__contains="purge").order_by("sequence")]


def test_two_people_and_a_job_remove_the_bytes_and_a_tombstone_stays(archive, one, rosa, rolf):
    row = confirm(rolf, ask(rosa, archive))
    assert files() != []
    assert work("registry.purge").state == "done"
    for thing in (row, archive, one):
        thing.refresh_from_db()
    assert files() == []
    assert (row.state, archive.state, one.stage) == ("done", "purged", "purged")
    assert archive.documents == {}
    stone = row.tombstone
    assert stone["archive"]["manifest"] == archive.digest
    assert (stone["asked_by"], stone["confirmed_by"]) == ("Rosa", "Rolf")
    assert stone["signed_digest"] == row.digest
    event = Event.objects.get(event="registry.archive.purged")
    assert event.data["tombstone"] == row.tombstone_digest
    assert told() == [
        "governance.purge.asked",
        "governance.purge.confirmed",
        "registry.purge.begun",
        "registry.archive.purged",
    ]


def test_nobody_confirms_what_they_asked_for(archive, rosa):
    row = ask(rosa, archive)
    with pytest.raises(Refused):
        confirm(rosa, row)
    with pytest.raises(IntegrityError, match="purge_confirmed_by_another"), transaction.atomic():
        Purge.objects.filter(pk=row.pk).update(state="confirmed", decided_by=rosa)
    row.refresh_from_db()
    assert row.state == "asked"
    assert not Job.objects.filter(kind="registry.purge").exists()


@pytest.mark.parametrize("who", ["olga", "vera", "rita", "adam", "sam"])
def test_nobody_else_asks_or_confirms(archive, rosa, who, request):
    other = request.getfixturevalue(who)
    with pytest.raises(Refused):
        ask(other, archive)
    row = ask(rosa, archive)
    with pytest.raises(Refused):
        confirm(other, row)
    assert Purge.objects.get().state == "asked"
    assert told() == ["governance.purge.asked"]


def test_before_the_last_day_nothing_is_asked(archive, rosa):
    Archive.objects.update(sealed_at=timezone.now() - timedelta(days=3 * 365 - 10))
    with pytest.raises(KeptYet, match="kept until"):
        ask(rosa, archive)
    Archive.objects.update(sealed_at=LONG_AGO, kept_until=timezone.now().date())
    with pytest.raises(KeptYet, match="kept until"):
        ask(rosa, archive)
    assert not Purge.objects.exists()


def test_a_hold_wins_before_the_request_before_the_signature_and_before_the_job(
    archive, one, rosa, rolf
):
    case = {"case": "Doe v. Airline", "reason": "The court asked for it."}
    hold = place_hold(actor=rosa, model_id=one.model_id, **case)
    with pytest.raises(KeptYet, match="legal hold"):
        ask(rosa, archive)
    lift_hold(actor=rosa, hold_id=hold.pk, reason="Closed")
    row = ask(rosa, archive)
    hold = place_hold(actor=rosa, model_id=one.model_id, **case)
    with pytest.raises(KeptYet, match="legal hold"):
        confirm(rolf, row)
    lift_hold(actor=rosa, hold_id=hold.pk, reason="Closed")
    confirm(rolf, row)
    place_hold(actor=rosa, model_id=one.model_id, **case)
    before = files()
    assert work("registry.purge").state == "done"
    row.refresh_from_db()
    archive.refresh_from_db()
    assert (row.state, archive.state) == ("refused", "sealed")
    assert "legal hold (Doe v. Airline)" in row.decided_because
    assert files() == before
    assert told()[-1] == "registry.purge.stopped"


def test_a_wrong_password_or_another_digest_signs_nothing(archive, rosa, rolf):
    row = ask(rosa, archive)
    with pytest.raises(WrongPassword):
        confirm(rolf, row, password="not mine")
    with pytest.raises(EvidenceChanged):
        confirm(rolf, row, digest="0" * 64)
    row.refresh_from_db()
    assert (row.state, row.method) == ("asked", "")
    assert not Job.objects.filter(kind="registry.purge").exists()


def test_a_refused_purge_can_be_asked_anew_and_a_running_one_not(archive, rosa, rolf):
    row = ask(rosa, archive)
    with pytest.raises(KeptYet, match="already"):
        ask(rolf, archive)
    refuse_purge(actor=rosa, purge_id=row.pk, reason="Too early.")
    with pytest.raises(NotOpen):
        confirm(rolf, row)
    assert ask(rolf, archive).state == "asked"
    assert files() != []


def test_what_is_being_purged_is_neither_restored_nor_asked_for_again(archive, rosa, rolf):
    confirm(rolf, ask(rosa, archive))
    Archive.objects.update(state="purging")
    archive.refresh_from_db()
    assert "purging" in why_not(archive)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("place", sorted(PLACES))
def test_a_worker_killed_at_any_step_of_a_purge_is_followed_by_one_that_ends_it(
    archive, one, rosa, rolf, place, settings
):
    row = confirm(rolf, ask(rosa, archive))
    job = Job.objects.get(kind="registry.purge")
    assert killed(KILLED.format(store=settings.STORE_URL, job=job.pk, **PLACES[place])) == -9
    row.refresh_from_db()
    archive.refresh_from_db()
    assert (row.state, archive.state, row.tombstone) == ("confirmed", "purging", None)
    Job.objects.filter(pk=job.pk).update(lease_until="2000-01-01T00:00Z")
    from ledger.runner import run

    run(job_id=job.pk)
    row.refresh_from_db()
    assert row.state == "done"
    assert files() == []
    assert Version.objects.get(pk=one.pk).stage == "purged"
    assert told().count("registry.purge.begun") == 1
    assert purging.folders.left(archive.path) == 0
