"""The first page: every model with its health, and what waits for the person."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from governance.models import StatusRow
from governance.reads.requests import RequestLine, inbox_lines
from governance.reads.status import DEFAULT_ENVIRONMENT
from governance.recommendation_rules import Recommended
from registry.models import Model

SEVERITIES = ("critical", "warning", "info")


@dataclass(frozen=True)
class HealthCell:
    """A version's health in one kind of monitoring."""

    kind: str
    verdict: str
    as_of: datetime | None
    summary: str


@dataclass(frozen=True)
class ModelLine:
    """A model as the overview shows it, read from its prepared status."""

    slug: str
    name: str
    team: str
    task: str
    risk_tier: str
    champion: int | None
    champion_since: datetime | None
    clearance: str
    clearance_reasons: tuple[str, ...]
    health: dict[str, HealthCell]
    open_incidents: int
    worst_severity: str
    open_requests: int
    mlflow_agrees: bool | None
    as_of: datetime | None


@dataclass(frozen=True)
class Overview:
    """All models of the person's teams, and what waits for their signature."""

    models: tuple[ModelLine, ...]
    waiting: tuple[RequestLine, ...]
    clearances: dict[str, int]
    open_incidents: int
    open_requests: int
    to_act_on: int


def overview(user: Any, environment: str = DEFAULT_ENVIRONMENT) -> Overview:
    """The overview of what the user may see. Four queries."""
    models = list(Model.objects.visible_to(user).select_related("team"))
    rows = StatusRow.objects.filter(model__in=models, environment=environment).latest_rows()
    prepared = {row.model_id: row.answer for row in rows}
    lines = tuple(model_line(model, prepared.get(model.pk)) for model in models)
    return Overview(
        models=lines,
        waiting=tuple(inbox_lines(user)),
        clearances=dict(Counter(line.clearance for line in lines)),
        open_incidents=sum(line.open_incidents for line in lines),
        open_requests=sum(line.open_requests for line in lines),
        to_act_on=sum(_to_act_on(answer) for answer in prepared.values()),
    )


def _to_act_on(answer: dict[str, Any]) -> int:
    """How many of the versions that serve are recommended for anything but to be kept."""
    champion = answer.get("champion")
    serving = [champion] if champion else []
    serving += [*answer.get("challengers", []), *answer.get("shadows", [])]
    said = [one.get("recommendation") for one in serving]
    return sum(one not in {None, Recommended.KEEP} for one in said)


def model_line(model: Model, answer: dict[str, Any] | None) -> ModelLine:
    """A model with its prepared answer; without one, nothing is known yet."""
    told = answer or {}
    champion = told.get("champion") or {}
    clearance = told.get("clearance") or {}
    severities = {incident["severity"] for incident in told.get("open_incidents", [])}
    return ModelLine(
        slug=model.slug,
        name=model.name,
        team=model.team.name,
        task=model.get_task_display(),
        risk_tier=model.risk_tier,
        champion=champion.get("version"),
        champion_since=_time(champion.get("since")),
        clearance=clearance.get("state", "not_cleared"),
        clearance_reasons=tuple(clearance.get("reasons", ())),
        health=health_cells(told),
        open_incidents=len(told.get("open_incidents", [])),
        worst_severity=next((s for s in SEVERITIES if s in severities), ""),
        open_requests=len(told.get("open_requests", [])),
        mlflow_agrees=told["mlflow"]["agrees"] if told and model.mlflow_name else None,
        as_of=_time(told.get("as_of")),
    )


def health_cells(answer: dict[str, Any]) -> dict[str, HealthCell]:
    """Health by monitor kind, out of a status answer."""
    return {
        kind: HealthCell(kind, cell["verdict"], _time(cell["as_of"]), cell["summary"])
        for kind, cell in (answer.get("health") or {}).items()
    }


def _time(text: str | None) -> datetime | None:
    return parse_datetime(text) if text else None
