"""A model's page: versions, roles over time, health, incidents, requests and clearance history."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from governance.models import ChangeRequest, Clearance, Condition, Revalidation, StatusRow
from governance.policies import can_decide_clearance, can_submit
from governance.reads.conditions import STANDING, ConditionLine, condition_line
from governance.reads.findings import FindingLine, open_findings
from governance.reads.overview import ModelLine, model_line
from governance.reads.requests import RequestLine, lines_of
from governance.reads.retirements import RetirementLine, running_of
from governance.reads.revalidations import revalidations_of
from governance.reads.status import DEFAULT_ENVIRONMENT
from monitoring.models import Incident, Monitor
from registry.models import Model
from registry.policies import can_put_back
from registry.reads.models import ModelDetail, being_told, model_detail

MOST = 50


@dataclass(frozen=True)
class IncidentLine:
    """An incident in a list."""

    id: int
    title: str
    kind: str
    severity: str
    state: str
    version: int
    owner: str
    began_at: datetime
    opened_at: datetime
    resolved_at: datetime | None
    model_slug: str
    model_name: str


@dataclass(frozen=True)
class ClearanceLine:
    """A clearance that is or was in force."""

    version_id: int
    version: int
    environment: str
    state: str
    reasons: tuple[str, ...]
    decided_by: str
    since: datetime
    until: datetime | None
    incident_id: int | None


@dataclass(frozen=True)
class ModelPage:
    """What the page of one model shows."""

    detail: ModelDetail
    line: ModelLine
    status: dict[str, Any]
    incidents: tuple[IncidentLine, ...]
    requests: tuple[RequestLine, ...]
    clearances: tuple[ClearanceLine, ...]
    findings: tuple[FindingLine, ...]
    anew: tuple[Revalidation, ...]
    monitors: int
    can_submit: bool
    can_decide_clearance: bool
    conditions: tuple[ConditionLine, ...] = ()
    deviations: tuple[str, ...] = ()
    mlflow_is_told: bool = False
    can_put_back: bool = False
    retirements: tuple[RetirementLine, ...] = ()


def model_page(user: Any, slug: str, environment: str = DEFAULT_ENVIRONMENT) -> ModelPage:
    """One model. Eighteen queries.

    Raises:
        Http404: there is none of this name that the user may see.
    """
    detail = model_detail(user, slug)
    model = Model.objects.select_related("team").get(pk=detail.row.id)
    rows = StatusRow.objects.filter(model=model, environment=environment)
    status: dict[str, Any] = next((row.answer for row in rows.latest_rows()), {})
    requests = ChangeRequest.objects.filter(model=model).order_by("-pk")[:MOST]
    return ModelPage(
        detail=detail,
        line=model_line(model, status),
        status=status,
        incidents=incident_lines(Incident.objects.filter(model=model)),
        requests=tuple(lines_of(requests)),
        clearances=clearance_lines(Clearance.objects.filter(version__model=model)),
        findings=open_findings(model),
        anew=revalidations_of(model, waiting=True),
        monitors=Monitor.objects.filter(model=model, enabled=True).count(),
        can_submit=can_submit(user, model),
        can_decide_clearance=can_decide_clearance(user, model),
        conditions=_conditions(model, environment),
        deviations=tuple(
            model.deviations.lasting().order_by("pk").values_list("message", flat=True)[:MOST]
        ),
        mlflow_is_told=being_told(model.pk),
        can_put_back=can_put_back(user, model.team_id),
        retirements=tuple(running_of(model)),
    )


def _conditions(model: Model, environment: str) -> tuple[ConditionLine, ...]:
    rows = Condition.objects.filter(
        version__model=model, environment=environment, state__in=STANDING
    ).order_by("request", "position")
    return tuple(condition_line(row) for row in rows)


def incident_lines(found: Any) -> tuple[IncidentLine, ...]:
    """The newest incidents first; one query."""
    rows = found.select_related("version", "owner", "model").order_by("-opened_at", "-pk")[:MOST]
    return tuple(
        IncidentLine(
            id=row.pk,
            title=row.title,
            kind=row.kind,
            severity=row.severity,
            state=row.state,
            version=row.version.number,
            owner=row.owner.name if row.owner else "",
            began_at=row.began_at,
            opened_at=row.opened_at,
            resolved_at=row.resolved_at,
            model_slug=row.model.slug,
            model_name=row.model.name,
        )
        for row in rows
    )


def clearance_lines(found: Any) -> tuple[ClearanceLine, ...]:
    """The newest clearances first, those in force before the ended; one query."""
    rows = found.select_related("version", "decided_by").order_by("-since", "-pk")[:MOST]
    return tuple(
        ClearanceLine(
            version_id=row.version_id,
            version=row.version.number,
            environment=row.environment,
            state=row.state,
            reasons=tuple(row.reasons),
            decided_by=row.decided_by.name if row.decided_by else "Ombud",
            since=row.since,
            until=row.until,
            incident_id=row.incident_id,
        )
        for row in rows
    )
