"""Opens a model's files by their format: native formats and skops first, pickle only if it may.

MLflow itself is not asked: its loaders run whatever a model's folder names. The `MLmodel` file says
the format; the class that a format may become is looked up here, never imported by a name in it.
"""

import importlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from sandbox.inside.chance_map import chance_map

# Classes that skops may rebuild beside those it knows as harmless. Reviewed one by one: they hold
# NumPy arrays or text of a native format, and run nothing while they are rebuilt.
TRUSTED = (
    "collections.OrderedDict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "lightgbm.sklearn.LGBMRegressor",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)
LARGEST_DESCRIPTION = 1_000_000
ONLY_ERRORS = 3  # it would warn of graphics cards that it may not look for
PICKLES = (".pkl", ".pickle", ".joblib", ".dill", ".cloudpickle")


class ModelRefused(Exception):
    """The model is not opened; says why and what would help."""

    refused = True


@dataclass(frozen=True)
class Loaded:
    """An opened model: what it is, and how it answers rows (a pandas frame)."""

    flavour: str
    estimator: Any
    inputs: tuple[str, ...]
    answer: Callable[[Any], np.ndarray[Any, Any]]
    chances: Callable[[Any], np.ndarray[Any, Any]] | None

    def predict(self, frame: Any) -> np.ndarray[Any, Any]:
        """One answer for each row: a class, or a number."""
        return np.asarray(self.answer(self.columns(frame)))

    def probabilities(self, frame: Any) -> np.ndarray[Any, Any] | None:
        """Rows × classes, or None for a model that has no chances to tell."""
        if self.chances is None:
            return None
        found = np.asarray(self.chances(self.columns(frame)), dtype=np.float64)
        return np.column_stack([1 - found, found]) if found.ndim == 1 else found

    def columns(self, frame: Any) -> Any:
        """The model's own inputs in its own order.

        Raises:
            ModelRefused: a column that the model's signature names is not there.
        """
        missing = [name for name in self.inputs if name not in frame.columns]
        if missing:
            raise ModelRefused(f"The rows lack what the model asks for: {', '.join(missing[:10])}.")
        return frame[list(self.inputs)] if self.inputs else frame


def load(folder: Path, *, allow_pickle: bool = False) -> Loaded:
    """Open the model in this folder, as MLflow has written it.

    Args:
        folder: holds `MLmodel` and the files it names.
        allow_pickle: the version was approved; without it a pickle stays closed.

    Raises:
        ModelRefused: no known format, a class nobody has reviewed, a pickle that may not be opened,
            a library that this environment lacks.
    """
    description = _description(folder)
    flavours = description.get("flavors") or {}
    inputs = _inputs(description)
    for name, opener in OPENERS.items():
        if isinstance(flavours.get(name), dict):
            return _opened(name, opener, folder, flavours[name], inputs, allow_pickle=allow_pickle)
    known = ", ".join(OPENERS)
    raise ModelRefused(f"Its formats are {', '.join(flavours) or 'none'}; known are {known}.")


def _opened(
    name: str,
    opener: Any,
    folder: Path,
    facts: dict[str, Any],
    inputs: tuple[str, ...],
    *,
    allow_pickle: bool,
) -> Loaded:
    try:
        return opener(folder, facts, inputs, allow_pickle)  # type: ignore[no-any-return]  # of the table below
    except ModuleNotFoundError as error:
        raise ModelRefused(
            f"This environment has no {error.name}, which a model of format {name} needs."
        ) from error


def _description(folder: Path) -> dict[str, Any]:
    path = folder / "MLmodel"
    if not path.is_file():
        raise ModelRefused("There is no file MLmodel that would say what this model is.")
    if path.stat().st_size > LARGEST_DESCRIPTION:
        raise ModelRefused("The file MLmodel is larger than a description can be.")
    told = yaml.safe_load(path.read_text())
    return told if isinstance(told, dict) else {}


def _inputs(description: dict[str, Any]) -> tuple[str, ...]:
    """The names of the columns that the signature asks for; none for tensors."""
    written = (description.get("signature") or {}).get("inputs") or "[]"
    told = json.loads(written)
    names = [one["name"] for one in told if isinstance(one, dict) and one.get("name")]
    return tuple(str(name) for name in names)


def _path(folder: Path, name: object) -> Path:
    """A file of this folder; a name that leads out of it is refused."""
    found = (folder / str(name)).resolve()
    if not found.is_relative_to(folder.resolve()) or not found.is_file():
        raise ModelRefused(f"The model names a file that is not there: {str(name)[:100]}")
    return found


def _sklearn(folder: Path, facts: dict[str, Any], inputs: Any, allow_pickle: bool) -> Loaded:  # noqa: FBT001 - all openers alike
    path = _path(folder, facts.get("pickled_model"))
    estimator = _unpickled(path, allow_pickle) if _is_pickle(path) else _from_skops(path)
    return _estimator("sklearn", estimator, inputs)


def _estimator(flavour: str, estimator: Any, inputs: Any) -> Loaded:
    chances = getattr(estimator, "predict_proba", None)
    return Loaded(flavour, estimator, inputs, estimator.predict, chances)


def _is_pickle(path: Path) -> bool:
    return path.suffix in PICKLES or path.read_bytes()[:2] != b"PK"


def _from_skops(path: Path) -> Any:
    skops = importlib.import_module("skops.io")
    unknown = sorted(set(skops.get_untrusted_types(file=path)) - set(TRUSTED))
    if unknown:
        raise ModelRefused(f"It is made of classes that nobody has reviewed: {_some(unknown)}.")
    return skops.load(path, trusted=list(TRUSTED))


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _unpickled(path: Path, allow_pickle: bool) -> Any:  # noqa: FBT001 - passed through
    if not allow_pickle:
        raise ModelRefused(
            "It is a pickle, which can run code while it is opened: only an approved version's is. "
            "Log the model as skops, ONNX or in its native format, or have it approved first."
        )
    if path.suffix == ".joblib":
        return importlib.import_module("joblib").load(path)
    loader = importlib.import_module("cloudpickle")
    with path.open("rb") as file:
        return loader.load(file)


def _xgboost(folder: Path, facts: dict[str, Any], inputs: Any, allow_pickle: bool) -> Loaded:  # noqa: FBT001 - all openers alike
    path = _path(folder, facts.get("data"))
    if _named_pickle(path):
        return _estimator("xgboost", _unpickled(path, allow_pickle), inputs)
    xgboost = importlib.import_module("xgboost")
    kinds = {"XGBClassifier": xgboost.XGBClassifier, "XGBRegressor": xgboost.XGBRegressor}
    kind = kinds.get(str(facts.get("model_class", "")).rsplit(".", 1)[-1])
    if kind is not None:
        estimator = kind(n_jobs=1)
        estimator.load_model(path)
        return _estimator("xgboost", estimator, inputs)
    booster = xgboost.Booster()
    booster.load_model(path)
    return _booster("xgboost", booster, inputs, lambda rows: booster.predict(xgboost.DMatrix(rows)))


def _lightgbm(folder: Path, facts: dict[str, Any], inputs: Any, allow_pickle: bool) -> Loaded:  # noqa: FBT001 - all openers alike
    path = _path(folder, facts.get("data"))
    if _named_pickle(path):
        return _estimator("lightgbm", _unpickled(path, allow_pickle), inputs)
    if path.suffix == ".skops":
        importlib.import_module("lightgbm")
        return _estimator("lightgbm", _from_skops(path), inputs)
    booster = importlib.import_module("lightgbm").Booster(model_file=str(path))
    return _booster("lightgbm", booster, inputs, lambda rows: booster.predict(rows, num_threads=1))


def _named_pickle(path: Path) -> bool:
    return path.suffix in PICKLES


def _booster(flavour: str, booster: Any, inputs: Any, scores: Any) -> Loaded:
    """A booster without its wrapper answers chances itself, if it was trained on classes."""
    return Loaded(flavour, booster, inputs, scores, scores if _of_classes(booster) else None)


def _of_classes(booster: Any) -> bool:
    if hasattr(booster, "save_config"):
        told = booster.save_config()
    else:
        told = booster.model_to_string(num_iteration=1)
    return "binary" in told or "multi:softprob" in told or "multiclass" in told


def _onnx(folder: Path, facts: dict[str, Any], inputs: Any, _allow_pickle: bool) -> Loaded:  # noqa: FBT001 - all openers alike
    runtime = importlib.import_module("onnxruntime")
    runtime.set_default_logger_severity(ONLY_ERRORS)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    path = _path(folder, facts.get("data"))
    session = runtime.InferenceSession(path.read_bytes(), options, ["CPUExecutionProvider"])
    outputs = [one.name for one in session.get_outputs()]

    def run(rows: Any, output: int) -> Any:
        return session.run([outputs[output]], _fed(session, rows))[0]

    chances = (lambda rows: run(rows, 1)) if len(outputs) > 1 else None
    return Loaded("onnx", session, inputs, lambda rows: np.squeeze(run(rows, 0)), chances)


ONNX_TYPES: dict[str, Any] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
    "tensor(string)": object,
}


def _fed(session: Any, rows: Any) -> dict[str, Any]:
    """One matrix for a model with one input, one column each for a model with many."""
    asked = session.get_inputs()
    if len(asked) == 1:
        return {asked[0].name: rows.to_numpy(ONNX_TYPES[asked[0].type])}
    return {one.name: rows[one.name].to_numpy(ONNX_TYPES[one.type]).reshape(-1, 1) for one in asked}


def _safetensors(folder: Path, facts: dict[str, Any], inputs: Any, _allow_pickle: bool) -> Loaded:  # noqa: FBT001 - all openers alike
    networks = importlib.import_module("sandbox.inside.networks")
    content = _path(folder, facts.get("data")).read_bytes()
    found = networks.network(content, facts.get("layers"))
    chances = found.answer if found.tells_chances else None
    return Loaded("safetensors", found, inputs, found.classes if chances else found.answer, chances)


def _calibrated(folder: Path, facts: dict[str, Any], inputs: Any, allow_pickle: bool) -> Loaded:  # noqa: FBT001 - all openers alike
    """Its parent's answers with other chances: the parent's files and a map written as numbers."""
    calibration = chance_map(json.loads(_path(folder, facts.get("map")).read_bytes()))
    inside = _path(folder, f"{facts.get('parent')}/MLmodel").parent
    if inside == folder.resolve():
        raise ModelRefused("A calibrated model cannot be its own parent.")
    parent = load(inside, allow_pickle=allow_pickle)
    if parent.chances is None:
        raise ModelRefused("Its parent tells no chances, so there is nothing to calibrate.")

    def chances(rows: Any) -> np.ndarray[Any, Any]:
        found = parent.probabilities(rows)
        return calibration(np.asarray(found)[:, -1])

    return Loaded("ombud_calibrated", None, inputs, parent.predict, chances)


OPENERS: dict[str, Any] = {
    "onnx": _onnx,
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
    "sklearn": _sklearn,
    "safetensors": _safetensors,
    "ombud_calibrated": _calibrated,
}
