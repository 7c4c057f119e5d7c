"""What the rules of retirement look at, for one version as of one day."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django.db.models import Max

from governance.models import (
    Attestation,
    AttestationResult,
    LifeFact,
    LifeFactKind,
    RetirementPolicy,
)
from governance.retirement_rules import Breaching, DatedFact, LifeFacts
from monitoring.models import Batch, BatchKind, Run
from registry.models import Deployment, Version
from registry.states import DeploymentRole

MOST_RUNS = 5_000
BREACH = "breach"


def policy_for(version: Version) -> RetirementPolicy | None:
    """The policy in force: the model's own, else its team's, else that of its risk tier."""
    model = version.model
    rows = RetirementPolicy.objects.filter(current=True).select_related("model", "team")
    for place in ({"model": model}, {"team": model.team_id}, {"risk_tier": model.risk_tier}):
        found = rows.filter(**place).first()
        if found is not None:
            return found
    return None


def life_facts(version: Version, today: date) -> LifeFacts:
    """Eight queries at most."""
    successor, since = _superseded(version)
    return LifeFacts(
        today=today,
        registered_on=version.created_at.date(),
        last_prediction_on=_last_prediction(version),
        successor=successor,
        superseded_on=since,
        breaching=tuple(_breaching(version)),
        **_attestation(version),
        legal_basis=_dated(version, LifeFactKind.LEGAL_BASIS),
        vendor_support=_dated(version, LifeFactKind.VENDOR_SUPPORT),
    )


def _last_prediction(version: Version) -> date | None:
    logs = Batch.objects.filter(version=version, kind=BatchKind.PREDICTIONS)
    last = logs.order_by().aggregate(last=Max("last_at"))["last"]
    return last.date() if last else None


def _superseded(version: Version) -> tuple[int | None, date | None]:
    """Who is champion in its place and since when; a version that still serves has none."""
    rows = Deployment.objects.filter(model=version.model_id, role=DeploymentRole.CHAMPION)
    if version.deployments.filter(ended_at__isnull=True).exists():
        return None, None
    now = rows.filter(ended_at__isnull=True).select_related("version").first()
    if now is None:
        return None, None
    was = rows.filter(version=version).order_by("-ended_at").first()
    if was is not None and was.ended_at is not None:
        return now.version.number, was.ended_at.date()
    newer = rows.filter(version__number__gt=version.number, started_at__gt=version.created_at)
    first = newer.order_by("started_at").first()
    return (now.version.number, first.started_at.date()) if first else (None, None)


def _breaching(version: Version) -> Iterable[Breaching]:
    """Enabled monitors whose latest windows are breaches, with how many in a row."""
    runs = Run.objects.filter(version=version, latest=True, monitor__enabled=True)
    runs = runs.order_by("monitor", "-window_end")
    told = runs.values_list("monitor", "monitor__name", "verdict", "window_end", "pk")[:MOST_RUNS]
    found: dict[int, list[Any]] = {}
    over: set[int] = set()
    for monitor, name, verdict, end, run in told:
        if verdict != BREACH:
            over.add(monitor)
        elif monitor not in over:
            found.setdefault(monitor, [name, 0, end.date(), run])[1] += 1
    return (Breaching(*one) for one in found.values())


def _attestation(version: Version) -> dict[str, Any]:
    rows = Attestation.objects.filter(model=version.model_id)
    signed = rows.filter(signed_at__isnull=False).order_by("-signed_at").first()
    waiting = rows.filter(signed_at__isnull=True).first()
    failed = signed is not None and signed.result == AttestationResult.UNFIT
    told = signed if failed else waiting
    return {
        "attestation_id": told.pk if told else None,
        "attestation": signed.result if signed else "",
        "attested_on": signed.signed_at.date() if signed and signed.signed_at else None,
        "attestation_due_on": waiting.due_on if waiting else None,
    }


def _dated(version: Version, kind: str) -> DatedFact | None:
    """What was recorded for the version, else for the whole model."""
    rows = LifeFact.objects.in_force().filter(model=version.model_id, kind=kind)
    rows = rows.select_related("recorded_by")
    row = rows.filter(version=version).first() or rows.filter(version__isnull=True).first()
    return DatedFact(row.ends_on, row.source, row.recorded_by.name) if row else None
