"""Archive and restore: whole or not at all, bit by bit, and every flipped byte is found."""

import hashlib
import json
import os
import random
import sys
from pathlib import Path

import pytest
from django.conf import settings as django_settings

from accounts.policies import Refused
from audit.models import Event
from audit.record import SYSTEM
from ledger.models import Job
from registry.gateways import mlflow, store
from registry.jobs.reconcile import reconcile
from registry.jobs.verification import ArchiveBroken, verify
from registry.models import Archive, Contribution, Restore, Version
from registry.refusals import ArchiveInvalid
from registry.services.archives import request_archive, request_restore
from registry.services.deployments import retire_version
from registry.services.references import set_reference
from registry.services.schemas import set_schema
from registry.services.versions import register_version
from registry.states import IllegalMove
from tests.registry.conftest import FIELDS, reference_file, work

# More of them on demand: OMBUD_TEST_FLIPS=1000.
FLIPS = int(os.environ.get("OMBUD_TEST_FLIPS", "200"))
FILES = {
    "MLmodel": b"flavors: {sklearn: {serialization_format: skops}}\n",
    "conda.yaml": b"name: flights\n",
    "data/weights.bin": bytes(range(256)) * 40,
    "requirements.txt": b"scikit-learn==1.9.1\n",
}
# What the application above hands in: tests/governance/test_archive_parts.py.
GOVERNANCE = {"card", "approvals", "evidence", "audit"}
DOCUMENTS = {"card.md": "# Flight delay\nLate, é", "evidence.json": '{"auc": "0.71"}'}


def retired(olga, model, number, tmp_path):
    """A hashed, described and retired version of MLflow's version `number`."""
    version = register_version(actor=olga, model_id=model.pk, mlflow_version=number)
    work("registry.inspect")
    set_schema(actor=olga, version_id=version.pk, fields=FIELDS)
    set_reference(actor=olga, version_id=version.pk, source=reference_file(tmp_path / "r.parquet"))
    retire_version(actor=SYSTEM, version_id=version.pk, because="CR-3")
    version.refresh_from_db()
    return version


def ask(version, person=None):
    return request_archive(
        actor=SYSTEM,
        version_id=version.pk,
        documents=DOCUMENTS,
        requested_by_id=person.pk if person else None,
        because="CR-4",
    )


def ask_back(archive, person=None):
    return request_restore(
        actor=SYSTEM,
        archive_id=archive.pk,
        requested_by_id=person.pk if person else None,
        because="CR-5",
    )


@pytest.fixture
def old(olga, flights, in_mlflow, tmp_path):
    return retired(olga, flights, in_mlflow(FILES), tmp_path)


@pytest.fixture
def sealed(old, olga):
    archive = ask(old, olga)
    assert work("registry.archive").state == "done"
    archive.refresh_from_db()
    assert archive.error == ""
    assert archive.state == "sealed"
    return archive


def files_in_store():
    folder = Path(django_settings.STORE_URL.removeprefix("file://")) / "archives"
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_an_archive_holds_bytes_words_schema_reference_and_environment(sealed, old):
    names = {name.split("/", 3)[3] for name in files_in_store()}
    handed = {name for name in names if name.split("/")[0] in GOVERNANCE}
    assert {name.split("/")[0] for name in handed} == GOVERNANCE
    assert names - handed == {
        *(f"artifacts/{path}" for path in FILES),
        "environment/conda.yaml",
        "environment/requirements.txt",
        "environment/lock.json",
        "README.txt",
        "documents/card.md",
        "documents/evidence.json",
        "metadata/version.json",
        "metadata/schema.json",
        "reference/reference.parquet",
        "reference/reference.json",
        "golden/none.json",
        "verify/ombud_archive.py",
        "verify/ombud_verify.py",
        "manifest.json",
    }
    for path, content in FILES.items():
        assert store.read(f"{sealed.path}/artifacts/{path}") == content
    raw = store.read(f"{sealed.path}/manifest.json")
    assert hashlib.sha256(raw).hexdigest() == sealed.digest
    assert json.loads(raw) == sealed.manifest
    lock = json.loads(store.read(f"{sealed.path}/environment/lock.json"))
    (package,) = lock["packages"]
    assert (package["name"], package["version"]) == ("scikit-learn", "1.9.1")
    assert "The version of Python is not declared." in lock["missing"]
    assert b"Flight delay, version 1" in store.read(f"{sealed.path}/README.txt")
    told = json.loads(store.read(f"{sealed.path}/metadata/version.json"))
    assert told["version"]["artifact_digest"] == old.artifact_digest
    assert told["people"][0]["name"] == "Olga"
    assert store.read(f"{sealed.path}/documents/card.md").decode() == DOCUMENTS["card.md"]
    old.refresh_from_db()
    assert old.stage == "archived"
    assert Event.objects.filter(event="registry.archive.sealed").count() == 1


def test_an_archive_is_verified_and_says_how_much_was_looked_at(sealed):
    seen = verify(sealed)
    assert (seen.files, seen.bytes) == (len(sealed.manifest["files"]), sealed.size)
    assert seen.files > 15


def test_a_restored_version_is_the_same_bit_by_bit(sealed, old, olga, vera, flights):
    Contribution.objects.create(version=old, person=vera, kind="trained")
    restore = ask_back(sealed, olga)
    assert work("registry.restore").state == "done"
    restore.refresh_from_db()
    files = len(sealed.manifest["files"])
    assert (restore.error, restore.state, restore.checked_files) == ("", "restored", files)
    new = restore.version
    assert (new.number, new.stage, new.parent, new.mlflow_version) == (2, "candidate", old, 2)
    assert new.artifact_digest == old.artifact_digest
    for path, content in FILES.items():
        assert b"".join(mlflow.read_artifact(flights.mlflow_name, 2, path)) == content
    assert new.schema.digest == old.schema.digest
    assert new.schema.fields == old.schema.fields
    assert new.reference.digest == old.reference.digest
    assert store.digest(new.reference.path) == old.reference.digest
    assert {(one.person, one.kind) for one in new.contributions.all()} == {
        (olga, "registered"),
        (olga, "schema"),
        (olga, "reference"),
        (vera, "trained"),
    }
    told = mlflow.get_version(flights.mlflow_name, 2)
    assert told.tags["ombud.restored_from"] == "1"
    old.refresh_from_db()
    assert old.stage == "archived"


def test_a_restoration_interrupted_after_mlflow_makes_no_second_version(sealed, flights):
    ask_back(sealed)
    work("registry.restore")
    Restore.objects.update(state="requested", version=None)
    made = Version.objects.get(number=2)
    made.files.all().delete()
    made.schema.delete()
    made.reference.delete()
    Contribution.objects.filter(version=made).delete()
    made.delete()
    Job.objects.filter(kind="registry.restore").update(state="due")
    assert work("registry.restore").state == "done"
    assert [one.version for one in mlflow.search_versions(flights.mlflow_name)] == [2, 1]
    assert Version.objects.get(number=2).parent.number == 1


def test_a_number_that_is_taken_here_is_not_overwritten(sealed, olga, flights):
    register_version(actor=olga, model_id=flights.pk, run_id="abc", artifact_path="model", number=2)
    restore = ask_back(sealed)
    assert work("registry.restore").state == "done"
    restore.refresh_from_db()
    assert restore.state == "failed"
    assert restore.error == "flight-delay has a version 2 already, as MLflow has numbered it."
    assert Version.objects.get(number=2).mlflow_run_id == "abc"


def test_every_flipped_byte_is_found_and_named(sealed):
    chance, found = random.Random(2013), 0
    root = Path(django_settings.STORE_URL.removeprefix("file://"))
    names = [f"{sealed.path}/{file['path']}" for file in sealed.manifest["files"]]
    names = [name for name in names if (root / name).stat().st_size]
    names.append(f"{sealed.path}/manifest.json")
    pristine = {name: (root / name).read_bytes() for name in names}
    for _ in range(FLIPS):
        name = chance.choice(names)
        raw = bytearray(pristine[name])
        raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        (root / name).write_bytes(raw)
        with pytest.raises(ArchiveBroken) as broken:
            verify(sealed)
        assert name in str(broken.value)
        found += 1
        (root / name).write_bytes(pristine[name])
    sys.stdout.write(f"{found:,} of {FLIPS:,} flipped bytes were found, each with its file.\n")
    assert verify(sealed).files == len(sealed.manifest["files"])


def test_an_archive_with_flipped_bytes_is_not_restored(sealed, flights, olga):
    chance = random.Random(2014)
    root = Path(django_settings.STORE_URL.removeprefix("file://")) / sealed.path
    for name in ("manifest.json", "README.txt", "artifacts/MLmodel"):
        pristine = (root / name).read_bytes()
        raw = bytearray(pristine)
        raw[chance.randrange(len(raw))] ^= 1 << chance.randrange(8)
        (root / name).write_bytes(raw)
        restore = ask_back(sealed, olga)
        work("registry.restore")
        restore.refresh_from_db()
        assert restore.state == "failed"
        assert name in restore.error
        (root / name).write_bytes(pristine)
    assert [one.version for one in mlflow.search_versions(flights.mlflow_name)] == [1]
    assert Version.objects.count() == 1


@pytest.mark.parametrize("how", ["missing", "extra", "empty", "manifest"])
def test_a_changed_folder_is_found(sealed, how):
    root = Path(django_settings.STORE_URL.removeprefix("file://")) / sealed.path
    if how == "missing":
        (root / "metadata/version.json").unlink()
    elif how == "extra":
        (root / "artifacts/extra.py").write_text("print('hello')")
    elif how == "empty":
        (root / "artifacts/MLmodel").write_bytes(b"")
    else:
        (root / "manifest.json").unlink()
    with pytest.raises(ArchiveBroken, match=r"version\.json|extra\.py|MLmodel|manifest\.json"):
        verify(sealed)


def test_a_broken_archive_is_not_restored_and_the_file_is_named(sealed, flights, olga):
    root = Path(django_settings.STORE_URL.removeprefix("file://")) / sealed.path
    spoilt = root / "artifacts/data/weights.bin"
    spoilt.write_bytes(spoilt.read_bytes()[:-1] + b"!")
    restore = ask_back(sealed, olga)
    assert work("registry.restore").state == "done"
    restore.refresh_from_db()
    assert (restore.state, restore.version) == ("failed", None)
    assert "artifacts/data/weights.bin is not what was sealed" in restore.error
    assert Version.objects.count() == 1
    assert [one.version for one in mlflow.search_versions(flights.mlflow_name)] == [1]
    assert Event.objects.latest("sequence").event == "registry.restore.failed"
    sealed.refresh_from_db()
    assert sealed.state == "sealed"


def test_bytes_changed_in_mlflow_are_not_archived(old, flights):
    uri = mlflow.download_uri(flights.mlflow_name, 1)
    from registry.gateways.mlflow_artifacts import write_file

    write_file(uri, "data/weights.bin", b"swapped")
    archive = ask(old)
    assert work("registry.archive").state == "done"
    archive.refresh_from_db()
    assert archive.state == "failed"
    assert archive.error == "data/weights.bin was changed in MLflow after its registration."
    assert files_in_store() == {}
    old.refresh_from_db()
    assert old.stage == "retired"
    write_file(uri, "data/weights.bin", FILES["data/weights.bin"])
    again = ask(old)
    assert again.pk == archive.pk
    work("registry.archive")
    archive.refresh_from_db()
    assert archive.state == "sealed"


def test_a_file_added_in_mlflow_is_noticed(old, flights):
    from registry.gateways.mlflow_artifacts import write_file

    write_file(mlflow.download_uri(flights.mlflow_name, 1), "later.py", b"pass")
    archive = ask(old)
    work("registry.archive")
    archive.refresh_from_db()
    assert archive.error == "later.py is in MLflow and was not there at registration."


def test_only_what_is_retired_and_hashed_is_archived(olga, one, champion):
    with pytest.raises(IllegalMove, match="serving cannot archive"):
        ask(champion)
    retire_version(actor=SYSTEM, version_id=one.pk, because="CR-1")
    with pytest.raises(ArchiveInvalid, match="never hashed"):
        ask(one)
    assert not Archive.objects.exists()


def test_nobody_archives_or_restores_in_person(olga, one):
    Version.objects.update(stage="retired", artifact_digest="0" * 64)
    with pytest.raises(Refused):
        request_archive(
            actor=olga, version_id=one.pk, documents={}, requested_by_id=olga.pk, because=""
        )
    assert not Archive.objects.exists()
    archive = ask(one)
    with pytest.raises(Refused):
        request_restore(actor=olga, archive_id=archive.pk, requested_by_id=olga.pk, because="")
    assert not Restore.objects.exists()


@pytest.mark.parametrize("name", ["../card.md", "a/b", "", ".hidden", "c:\\x", "x" * 101, "é.md"])
def test_a_document_with_a_strange_name_is_refused(one, name):
    Version.objects.update(stage="retired", artifact_digest="0" * 64)
    with pytest.raises(ArchiveInvalid, match="no plain file name"):
        request_archive(
            actor=SYSTEM,
            version_id=one.pk,
            documents={name: "x"},
            requested_by_id=None,
            because="",
        )
    assert not Archive.objects.exists()


def test_an_archive_is_asked_for_once_and_restored_only_when_sealed(one):
    Version.objects.update(stage="retired", artifact_digest="0" * 64)
    archive = ask(one)
    with pytest.raises(ArchiveInvalid, match="is requested already"):
        ask(one)
    with pytest.raises(ArchiveInvalid, match="only a sealed one"):
        ask_back(archive)
    assert not Restore.objects.exists()


def test_an_archive_that_can_never_be_written_fails_where_people_look(flights, one, in_mlflow):
    Version.objects.update(stage="retired", artifact_digest="0" * 64)
    archive = ask(one)
    Job.objects.filter(kind="registry.archive").update(state="dead", error="OSError: disk full")
    reconcile()
    archive.refresh_from_db()
    assert (archive.state, archive.error) == ("failed", "OSError: disk full")
