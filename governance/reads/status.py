"""Status answers as they would be now: of any number of models in a fixed number of queries."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

from audit.chain import plain, sha256_of
from governance.clearance_tokens import LIVES
from governance.models import (
    CardRevision,
    ChangeRequest,
    Clearance,
    Condition,
    RecommendationLook,
    SignOff,
)
from governance.reads.conditions import of_versions
from governance.reads.revalidations import said_by_revalidations
from governance.states import ClearanceState, RequestState
from monitoring.models import Health, Incident
from monitoring.states import IncidentState
from registry.models import Deployment, Model
from registry.states import DeploymentRole

DEFAULT_ENVIRONMENT = "production"
# Parts of an answer that change all the time without changing what it says.
TIMES = ("as_of",)


@dataclass
class _Material:
    """Rows of all asked models, by the key they are looked up with."""

    deployments: dict[tuple[int, str], list[Deployment]] = field(default_factory=dict)
    clearances: dict[tuple[int, str], Clearance] = field(default_factory=dict)
    health: dict[int, dict[str, Any]] = field(default_factory=dict)
    incidents: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    requests: dict[tuple[int, str], list[dict[str, Any]]] = field(default_factory=dict)
    approvals: dict[tuple[int, str], dict[str, Any]] = field(default_factory=dict)
    cards: dict[int, int] = field(default_factory=dict)
    conditions: dict[tuple[int, str], list[Condition]] = field(default_factory=dict)
    anew: dict[tuple[int, str], list[str]] = field(default_factory=dict)
    recommended: dict[tuple[int, str], dict[str, Any]] = field(default_factory=dict)


def answers(model_ids: Collection[int]) -> dict[tuple[int, str], dict[str, Any]]:
    """The answer of every model and environment, in types of JSON, without `as_of`."""
    models = Model.objects.in_bulk(list(model_ids))
    material = _material(model_ids)
    places = {(pk, DEFAULT_ENVIRONMENT) for pk in models} | _places(model_ids)
    return {
        (pk, environment): plain(_answer(models[pk], environment, material))
        for pk, environment in sorted(places)
    }


def etag_of(answer: dict[str, Any]) -> str:
    """Digest of what an answer says, whenever it was prepared and MLflow was seen."""
    said = {name: part for name, part in answer.items() if name not in TIMES}
    said["mlflow"] = {k: v for k, v in answer["mlflow"].items() if k != "seen_at"}
    return sha256_of(said)


def _places(model_ids: Collection[int]) -> set[tuple[int, str]]:
    """Environments that ever had a deployment: their answer must say that it ended."""
    rows = Deployment.objects.filter(model__in=model_ids).order_by()
    return set(rows.values_list("model_id", "environment").distinct())


def _material(model_ids: Collection[int]) -> _Material:
    serving = list(
        Deployment.objects.filter(model__in=model_ids, ended_at__isnull=True)
        .select_related("version")
        .order_by("started_at", "pk")
    )
    version_ids = {deployment.version_id for deployment in serving}
    return _Material(
        deployments=_grouped((d.model_id, d.environment, d) for d in serving),
        clearances=_clearances(version_ids),
        health=_health(version_ids),
        incidents=_incidents(model_ids),
        requests=_requests(model_ids),
        approvals=_approvals(model_ids),
        cards=_cards(version_ids),
        conditions=of_versions(version_ids),
        anew=said_by_revalidations(version_ids),
        recommended=_recommended(version_ids),
    )


def _grouped(rows: Iterable[tuple[int, str, Any]]) -> dict[tuple[int, str], list[Any]]:
    groups: dict[tuple[int, str], list[Any]] = defaultdict(list)
    for model_id, environment, row in rows:
        groups[(model_id, environment)].append(row)
    return groups


def _clearances(version_ids: Collection[int]) -> dict[tuple[int, str], Clearance]:
    rows = Clearance.objects.filter(version__in=version_ids, until__isnull=True)
    return {(row.version_id, row.environment): row for row in rows}


def _health(version_ids: Collection[int]) -> dict[int, dict[str, Any]]:
    health: dict[int, dict[str, Any]] = defaultdict(dict)
    for row in Health.objects.filter(version__in=version_ids).order_by("kind"):
        cell = {"verdict": row.verdict, "as_of": row.as_of, "summary": row.summary}
        health[row.version_id][row.kind] = cell
    return health


def _incidents(model_ids: Collection[int]) -> dict[int, list[dict[str, Any]]]:
    open_ones: dict[int, list[dict[str, Any]]] = defaultdict(list)
    rows = Incident.objects.filter(model__in=model_ids).exclude(state=IncidentState.RESOLVED)
    for row in rows.select_related("version").order_by("opened_at", "pk"):
        line = {
            "id": row.pk,
            "title": row.title,
            "version": row.version.number,
            "kind": row.kind,
            "severity": row.severity,
            "state": row.state,
            "opened_at": row.opened_at,
        }
        open_ones[row.model_id].append(line)
    return open_ones


def _requests(model_ids: Collection[int]) -> dict[tuple[int, str], list[dict[str, Any]]]:
    rows = ChangeRequest.objects.filter(
        model__in=model_ids, state__in=[RequestState.OPEN, RequestState.APPROVED]
    )
    lines = (
        (row.model_id, row.environment, _request_line(row))
        for row in rows.select_related("version").order_by("submitted_at", "pk")
    )
    return _grouped(lines)


def _request_line(row: ChangeRequest) -> dict[str, Any]:
    return {
        "id": row.pk,
        "kind": row.kind,
        "version": row.version.number,
        "state": row.state,
        "submitted_at": row.submitted_at,
    }


def _approvals(model_ids: Collection[int]) -> dict[tuple[int, str], dict[str, Any]]:
    approved = [RequestState.APPROVED, RequestState.EXECUTED, RequestState.FAILED]
    rows = list(
        ChangeRequest.objects.filter(model__in=model_ids, state__in=approved)
        .select_related("version")
        .order_by("model_id", "environment", "-decided_at", "-pk")
        .distinct("model_id", "environment")
    )
    signed: dict[int, list[dict[str, str]]] = defaultdict(list)
    signoffs = SignOff.objects.filter(request__in=rows, decision="approve")
    for signoff in signoffs.select_related("request").order_by("signed_at", "pk"):
        if signoff.signed_digest == signoff.request.digest:
            who = {"name": signoff.signed_as, "role": signoff.role}
            signed[signoff.request_id].append(who)
    return {
        (row.model_id, row.environment): {
            "request": row.pk,
            "kind": row.kind,
            "version": row.version.number,
            "at": row.decided_at,
            "by": signed[row.pk],
        }
        for row in rows
    }


def _cards(version_ids: Collection[int]) -> dict[int, int]:
    rows = CardRevision.objects.filter(card__version__in=version_ids).order_by(
        "card__version_id", "-number"
    )
    newest = rows.distinct("card__version_id")
    return dict(newest.values_list("card__version_id", "number"))


def _recommended(version_ids: Collection[int]) -> dict[tuple[int, str], dict[str, Any]]:
    """What is recommended for versions that serve, as it was stored last."""
    looks = RecommendationLook.objects.filter(version__in=version_ids)
    rows = looks.select_related("latest__table").values_list(
        "version_id",
        "environment",
        "latest_id",
        "latest__recommend",
        "latest__sentence",
        "latest__enough",
        "latest__rule",
        "latest__table__number",
        "latest__at",
    )
    names = ("id", "recommend", "sentence", "enough", "rule", "table", "since")
    return {(row[0], row[1]): dict(zip(names, row[2:], strict=True)) for row in rows}


def _answer(model: Model, environment: str, material: _Material) -> dict[str, Any]:
    key = (model.pk, environment)
    by_role: dict[str, list[Deployment]] = defaultdict(list)
    for deployment in material.deployments.get(key, []):
        by_role[deployment.role].append(deployment)
    champion = next(iter(by_role[DeploymentRole.CHAMPION]), None)
    return {
        "model": model.slug,
        "environment": environment,
        "champion": champion and _serving(champion, material),
        "challengers": [_serving(d, material) for d in by_role[DeploymentRole.CHALLENGER]],
        "shadows": [_serving(d, material) for d in by_role[DeploymentRole.SHADOW]],
        "clearance": {
            **_clearance(champion, environment, material),
            "on_expiry": LIVES[model.risk_tier].on_expiry,
        },
        "health": material.health.get(champion.version_id, {}) if champion else {},
        "recommendation": (
            material.recommended.get((champion.version_id, environment)) if champion else None
        ),
        "open_incidents": material.incidents.get(model.pk, []),
        "open_requests": material.requests.get(key, []),
        "last_approval": material.approvals.get(key),
        "card_version": material.cards.get(champion.version_id) if champion else None,
        "mlflow": _mlflow(model, environment, by_role),
    }


def _serving(deployment: Deployment, material: _Material) -> dict[str, Any]:
    return {
        "version": deployment.version.number,
        "artifact_digest": deployment.version.artifact_digest,
        "since": deployment.started_at,
        "traffic_share": deployment.traffic_share,
        "clearance": _clearance(deployment, deployment.environment, material)["state"],
        "recommendation": _word(deployment, material),
    }


def _word(deployment: Deployment, material: _Material) -> str | None:
    """What is recommended in one word; None until it was looked at."""
    found = material.recommended.get((deployment.version_id, deployment.environment))
    return str(found["recommend"]) if found else None


def _clearance(
    deployment: Deployment | None, environment: str, material: _Material
) -> dict[str, Any]:
    if deployment is None:
        reason = f"No version is champion in {environment}."
        return _not_cleared(reason)
    row = material.clearances.get((deployment.version_id, environment))
    if row is None:
        reason = f"Version {deployment.version.number} serves without an approved change request."
        return _not_cleared(reason)
    under = material.conditions.get((deployment.version_id, environment), ())
    anew = material.anew.get((deployment.version_id, environment), [])
    return {
        "state": row.state,
        "reasons": [*row.reasons, *anew],
        "since": row.since,
        "conditions": [_condition(one) for one in under],
    }


def _not_cleared(reason: str) -> dict[str, Any]:
    state = ClearanceState.NOT_CLEARED
    return {"state": state, "reasons": [reason], "since": None, "conditions": []}


def _condition(row: Condition) -> dict[str, Any]:
    """A condition with what was seen last; `holds` is null until it can be told."""
    return {"text": row.text, "state": row.state, "holds": row.holds, "seen": row.said}


def _mlflow(model: Model, environment: str, by_role: dict[str, list[Deployment]]) -> dict[str, Any]:
    """What MLflow's alias names, and whether it is the champion (None: nobody can say)."""
    champion = next(iter(by_role[DeploymentRole.CHAMPION]), None)
    wanted = champion.version.mlflow_version if champion else None
    aliases = model.mlflow_seen.get("aliases") or {}
    seen = aliases.get(DeploymentRole.CHAMPION)
    return {
        "model": model.mlflow_name,
        "alias": None if seen is None else int(seen),
        "agrees": _agrees(wanted, seen) if _is_known(model, environment) else None,
        "seen_at": model.mlflow_seen_at,
        "error": model.mlflow_error,
        "drift": [item["message"] for item in model.mlflow_seen.get("drift") or []],
    }


def _is_known(model: Model, environment: str) -> bool:
    """MLflow has one set of aliases, which follow production, and was asked at least once."""
    asked = model.mlflow_name is not None and model.mlflow_seen_at is not None
    return asked and environment == DEFAULT_ENVIRONMENT


def _agrees(wanted: int | None, seen: Any) -> bool:
    return seen is None if wanted is None else str(wanted) == str(seen)
