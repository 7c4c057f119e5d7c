"""Runs of MLflow and where the bytes of a version are: the other half of `mlflow.py`.

MLflow 3 keeps a logged model beside its run, older versions inside the run's artifacts; both are
found here by the name that the model was logged under.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from registry.gateways import mlflow
from registry.gateways import mlflow_artifacts as artifacts
from registry.gateways.mlflow_http import (
    MlflowRefused,
    MlflowUnavailable,
    call,
    record_in,
    records,
    text,
)

MAX_LISTED = 500


@dataclass(frozen=True)
class MlflowRun:
    """A run as MLflow tells it; metrics as text, because not every one is a finite number."""

    run_id: str
    status: str
    users: tuple[str, ...]
    artifact_uri: str
    params: Mapping[str, str] = field(default_factory=dict)
    metrics: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    model_ids: tuple[str, ...] = ()


def get_run(run_id: str, *, base_url: str | None = None) -> MlflowRun:
    """The run.

    Raises:
        MlflowRefused: there is no such run.
    """
    answer = call("GET", "/mlflow/runs/get", base_url=base_url, query={"run_id": run_id})
    run = record_in(answer, "run")
    info, data = record_in(run, "info"), _maybe(run, "data")
    tags = _pairs(data, "tags")
    users = {text(info, "user_id", most=256), tags.get("mlflow.user", "")}
    outputs = records(_maybe(run, "outputs"), "model_outputs")
    return MlflowRun(
        run_id=text(info, "run_id", most=100, required=True),
        status=text(info, "status", most=60),
        users=tuple(sorted(users - {""})),
        artifact_uri=text(info, "artifact_uri", most=2000, required=True),
        params=_pairs(data, "params"),
        metrics=_pairs(data, "metrics"),
        tags=tags,
        model_ids=tuple(text(one, "model_id", most=100, required=True) for one in outputs),
    )


def location_in_run(run: MlflowRun, path: str, *, base_url: str | None = None) -> str:
    """The address of the model that the run logged under this name or path.

    Raises:
        MlflowRefused: the run logged nothing there.
    """
    artifacts.safe_path(path)
    for model_id in run.model_ids[:MAX_LISTED]:
        answer = call("GET", f"/mlflow/logged-models/{_id(model_id)}", base_url=base_url)
        info = record_in(record_in(answer, "model"), "info")
        if text(info, "name", most=500) == path:
            return text(info, "artifact_uri", most=2000, required=True)
    inside = f"{run.artifact_uri.rstrip('/')}/{path}"
    if not artifacts.list_files(inside, base_url=base_url):
        raise MlflowRefused(404, f"The run {run.run_id} logged nothing under {path}.", "NO_FILES")
    return inside


def location_of_version(name: str, version: int, *, base_url: str | None = None) -> str:
    return mlflow.download_uri(name, version, base_url=base_url)


def list_at(location: str, *, base_url: str | None = None) -> tuple[artifacts.ArtifactFile, ...]:
    return artifacts.list_files(location, base_url=base_url)


def read_at(location: str, path: str, *, base_url: str | None = None) -> Iterator[bytes]:
    """The bytes of one file in pieces of at most 1 MiB."""
    return artifacts.read_file(location, path, base_url=base_url)


def _id(model_id: str) -> str:
    if not model_id.replace("-", "").isalnum():
        raise MlflowUnavailable("MLflow named a logged model in an unknown form.")
    return model_id


def _maybe(record: Mapping[str, Any], key: str) -> dict[str, Any]:
    return record_in(record, key) if record.get(key) else {}


def _pairs(record: Mapping[str, Any], key: str) -> dict[str, str]:
    """Keys and values as text, at most 500 of them, long ones cut: they are shown, not used."""
    return {
        str(item.get("key", ""))[:250]: str(item.get("value", ""))[:2000]
        for item in records(record, key)[:MAX_LISTED]
    }
