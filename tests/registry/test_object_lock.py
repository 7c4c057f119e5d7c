"""In an S3 store with object lock nobody removes a sealed archive before its day."""

import random

import pytest
from django.utils import timezone

from registry.gateways import folders, object_locks, store
from registry.jobs.verification import verify
from tests.registry.conftest import work
from tests.registry.test_archives import ask, old, retired
from tests.registry.test_archives_under_faults import bucket

__all__ = ["bucket", "old", "retired"]
pytestmark = pytest.mark.django_db


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


def test_a_folder_on_disk_is_never_locked(settings):
    settings.STORE_LOCK = "compliance"
    assert not object_locks.wanted()
