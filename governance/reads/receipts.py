"""Receipt: for one prediction, everything that was in force at its instant, and what is not known.

As of that moment: rows that began later are not told, rows that have ended since are. What cannot
be found is said, so that silence never looks like "all was well".
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from governance.models import CardRevision, ChangeRequest, Clearance, Finding
from governance.reads.publications import published_at
from governance.states import APPROVING, RequestKind
from monitoring.models import Incident, Measurement
from monitoring.reads.explanations import explanation_for
from monitoring.services.lookups import Logged
from registry.models import Deployment, Version

MOST = 50
EXPLAINED = "done"
EXPLANATION = (
    "id",
    "said",
    "answer",
    "base",
    "unit",
    "parts",
    "gap",
    "tolerance",
    "gap_said",
    "tolerance_said",
    "method",
    "method_words",
    "seed",
    "artifact_digest",
    "inputs_digest",
    "background_digest",
    "digest",
    "done_at",
)
JUDGED = "alpha"  # a run writes it beside what it judged


@dataclass(frozen=True)
class Receipt:
    """Plain values for the API and the page; each part is a list of mappings."""

    prediction: dict[str, Any]
    version: dict[str, Any]
    deployments: list[dict[str, Any]] = field(default_factory=list)
    clearances: list[dict[str, Any]] = field(default_factory=list)
    card: dict[str, Any] | None = None
    approvals: list[dict[str, Any]] = field(default_factory=list)
    incidents: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    measurements: list[dict[str, Any]] = field(default_factory=list)
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    explanation: dict[str, Any] | None = None
    not_found: list[str] = field(default_factory=list)


def receipt_of(logged: Logged, outcomes: Iterable[dict[str, Any]], prediction_id: str) -> Receipt:
    """What was in force when this prediction was made. Nine queries."""
    version = Version.objects.select_related("model__team").get(pk=logged.version_id)
    at = logged.at
    found = Receipt(
        prediction={"at": at, "row": logged.row},
        version={
            "model": version.model.slug,
            "name": version.model.name,
            "number": version.number,
            "artifact_digest": version.artifact_digest,
            "risk_tier": version.model.risk_tier,
            "team": version.model.team.name,
        },
        deployments=_deployments(version, at),
        clearances=_clearances(version, at),
        card=_card(version, at),
        approvals=_approvals(version, at),
        incidents=_incidents(version, at),
        findings=_findings(version, at),
        measurements=_measurements(version, at),
        outcomes=list(outcomes),
        explanation=_explanation(version, prediction_id, at),
    )
    found.not_found.extend(_unknown(found))
    return found


def _in_force(rows: QuerySet[Any], at: datetime, *, began: str, ended: str) -> QuerySet[Any]:
    still = Q(**{f"{ended}__isnull": True}) | Q(**{f"{ended}__gt": at})
    return rows.filter(still, **{f"{began}__lte": at})


def _deployments(version: Version, at: datetime) -> list[dict[str, Any]]:
    rows = Deployment.objects.filter(version=version)
    return [
        {
            "environment": one.environment,
            "role": one.role,
            "traffic_share": str(one.traffic_share.normalize()),
            "since": one.started_at,
            "until": one.ended_at,
        }
        for one in _in_force(rows, at, began="started_at", ended="ended_at")[:MOST]
    ]


def _clearances(version: Version, at: datetime) -> list[dict[str, Any]]:
    rows = Clearance.objects.filter(version=version)
    return [
        {
            "environment": one.environment,
            "state": one.state,
            "reasons": list(one.reasons),
            "since": one.since,
            "until": one.until,
        }
        for one in _in_force(rows, at, began="since", ended="until")[:MOST]
    ]


def _card(version: Version, at: datetime) -> dict[str, Any] | None:
    rows = CardRevision.objects.filter(card__version=version, at__lte=at)
    one = rows.order_by("-number").first()
    if one is None:
        return None
    published = published_at([version.pk], at).get(version.pk)
    return {"revision": one.number, "digest": one.digest, "at": one.at, "published": published}


def _approvals(version: Version, at: datetime) -> list[dict[str, Any]]:
    """Executed changes of this version with their signatures and the policy they were under."""
    rows = ChangeRequest.objects.filter(
        version=version,
        executed_at__lte=at,
        kind__in=[*APPROVING, RequestKind.RESTORE],
    )
    found = rows.select_related("policy").prefetch_related("signoffs").order_by("-executed_at")
    return [
        {
            "request": one.pk,
            "kind": one.kind,
            "environment": one.environment,
            "digest": one.digest,
            "executed_at": one.executed_at,
            "policy": {"kind": one.policy.kind, "number": one.policy.number},
            "signatures": [
                {
                    "name": sign.signed_as,
                    "role": sign.role,
                    "decision": sign.decision,
                    "meaning": sign.meaning,
                    "at": sign.signed_at,
                    "digest": sign.signed_digest,
                    "method": sign.method,
                }
                for sign in one.signoffs.all()
            ],
        }
        for one in found[:MOST]
    ]


def _incidents(version: Version, at: datetime) -> list[dict[str, Any]]:
    rows = Incident.objects.filter(version=version)
    return [
        {
            "id": one.pk,
            "title": one.title,
            "severity": one.severity,
            "began_at": one.began_at,
            "opened_at": one.opened_at,
            "resolved_at": one.resolved_at,
        }
        for one in _in_force(rows, at, began="began_at", ended="resolved_at")[:MOST]
    ]


def _findings(version: Version, at: datetime) -> list[dict[str, Any]]:
    own = Q(version=version) | Q(model_id=version.model_id, version__isnull=True)
    rows = _in_force(Finding.objects.filter(own), at, began="opened_at", ended="closed_at")
    return [
        {"id": one.pk, "title": one.title, "severity": one.severity, "opened_at": one.opened_at}
        for one in rows[:MOST]
    ]


def _measurements(version: Version, at: datetime) -> list[dict[str, Any]]:
    """The newest judged number of each series whose window had ended by then."""
    rows = Measurement.objects.filter(
        version=version, latest=True, window_end__lte=at, parameters__has_key=JUDGED
    )
    order = ("monitor_id", "metric", "field", "segment")
    newest = rows.order_by(*order, "-window_end").distinct(*order).select_related("monitor")
    graver = {"breach": 0, "warning": 1, "insufficient_data": 2, "ok": 3}
    ranked = sorted(newest[: 10 * MOST], key=lambda one: graver.get(one.verdict, 4))
    return [
        {
            "monitor": one.monitor.name,
            "monitor_id": one.monitor_id,
            "metric": one.metric,
            "field": one.field,
            "segment": one.segment,
            "window_end": one.window_end,
            "value": one.value,
            "verdict": one.verdict,
            "run": one.run_id,
        }
        for one in ranked[:MOST]
    ]


def _explanation(version: Version, prediction_id: str, at: datetime) -> dict[str, Any] | None:
    """What the answer rests on, computed later from the same files; only one that adds up."""
    found = explanation_for(version, prediction_id, at)
    if found is None or found.state != EXPLAINED:
        return None
    told = asdict(found)
    return {name: told[name] for name in EXPLANATION}


def _unknown(found: Receipt) -> list[str]:
    """What a reader would expect and does not find, in words."""
    told = {
        "No deployment of this version was in force then.": found.deployments,
        "No clearance of this version was in force then.": found.clearances,
        "No card of this version had been written by then.": found.card,
        "No approved change had put this version in place by then.": found.approvals,
        "No window had been measured by then.": found.measurements,
        "No outcome has arrived.": found.outcomes,
        "No explanation of this prediction is stored.": found.explanation,
    }
    return [sentence for sentence, part in told.items() if not part]
