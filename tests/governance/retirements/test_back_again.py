"""A version whose source is gone for good comes back from its archive, with all that it was."""

import hashlib

import pytest

from audit.models import Event
from audit.record import SYSTEM
from governance.jobs.follow import follow_verdicts
from governance.reads.cards import card_of
from governance.services.cards import revise_card
from governance.services.retirements import name_replacement
from ledger.models import Job
from monitoring.models import Monitor
from registry.gateways import mlflow, mlflow_artifacts, store
from registry.jobs.mlflow import look_and_note
from registry.models import Deviation, Restore, Version
from registry.services.archives import request_archive, request_drill
from registry.services.deployments import retire_version
from registry.services.references import set_reference
from registry.services.schemas import set_schema
from registry.services.versions import register_version
from tests.governance.conftest import SECTIONS, ask, carry_out, promoted, sign
from tests.governance.retirements.conftest import OLD, SUPERSEDED, in_force, look, terms
from tests.governance.retirements.test_story import work_off
from tests.registry.conftest import (
    FIELDS,
    flights,
    in_mlflow,
    real_mlflow,
    reference_file,
    serve,
    server,
    work,
)
from tests.registry.test_drills import drilled, model_files

__all__ = ["flights", "in_mlflow", "model_files", "real_mlflow", "server"]


def described(olga, model, number, tmp_path):
    """MLflow's version of that number, hashed, with schema, reference and card."""
    version = register_version(actor=olga, model_id=model.pk, mlflow_version=number)
    work("registry.inspect")
    set_schema(actor=olga, version_id=version.pk, fields=FIELDS)
    path = reference_file(tmp_path / "reference.parquet")
    set_reference(actor=olga, version_id=version.pk, source=path)
    revise_card(
        actor=olga, version_id=version.pk, sections=SECTIONS, note="First", expected_revision=0
    )
    return version


@pytest.fixture
def pair(olga, flights, in_mlflow, model_files, tmp_path):
    """Version 1 was champion; version 2 is. Both are real models of medium risk."""
    flights.risk_tier = "medium"
    flights.save(update_fields=["risk_tier"])
    for kind in ("drift", "performance"):
        Monitor.objects.create(model=flights, name=f"All {kind}", kind=kind, metric="psi")
    for content in (model_files, model_files | {"note.txt": b"better"}):
        serve(described(olga, flights, in_mlflow(content), tmp_path))
    work("registry.push")
    return list(Version.objects.order_by("number"))


@pytest.fixture
def gone(pair, olga, rita):
    """Version 1 was retired by a policy, archived, drilled, and removed at its source."""
    old, new = pair
    in_force(terms(SUPERSEDED, OLD))
    row = look(old)
    name_replacement(actor=olga, retirement_id=row.pk, number=new.number)
    row = look(old, days=31)
    assert row.state == "requested", row.held_up
    sign(rita, row.request)
    carry_out(row.request)
    work_off(row)
    old.refresh_from_db()
    assert mlflow.get_version(old.model.mlflow_name, old.mlflow_version) is None
    assert mlflow_artifacts.list_files(old.artifact_uri) == ()
    return old


def restored(version, olga, rita):
    """Asked for, signed for and restored."""
    request = ask(olga, version, kind="restore", reason="The court asks what it said in 2026.")
    sign(rita, request)
    assert carry_out(request).state == "executed", request.error
    assert work("registry.restore").state == "done"
    restore = Restore.objects.first()
    assert (restore.error, restore.state) == ("", "restored")
    return restore.version


def files_of(name, number):
    """What MLflow gives out: path -> size and SHA-256."""
    uri = mlflow.download_uri(name, number)
    found = {}
    for file in mlflow_artifacts.list_files(uri):
        raw = b"".join(mlflow.read_artifact(name, number, file.path))
        found[file.path] = (len(raw), hashlib.sha256(raw).hexdigest())
    return found


def test_what_is_gone_at_its_source_comes_back_is_approved_and_drilled(gone, olga, vera, rita):
    back = restored(gone, olga, rita)
    compare_bytes(gone, back)
    compare_history(gone, back, olga)
    look_and_note(model_id=back.model_id, name=back.model.mlflow_name)
    assert not Deviation.objects.lasting().exists()
    follow_verdicts()
    assert work("governance.restored_card").state == "done"
    compare_cards(gone, back)
    promoted(back, olga, vera, rita)
    assert back.stage == "serving"
    request_drill(actor=olga, archive_id=gone.archive.pk)
    assert drilled(gone.archive).state == "passed"
    in_its_turn(back)
    assert Event.objects.filter(event="registry.drill.passed").count() == 3
    again = restored(gone, olga, rita)
    assert (again.number, again.parent, again.artifact_digest) == (4, gone, back.artifact_digest)
    gone.refresh_from_db()
    assert (gone.stage, gone.archive.state) == ("archived", "sealed")


def compare_bytes(gone, back):
    """MLflow gives out what the archive's manifest names, no file more and none less."""
    sealed = {
        file["path"].removeprefix("artifacts/"): (file["size"], file["sha256"])
        for file in gone.archive.manifest["files"]
        if file["path"].startswith("artifacts/")
    }
    assert len(sealed) == 4
    assert files_of(gone.model.mlflow_name, back.mlflow_version) == sealed
    assert {f.path: (f.size, f.sha256) for f in back.files.all()} == sealed
    assert back.artifact_digest == gone.artifact_digest


def compare_history(gone, back, olga):
    assert (back.number, back.stage, back.parent) == (3, "candidate", gone)
    assert back.lineage["restored"] == {"from": 1, "archive": gone.archive.digest}
    assert back.lineage["mlflow"]["version"] == 3
    assert back.lineage["run"] == gone.lineage["run"]
    assert back.schema.fields == gone.schema.fields
    assert back.reference.path != gone.reference.path
    assert store.digest(back.reference.path) == gone.reference.digest
    assert {(one.person, one.kind) for one in back.contributions.all()} == {
        (olga, kind) for kind in ("registered", "schema", "reference", "card")
    }


def compare_cards(gone, back):
    """The same words, as a draft of its own that nobody signed."""
    page, before = card_of(back.pk), card_of(gone.pk)
    assert page.written == before.written == SECTIONS
    assert (str(page.state), page.published) == ("draft", None)
    assert (page.revision.number, page.revision.author) == (1, "Ombud")
    assert "As archived with version 1" in page.revision.note
    assert page.facts["version"]["number"] == 3
    follow_verdicts()
    assert Job.objects.filter(kind="governance.restored_card").count() == 1


def in_its_turn(back):
    """The restored version is retired and archived like any other."""
    retire_version(actor=SYSTEM, version_id=back.pk, because="CR-9")
    request_archive(
        actor=SYSTEM, version_id=back.pk, documents={}, requested_by_id=None, because="CR-9"
    )
    assert work("registry.archive").state == "done"
    back.refresh_from_db()
    assert (back.archive.error, back.archive.state) == ("", "sealed")
    assert drilled(back.archive).state == "passed"
