"""A trained model into MLflow: a run with parameters, metrics and lineage, its files, a version."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from registry.gateways import mlflow
from registry.gateways import mlflow_artifacts as artifacts
from registry.gateways.mlflow_answers import MlflowVersion
from registry.gateways.mlflow_http import MlflowRefused, call, record_in, text

LOGGED_AS = "model"
MOST = 100


@dataclass(frozen=True)
class TrainedModel:
    """What is logged: files by artifact path, and what is known of how they came about."""

    name: str
    run_name: str
    files: Mapping[str, Path]
    description: str
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


def version_with(name: str, tag: str, value: str) -> MlflowVersion | None:
    """The version that carries a tag: what an interrupted attempt has made."""
    if mlflow.get_model(name) is None:
        return None
    for there in mlflow.search_versions(name):
        if there.tags.get(tag) == value and there.status == "READY":
            return there
    return None


def log_model(trained: TrainedModel) -> MlflowVersion:
    """Log the model in a run of its own and register it as the next version of its name."""
    for path in trained.files:
        artifacts.safe_path(path)
    mlflow.ensure_model(trained.name)
    run_id, run_uri = _run(trained)
    _log(run_id, trained)
    for path, local in sorted(trained.files.items()):
        with local.open("rb") as content:
            artifacts.write_file(f"{run_uri}/{LOGGED_AS}", path, content)
    _finish(run_id)
    return mlflow.create_version(
        trained.name,
        source=f"{run_uri}/{LOGGED_AS}",
        run_id=run_id,
        description=trained.description,
        tags=trained.tags,
    )


def _run(trained: TrainedModel) -> tuple[str, str]:
    body = {
        "experiment_id": _experiment(trained.name),
        "run_name": trained.run_name,
        "start_time": _now(),
        "tags": _pairs(trained.tags),
    }
    info = record_in(record_in(call("POST", "/mlflow/runs/create", body=body), "run"), "info")
    run_id = text(info, "run_id", most=100, required=True)
    return run_id, text(info, "artifact_uri", most=2000, required=True)


def _log(run_id: str, trained: TrainedModel) -> None:
    metrics = [
        {"key": key, "value": value, "timestamp": _now(), "step": 0}
        for key, value in list(trained.metrics.items())[:MOST]
    ]
    body = {"run_id": run_id, "metrics": metrics, "params": _pairs(trained.params), "tags": []}
    call("POST", "/mlflow/runs/log-batch", body=body)


def _finish(run_id: str) -> None:
    body = {"run_id": run_id, "status": "FINISHED", "end_time": _now()}
    call("POST", "/mlflow/runs/update", body=body)


def _experiment(name: str) -> str:
    """The experiment named like the model, made if it is not there."""
    query = {"experiment_name": name}
    try:
        answer = call("GET", "/mlflow/experiments/get-by-name", query=query)
        return text(record_in(answer, "experiment"), "experiment_id", most=100, required=True)
    except MlflowRefused as refusal:
        if refusal.code != "RESOURCE_DOES_NOT_EXIST":
            raise
    made = call("POST", "/mlflow/experiments/create", body={"name": name})
    return text(made, "experiment_id", most=100, required=True)


def _pairs(found: Mapping[str, str]) -> list[dict[str, str]]:
    items = list(found.items())[:MOST]
    return [{"key": key[:250], "value": value[:2000]} for key, value in items]


def _now() -> int:
    return int(time.time() * 1000)
