"""In an S3 store with object lock nobody removes a sealed archive before its day."""

import random
import signal

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.roles import Role
from audit.models import Event
from governance.services.retention import propose_retention, sign_retention
from ledger.models import Job
from registry.gateways import folders, object_locks, store
from registry.jobs import purging
from registry.jobs.lengthening import lengthen_due
from registry.jobs.verification import verify
from registry.models import Archive
from registry.reads.retention import years_after
from registry.services.models import change_model
from tests.conftest import PASSWORD, person
from tests.days import today
from tests.registry.conftest import work
from tests.registry.test_archives import ask, old, retired
from tests.registry.test_archives_under_faults import bucket
from tests.registry.test_deviations_under_load import killed

__all__ = ["bucket", "old", "retired"]
pytestmark = pytest.mark.django_db
# A real worker that dies at a call of a function.
KILLED = """
import os, signal
from importlib import import_module
settings.STORE_URL, settings.STORE_LOCK = {store!r}, "compliance"
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
def locked_bucket(bucket, settings):
    """A bucket that was made with object lock, and so keeps versions."""
    fs, _ = store.filesystem()
    name = f"ombud-lock-{random.getrandbits(32):x}"
    fs.call_s3("create_bucket", Bucket=name, ObjectLockEnabledForBucket=True)
    settings.STORE_URL, settings.STORE_LOCK = f"s3://{name}/prefix", "compliance"
    return name


def test_every_sealed_file_is_locked_until_the_last_day_of_its_retention(locked_bucket, old):
    archive = ask(old)
    assert work("registry.archive").state == "done"
    archive.refresh_from_db()
    assert (archive.error, archive.state) == ("", "sealed")
    assert archive.locked_until == archive.kept_until > timezone.now().date()
    fs, place = store.filesystem()
    names = [name for name, _ in store.listed(archive.path)]
    assert len(names) == len(archive.manifest["files"]) + 1
    for name in names:
        key = place(name).partition("/")[2]
        told = fs.call_s3("head_object", Bucket=locked_bucket, Key=key)
        assert told["ObjectLockMode"] == "COMPLIANCE"
        assert told["ObjectLockRetainUntilDate"].date() == archive.kept_until
    with pytest.raises(PermissionError):
        object_locks.remove_versions(archive.path)
    assert folders.left(archive.path) > len(names)
    assert verify(archive).files == len(names) - 1


def test_without_a_lock_every_version_goes(locked_bucket, settings):
    settings.STORE_LOCK = ""
    store.put_bytes("archives/x/manifest.json", b"first")
    store.put_bytes("archives/x/manifest.json", b"second")
    store.put_bytes("archives/x/model", b"trees")
    store.put_bytes("archives/xy/model", b"another's")
    folders.remove("archives/x", first="manifest.json")
    assert folders.left("archives/x") == 0
    assert store.read("archives/xy/model") == b"another's"


def test_without_a_lock_every_version_of_a_file_goes_and_its_neighbours_stay(
    locked_bucket, settings
):
    settings.STORE_LOCK = ""
    for content in (b"first", b"second"):
        store.put_bytes("references/7/abc.parquet", content)
    store.put_bytes("references/7/abc.parquet.other", b"another's")
    folders.remove_file("references/7/abc.parquet")
    assert not folders.file_left("references/7/abc.parquet")
    assert folders.file_left("references/7/abc.parquet.other")


def test_a_purge_tells_what_the_store_has_locked_for_longer(locked_bucket, old):
    archive = Archive(pk=9, version=old, path="archives/x/1/9-2")
    store.put_bytes("archives/x/1/9-1/model", b"of a worker that died")
    store.put_bytes("archives/x/1/9-1/free", b"not locked yet")
    store.put_bytes("archives/x/1/8-1/model", b"of another archive")
    object_locks.lock(["archives/x/1/9-1/model", "archives/x/1/8-1/model"], years_after(today(), 9))
    purging._remove_attempts(archive)
    assert [name for name, _ in store.listed("archives")] == ["archives/x/1/8-1/model"]
    assert object_locks.kept_back("archives/x/1") == {"9-1": 1, "8-1": 1}
    assert "Files that the store has locked for longer: 1." in purging.stays(archive)


def test_a_folder_on_disk_is_never_locked(settings):
    settings.STORE_LOCK = "compliance"
    assert not object_locks.wanted()


# Longer rules -------------------------------------------------------------------------------------


def in_force(years):
    """Another rule, proposed by one risk officer of the organisation and signed by another."""
    rhea = person(f"rhea{years}", (Role.RISK_OFFICER, None))
    rolf = person(f"rolf{years}", (Role.RISK_OFFICER, None))
    table = {"low": years, "medium": years, "high": years}
    row = propose_retention(actor=rhea, years=table, reason="The lawyers asked for it.")
    said = {"reason": "It is right.", "digest": row.digest, "password": PASSWORD}
    sign_retention(actor=rolf, table_id=row.pk, **said)


@pytest.fixture
def locked(locked_bucket, old):
    """A sealed archive of a model of high risk: ten years."""
    archive = ask(old)
    work("registry.archive")
    archive.refresh_from_db()
    assert archive.locked_until == years_after(today(), 10)
    return archive


def locks(archive):
    """Until when each file is locked in the store, as the store tells it."""
    names = [name for name, _ in store.listed(archive.path)]
    assert len(names) == len(archive.manifest["files"]) + 1
    return {name: object_locks._locked_until(name).date() for name in names}


def die(settings, kind, module, name, at):
    """A worker does the job of this kind and dies there; its lease is over."""
    job = Job.objects.get(kind=kind)
    place = {"module": module, "name": name, "at": at}
    assert killed(KILLED.format(store=settings.STORE_URL, job=job.pk, **place)) == -signal.SIGKILL
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now(), due_at=timezone.now())
    return job


def finished(job):
    from ledger.runner import run

    run(job_id=job.pk)
    job.refresh_from_db()
    return job.state


def test_a_longer_rule_lengthens_every_lock_and_page_and_api_tell_it(locked, olga, signed_in):
    assert lengthen_due() == 0
    in_force(12)
    client = signed_in(olga)
    page = client.get(reverse("archive", args=[locked.pk])).content.decode()
    assert "it is lengthened within the hour" in page
    assert (lengthen_due(), lengthen_due()) == (1, 0)
    assert work("registry.lengthen").state == "done"
    day = years_after(today(), 12)
    locked.refresh_from_db()
    assert locked.locked_until == day
    assert set(locks(locked).values()) == {day}
    told = client.get(f"/api/v1/archives/{locked.pk}").json()["archive"]
    assert told["keeping"]["locked_until"] == told["keeping"]["kept_until"] == str(day)
    page = client.get(reverse("archive", args=[locked.pk])).content.decode()
    assert "Locked in the store until" in page
    assert "it is lengthened within the hour" not in page
    event = Event.objects.get(event="registry.archive.lock_lengthened")
    assert event.data["until"] == str(day)
    assert event.data["files"] == len(locked.manifest["files"]) + 1
    assert lengthen_due() == 0


def test_a_shorter_rule_shortens_no_lock(locked):
    in_force(1)
    assert lengthen_due() == 0
    names = [f"{locked.path}/manifest.json"]
    assert object_locks.lock(names, years_after(today(), 1)) == years_after(today(), 10)
    assert set(locks(locked).values()) == {years_after(today(), 10)}
    assert not Job.objects.filter(kind="registry.lengthen").exists()


@pytest.mark.django_db(transaction=True)
def test_killed_while_it_lengthens_some_are_longer_and_the_next_one_ends_it(locked, settings):
    in_force(12)
    lengthen_due()
    job = die(settings, "registry.lengthen", "registry.gateways.object_locks", "_lock", 6)
    locked.refresh_from_db()
    ten, twelve = years_after(today(), 10), years_after(today(), 12)
    assert locked.locked_until == ten
    assert sorted(locks(locked).values()).count(twelve) == 5
    assert finished(job) == "done"
    locked.refresh_from_db()
    assert locked.locked_until == twelve
    assert set(locks(locked).values()) == {twelve}
    assert Event.objects.filter(event="registry.archive.lock_lengthened").count() == 1


# What a killed worker has locked before its archive was sealed ------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("module", "name", "at"),
    [
        ("registry.gateways.object_locks", "_lock", 6),
        ("registry.jobs.archives", "ask_for_drill", 1),
    ],
    ids=["in the middle of locking", "when all are locked"],
)
def test_what_a_killed_worker_has_locked_is_the_archive_if_its_bytes_are_equal(
    locked_bucket, old, settings, module, name, at
):
    archive = ask(old)
    job = die(settings, "registry.archive", module, name, at)
    first = {name.split("/")[3] for name, _ in store.listed("archives")}
    assert finished(job) == "done"
    archive.refresh_from_db()
    assert (archive.error, archive.state) == ("", "sealed")
    assert first == {archive.path.rpartition("/")[2]}
    assert set(locks(archive).values()) == {archive.locked_until}
    assert len(object_locks.versions("archives")) == len(locks(archive))
    assert verify(archive).files == len(archive.manifest["files"])
    sealed = Event.objects.get(event="registry.archive.sealed")
    assert "locked_leftovers" not in sealed.data


@pytest.mark.django_db(transaction=True)
def test_what_it_has_locked_and_is_not_the_same_any_more_is_told(
    locked_bucket, old, olga, settings
):
    archive = ask(old)
    job = die(settings, "registry.archive", "registry.gateways.object_locks", "_lock", 6)
    (first,) = {name.split("/")[3] for name, _ in store.listed("archives")}
    change_model(actor=olga, model_id=old.model_id, changes={"name": "Flights that are late"})
    assert finished(job) == "done"
    archive.refresh_from_db()
    assert (archive.error, archive.state) == ("", "sealed")
    assert archive.path.rpartition("/")[2] != first
    assert {name.rpartition(archive.path)[1] for name, _ in store.listed("archives")} == {
        archive.path
    }
    assert verify(archive).files == len(archive.manifest["files"])
    sealed = Event.objects.get(event="registry.archive.sealed")
    assert sealed.data["locked_leftovers"] == {first: 5}
    assert Archive.objects.count() == 1
