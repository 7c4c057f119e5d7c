"""A drill brings an archive back where nobody is served by it; each step says what it saw."""

import json
import os
import platform
import signal
import subprocess
import sys
from importlib.metadata import version as installed

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from accounts.policies import Refused
from audit.models import Event
from audit.record import SYSTEM
from governance.jobs.drills import follow_drills
from governance.models import Finding
from ledger.models import Job
from registry.gateways import store
from registry.gateways.environments import CannotRebuild, lock_of, rebuild
from registry.jobs import drills
from registry.jobs.drills import drill_oldest
from registry.jobs.golden import compared
from registry.models import Archive, RestoreDrill
from registry.refusals import ArchiveInvalid
from registry.services.archives import request_archive, request_drill
from registry.services.deployments import retire_version
from registry.services.references import set_reference
from registry.services.schemas import set_schema
from registry.services.versions import register_version
from tests.faults.processes import database_url
from tests.registry.conftest import FIELDS, work

ROWS = 250
PACKAGES = ("scikit-learn", "skops", "numpy")
PYTHON_ENV = f"python: {platform.python_version()}\n"


def requirements():
    return "".join(f"{name}=={installed(name)}\n" for name in PACKAGES)


@pytest.fixture(scope="module")
def model_files(tmp_path_factory):
    """A regression by scikit-learn in skops, as MLflow writes it."""
    import skops.io
    from sklearn.linear_model import LogisticRegression

    folder = tmp_path_factory.mktemp("model")
    rows = pd.DataFrame({"distance": np.arange(float(ROWS))})
    skops.io.dump(LogisticRegression().fit(rows, rows["distance"] > 99), folder / "model.skops")
    inputs = json.dumps([{"type": "double", "name": "distance"}])
    told = {
        "flavors": {"sklearn": {"pickled_model": "model.skops"}},
        "signature": {"inputs": inputs},
    }
    return {
        "MLmodel": json.dumps(told).encode(),
        "model.skops": (folder / "model.skops").read_bytes(),
        "requirements.txt": requirements().encode(),
        "python_env.yaml": PYTHON_ENV.encode(),
    }


def sealed_with(files, olga, flights, in_mlflow, tmp_path, *, before=lambda version: None):
    version = register_version(actor=olga, model_id=flights.pk, mlflow_version=in_mlflow(files))
    work("registry.inspect")
    set_schema(actor=olga, version_id=version.pk, fields=FIELDS)
    path = tmp_path / "reference.parquet"
    columns = {
        "distance": [float(n) for n in range(ROWS)],
        "late": [n > 99 for n in range(ROWS)],
        "probability": [n / ROWS for n in range(ROWS)],
        "was_late": [n > 99 for n in range(ROWS)],
    }
    pq.write_table(pa.table(columns), path)
    set_reference(actor=olga, version_id=version.pk, source=path)
    before(version)
    retire_version(actor=SYSTEM, version_id=version.pk, because="CR-1")
    request_archive(
        actor=SYSTEM, version_id=version.pk, documents={}, requested_by_id=None, because="CR-2"
    )
    assert work("registry.archive").state == "done"
    return Archive.objects.get(version=version)


@pytest.fixture
def sealed(model_files, olga, flights, in_mlflow, tmp_path):
    return sealed_with(model_files, olga, flights, in_mlflow, tmp_path)


def drilled(archive):
    work("registry.drill")
    return archive.drills.first()


def steps(drill):
    return {step["name"]: step["state"] for step in drill.steps}


def test_an_archive_is_tried_as_soon_as_it_is_sealed(sealed):
    names = {file["path"] for file in sealed.manifest["files"]}
    assert {"golden/inputs.parquet", "golden/outputs.json"} <= names
    drill = drilled(sealed)
    assert (drill.error, drill.state) == ("", "passed")
    assert [step["state"] for step in drill.steps] == ["passed"] * 5
    looked_at = {step["name"]: step["looked_at"] for step in drill.steps}
    assert looked_at["fetch"] == len(names)
    assert (looked_at["verify"], looked_at["environment"], looked_at["replay"]) == (4, 3, 100)
    assert drill.seconds > 0
    told = Event.objects.get(event="registry.drill.passed").data
    assert told["looked_at"]["replay"] == 100


def test_a_changed_golden_answer_fails_and_becomes_a_finding(sealed, monkeypatch):
    """Every file is what was sealed; the model's answers are not."""
    outputs = json.loads(store.read(f"{sealed.path}/golden/outputs.json"))
    outputs["probability_1"][3] += 0.01
    real = drills._fetch

    def other_answers(trial):
        said = real(trial)
        (trial.folder / "golden/outputs.json").write_text(json.dumps(outputs))
        return said

    monkeypatch.setitem(drills.DOES, "fetch", other_answers)
    drill = drilled(sealed)
    assert drill.state == "failed"
    assert drill.error == "replay: 1 of 100 answers differ, the first in row 3."
    assert steps(drill) == {
        "fetch": "passed",
        "verify": "passed",
        "environment": "passed",
        "open": "passed",
        "replay": "failed",
    }
    assert follow_drills() == 1
    finding = Finding.objects.get()
    assert (finding.kind, finding.severity) == ("drill", "high")
    assert "1 of 100 answers differ" in finding.text
    assert follow_drills() == 0


def test_a_flipped_byte_ends_the_drill_before_anything_is_opened(sealed, settings):
    name = f"{sealed.path}/artifacts/model.skops"
    raw = bytearray(store.read(name))
    raw[len(raw) // 2] ^= 1
    store.delete(name)
    store.put_bytes(name, bytes(raw))
    drill = drilled(sealed)
    assert steps(drill) == {"fetch": "failed"}
    assert "its bytes have changed" in drill.error


def test_other_packages_without_wheels_say_which_folder_is_missing(
    model_files, olga, flights, in_mlflow, tmp_path
):
    older = model_files | {"requirements.txt": b"scikit-learn==0.1\n"}
    drill = drilled(sealed_with(older, olga, flights, in_mlflow, tmp_path))
    assert steps(drill)["environment"] == "failed"
    assert "OMBUD_WHEELS" in drill.error


def test_a_wheel_that_is_missing_is_named(tmp_path):
    lock = lock_of("no-such-package==1.0\n", PYTHON_ENV)
    (tmp_path / "wheels").mkdir()
    with pytest.raises(CannotRebuild, match="no-such-package"):
        rebuild(lock, tmp_path / "environment", str(tmp_path / "wheels"))


def test_an_environment_is_built_from_wheels_at_hand(tmp_path):
    """A wheel made here: nothing is downloaded."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    wheel(wheels)
    packages = rebuild(lock_of("tiny==1.0\n", PYTHON_ENV), tmp_path / "environment", str(wheels))
    assert (packages / "tiny.py").read_text() == "ANSWER = 42\n"


def wheel(folder):
    import zipfile

    about = "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"
    kind = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    with zipfile.ZipFile(folder / "tiny-1.0-py3-none-any.whl", "w") as made:
        made.writestr("tiny.py", "ANSWER = 42\n")
        made.writestr("tiny-1.0.dist-info/METADATA", about)
        made.writestr("tiny-1.0.dist-info/WHEEL", kind)
        made.writestr("tiny-1.0.dist-info/RECORD", "")


@pytest.mark.parametrize(
    ("line", "packages", "loose"),
    [
        ("numpy==2.4.6", (("numpy", "2.4.6"),), ()),
        ("mlflow[extras]==3.1.0 ; python_version > '3'", (("mlflow", "3.1.0"),), ()),
        ("numpy>=2", (), ("numpy>=2",)),
        ("# a word\n-r other.txt\n\n", (), ()),
    ],
)
def test_what_an_archive_needs_is_read_line_by_line(line, packages, loose):
    lock = lock_of(line, "")
    assert (lock.packages, lock.loose) == (packages, loose)


def test_another_python_is_said_to_be_another():
    lock = lock_of("", "python: 2.7.18\n")
    assert lock.differences() == [f"Python {platform.python_version()} instead of 2.7.18"]


def test_a_drill_that_compared_nothing_has_not_passed(
    model_files, olga, flights, in_mlflow, tmp_path
):
    """A format that nobody can open: everything is there, and nothing was proved."""
    odd = model_files | {"MLmodel": b"flavors: {spacy: {data: model.skops}}\n"}
    drill = drilled(sealed_with(odd, olga, flights, in_mlflow, tmp_path))
    assert drill.state == "failed"
    assert "Nothing was compared" in drill.error
    assert steps(drill)["open"] == "nothing_to_do"


@pytest.mark.parametrize(
    ("now", "tolerance", "told"),
    [
        ({"p": [0.5, 0.6], "c": ["a", "b"]}, 0.0, (0, None)),
        ({"p": [0.5, 0.61], "c": ["a", "b"]}, 0.0, (1, 1)),
        ({"p": [0.5, 0.61], "c": ["a", "b"]}, 0.1, (0, None)),
        ({"p": [0.5, 0.6], "c": ["x", "b"]}, 9.0, (1, 0)),
        ({"p": [0.5], "c": ["a"]}, 0.0, (2, None)),
        ({"p": [0.5, 0.6]}, 0.0, (2, None)),
        ({"p": [0.5, None], "c": ["a", "b"]}, 9.0, (1, 1)),
    ],
)
def test_answers_are_compared_by_who_asked(now, tolerance, told):
    found = compared(now, {"p": [0.5, 0.6], "c": ["a", "b"]}, tolerance)
    assert (found.rows, found.different, found.first) == (2, *told)


@pytest.mark.parametrize(
    "line", ["evil @ file:///tmp/evil", "git+https://x/y", "./wheels/x.whl", "-e .", "x ; print()"]
)
def test_what_names_a_place_is_not_handed_to_pip(line, tmp_path):
    lock = lock_of(f"tiny\n{line.removeprefix('-')}\n", PYTHON_ENV)
    with pytest.raises(CannotRebuild, match="more than a name and versions"):
        rebuild(lock, tmp_path / "environment", str(tmp_path))
    assert not (tmp_path / "environment").exists()


def test_a_drill_is_asked_for_once_at_a_time_by_the_team(sealed, olga, sam):
    drilled(sealed)
    with pytest.raises(Refused):
        request_drill(actor=sam, archive_id=sealed.pk)
    assert sealed.drills.count() == 1
    first = request_drill(actor=olga, archive_id=sealed.pk)
    assert request_drill(actor=olga, archive_id=sealed.pk) == first
    assert sealed.drills.count() == 2
    assert Event.objects.filter(event="registry.drill.requested").count() == 1
    Archive.objects.update(state="failed")
    with pytest.raises(ArchiveInvalid, match="only a sealed one"):
        request_drill(actor=olga, archive_id=sealed.pk)


def test_archives_are_tried_in_turn_when_their_time_has_come(sealed, settings):
    drilled(sealed)
    assert drill_oldest() is False
    RestoreDrill.objects.update(asked_at="2026-01-01T00:00:00Z", finished_at="2026-01-01T00:00:09Z")
    assert drill_oldest() is True
    assert drill_oldest() is False
    assert sealed.drills.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_leaves_nothing_half(sealed):
    """The ledger gives the drill to the next one, which begins anew."""
    job = Job.objects.get(kind="registry.drill")
    script = (
        "import django; django.setup(); import time\n"
        "from registry.jobs import drills\n"
        "real = drills.DOES['open']\n"
        "def slow(trial):\n"
        "    print('opening', flush=True); time.sleep(60)\n"
        "drills.DOES['open'] = slow\n"
        f"from ledger.runner import run; run(job_id={job.pk})\n"
    )
    from django.conf import settings
    from django.db import connection

    environment = os.environ | {
        "DATABASE_URL": database_url(connection.settings_dict),
        "OMBUD_STORE": settings.STORE_URL,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "OMBUD_AUDIT_KEY": str(settings.AUDIT_KEY),
    }
    worker = subprocess.Popen(
        [sys.executable, "-c", script], env=environment, stdout=subprocess.PIPE, text=True
    )
    try:
        assert worker.stdout.readline() == "opening\n"
        worker.send_signal(signal.SIGKILL)
        worker.wait(10)
    finally:
        worker.kill()
    drill = RestoreDrill.objects.get()
    assert (drill.state, drill.steps) == ("running", [])
    Job.objects.filter(pk=job.pk).update(state="due", lease_until=None)
    assert drilled(sealed).state == "passed"
    assert Event.objects.filter(event="registry.drill.passed").count() == 1


def test_the_api_and_the_page_tell_each_step(sealed, olga, signed_in):
    drilled(sealed)
    desk = signed_in(olga)
    told = desk.get(f"/api/v1/archives/{sealed.pk}/drills").json()["drills"]
    assert [step["name"] for step in told[0]["steps"]] == list(drills.STEPS)
    assert desk.post(f"/api/v1/archives/{sealed.pk}/drills").json()["state"] == "running"
    page = desk.get(f"/archives/{sealed.pk}").content.decode()
    assert "Bring it back on trial" in page
    work("registry.drill")
    page = desk.get(f"/archives/{sealed.pk}").content.decode()
    assert "100 answers are the same" in page
    assert "Opened in the sandbox" in page
