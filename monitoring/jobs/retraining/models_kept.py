"""The files of a trained model: kept in the store one by one, and brought back verified."""

from pathlib import Path

from monitoring.jobs.retraining.work import StepFailed, fetch, keep, tell
from monitoring.models import RetrainingStep

MODEL = "model"
MOST_FILES = 2_000
LARGEST = 2 * 1024**3


def keep_model(step: RetrainingStep, folder: Path) -> dict[str, str]:
    """Every file of the trained model into the store, by path and SHA-256."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file()) if folder.is_dir() else []
    if not paths or not (folder / "MLmodel").is_file():
        raise StepFailed("Training left no model in MLflow's form behind.")
    if any(path.is_symlink() for path in folder.rglob("*")):
        raise StepFailed("Training left links behind; only files are kept.")
    size = sum(path.stat().st_size for path in paths)
    if len(paths) > MOST_FILES or size > LARGEST:
        raise StepFailed(f"The model has {len(paths):,} files of {size:,} bytes: too large.")
    files: dict[str, str] = {}
    for path in paths:
        files |= keep(step, f"{MODEL}/{path.relative_to(folder).as_posix()}", path)
    tell(step, f"A model of {len(files)} files, {size:,} bytes.")
    return files


def bring_model(step: RetrainingStep, folder: Path) -> Path:
    """The trained model's files below the folder, each verified."""
    for name in step.files:
        if name.startswith(f"{MODEL}/"):
            fetch(step, name, folder / name)
    return folder / MODEL
