"""Archives are read again when somebody asks, and in turn; a broken one is not verified."""

import hashlib
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from accounts.policies import Refused
from audit.chain import canonical
from audit.models import Event
from ledger.models import Job
from registry.gateways import store
from registry.jobs.verification import verify_oldest
from registry.models import Archive, Version
from registry.refusals import ArchiveInvalid
from registry.services.archives import request_verification
from tests.registry.conftest import work

pytestmark = pytest.mark.django_db
FILES = {"artifacts/weights.bin": bytes(range(256)), "metadata/version.json": b"{}"}


def sealed(model, number, *, days_ago=3):
    """An archive as the job leaves it, verified some days ago."""
    version = Version.objects.create(model=model, number=number, stage="archived")
    path = f"archives/{model.slug}/{number}/1-1"
    listed = []
    for name, content in FILES.items():
        digest = store.put_bytes(f"{path}/{name}", content)
        listed.append({"path": name, "size": len(content), "sha256": digest})
    manifest = {"format": "ombud-archive/1", "files": listed}
    raw = canonical(manifest)
    store.put_bytes(f"{path}/manifest.json", raw)
    return Archive.objects.create(
        version=version,
        state="sealed",
        path=path,
        manifest=manifest,
        digest=hashlib.sha256(raw).hexdigest(),
        sealed_at=timezone.now(),
        verified_at=timezone.now() - timedelta(days=days_ago),
    )


def told():
    """What the trail tells of archives."""
    return Event.objects.filter(event__startswith="registry.archive")


@pytest.fixture
def archive(flights):
    return sealed(flights, 1)


def test_rita_has_an_archive_read_again_and_it_is_whole(archive, rita):
    before = archive.verified_at
    request_verification(actor=rita, archive_id=archive.pk)
    assert work("registry.verify").state == "done"
    archive.refresh_from_db()
    assert archive.verified_at > before
    asked, found = told().order_by("sequence")
    assert (asked.event, asked.actor_name) == ("registry.archive.verification_requested", "Rita")
    assert (found.event, found.actor_name) == ("registry.archive.verified", "Ombud")
    assert (found.data["files"], found.data["bytes"]) == (2, 258)


@pytest.mark.parametrize("harm", ["flip", "remove", "add", "manifest"])
def test_a_broken_archive_is_named_and_counts_as_not_verified(archive, rita, harm):
    name = f"{archive.path}/artifacts/weights.bin"
    if harm == "flip":
        store.put_bytes(name, bytes([1, *range(1, 256)]))
    elif harm == "remove":
        store.delete(name)
    elif harm == "add":
        store.put_bytes(f"{archive.path}/more.txt", b"")
    else:
        store.put_bytes(f"{archive.path}/manifest.json", b"{}")
    request_verification(actor=rita, archive_id=archive.pk)
    assert work("registry.verify").state == "done"
    archive.refresh_from_db()
    assert archive.verified_at is None
    assert archive.error.startswith(archive.path)
    assert Event.objects.latest("sequence").event == "registry.archive.found_broken"
    assert Event.objects.latest("sequence").data["reason"] == archive.error


def test_an_archive_that_was_mended_is_whole_again(archive, rita):
    name = f"{archive.path}/artifacts/weights.bin"
    store.delete(name)
    request_verification(actor=rita, archive_id=archive.pk)
    work("registry.verify")
    store.put_bytes(name, FILES["artifacts/weights.bin"])
    request_verification(actor=rita, archive_id=archive.pk)
    work("registry.verify")
    archive.refresh_from_db()
    assert (archive.verified_at is not None, archive.error) == (True, "")


def test_asking_while_it_waits_asks_nothing_more(archive, rita, olga):
    request_verification(actor=rita, archive_id=archive.pk)
    request_verification(actor=olga, archive_id=archive.pk)
    assert Job.objects.filter(kind="registry.verify").count() == 1
    assert told().count() == 1


@pytest.mark.parametrize("name", ["sam", "adam", "anna"])
def test_others_are_refused_and_nothing_is_read(archive, name, request):
    with pytest.raises(Refused):
        request_verification(actor=request.getfixturevalue(name), archive_id=archive.pk)
    assert (Job.objects.count(), told().count()) == (0, 0)


def test_what_is_not_sealed_is_not_verified(archive, rita):
    Archive.objects.update(state="failed")
    with pytest.raises(ArchiveInvalid, match="only a sealed one"):
        request_verification(actor=rita, archive_id=archive.pk)
    assert (Job.objects.count(), told().count()) == (0, 0)


def test_once_a_day_the_one_not_verified_for_longest_is_read(archive, flights):
    older = sealed(flights, 2, days_ago=9)
    assert verify_oldest()
    assert not verify_oldest()
    assert work("registry.verify").subject_id == older.pk
    assert not verify_oldest()
    Job.objects.update(finished_at=F("finished_at") - timedelta(days=1, seconds=1))
    assert verify_oldest()
    assert work("registry.verify").subject_id == archive.pk
    assert not Archive.objects.filter(verified_at__lt=timezone.now() - timedelta(days=1)).exists()


def test_one_never_found_whole_comes_first_and_none_is_no_work(flights):
    assert not verify_oldest()
    sealed(flights, 1, days_ago=9)
    broken = sealed(flights, 2)
    Archive.objects.filter(pk=broken.pk).update(verified_at=None)
    assert verify_oldest()
    assert Job.objects.get().subject_id == broken.pk


def test_the_api_takes_the_wish_and_the_page_tells_what_was_found(signed_in, archive, rita):
    client = signed_in(rita)
    asked = client.post(f"/api/v1/archives/{archive.pk}/verify")
    assert (asked.status_code, asked.json()["id"]) == (202, archive.pk)
    store.delete(f"{archive.path}/artifacts/weights.bin")
    work("registry.verify")
    told = client.get(f"/api/v1/archives/{archive.pk}").json()["archive"]
    assert (told["verified_at"], told["error"]) == (None, f"{_name(archive)} is missing.")
    page = client.get(f"/archives/{archive.pk}").content.decode()
    assert "It is not what was sealed" in page
    assert "found broken" in page


def _name(archive):
    return f"{archive.path}/artifacts/weights.bin"
