"""A worker killed at each step of archiving and restoring is followed by one that ends it."""

import pytest

from ledger import claims
from ledger.models import Job
from ledger.runner import run
from registry.gateways import mlflow, mlflow_http, store
from registry.jobs import archives, restoring
from registry.jobs.verification import verify
from registry.models import Archive, Restore
from registry.services.versions import register_version
from tests.killing import die_at
from tests.registry.conftest import work
from tests.registry.test_archives import FILES, ask, ask_back, old, retired

__all__ = ["old", "retired"]
MODELS = "from registry.models import Archive, Restore, Version"
FOLDERS, UPLOADS = "registry.gateways.folders", "registry.gateways.mlflow_artifacts"
ARCHIVES, RESTORING = "registry.jobs.archives", "registry.jobs.restoring"
# Within each step, when those before it are done: the module, the function, at which call of it.
WITHIN_ARCHIVING = {
    "sweep": (FOLDERS, "staged", 1),
    "copy": (ARCHIVES, "_put", 4),
    "compare": (ARCHIVES, "files_of", 1),
    "answer": (ARCHIVES, "golden_files", 1),
    "list": (ARCHIVES, "_manifest", 1),
    "publish": (FOLDERS, "_sync", 3),
    "read_back": ("registry.jobs.verification", "checked", 5),
    "keep": (ARCHIVES, "rule_in_force", 1),
    "seal": (ARCHIVES, "ask_for_drill", 1),
}
WITHIN_RESTORING = {
    "verify": ("registry.jobs.verification", "checked", 5),
    "upload": (UPLOADS, "write_file", 3),
    "make_version": ("registry.gateways.mlflow", "create_version", 1),
    "read_back": (RESTORING, "hash_files", 1),
    "copy_reference": ("registry.gateways.store", "_sync_folder", 1),
    "register": (RESTORING, "_carry_over", 1),
}


def die(kind, job_module, within, unchanged):
    """Die within each step, and find nothing changed each time; returns the job."""
    assert set(within) == set(job_module.STEPS), "a step has no place to die at"
    places = [within[step] for step in job_module.STEPS]
    return die_at(places, kind=kind, unchanged=unchanged, imports=MODELS)


@pytest.mark.django_db(transaction=True)
def test_killed_at_each_step_of_archiving_nothing_counts_and_the_next_one_seals(old):
    archive = ask(old)
    unchanged = "Archive.objects.filter(state='requested', digest='', version__stage='retired')"
    job = die("registry.archive", archives, WITHIN_ARCHIVING, unchanged)
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
    job = die("registry.restore", restoring, WITHIN_RESTORING, unchanged)
    run(job_id=job.pk)
    restore.refresh_from_db()
    assert (restore.error, restore.state) == ("", "restored")
    assert [one.version for one in mlflow.search_versions(flights.mlflow_name)] == [2, 1]
    assert len(uploads(archive)) == 1
    assert restore.version.artifact_digest == old.artifact_digest
    for path, content in FILES.items():
        assert b"".join(mlflow.read_artifact(flights.mlflow_name, 2, path)) == content
    assert (Archive.objects.count(), Restore.objects.count()) == (1, 1)
    copies = [name for name, _ in store.listed(f"references/restored-{restore.pk}")]
    assert copies == [restore.version.reference.path]
    assert store.unfinished("references") == []


def test_a_worker_that_was_taken_for_dead_makes_no_second_version(old, flights, monkeypatch):
    """It uploads for so long that another one has the job by then."""
    archive = ask(old)
    work("registry.archive")
    archive.refresh_from_db()
    ask_back(archive)
    job = Job.objects.get(kind="registry.restore")
    upload = restoring.STEPS["upload"]

    def slow(trial):
        upload(trial)
        Job.objects.filter(pk=job.pk).update(token=99)

    monkeypatch.setitem(restoring.STEPS, "upload", slow)
    with pytest.raises(claims.Fenced):
        restoring.restore_archive(claims.claim(job_id=job.pk))
    assert [one.version for one in mlflow.search_versions(flights.mlflow_name)] == [1]
    assert Restore.objects.get().state == "requested"


def uploads(archive):
    """The runs in MLflow that hold files of this archive."""
    told = mlflow_http.call(
        "GET",
        "/mlflow/experiments/get-by-name",
        query={"experiment_name": mlflow.RESTORE_EXPERIMENT},
    )
    body = {
        "experiment_ids": [told["experiment"]["experiment_id"]],
        "filter": f"tags.`ombud.archive` = '{archive.digest}'",
    }
    return mlflow_http.call("POST", "/mlflow/runs/search", body=body)["runs"]


def test_a_restoration_that_fails_leaves_no_copy_of_the_reference(old, olga, flights):
    archive = ask(old)
    work("registry.archive")
    archive.refresh_from_db()
    restore = ask_back(archive)
    register_version(actor=olga, model_id=flights.pk, run_id="abc", artifact_path="m", number=2)
    work("registry.restore")
    restore.refresh_from_db()
    assert restore.state == "failed"
    assert store.listed(f"references/restored-{restore.pk}") == []
