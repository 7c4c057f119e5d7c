"""Deleting in MLflow: a version that was archived, and its artifacts. Nothing else is deleted."""

from urllib.parse import quote

from registry.gateways.mlflow_artifacts import PROXY, proxied_root, safe_path
from registry.gateways.mlflow_http import TRANSFER_SECONDS, MlflowRefused, call, send

GONE = frozenset({"RESOURCE_DOES_NOT_EXIST"})


def delete_version(name: str, version: int, *, base_url: str | None = None) -> None:
    """Delete one version for good; one that is gone already is fine."""
    body = {"name": name, "version": str(version)}
    try:
        call("DELETE", "/mlflow/model-versions/delete", base_url=base_url, body=body)
    except MlflowRefused as refusal:
        if refusal.code not in GONE:
            raise


def delete_file(artifact_uri: str, path: str, *, base_url: str | None = None) -> None:
    """Delete one file through MLflow's proxy; one that is gone already is fine."""
    root = proxied_root(artifact_uri, base_url=base_url)
    address = f"{PROXY}/{quote(f'{root}/{safe_path(path)}')}"
    try:
        send("DELETE", address, base_url=base_url, silence=TRANSFER_SECONDS).close()
    except MlflowRefused as refusal:
        if refusal.status != 404:
            raise
