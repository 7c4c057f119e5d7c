"""What the demonstration's models share: a fitted model, and its way into MLflow."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from demo.fields import Field

SEED = 2013
# skops rebuilds boosted trees from this class. Reviewed: it keeps NumPy arrays (nodes, thresholds,
# bit sets) and its methods only walk them; it runs no code on loading.
TREES = ("sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",)
LOGGED_AS = "model"
IMPORTANCE_ROWS = 4_000
PACKAGES = ("scikit-learn", "skops", "numpy", "pandas")


@dataclass(frozen=True)
class Trained:
    """One fitted version and everything Ombud wants to know of it.

    `reference` holds rows that the version was not trained on, with the columns of the prediction
    log and the outcome; `trusted_types` are the classes skops may rebuild, reviewed one by one.
    """

    model: str
    label: str
    task: str
    description: str
    estimator: Any
    features: tuple[str, ...]
    fields: tuple[Field, ...]
    reference: pa.Table
    metrics: Mapping[str, float]
    training_rows: int
    example: pd.DataFrame
    threshold: float | None = None
    trusted_types: tuple[str, ...] = ()
    params: Mapping[str, str] = field(default_factory=dict)
    code: tuple[Path, ...] = ()

    @property
    def schema(self) -> list[dict[str, Any]]:
        return [one.as_json() for one in self.fields]


@dataclass(frozen=True)
class Published:
    """Where MLflow keeps it; version 0 is not registered there, only logged in its run."""

    model: str
    version: int
    run_id: str
    model_id: str


def split(rows: pd.DataFrame, share: float) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two parts drawn at random, the same ones every time."""
    chosen = np.random.default_rng(SEED).random(len(rows)) < share
    return rows[chosen], rows[~chosen]


def importances(estimator: Any, rows: pd.DataFrame, truth: Any, scoring: str) -> dict[str, float]:
    """How much worse a score becomes when a feature's values are shuffled, as metrics of a run."""
    from sklearn.inspection import permutation_importance

    few = rows.iloc[:IMPORTANCE_ROWS]
    with one_thread():
        found = permutation_importance(
            estimator, few, truth[: len(few)], scoring=scoring, n_repeats=2, random_state=SEED
        )
    pairs = zip(rows.columns, found.importances_mean, strict=True)
    return {f"importance.{name}": max(float(value), 0.0) for name, value in pairs}


@contextmanager
def one_thread() -> Iterator[None]:
    """Small trees fit fastest in one thread: several wait for each other on a busy machine."""
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # has no types

    with threadpool_limits(limits=1):
        yield


def publish(trained: Trained, *, tracking_uri: str) -> Published:
    """Log the model with signature and input example, and register it as a new version."""
    with _quiet_mlflow():
        logged = publish_run(trained, tracking_uri=tracking_uri)
        import mlflow

        number = _register(mlflow.MlflowClient(), trained, logged.model_id, logged.run_id)
    return replace(logged, version=number)


def publish_run(trained: Trained, *, tracking_uri: str) -> Published:
    """Log the model as `model` in a run and leave it unregistered: its version is 0."""
    with _quiet_mlflow():
        import mlflow
        import mlflow.sklearn
        from mlflow.models import infer_signature

        mlflow.set_tracking_uri(tracking_uri)
        mlflow.set_experiment(trained.model)
        with mlflow.start_run(run_name=f"{trained.model} {trained.label}") as run:
            mlflow.log_params({"training_rows": trained.training_rows, **trained.params})
            mlflow.log_metrics(dict(trained.metrics))
            info = mlflow.sklearn.log_model(
                trained.estimator,
                name=LOGGED_AS,
                signature=infer_signature(trained.example, _answer(trained, trained.example)),
                input_example=trained.example.head(3),
                pyfunc_predict_fn=_predict_function(trained),
                skops_trusted_types=list(trained.trusted_types),
                code_paths=[str(path) for path in trained.code] or None,
                pip_requirements=[f"{name}=={version(name)}" for name in PACKAGES],
            )
    return Published(trained.model, 0, run.info.run_id, info.model_id)


def _register(client: Any, trained: Trained, model_id: str, run_id: str) -> int:
    """The next version of the registered model, which is created with its first one."""
    from mlflow.exceptions import RestException

    try:
        client.create_registered_model(trained.model)
    except RestException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    made = client.create_model_version(
        trained.model,
        source=f"models:/{model_id}",
        run_id=run_id,
        model_id=model_id,
        tags={"label": trained.label},
        description=trained.description,
        await_creation_for=0,
    )
    return int(made.version)


def _answer(trained: Trained, rows: pd.DataFrame) -> Any:
    return getattr(trained.estimator, _predict_function(trained))(rows)


def _predict_function(trained: Trained) -> str:
    return "predict" if trained.task == "regression" else "predict_proba"


@contextmanager
def _quiet_mlflow() -> Iterator[None]:
    """No telemetry, no links on the terminal, no search for a git program, not our lock file."""
    wanted = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_UV_AUTO_DETECT": "false",
        "MLFLOW_LOG_UV_FILES": "false",
        "GIT_PYTHON_REFRESH": "quiet",
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    logger = logging.getLogger("mlflow")
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
