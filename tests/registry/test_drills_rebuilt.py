"""A drill in an environment that was built for it, and one of a model as MLflow logs it."""

import zipfile
from importlib.metadata import version as installed
from pathlib import Path
from uuid import uuid4

import numpy as np
import pandas as pd
import pytest

from audit.record import SYSTEM
from registry.models import ArtifactFile
from registry.services.archives import request_restore
from sandbox import run as sandbox
from tests.registry.conftest import serve, work
from tests.registry.test_drills import ROWS, drilled, sealed_with, steps

# Runs by itself in every interpreter that looks for such files.
BY_ITSELF = "import os; open({mark!r}, 'w').close()\n"


def wheel(folder: Path, name: str, version: str, files: dict[str, str]) -> None:
    """A tiny wheel made here; nothing is downloaded."""
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    kind = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as made:
        for path, text in (files | {f"{info}/METADATA": about, f"{info}/WHEEL": kind}).items():
            made.writestr(path, text)
        made.writestr(f"{info}/RECORD", "")


@pytest.fixture
def wheels(tmp_path, settings):
    """A package that Ombud does not have, and that means harm; where it would leave its mark."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    settings.WHEELS = str(folder)
    mark = tmp_path / "was-here"
    harm = BY_ITSELF.format(mark=str(mark))
    wheel(folder, "tiny", "1.0", {"evil.pth": harm, "sitecustomize.py": harm, "tiny.py": ""})
    # MLflow writes itself into every lock; nothing in here is opened by it.
    wheel(folder, "mlflow", installed("mlflow"), {"mlflow.py": ""})
    return mark


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """A model as MLflow keeps it: path -> bytes, for a way of writing it down."""
    import mlflow.sklearn
    from sklearn.linear_model import LogisticRegression

    rows = pd.DataFrame({"distance": np.arange(float(ROWS))})
    model = LogisticRegression().fit(rows, rows["distance"] > 99)
    place = tmp_path_factory.mktemp("logged")
    pins = [f"{name}=={installed(name)}" for name in ("mlflow", "scikit-learn", "cloudpickle")]
    signature = mlflow.models.infer_signature(rows, model.predict(rows))

    def made(how, pins=pins):
        folder = place / uuid4().hex
        mlflow.sklearn.save_model(
            model, folder, serialization_format=how, pip_requirements=pins, signature=signature
        )
        found = (path for path in folder.rglob("*") if path.is_file())
        return {str(path.relative_to(folder)): path.read_bytes() for path in found}

    return made


def served(version):
    """It was approved and deployed once: its pickle may be opened, in the sandbox."""
    serve(version)


def test_an_environment_is_rebuilt_and_nothing_in_it_runs_by_itself(
    wheels, logged, olga, flights, in_mlflow, tmp_path, monkeypatch
):
    """The lock asks for what Ombud lacks; what every model needs is seen beside it."""
    ours = sandbox._packages

    def beside(errand):
        found = ours(errand)
        return found + [path for path in sandbox.sys.path if path.endswith("site-packages")]

    files = logged("skops", ["tiny==1.0"])
    archive = sealed_with(files, olga, flights, in_mlflow, tmp_path)
    monkeypatch.setattr(sandbox, "_packages", beside)
    drill = drilled(archive)
    assert (drill.error, drill.state) == ("", "passed")
    said = {step["name"]: step["said"] for step in drill.steps}
    assert said["environment"] == "Built anew with 2 packages from the lock."
    assert not wheels.exists()


def test_an_environment_without_what_its_model_needs_fails_by_name(
    wheels, logged, olga, flights, in_mlflow, tmp_path
):
    files = logged("skops", ["tiny==1.0"])
    drill = drilled(sealed_with(files, olga, flights, in_mlflow, tmp_path))
    assert steps(drill)["open"] == "failed"
    assert "No module named" in drill.error
    assert not wheels.exists()


@pytest.mark.parametrize("how", ["skops", "cloudpickle"])
def test_a_model_that_mlflow_logged_is_archived_drilled_and_restored(
    logged, olga, flights, in_mlflow, tmp_path, how
):
    archive = sealed_with(logged(how), olga, flights, in_mlflow, tmp_path, before=served)
    drill = drilled(archive)
    assert (drill.error, drill.state) == ("", "passed")
    assert {step["name"]: step["looked_at"] for step in drill.steps}["replay"] == 100
    restore = request_restore(
        actor=SYSTEM, archive_id=archive.pk, requested_by_id=None, because="CR-3"
    )
    assert work("registry.restore").state == "done"
    restore.refresh_from_db()
    back = restore.version
    assert back.stage == "candidate"
    assert hashes(back) == hashes(archive.version)


def hashes(version):
    return dict(ArtifactFile.objects.filter(version=version).values_list("path", "sha256"))


def test_a_pickle_of_a_version_that_nobody_approved_stays_closed(
    logged, olga, flights, in_mlflow, tmp_path
):
    drill = drilled(sealed_with(logged("cloudpickle"), olga, flights, in_mlflow, tmp_path))
    assert drill.state == "failed"
    assert "Nothing was compared" in drill.error
    assert "only an approved version's is" in drill.steps[3]["said"]
