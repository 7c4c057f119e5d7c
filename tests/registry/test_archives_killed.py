"""A worker killed at each step of archiving and restoring is followed by one that ends it."""

import pytest

from ledger.models import Job
from ledger.runner import run
from registry.gateways import mlflow, store
from registry.jobs.verification import verify
from registry.models import Archive, Restore
from tests.registry.conftest import work
from tests.registry.test_archives import FILES, ask, ask_back, old, retired
from tests.registry.test_deviations_under_load import killed

__all__ = ["old", "retired"]
# One process that has started once: for each place a child does the job and dies there.
KILLED = """
import os, signal
from importlib import import_module
from django.conf import settings
from django.db import connections
settings.STORE_URL = {store!r}
from ledger.models import Job
from ledger.runner import run
from registry.models import Archive, Restore, Version
def deadly(*told, **named):
    os.kill(os.getpid(), signal.SIGKILL)
for place, name in {places!r}:
    connections.close_all()
    child = os.fork()
    if child == 0:
        setattr(import_module(place), name, deadly)
        run(job_id={job})
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -9, name
    assert {unchanged}, name
    Job.objects.filter(pk={job}).update(lease_until="2000-01-01T00:00Z")
"""
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


def die(kind, places, unchanged, settings):
    """Die at each of these places, and find nothing changed each time; returns the job."""
    job = Job.objects.get(kind=kind)
    told = {"store": settings.STORE_URL, "job": job.pk, "places": list(places.values())}
    assert killed(KILLED.format(unchanged=unchanged, **told)) == 0
    return job


@pytest.mark.django_db(transaction=True)
def test_killed_at_each_step_of_archiving_nothing_counts_and_the_next_one_seals(old, settings):
    archive = ask(old)
    unchanged = "Archive.objects.filter(state='requested', digest='', version__stage='retired')"
    job = die("registry.archive", ARCHIVING, unchanged, settings)
    run(job_id=job.pk)
    archive.refresh_from_db()
    assert (archive.error, archive.state) == ("", "sealed")
    assert verify(archive).files == len(archive.manifest["files"])
    folders = {name.split("/")[3] for name, _ in store.listed("archives")}
    assert folders == {archive.path.rpartition("/")[2]}
    assert store.unfinished("archives") == []


@pytest.mark.django_db(transaction=True)
def test_killed_at_each_step_of_restoring_one_version_comes_back(old, flights, settings):
    archive = ask(old)
    work("registry.archive")
    archive.refresh_from_db()
    restore = ask_back(archive)
    unchanged = "Restore.objects.filter(state='requested') and Version.objects.count() == 1"
    job = die("registry.restore", RESTORING, unchanged, settings)
    run(job_id=job.pk)
    restore.refresh_from_db()
    assert (restore.error, restore.state) == ("", "restored")
    assert [one.version for one in mlflow.search_versions(flights.mlflow_name)] == [2, 1]
    assert restore.version.artifact_digest == old.artifact_digest
    for path, content in FILES.items():
        assert b"".join(mlflow.read_artifact(flights.mlflow_name, 2, path)) == content
    assert (Archive.objects.count(), Restore.objects.count()) == (1, 1)
