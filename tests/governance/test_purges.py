"""A purge: two people, after retention, never under hold; killed anywhere, done once."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from accounts.policies import Refused
from accounts.roles import Role
from audit.chain import sha256_of
from audit.jobs.checkpoint import sign as sign_trail
from audit.keys import make
from audit.models import Event
from audit.proofs import prove_event
from clients import ombud_verify
from governance.refusals import EvidenceChanged, NotOpen, WrongPassword
from governance.services.purges import KeptYet, ask_to_purge, confirm_purge, refuse_purge
from ledger.models import Job
from ledger.runner import run
from monitoring.models import Measurement
from registry.gateways import store
from registry.jobs import purging
from registry.models import Archive, Purge, Reference, Version
from registry.reads.purges import why_not
from registry.services.holds import lift_hold, place_hold
from tests.conftest import PASSWORD, person
from tests.governance.retirements.conftest import sealed as seal
from tests.registry.conftest import work
from tests.registry.test_deviations_under_load import killed

pytestmark = pytest.mark.django_db
LONG_AGO = timezone.now() - timedelta(days=4 * 366)

# Where a worker dies: the module, the function, and at which call of it.
FOLDERS, PURGING = "registry.gateways.folders", "registry.jobs.purging"
PLACES = {
    "archive": {
        "before the first byte": (FOLDERS, "remove", 1),
        "after the manifest": ("registry.gateways.store", "delete", 2),
    },
    "attempts": {"when the archive is gone": (FOLDERS, "sweep", 1)},
    "reference": {
        "before the reference": (FOLDERS, "remove_file", 1),
        "after the reference, before what it was before": (FOLDERS, "remove", 2),
    },
    "look": {"after the last byte": (FOLDERS, "file_left", 1)},
    "written down": {
        "before it is": (PURGING, "_finish", 1),
        "in the middle of it": (PURGING, "checkpoint_after", 1),
    },
}
KILLED = """
import os, signal
from importlib import import_module
from django.conf import settings
from django.db import connections
settings.STORE_URL = {store!r}
from ledger.models import Job
from ledger.runner import run
from monitoring.models import Measurement
from ledger.runner import run
from registry.models import Archive, Purge
def die_within(module, name, call):
    found, calls = import_module(module), []
    real = getattr(found, name)
    def deadly(*told, **named):
        calls.append(told)
        if len(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return real(*told, **named)
    setattr(found, name, deadly)
for place in {places!r}:
    connections.close_all()
    child = os.fork()
    if child == 0:
        die_within(*place)
        run(job_id={job})
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9, place
    assert Purge.objects.get().state == "confirmed" and Purge.objects.get().tombstone is None
    assert Archive.objects.get().state == "purging", place
    Job.objects.filter(pk={job}).update(lease_until="2000-01-01T00:00Z")
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
def test_a_worker_killed_at_any_step_of_a_purge_is_followed_by_one_that_ends_it(
    archive, one, rosa, rolf, settings
):
    reference = with_reference(one)
    store.put_bytes(f"archives/{archive.pk}-1/artifacts/half", b"of a worker that died")
    assert set(PLACES) == {*purging.STEPS, "written down"}, "a step has no place to die at"
    row = confirm(rolf, ask(rosa, archive))
    job = Job.objects.get(kind="registry.purge")
    places = [place for step in PLACES.values() for place in step.values()]
    told = {"store": settings.STORE_URL, "job": job.pk, "places": places}
    assert killed(KILLED.format(**told)) == 0
    run(job_id=job.pk)
    row.refresh_from_db()
    assert row.state == "done"
    assert row.tombstone["reference"]["digest"] == reference.digest
    assert files() == []
    assert store.listed("references") == []
    assert Version.objects.get(pk=one.pk).stage == "purged"
    assert told_of("registry.purge.begun") == told_of("registry.archive.purged") == 1
    assert purging.folders.left(archive.path) == 0


def told_of(event):
    return told().count(event)


# What goes with it, and what stays ----------------------------------------------------------------


def with_reference(version):
    """Its reference lies in the store, and the one that it replaced."""
    reference = version.reference
    reference.path = f"references/{version.pk}/{reference.digest}.parquet"
    reference.save(update_fields=["path"])
    store.put_bytes(reference.path, b"PAR1 rows")
    store.put_bytes(f"references/{version.pk}/earlier.parquet", b"PAR1 other rows")
    return reference


def purged(archive, rosa, rolf):
    row = confirm(rolf, ask(rosa, archive))
    assert work("registry.purge").state == "done"
    row.refresh_from_db()
    return row


def test_the_reference_goes_too_and_the_tombstone_says_what_went_and_what_stays(
    archive, one, two, rosa, rolf, signed_in
):
    reference = with_reference(one)
    other = with_reference(two)
    measured = Measurement.objects.count()
    row = purged(archive, rosa, rolf)
    assert not store.exists(reference.path)
    assert {name for name, _ in store.listed("references")} == {
        other.path,
        f"references/{two.pk}/earlier.parquet",
    }
    assert row.tombstone["reference"] == {
        "digest": reference.digest,
        "rows": reference.rows,
        "removed": True,
    }
    assert Reference.objects.get(version=one).digest == reference.digest
    assert Measurement.objects.count() == measured
    said = " ".join(row.tombstone["stays"])
    assert "prediction logs" in said
    assert "measurements" in said
    page = signed_in(rosa).get(reverse("purge", args=[row.pk])).content.decode()
    assert "removed too, 5,000 rows" in page
    assert reverse("api-purge-tombstone", args=[row.pk]) in page
    assert "Its prediction logs, until their own retention ends, and what retrainings kept" in page


def test_a_reference_that_another_version_uses_stays_and_the_tombstone_names_it(
    archive, one, two, rosa, rolf
):
    reference = with_reference(one)
    Reference.objects.filter(version=two).update(path=reference.path)
    row = purged(archive, rosa, rolf)
    assert store.read(reference.path) == b"PAR1 rows"
    assert row.tombstone["reference"]["removed"] is False
    assert row.tombstone["reference"]["used_by"] == str(two)


def test_the_reference_of_a_restored_version_lies_elsewhere_and_goes_too(
    archive, one, two, rosa, rolf
):
    there = "references/restored-7/abc.parquet"
    store.put_bytes(there, b"PAR1 rows")
    store.put_bytes("references/restored-8/abc.parquet", b"PAR1 another's")
    Reference.objects.filter(version=one).update(path=there)
    row = purged(archive, rosa, rolf)
    assert row.tombstone["reference"]["removed"] is True
    assert [name for name, _ in store.listed("references")] == ["references/restored-8/abc.parquet"]


def test_what_mlflow_still_has_is_said_to_stay(archive, one, rosa, rolf):
    Version.objects.filter(pk=one.pk).update(mlflow_version=1)
    assert purging.IN_MLFLOW in purged(archive, rosa, rolf).tombstone["stays"]


def test_under_a_hold_the_reference_stays(archive, one, rosa, rolf):
    reference = with_reference(one)
    confirm(rolf, ask(rosa, archive))
    place_hold(actor=rosa, model_id=one.model_id, case="Doe v. Airline", reason="The court.")
    work("registry.purge")
    assert store.exists(reference.path)
    assert files() != []


# The tombstone, checked without Ombud -------------------------------------------------------------


@pytest.fixture
def stone(archive, one, rosa, rolf, settings, signed_in, tmp_path):
    """What the API gives of a purge that is done and signed."""
    with_reference(one)
    row = purged(archive, rosa, rolf)
    address = f"/api/v1/purges/{row.pk}/tombstone"
    waits = signed_in(rosa).get(address)
    assert (waits.status_code, waits.json()["code"]) == (409, "not_provable_yet")
    sign_trail([make(Path(settings.AUDIT_KEY))])
    told = signed_in(rosa).get(address)
    assert told.status_code == 200
    return told.json()


def status(tmp_path, told):
    place = tmp_path / "tombstone.json"
    place.write_text(json.dumps(told))
    return ombud_verify.main([str(place)])


def test_the_tombstone_of_a_purge_is_proved_without_ombud(stone, tmp_path, capsys):
    assert status(tmp_path, stone) == 0
    assert "1 tombstone is the one that was closed." in capsys.readouterr().out


def test_every_changed_word_of_a_tombstone_is_found(stone, tmp_path):
    words = stone["tombstone"]
    for name in words:
        if name != "format":
            assert status(tmp_path, stone | {"tombstone": words | {name: "otherwise"}}) == 1, name
    assert status(tmp_path, stone | {"tombstone": words | {"format": "ombud-purge/3"}}) == 1
    assert status(tmp_path, stone | {"tombstone": words | {"format": "ombud-other/1"}}) == 2
    assert status(tmp_path, stone | {"tombstone": words | {"more": 1}}) == 1
    assert status(tmp_path, stone | {"digest": "0" * 64}) == 1
    fewer = {name: word for name, word in words.items() if name != "reference"}
    assert status(tmp_path, stone | {"tombstone": fewer}) == 1


def test_another_event_of_the_trail_proves_no_tombstone(stone, tmp_path):
    event = Event.objects.get(event="registry.purge.begun")
    proof = prove_event(event=event).content()
    assert status(tmp_path, proof) == 0
    assert status(tmp_path, stone | {"proof": proof}) == 1


def test_an_event_that_was_changed_with_its_tombstone_proves_nothing(stone, tmp_path):
    """Digest and event made to fit: then the event is not the one in the signed tree."""
    words = stone["tombstone"] | {"reason": "A court asked for it."}
    digest = sha256_of(words)
    event = stone["proof"]["event"]
    changed = event | {"data": event["data"] | {"tombstone": digest}}
    for digested in (event["digest"], ombud_verify.event_digest(changed)):
        proof = stone["proof"] | {"event": changed | {"digest": digested}}
        told = stone | {"tombstone": words, "digest": digest, "proof": proof}
        assert status(tmp_path, told) == 1


def test_before_it_is_purged_there_is_no_tombstone_to_prove(archive, rosa, sam, signed_in):
    row = ask(rosa, archive)
    address = f"/api/v1/purges/{row.pk}/tombstone"
    assert signed_in(rosa).get(address).status_code == 409
    assert signed_in(sam).get(address).status_code == 404
