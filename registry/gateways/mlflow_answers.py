"""MLflow's answers as frozen objects, checked on the way in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from registry.gateways.mlflow_http import MlflowUnavailable, number, records, text


@dataclass(frozen=True)
class MlflowVersion:
    """A model version as MLflow tells it; times in milliseconds since 1970, UTC."""

    name: str
    version: int
    source: str
    run_id: str
    model_id: str
    status: str
    status_message: str
    description: str
    user_id: str
    stage: str
    created_ms: int
    updated_ms: int
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True)
class MlflowModel:
    """A registered model; an alias may name a version that is gone."""

    name: str
    description: str
    created_ms: int
    updated_ms: int
    tags: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class MlflowWebhook:
    webhook_id: str
    name: str
    url: str
    events: tuple[str, ...]
    active: bool


def version_from(answer: Mapping[str, Any]) -> MlflowVersion:
    return MlflowVersion(
        name=text(answer, "name", most=256, required=True),
        version=number(answer, "version", most=2**31),
        source=text(answer, "source", most=2000),
        run_id=text(answer, "run_id", most=100),
        model_id=text(answer, "model_id", most=100),
        status=text(answer, "status", most=100),
        status_message=text(answer, "status_message", most=20_000),
        description=text(answer, "description", most=100_000),
        user_id=text(answer, "user_id", most=256),
        stage=text(answer, "current_stage", most=100),
        created_ms=number(answer, "creation_timestamp"),
        updated_ms=number(answer, "last_updated_timestamp"),
        tags=_tags(answer),
        aliases=_alias_names(answer),
    )


def model_from(answer: Mapping[str, Any]) -> MlflowModel:
    return MlflowModel(
        name=text(answer, "name", most=256, required=True),
        description=text(answer, "description", most=100_000),
        created_ms=number(answer, "creation_timestamp"),
        updated_ms=number(answer, "last_updated_timestamp"),
        tags=_tags(answer),
        aliases={
            text(item, "alias", most=256, required=True): number(item, "version", most=2**31)
            for item in records(answer, "aliases")
        },
    )


def webhook_from(answer: Mapping[str, Any]) -> MlflowWebhook:
    return MlflowWebhook(
        webhook_id=text(answer, "webhook_id", most=256, required=True),
        name=text(answer, "name", most=256),
        url=text(answer, "url", most=2000),
        events=tuple(
            f"{text(item, 'entity', most=60)}.{text(item, 'action', most=60)}".lower()
            for item in records(answer, "events")
        ),
        active=text(answer, "status", most=60) == "ACTIVE",
    )


def _tags(answer: Mapping[str, Any]) -> dict[str, str]:
    return {
        text(item, "key", most=1000, required=True): text(item, "value", most=100_000)
        for item in records(answer, "tags")
    }


def _alias_names(answer: Mapping[str, Any]) -> tuple[str, ...]:
    found = answer.get("aliases", [])
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise MlflowUnavailable("MLflow's answer has no usable list in `aliases`.")
    return tuple(found)
