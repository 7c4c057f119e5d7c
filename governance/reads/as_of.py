"""A model as it was at a moment: what was in force then, and what cannot be told.

Rows that began later are not told, rows that have ended since are. What was changed in place since
is rolled back by the audit trail's own words. A fixed number of queries, each with a limit.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from audit.models import Event
from governance.events import GovernanceEvent
from governance.models import (
    ApprovalPolicy,
    Attestation,
    CardRevision,
    ChangeRequest,
    Clearance,
    Finding,
    PolicyChange,
    RiskAssessment,
    StatusRow,
    Waiver,
)
from governance.reads.publications import published_at
from governance.reads.recommended_at import recommended_at
from governance.reads.stages import stages_at
from governance.reads.watches import watches_at
from monitoring.models import Incident, Measurement
from registry.events import RegistryEvent
from registry.models import Deployment, Model, Version

MOST = 100
FACTS = ("name", "purpose", "owner", "risk_tier", "task")
GRAVER = {"breach": 0, "warning": 1, "insufficient_data": 2, "ok": 3}


@dataclass(frozen=True)
class AsOf:
    """Plain values for the page, the API and the export; each part a list of mappings."""

    model: dict[str, Any]
    at: datetime
    registered: bool
    versions: list[dict[str, Any]] = field(default_factory=list)
    serving: list[dict[str, Any]] = field(default_factory=list)
    clearances: list[dict[str, Any]] = field(default_factory=list)
    policies: list[dict[str, Any]] = field(default_factory=list)
    proposals: list[dict[str, Any]] = field(default_factory=list)
    changes: list[dict[str, Any]] = field(default_factory=list)
    pending: list[dict[str, Any]] = field(default_factory=list)
    findings: list[dict[str, Any]] = field(default_factory=list)
    waivers: list[dict[str, Any]] = field(default_factory=list)
    incidents: list[dict[str, Any]] = field(default_factory=list)
    measurements: list[dict[str, Any]] = field(default_factory=list)
    recommendations: list[dict[str, Any]] = field(default_factory=list)
    risk: dict[str, Any] | None = None
    attestation: dict[str, Any] | None = None
    answers: list[dict[str, Any]] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)
    watches: list[dict[str, Any]] = field(default_factory=list)


def as_of(model: Model, at: datetime) -> AsOf:
    """What was in force at that moment; before its registration it says so. 17 queries."""
    facts = _facts(model, at)
    if model.created_at > at:
        told = (
            f"The model was not registered then. It was on {model.created_at:%Y-%m-%d %H:%M} UTC."
        )
        return AsOf(facts, at, registered=False, not_found=[told])
    versions = _versions(model, at)
    found = AsOf(
        model=facts,
        at=at,
        registered=True,
        versions=versions,
        serving=_serving(model, at),
        clearances=_clearances(model, at),
        policies=_policies(facts["risk_tier"], at),
        proposals=_proposals(facts["risk_tier"], at),
        changes=_changes(model, at),
        pending=_pending(model, at),
        findings=_findings(model, at),
        waivers=_waivers(model, at),
        incidents=_incidents(model, at),
        measurements=_measurements(model, at),
        recommendations=recommended_at(model, at),
        risk=_risk(model, at),
        attestation=_attestation(model, at),
        answers=_answers(model, at),
        watches=watches_at(model, at),
    )
    found.not_found.extend(_unknown(found))
    return found


def _facts(model: Model, at: datetime) -> dict[str, Any]:
    """The model's own words and tier, with every later change taken back, the newest first."""
    facts = {
        "slug": model.slug,
        "name": model.name,
        "purpose": model.purpose,
        "owner": model.owner.name,
        "team": model.team.name,
        "risk_tier": str(model.risk_tier),
        "task": str(model.task),
        "registered_at": model.created_at,
    }
    later = Event.objects.filter(
        subject_type=model._meta.label_lower,
        subject_id=str(model.pk),
        at__gt=at,
        event__in=[RegistryEvent.MODEL_CHANGED, GovernanceEvent.TIER_SET],
    )
    for event in later.order_by("-sequence")[: 10 * MOST]:
        before = event.data.get("before")
        if event.event == GovernanceEvent.TIER_SET:
            before = {"risk_tier": before}
        facts |= {name: before[name] for name in FACTS if before and name in before}
    return facts


def _still(rows: QuerySet[Any], at: datetime, *, began: str, ended: str) -> QuerySet[Any]:
    there = Q(**{f"{ended}__isnull": True}) | Q(**{f"{ended}__gt": at})
    return rows.filter(there, **{f"{began}__lte": at})


def _versions(model: Model, at: datetime) -> list[dict[str, Any]]:
    rows = list(Version.objects.filter(model=model, created_at__lte=at).order_by("-number")[:MOST])
    stages = stages_at(rows, at)
    cards = _cards(rows, at)
    return [
        {
            "number": row.number,
            "stage": stages[row.pk],
            "artifact_digest": row.artifact_digest,
            "registered_at": row.created_at,
            "card": cards.get(row.pk),
        }
        for row in rows
    ]


def _cards(versions: list[Version], at: datetime) -> dict[int, dict[str, Any]]:
    """The newest card revision of each version, and the one that readers were given."""
    published = published_at([version.pk for version in versions], at)
    rows = CardRevision.objects.filter(card__version__in=versions, at__lte=at)
    newest = rows.order_by("card_id", "-number").distinct("card_id").select_related("card")
    return {
        row.card.version_id: {
            "revision": row.number,
            "digest": row.digest,
            "at": row.at,
            "published": published.get(row.card.version_id),
        }
        for row in newest.defer("sections", "facts")
    }


def _serving(model: Model, at: datetime) -> list[dict[str, Any]]:
    rows = Deployment.objects.filter(model=model).at(at).select_related("version")
    return [
        {
            "version": row.version.number,
            "environment": row.environment,
            "role": row.role,
            "traffic_share": str(row.traffic_share.normalize()),
            "since": row.started_at,
            "until": row.ended_at,
        }
        for row in rows.order_by("environment", "role", "pk")[:MOST]
    ]


def _clearances(model: Model, at: datetime) -> list[dict[str, Any]]:
    rows = Clearance.objects.filter(version__model=model).select_related("version")
    return [
        {
            "version": row.version.number,
            "environment": row.environment,
            "state": row.state,
            "reasons": list(row.reasons),
            "since": row.since,
            "until": row.until,
        }
        for row in _still(rows, at, began="since", ended="until")[:MOST]
    ]


def _policies(tier: str, at: datetime) -> list[dict[str, Any]]:
    """The approval policy in force for each kind of change of a model of that tier."""
    rows = ApprovalPolicy.objects.filter(risk_tier=tier, valid_from__lte=at)
    return [
        {
            "kind": row.kind,
            "number": row.number,
            "quorum": row.quorum,
            "rounds": row.rounds,
            "who_signs": row.who_signs,
            "gates": len(row.gates),
            "valid_from": row.valid_from,
        }
        for row in rows.order_by("kind", "-number").distinct("kind")
    ]


def _proposals(tier: str, at: datetime) -> list[dict[str, Any]]:
    """Changes of that tier's policies that had been proposed, and were not decided yet."""
    rows = PolicyChange.objects.filter(risk_tier=tier).select_related("proposed_by")
    return [
        {
            "id": row.pk,
            "kind": row.kind,
            "proposed_by": row.proposed_by.name,
            "proposed_at": row.proposed_at,
            "loosens": row.loosens,
            "reason": row.reason,
        }
        for row in _still(rows, at, began="proposed_at", ended="decided_at")[:MOST]
    ]


def _changes(model: Model, at: datetime) -> list[dict[str, Any]]:
    """Changes that had been carried out by then, with their signatures, newest first."""
    rows = ChangeRequest.objects.filter(model=model, executed_at__lte=at)
    found = rows.select_related("version", "policy").prefetch_related("signoffs")
    return [
        {
            **_request(row),
            "executed_at": row.executed_at,
            "policy": row.policy.number,
            "digest": row.digest,
            "signatures": [
                {
                    "name": one.signed_as,
                    "role": one.role,
                    "decision": one.decision,
                    "meaning": one.meaning,
                    "reason": one.reason,
                    "at": one.signed_at,
                    "digest": one.signed_digest,
                }
                for one in row.signoffs.all()
                if one.signed_at <= at
            ],
        }
        for row in found.order_by("-executed_at", "-pk")[:MOST]
    ]


def _pending(model: Model, at: datetime) -> list[dict[str, Any]]:
    """Asked for by then, and neither decided nor withdrawn."""
    rows = ChangeRequest.objects.filter(model=model).select_related("version")
    waiting = _still(rows, at, began="submitted_at", ended="decided_at")
    ended = Event.objects.filter(
        event=GovernanceEvent.REQUEST_WITHDRAWN,
        subject_type=ChangeRequest._meta.label_lower,
        team_id=model.team_id,
        at__lte=at,
    )
    withdrawn = {int(key) for key in ended.values_list("subject_id", flat=True)[: 10 * MOST]}
    return [_request(row) for row in waiting[:MOST] if row.pk not in withdrawn]


def _request(row: ChangeRequest) -> dict[str, Any]:
    return {
        "request": row.pk,
        "kind": row.kind,
        "version": row.version.number,
        "environment": row.environment,
        "role": row.role,
        "reason": row.reason,
        "submitted_at": row.submitted_at,
    }


def _findings(model: Model, at: datetime) -> list[dict[str, Any]]:
    rows = Finding.objects.filter(model=model).select_related("owner")
    return [
        {
            "id": row.pk,
            "title": row.title,
            "severity": row.severity,
            "kind": row.kind,
            "owner": row.owner.name,
            "opened_at": row.opened_at,
            "due_on": row.due_on,
        }
        for row in _still(rows, at, began="opened_at", ended="closed_at")[:MOST]
    ]


def _waivers(model: Model, at: datetime) -> list[dict[str, Any]]:
    """Granted by then and not ended."""
    granted = Q(state__in=["granted", "lapsed"]) | Q(state="withdrawn", decided_at__isnull=False)
    rows = Waiver.objects.filter(granted, model=model, expires_on__gte=at.date())
    found = _still(rows, at, began="decided_at", ended="ended_at")
    return [
        {
            "id": row.pk,
            "about": str(row),
            "reason": row.reason,
            "granted_by": row.printed_name,
            "granted_at": row.decided_at,
            "expires_on": row.expires_on,
        }
        for row in found.select_related("finding", "framework", "model")[:MOST]
    ]


def _incidents(model: Model, at: datetime) -> list[dict[str, Any]]:
    rows = Incident.objects.filter(model=model).select_related("version")
    return [
        {
            "id": row.pk,
            "title": row.title,
            "severity": row.severity,
            "version": row.version.number,
            "began_at": row.began_at,
            "opened_at": row.opened_at,
            "resolved_at": row.resolved_at,
        }
        for row in _still(rows, at, began="began_at", ended="resolved_at")[:MOST]
    ]


def _measurements(model: Model, at: datetime) -> list[dict[str, Any]]:
    """The newest judged number of each series whose window had ended, the gravest first.

    `known_then` says whether it had been computed by then, or only later for that window.
    """
    rows = Measurement.objects.filter(
        version__model=model, latest=True, window_end__lte=at, parameters__has_key="alpha"
    )
    series = ("version_id", "monitor_id", "metric", "field", "segment")
    newest = rows.order_by(*series, "-window_end").distinct(*series)
    found = newest.select_related("monitor", "version", "run")[: 10 * MOST]
    return [
        {
            "version": row.version.number,
            "monitor": row.monitor.name,
            "monitor_id": row.monitor_id,
            "metric": row.metric,
            "field": row.field,
            "segment": row.segment,
            "value": row.value,
            "verdict": row.verdict,
            "window_end": row.window_end,
            "run": row.run_id,
            "known_then": row.run.measured_at <= at,
        }
        for row in sorted(found, key=lambda one: GRAVER.get(one.verdict, 4))[:MOST]
    ]


def _risk(model: Model, at: datetime) -> dict[str, Any] | None:
    row = RiskAssessment.objects.filter(model=model, signed_at__lte=at).first()
    if row is None:
        return None
    return {
        "tier": row.tier,
        "points": row.points,
        "name": row.printed_name,
        "meaning": row.meaning,
        "at": row.signed_at,
        "digest": row.signed_digest,
    }


def _attestation(model: Model, at: datetime) -> dict[str, Any] | None:
    rows = Attestation.objects.filter(model=model, signed_at__lte=at)
    row = rows.order_by("-signed_at", "-pk").first()
    if row is None:
        return None
    return {
        "result": row.result,
        "statement": row.statement,
        "name": row.printed_name,
        "at": row.signed_at,
        "digest": row.signed_digest,
    }


def _answers(model: Model, at: datetime) -> list[dict[str, Any]]:
    """What the status address answered then, by environment."""
    rows = StatusRow.objects.filter(model=model).at(at).latest_rows()
    return [
        {"environment": row.environment, "since": row.valid_from, "answer": row.answer}
        for row in rows
    ]


def _unknown(found: AsOf) -> list[str]:
    """What a reader would expect and does not find, in words."""
    told: dict[str, Any] = {
        "No version had been registered by then.": found.versions,
        "No version served anywhere.": found.serving,
        "No version had a clearance.": found.clearances,
        "No approval policy was in force for this tier.": found.policies,
        "No approved change had been carried out.": found.changes,
        "No window had been measured.": found.measurements,
        "No risk assessment had been signed.": found.risk,
        "Nobody had attested the model.": found.attestation,
        "The status address had not answered for this model.": found.answers,
    }
    missing = [sentence for sentence, part in told.items() if not part]
    without: dict[str, list[str]] = defaultdict(list)
    for version in found.versions:
        if version["card"] is None:
            without["No card had been written"].append(str(version["number"]))

    listed = [f"{words}: version {', '.join(numbers)}." for words, numbers in without.items()]
    late = [one for one in found.measurements if not one["known_then"]]
    if late:
        missing.append(f"{len(late)} of the numbers were computed later, for windows before it.")
    return [*missing, *listed]
