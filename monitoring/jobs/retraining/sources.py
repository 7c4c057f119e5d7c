"""The files of a version on a desk: its model and its own training code, verified byte by byte."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from monitoring.jobs.retraining.work import StepFailed
from registry.gateways import mlflow_runs
from registry.manifests import HashedFile, digest_of
from registry.models import Version

CODE = "code/"
CALIBRATED, PARENT, MAP = "ombud_calibrated", "parent", "calibration.json"
LARGEST = 2 * 1024**3


def bring(version: Version, folder: Path) -> Path:
    """Every file of the version below the folder.

    Raises:
        StepFailed: bytes differ from those that were hashed at registration, or are not hashed.
        MlflowUnavailable: the ledger tries again.
    """
    files = list(version.files.all())
    if not files or not version.artifact_digest:
        raise StepFailed(f"The bytes of {version} were not hashed, so they are not used.")
    if sum(file.size for file in files) > LARGEST:
        raise StepFailed(f"{version} is larger than 2 GiB.")
    for file in files:
        pieces = mlflow_runs.read_at(version.artifact_uri, file.path)
        found = _write(folder / file.path, pieces)
        if found != file.sha256:
            raise StepFailed(f"{file.path} of {version} is not what was registered.")
    return folder


def _write(target: Path, pieces: Iterable[bytes]) -> str:
    found = hashlib.sha256()
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as sink:
        for piece in pieces:
            found.update(piece)
            sink.write(piece)
    return found.hexdigest()


def may_unpickle(version: Version) -> bool:
    """Pickle only in the sandbox and only after approval; a champion was approved."""
    return version.stage in {"approved", "serving"}


def trained(folder: Path) -> Path:
    """The model that code has trained: a calibrated one holds it as its parent."""
    while (folder / MAP).is_file() and (folder / PARENT / "MLmodel").is_file():
        folder = folder / PARENT
    return folder


def code_digest(version: Version) -> str:
    """SHA-256 over the manifest of the version's own code; empty where it has none.

    A calibrated version's code is its parent's, with the same digest.
    """
    files = version.files.filter(path__regex=rf"^({PARENT}/)*{CODE}")
    mine = [HashedFile(_own(file.path), file.size, file.sha256) for file in files]
    return digest_of(tuple(mine)) if mine else ""


def _own(path: str) -> str:
    while path.startswith(f"{PARENT}/"):
        path = path.removeprefix(f"{PARENT}/")
    return path


def requirements(folder: Path) -> dict[str, str]:
    """The packages that the version pins, by name; only exact pins are promises."""
    path = folder / "requirements.txt"
    lines = path.read_text("utf-8", "replace").splitlines() if path.is_file() else []
    pinned = [line.split(";")[0].strip() for line in lines if "==" in line]
    pairs = (line.partition("==") for line in pinned)
    return {name.partition("[")[0].strip().lower(): number.strip() for name, _, number in pairs}
