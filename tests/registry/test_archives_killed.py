"""A worker killed at each step of archiving and restoring is followed by one that ends it."""

import pytest

from ledger.runner import run
from registry.gateways import mlflow, store
from registry.jobs.verification import verify
from registry.models import Archive, Restore
from tests.killing import die_at
from tests.registry.conftest import work
from tests.registry.test_archives import FILES, ask, ask_back, old, retired

__all__ = ["old", "retired"]
MODELS = "from registry.models import Archive, Restore, Version"
# What would come next when the worker dies.
ARCHIVING = {
    "before the bytes are compared": ("registry.jobs.archives", "_compare"),
    "before what others hand in": ("registry.jobs.archives", "_handed_in"),
    "before golden answers": ("registry.jobs.archives", "_golden"),
    "before it is put into its place": ("registry.gateways.folders", "publish"),
    "before it is read back": ("registry.jobs.archives", "verify"),
    "before it is sealed": ("registry.jobs.archives", "_seal"),
}
RESTORING = {
    "before it is verified": ("registry.jobs.restoring", "verify"),
    "before it is put into MLflow": ("registry.jobs.restoring", "_upload"),
    "before it is read back": ("registry.jobs.restoring", "_read_back"),
    "before the reference is copied": ("registry.jobs.restoring", "_copy_reference"),
    "before it is registered": ("registry.jobs.restoring", "_register"),
}


@pytest.mark.django_db(transaction=True)
def test_killed_at_each_step_of_archiving_nothing_counts_and_the_next_one_seals(old):
    archive = ask(old)
    unchanged = "Archive.objects.filter(state='requested', digest='', version__stage='retired')"
    job = die_at(ARCHIVING.values(), kind="registry.archive", unchanged=unchanged, imports=MODELS)
    run(job_id=job.pk)
    archive.refresh_from_db()
    assert (archive.error, archive.state) == ("", "sealed")
    assert verify(archive).files == len(archive.manifest["files"])
    folders = {name.split("/")[3] for name, _ in store.listed("archives")}
    assert folders == {archive.path.rpartition("/")[2]}
    assert store.unfinished("archives") == []


@pytest.mark.django_db(transaction=True)
def test_killed_at_each_step_of_restoring_one_version_comes_back(old, flights):
    archive = ask(old)
    work("registry.archive")
    archive.refresh_from_db()
    restore = ask_back(archive)
    unchanged = "Restore.objects.filter(state='requested') and Version.objects.count() == 1"
    job = die_at(RESTORING.values(), kind="registry.restore", unchanged=unchanged, imports=MODELS)
    run(job_id=job.pk)
    restore.refresh_from_db()
    assert (restore.error, restore.state) == ("", "restored")
    assert [one.version for one in mlflow.search_versions(flights.mlflow_name)] == [2, 1]
    assert restore.version.artifact_digest == old.artifact_digest
    for path, content in FILES.items():
        assert b"".join(mlflow.read_artifact(flights.mlflow_name, 2, path)) == content
    assert (Archive.objects.count(), Restore.objects.count()) == (1, 1)
