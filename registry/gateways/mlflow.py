"""MLflow behind plain functions: registered models, versions, aliases, tags, artifacts, webhooks.

Everything goes over MLflow's REST API; MLflow's own client is never imported here, because that
takes seconds and retries for minutes. Every function takes `base_url` and falls back to
`settings.MLFLOW_TRACKING_URI`, and raises `MlflowUnavailable` (try again later) or `MlflowRefused`
(asking again will not help). Nothing here deletes a model, a version or an artifact:
that is `registry.gateways.mlflow_removal`, for versions that were archived.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from registry.gateways import mlflow_artifacts as artifacts
from registry.gateways.mlflow_answers import (
    MlflowModel,
    MlflowVersion,
    MlflowWebhook,
    model_from,
    version_from,
    webhook_from,
)
from registry.gateways.mlflow_artifacts import ArtifactFile, UnsafeArtifactPath
from registry.gateways.mlflow_http import (
    MlflowRefused,
    MlflowUnavailable,
    call,
    record_in,
    records,
    text,
)
from registry.gateways.mlflow_webhooks import WebhookDelivery, WebhookInvalid, verify_webhook

__all__ = [
    "ArtifactFile",
    "MlflowModel",
    "MlflowRefused",
    "MlflowUnavailable",
    "MlflowVersion",
    "MlflowWebhook",
    "UnsafeArtifactPath",
    "WebhookDelivery",
    "WebhookInvalid",
    "create_model",
    "create_version",
    "create_webhook",
    "delete_alias",
    "delete_version_tag",
    "delete_webhook",
    "download_uri",
    "ensure_model",
    "get_model",
    "get_version",
    "get_version_by_alias",
    "is_up",
    "list_artifacts",
    "list_webhooks",
    "read_artifact",
    "replace_webhook",
    "restore_version",
    "search_models",
    "search_versions",
    "set_alias",
    "set_model_tag",
    "set_version_tag",
    "upload_files",
    "verify_webhook",
]

PAGE = 200
MAX_PAGES = 100
RESTORE_EXPERIMENT = "ombud-restored"
WEBHOOK_EVENTS = (
    "registered_model.created",
    "model_version.created",
    "model_version_tag.set",
    "model_version_tag.deleted",
    "model_version_alias.created",
    "model_version_alias.deleted",
)


def is_up(*, base_url: str | None = None) -> bool:
    """Does MLflow answer a small question right now?"""
    try:
        call("GET", "/mlflow/registered-models/search", base_url=base_url, query={"max_results": 1})
    except (MlflowUnavailable, MlflowRefused):
        return False
    return True


def get_model(name: str, *, base_url: str | None = None) -> MlflowModel | None:
    query = {"name": name}
    answer = _found("/mlflow/registered-models/get", query=query, base_url=base_url)
    return None if answer is None else model_from(record_in(answer, "registered_model"))


def create_model(
    name: str,
    *,
    description: str = "",
    tags: Mapping[str, str] | None = None,
    base_url: str | None = None,
) -> MlflowModel:
    body = {"name": name, "description": description, "tags": _pairs(tags)}
    answer = call("POST", "/mlflow/registered-models/create", base_url=base_url, body=body)
    return model_from(record_in(answer, "registered_model"))


def ensure_model(name: str, *, description: str = "", base_url: str | None = None) -> MlflowModel:
    """The model, created if it was missing; may be called twice at once without harm."""
    found = get_model(name, base_url=base_url)
    if found is not None:
        return found
    try:
        return create_model(name, description=description, base_url=base_url)
    except MlflowRefused as refusal:
        if refusal.code != "RESOURCE_ALREADY_EXISTS":
            raise
    found = get_model(name, base_url=base_url)
    if found is None:
        raise MlflowUnavailable(f"MLflow says that model {name} exists and does not show it.")
    return found


def search_models(*, base_url: str | None = None) -> list[MlflowModel]:
    pages = _pages("/mlflow/registered-models/search", "registered_models", "", base_url)
    return [model_from(item) for item in pages]


def get_version(name: str, version: int, *, base_url: str | None = None) -> MlflowVersion | None:
    query = {"name": name, "version": str(version)}
    answer = _found("/mlflow/model-versions/get", query=query, base_url=base_url)
    return None if answer is None else version_from(record_in(answer, "model_version"))


def get_version_by_alias(
    name: str, alias: str, *, base_url: str | None = None
) -> MlflowVersion | None:
    """The version behind the alias; None when the alias, or what it points to, is gone."""
    query = {"name": name, "alias": alias}
    try:
        answer = _found("/mlflow/registered-models/alias", query=query, base_url=base_url)
    except MlflowRefused as refusal:
        # MLflow answers a missing alias with 400 INVALID_PARAMETER_VALUE, not with 404.
        if refusal.status == 400 and "not found" in refusal.message.lower():
            return None
        raise
    return None if answer is None else version_from(record_in(answer, "model_version"))


def search_versions(name: str, *, base_url: str | None = None) -> list[MlflowVersion]:
    """Every version of the model, newest first."""
    mark = '"' if "'" in name else "'"
    if mark in name:
        raise MlflowRefused(400, "MLflow cannot search a name with both kinds of quotes.")
    wanted = f"name={mark}{name}{mark}"
    found = [
        version_from(item)
        for item in _pages("/mlflow/model-versions/search", "model_versions", wanted, base_url)
    ]
    return sorted(found, key=lambda version: version.version, reverse=True)


def create_version(
    name: str,
    *,
    source: str,
    run_id: str = "",
    model_id: str = "",
    description: str = "",
    tags: Mapping[str, str] | None = None,
    base_url: str | None = None,
) -> MlflowVersion:
    body: dict[str, object] = {"name": name, "source": source, "description": description}
    body |= {"tags": _pairs(tags)}
    # An empty id is not the same as no id: MLflow would look for a run with an empty name.
    body |= {key: value for key, value in (("run_id", run_id), ("model_id", model_id)) if value}
    answer = call("POST", "/mlflow/model-versions/create", base_url=base_url, body=body)
    return version_from(record_in(answer, "model_version"))


def download_uri(name: str, version: int, *, base_url: str | None = None) -> str:
    query = {"name": name, "version": str(version)}
    path = "/mlflow/model-versions/get-download-uri"
    answer = call("GET", path, base_url=base_url, query=query)
    return text(answer, "artifact_uri", most=2000, required=True)


def list_artifacts(
    name: str, version: int, *, base_url: str | None = None
) -> tuple[ArtifactFile, ...]:
    uri = download_uri(name, version, base_url=base_url)
    return artifacts.list_files(uri, base_url=base_url)


def read_artifact(
    name: str,
    version: int,
    path: str,
    *,
    max_bytes: int = artifacts.MAX_FILE_BYTES,
    base_url: str | None = None,
) -> Iterator[bytes]:
    """The bytes of one file in pieces of at most 1 MiB."""
    artifacts.safe_path(path)
    uri = download_uri(name, version, base_url=base_url)
    return artifacts.read_file(uri, path, max_bytes=max_bytes, base_url=base_url)


def set_alias(name: str, alias: str, version: int, *, base_url: str | None = None) -> None:
    body = {"name": name, "alias": alias, "version": str(version)}
    call("POST", "/mlflow/registered-models/alias", base_url=base_url, body=body)


def delete_alias(name: str, alias: str, *, base_url: str | None = None) -> None:
    """Take the alias away; one that is not there is fine."""
    body = {"name": name, "alias": alias}
    with _gone_is_fine():
        call("DELETE", "/mlflow/registered-models/alias", base_url=base_url, body=body)


def set_model_tag(name: str, key: str, value: str, *, base_url: str | None = None) -> None:
    body = {"name": name, "key": key, "value": value}
    call("POST", "/mlflow/registered-models/set-tag", base_url=base_url, body=body)


def set_version_tag(
    name: str, version: int, key: str, value: str, *, base_url: str | None = None
) -> None:
    body = {"name": name, "version": str(version), "key": key, "value": value}
    call("POST", "/mlflow/model-versions/set-tag", base_url=base_url, body=body)


def delete_version_tag(name: str, version: int, key: str, *, base_url: str | None = None) -> None:
    body = {"name": name, "version": str(version), "key": key}
    with _gone_is_fine():
        call("DELETE", "/mlflow/model-versions/delete-tag", base_url=base_url, body=body)


def restore_version(
    name: str,
    files: Mapping[str, Path],
    *,
    description: str = "",
    tags: Mapping[str, str] | None = None,
    base_url: str | None = None,
) -> MlflowVersion:
    """A new version made of these files (artifact path -> local file), in a run of its own."""
    run_id, source = upload_files(name, files, base_url=base_url)
    return create_version(
        name, source=source, run_id=run_id, description=description, tags=tags, base_url=base_url
    )


def upload_files(
    name: str,
    files: Mapping[str, Path],
    *,
    marks: Mapping[str, str] | None = None,
    base_url: str | None = None,
) -> tuple[str, str]:
    """The files (artifact path -> local file) in a run of MLflow; returns its id and their address.

    The bytes go up unchanged, so they hash the same as the archived ones. A run with these marks
    (tags without quotes) that an interrupted upload has begun is taken up again.
    """
    for path in files:
        artifacts.safe_path(path)
    ensure_model(name, base_url=base_url)
    run_id, run_uri = _run_for(f"restore of {name}", marks or {}, base_url)
    for path, local in sorted(files.items()):
        with local.open("rb") as content:
            artifacts.write_file(f"{run_uri}/model", path, content, base_url=base_url)
    _finish_run(run_id, base_url)
    return run_id, f"{run_uri}/model"


def create_webhook(
    name: str,
    url: str,
    secret: str,
    *,
    events: tuple[str, ...] = WEBHOOK_EVENTS,
    base_url: str | None = None,
) -> MlflowWebhook:
    wanted = [dict(zip(("entity", "action"), e.upper().split("."), strict=True)) for e in events]
    body = {"name": name, "url": url, "secret": secret, "events": wanted}
    answer = call("POST", "/mlflow/webhooks", base_url=base_url, body=body)
    return webhook_from(record_in(answer, "webhook"))


def list_webhooks(*, base_url: str | None = None) -> list[MlflowWebhook]:
    return [webhook_from(item) for item in _pages("/mlflow/webhooks", "webhooks", "", base_url)]


def delete_webhook(webhook_id: str, *, base_url: str | None = None) -> None:
    with _gone_is_fine():
        call("DELETE", f"/mlflow/webhooks/{quote(webhook_id, safe='')}", base_url=base_url)


def replace_webhook(
    name: str,
    url: str,
    secret: str,
    *,
    events: tuple[str, ...] = WEBHOOK_EVENTS,
    base_url: str | None = None,
) -> MlflowWebhook:
    """One webhook of this name, with this secret; MLflow never shows a secret, so no comparing."""
    for old in list_webhooks(base_url=base_url):
        if old.name == name:
            delete_webhook(old.webhook_id, base_url=base_url)
    return create_webhook(name, url, secret, events=events, base_url=base_url)


def _found(
    path: str, *, query: Mapping[str, str | int], base_url: str | None
) -> dict[str, Any] | None:
    try:
        return call("GET", path, base_url=base_url, query=query)
    except MlflowRefused as refusal:
        if refusal.status == 404 and refusal.code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


@contextmanager
def _gone_is_fine() -> Iterator[None]:
    """What should be deleted may be gone already."""
    try:
        yield
    except MlflowRefused as refusal:
        if refusal.code != "RESOURCE_DOES_NOT_EXIST":
            raise


def _pages(path: str, key: str, wanted: str, base_url: str | None) -> Iterator[dict[str, Any]]:
    token = ""
    for _ in range(MAX_PAGES):
        query: dict[str, str | int] = {"max_results": PAGE}
        query |= {"filter": wanted} if wanted else {}
        query |= {"page_token": token} if token else {}
        answer = call("GET", path, base_url=base_url, query=query)
        yield from records(answer, key)
        token = text(answer, "next_page_token")
        if not token:
            return
    raise MlflowUnavailable(f"MLflow's list {key} has more than {MAX_PAGES} pages.")


def _pairs(tags: Mapping[str, str] | None) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in sorted((tags or {}).items())]


def _experiment_id(base_url: str | None) -> str:
    """The experiment that holds restored versions, created when it is missing."""
    query = {"experiment_name": RESTORE_EXPERIMENT}
    answer = _found("/mlflow/experiments/get-by-name", query=query, base_url=base_url)
    if answer is not None:
        experiment = record_in(answer, "experiment")
        return text(experiment, "experiment_id", most=100, required=True)
    body = {"name": RESTORE_EXPERIMENT}
    try:
        answer = call("POST", "/mlflow/experiments/create", base_url=base_url, body=body)
    except MlflowRefused as refusal:
        if refusal.code != "RESOURCE_ALREADY_EXISTS":
            raise
        # Somebody else created it in between: now it is found, or MLflow contradicts itself.
        raise MlflowUnavailable("MLflow's restore experiment appeared; try again.") from refusal
    return text(answer, "experiment_id", most=100, required=True)


def _run_for(run_name: str, marks: Mapping[str, str], base_url: str | None) -> tuple[str, str]:
    """Id and address of the run with these marks, or of a new one."""
    experiment = _experiment_id(base_url)
    run = _marked_run(experiment, marks, base_url) if marks else None
    if run is None:
        body = {
            "experiment_id": experiment,
            "run_name": run_name,
            "start_time": int(time.time() * 1000),
            "tags": _pairs({"ombud.purpose": "restore", **marks}),
        }
        answer = call("POST", "/mlflow/runs/create", base_url=base_url, body=body)
        run = record_in(answer, "run")
    info = record_in(run, "info")
    run_id = text(info, "run_id", most=100, required=True)
    return run_id, text(info, "artifact_uri", most=2000, required=True)


def _marked_run(
    experiment: str, marks: Mapping[str, str], base_url: str | None
) -> dict[str, Any] | None:
    wanted = " and ".join(f"tags.`{key}` = '{value}'" for key, value in marks.items())
    body = {"experiment_ids": [experiment], "filter": wanted, "max_results": 1}
    found = records(call("POST", "/mlflow/runs/search", base_url=base_url, body=body), "runs")
    return found[0] if found else None


def _finish_run(run_id: str, base_url: str | None) -> None:
    body = {"run_id": run_id, "status": "FINISHED", "end_time": int(time.time() * 1000)}
    call("POST", "/mlflow/runs/update", base_url=base_url, body=body)
