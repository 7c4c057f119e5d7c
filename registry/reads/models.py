"""Models as pages and the API show them: with their roles, versions and what MLflow said last."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count
from django.shortcuts import get_object_or_404

from ledger.models import Job, JobState
from registry.models import Deployment, Model, Version
from registry.reads.deployments import Period, periods_of
from registry.states import DeploymentRole


@dataclass(frozen=True)
class RoleHeld:
    """A role in force."""

    number: int
    role: str
    environment: str


@dataclass(frozen=True)
class MlflowSeen:
    """What MLflow said last of a model, and since when it is not heard of (error not empty)."""

    name: str
    at: datetime | None
    pushed_at: datetime | None
    error: str
    aliases: Mapping[str, int] = field(default_factory=dict)
    drift: Sequence[Mapping[str, Any]] = ()
    repaired: Sequence[Mapping[str, Any]] = ()
    unregistered: Sequence[int] = ()
    missing: Sequence[int] = ()


@dataclass(frozen=True)
class ModelRow:
    """One line of the list of models."""

    id: int
    slug: str
    name: str
    purpose: str
    team: str
    team_slug: str
    owner: str
    owner_email: str
    task: str
    risk_tier: str
    kpis: Sequence[str]
    requirements: Sequence[str]
    components: Sequence[str]
    outcome_horizon_hours: int
    created_at: datetime
    changed_at: datetime
    versions: int
    roles: tuple[RoleHeld, ...]
    mlflow: MlflowSeen | None

    @property
    def champion(self) -> int | None:
        """Number of the champion in production."""
        return next(
            (
                held.number
                for held in self.roles
                if (held.role, held.environment) == (DeploymentRole.CHAMPION, "production")
            ),
            None,
        )


@dataclass(frozen=True)
class VersionRow:
    """One version in the list of its model."""

    id: int
    number: int
    stage: str
    summary: str
    mlflow_version: int | None
    artifact_digest: str
    inspect_error: str
    parent: int | None
    registered_by: str
    created_at: datetime
    stage_since: datetime
    roles: tuple[RoleHeld, ...]


@dataclass(frozen=True)
class ModelDetail:
    """A model with its versions and everything that ever served."""

    row: ModelRow
    versions: tuple[VersionRow, ...]
    periods: tuple[Period, ...]


def rows_of(models: Sequence[Model]) -> list[ModelRow]:
    """These models as rows. Two queries for any number, if team and owner are selected."""
    keys = [model.pk for model in models]
    counted = dict(
        Version.objects.filter(model__in=keys)
        .order_by()
        .values_list("model_id")
        .annotate(Count("pk"))
    )
    held = _roles(keys)
    return [_row(model, counted.get(model.pk, 0), tuple(held[model.pk])) for model in models]


def models_for(user: Any) -> list[ModelRow]:
    """Every model that the user may see, by name. Three queries."""
    return rows_of(list(Model.objects.visible_to(user).select_related("team", "owner")))


def model_row(user: Any, slug: str) -> ModelRow:
    """One model without its versions. Three queries.

    Raises:
        Http404: there is none of this name that the user may see.
    """
    return rows_of([_visible(user, slug)])[0]


def _visible(user: Any, slug: str) -> Model:
    return get_object_or_404(
        Model.objects.visible_to(user).select_related("team", "owner"), slug=slug
    )


def model_detail(user: Any, slug: str) -> ModelDetail:
    """One model with its versions, newest first. Five queries.

    Raises:
        Http404: there is none of this name that the user may see.
    """
    model = _visible(user, slug)
    row = rows_of([model])[0]
    return ModelDetail(row, tuple(_versions(model, row.roles)), tuple(periods_of(model.pk)))


def _versions(model: Model, roles: Sequence[RoleHeld]) -> list[VersionRow]:
    found = Version.objects.filter(model=model).select_related("parent", "registered_by")
    return [version_row(version, roles) for version in found.order_by("-number")]


def version_row(version: Version, roles: Sequence[RoleHeld] = ()) -> VersionRow:
    """A version as a row, with those of these roles that it holds."""
    return VersionRow(
        id=version.pk,
        number=version.number,
        stage=version.stage,
        summary=version.summary,
        mlflow_version=version.mlflow_version,
        artifact_digest=version.artifact_digest,
        inspect_error=version.inspect_error,
        parent=version.parent.number if version.parent else None,
        registered_by=version.registered_by.name if version.registered_by else "Ombud",
        created_at=version.created_at,
        stage_since=version.stage_since,
        roles=tuple(held for held in roles if held.number == version.number),
    )


def _roles(model_ids: Sequence[int]) -> defaultdict[int, list[RoleHeld]]:
    held: defaultdict[int, list[RoleHeld]] = defaultdict(list)
    rows = (
        Deployment.objects.filter(model__in=model_ids, ended_at__isnull=True)
        .order_by("environment", "role", "started_at")
        .values_list("model_id", "version__number", "role", "environment")
    )
    for model_id, number, role, environment in rows:
        held[model_id].append(RoleHeld(number, role, environment))
    return held


def _row(model: Model, versions: int, roles: tuple[RoleHeld, ...]) -> ModelRow:
    return ModelRow(
        id=model.pk,
        slug=model.slug,
        name=model.name,
        purpose=model.purpose,
        team=model.team.name,
        team_slug=model.team.slug,
        owner=model.owner.name,
        owner_email=model.owner.email,
        task=model.task,
        risk_tier=model.risk_tier,
        kpis=tuple(model.kpis),
        requirements=tuple(model.requirements),
        components=tuple(model.components),
        outcome_horizon_hours=model.outcome_horizon_hours,
        created_at=model.created_at,
        changed_at=model.changed_at,
        versions=versions,
        roles=roles,
        mlflow=_mlflow(model),
    )


def being_told(model_id: int) -> bool:
    """Whether a change is on its way to MLflow, so that its aliases follow. One query."""
    waiting = (JobState.DUE, JobState.RUNNING)
    return Job.objects.filter(kind="registry.push", key=str(model_id), state__in=waiting).exists()


def _mlflow(model: Model) -> MlflowSeen | None:
    if model.mlflow_name is None:
        return None
    seen = model.mlflow_seen
    return MlflowSeen(
        name=model.mlflow_name,
        at=model.mlflow_seen_at,
        pushed_at=model.mlflow_pushed_at,
        error=model.mlflow_error,
        aliases=seen.get("aliases", {}),
        drift=seen.get("drift", []),
        repaired=seen.get("repaired", []),
        unregistered=seen.get("unregistered", []),
        missing=seen.get("missing", []),
    )
