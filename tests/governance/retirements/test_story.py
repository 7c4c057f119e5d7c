"""The whole end of a version, with a real MLflow: found, signed, archived, cleaned up, restored."""

import pytest
from django.utils import timezone

from audit.record import SYSTEM
from governance.models import Finding, Retirement
from governance.services.cards import revise_card
from governance.services.retirements import name_replacement
from ledger.models import Job
from ledger.runner import run
from registry.gateways import mlflow, mlflow_artifacts
from registry.jobs import drills
from registry.jobs.mlflow import look_and_note
from registry.models import Deviation, Version
from registry.services.archives import request_restore
from registry.services.versions import register_version
from tests.governance.conftest import SECTIONS, carry_out, sign
from tests.governance.retirements.conftest import OLD, SUPERSEDED, in_force, look, terms
from tests.registry.conftest import (
    flights,
    in_mlflow,
    real_mlflow,
    serve,
    server,
    work,
)

__all__ = ["flights", "in_mlflow", "real_mlflow", "server"]
FILES = {"MLmodel": b"flavors: {}\n", "requirements.txt": b"", "data/w.bin": bytes(range(256))}


@pytest.fixture
def pair(olga, flights, in_mlflow):
    """Version 1 was champion; version 2 is."""
    for content in (FILES, {"MLmodel": b"flavors: {better: {}}\n"}):
        number = in_mlflow(content)
        version = register_version(actor=olga, model_id=flights.pk, mlflow_version=number)
        work("registry.inspect")
        revise_card(
            actor=olga, version_id=version.pk, sections=SECTIONS, note="First", expected_revision=0
        )
        serve(version)
    work("registry.push")
    return list(Version.objects.order_by("number"))


def work_off(row):
    """Do whatever is due, as workers would, until the retirement is closed."""
    for _ in range(60):
        row.refresh_from_db()
        if row.state == "closed":
            return
        look(row.version)
        Job.objects.filter(state="due").update(due_at=timezone.now())
        for pk in list(Job.objects.filter(state="due").values_list("pk", flat=True)):
            run(job_id=pk)
    raise AssertionError([(s.name, s.state, s.note) for s in row.steps.all()])


def test_a_version_ends_and_comes_back_bit_by_bit(pair, olga, rita, rosa, monkeypatch):
    old, new = pair
    # These bytes are no model: opening one is tested with the drills.
    monkeypatch.setitem(drills.DOES, "open", lambda _: ("sklearn", 3))
    monkeypatch.setitem(drills.DOES, "replay", lambda _: ("3 answers", 3))
    in_force(terms(SUPERSEDED, OLD))
    row = look(old)
    name_replacement(actor=olga, retirement_id=row.pk, number=new.number)
    row = look(old, days=31)
    assert row.state == "requested", row.held_up
    for person in (rita, rosa):
        sign(person, row.request)
    carry_out(row.request)
    work_off(row)
    steps = {step.name: step for step in row.steps.all()}
    assert steps["mlflow"].evidence["did"] == {"versions_deleted": 1}
    assert steps["artifacts"].evidence["did"]["files_deleted"] == 3
    name = old.model.mlflow_name
    assert mlflow.get_version(name, old.mlflow_version) is None
    assert mlflow.get_version(name, new.mlflow_version) is not None
    assert mlflow_artifacts.list_files(old.artifact_uri) == ()
    look_and_note(model_id=old.model_id, name=name)
    assert not Deviation.objects.lasting().exists()
    assert not Finding.objects.exists()
    old.refresh_from_db()
    assert (old.stage, old.artifact_digest) == (
        "archived",
        row.tombstone["version"]["artifact_digest"],
    )
    request_restore(
        actor=SYSTEM, archive_id=old.archive.pk, requested_by_id=olga.pk, because="CR-9"
    )
    assert work("registry.restore").state == "done"
    back = Version.objects.order_by("-number").first()
    assert (back.stage, back.artifact_digest) == ("candidate", old.artifact_digest)
    assert Retirement.objects.get().state == "closed"
