"""Train a version anew: the same parameters or the best of a declared search, saved for MLflow."""

import hashlib
import inspect
import json
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import skops.io
import yaml

from sandbox.inside.entry import NoEntry, needed, say
from sandbox.inside.models import load
from sandbox.inside.project import Project, project_of

Trainer = ModuleType | Project
MODEL = "model"
FILE = "model.skops"
PICKLES = ("*.pkl", "*.pickle", "*.joblib", "*.cloudpickle", "*.dill")
# What MLmodel says of the run and the model that it was made in.
OF_THE_OTHER = frozenset({"run_id", "model_id", "artifact_path", "metadata"})
INNER = 0.75  # of the training rows in order of time; the rest chooses among the search
TINY = 1e-12


def perform(inputs: dict[str, Any], work: Path) -> dict[str, Any]:
    """Fit and save; which parameters were chosen among which, and with which packages."""
    rows, outcome = _training_rows(inputs)
    say(f"{len(rows):,} rows, {len(rows.columns)} features")
    module = _trainer(inputs, work)
    before = None if inputs["kind"] == "complete" else _champion(inputs)
    tried = _tried(module, rows, outcome, inputs, before)
    chosen = min(tried, key=lambda one: one["loss"])["parameters"]
    estimator = _fit(module, rows, outcome, chosen, before)
    _save(module, estimator, rows, inputs, work)
    return {
        "rows": len(rows),
        "chosen": chosen,
        "tried": tried if len(tried) > 1 else [],
        "packages": _packages(inputs["pins"]),
    }


def _trainer(inputs: dict[str, Any], work: Path) -> Trainer:
    """What fits: the project's entry point, or else the module of this name."""
    code, entry = inputs["code"], inputs["entry"]
    project = project_of(code, entry, work, inputs["trusted"])
    return project or needed(code, entry)


def _training_rows(inputs: dict[str, Any]) -> tuple[pd.DataFrame, pd.Series]:
    about = pd.read_parquet(inputs["table"], columns=["part", inputs["outcome"]])
    rows = pd.read_parquet(inputs["features"])
    chosen = (about["part"] == "train").to_numpy()
    return rows[chosen].reset_index(drop=True), about[inputs["outcome"]][chosen].reset_index(
        drop=True
    )


def _champion(inputs: dict[str, Any]) -> Any:
    loaded = load(Path(inputs["champion"]), allow_pickle=bool(inputs["allow_pickle"]))
    if loaded.estimator is None:
        raise NoEntry(f"A model of the flavour {loaded.flavour} cannot be learned on from.")
    return loaded.estimator


def _tried(
    module: Trainer, rows: pd.DataFrame, outcome: pd.Series, inputs: Any, before: Any
) -> list[dict[str, Any]]:
    """Every combination with its loss on the later rows; one alone needs no trial."""
    choices = [{**inputs["parameters"], **one} for one in inputs["search"]]
    if len(choices) == 1:
        return [{"parameters": choices[0], "loss": 0.0}]
    cut = int(len(rows) * INNER)
    found = []
    for choice in choices:
        estimator = _fit(module, rows[:cut], outcome[:cut], choice, before)
        loss = _loss(estimator, rows[cut:], outcome[cut:], inputs["task"])
        say(f"{choice}: loss {loss:.6f}")
        found.append({"parameters": choice, "loss": loss})
    return found


def _fit(
    module: Trainer,
    rows: pd.DataFrame,
    outcome: pd.Series,
    parameters: dict[str, Any],
    before: Any,
) -> Any:
    if before is None:
        return module.fit(rows, outcome, parameters=parameters)
    if isinstance(module, Project) or "before" not in inspect.signature(module.fit).parameters:
        raise NoEntry("The code takes no `before`, so it cannot learn on from the champion.")
    return module.fit(rows, outcome, parameters=parameters, before=before)


def _loss(estimator: Any, rows: pd.DataFrame, outcome: pd.Series, task: str) -> float:
    """Log loss of classes, mean absolute error of numbers."""
    if task == "regression":
        return float(np.abs(estimator.predict(rows) - outcome.to_numpy(float)).mean())
    chances = np.asarray(estimator.predict_proba(rows))
    places = {name: place for place, name in enumerate(estimator.classes_)}
    columns = np.array([places.get(value, -1) for value in outcome])
    seen = np.where(columns >= 0, chances[np.arange(len(columns)), columns], TINY)
    return float(-np.log(np.clip(seen, TINY, 1)).mean())


def _save(module: Trainer, estimator: Any, rows: pd.DataFrame, inputs: Any, work: Path) -> None:
    """As MLflow keeps it: the champion's folder with another estimator in it.

    Signature, example, pins and code stay, so that the next retraining finds the code again.
    """
    before, after = Path(inputs["champion"]), work / MODEL
    told = yaml.safe_load((before / "MLmodel").read_bytes())
    _same_columns(told, rows)
    shutil.copytree(before, after, ignore=shutil.ignore_patterns("*.skops", *PICKLES))
    skops.io.dump(estimator, after / FILE)
    trusted = [*inputs["trusted"], *getattr(module, "TRUSTED_TYPES", ())]
    text = yaml.safe_dump(_described(told, sorted(set(trusted)), inputs["made_at"], after))
    (after / "MLmodel").write_text(text)
    say("saved")


def _same_columns(told: dict[str, Any], rows: pd.DataFrame) -> None:
    """A signature is a promise to whoever serves the model.

    Raises:
        NoEntry: the features are not those that the champion takes.
    """
    signature = (told.get("signature") or {}).get("inputs")
    named = [one["name"] for one in json.loads(signature)] if signature else []
    if named and named != [str(one) for one in rows.columns]:
        raise NoEntry("The features are not those of the champion's signature, in its order.")


def _described(
    told: dict[str, Any], trusted: list[str], made_at: str, folder: Path
) -> dict[str, Any]:
    """The champion's description, of this model."""
    flavours = told.get("flavors", {})
    if "sklearn" not in flavours:
        raise NoEntry("Only a champion of scikit-learn's flavour can be retrained here.")
    format_of = {"pickled_model": FILE, "serialization_format": "skops"}
    flavours["sklearn"] |= {**format_of, "sklearn_version": version("scikit-learn")}
    flavours["sklearn"]["skops_trusted_types"] = trusted
    flavours.setdefault("python_function", {})["model_path"] = FILE
    digest = hashlib.sha256((folder / FILE).read_bytes()).hexdigest()
    kept = {key: value for key, value in told.items() if key not in OF_THE_OTHER}
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    about = {"model_uuid": digest[:32], "utc_time_created": made_at, "model_size_bytes": size}
    return {**kept, **about, "flavors": flavours}


def _packages(names: dict[str, str]) -> dict[str, str]:
    found = {}
    for name in sorted(names):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = ""
    return found
