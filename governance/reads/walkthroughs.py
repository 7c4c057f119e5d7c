"""The walkthrough of a sampled item: what was asked, shown, signed and done, and the proofs of it.

Plain values, so that the page, the paper, the JSON and the CSV of a bundle tell the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.urls import reverse

from audit.models import Checkpoint, Event
from governance.models import (
    ChangeRequest,
    Clearance,
    GateResult,
    SignOff,
    Waiver,
)
from governance.reads.populations import rows_of
from governance.rounds import in_words
from monitoring.models import Alert, Incident, IncidentEntry

MOST = 100
Facts = list[tuple[str, Any]]


@dataclass(frozen=True)
class Walkthrough:
    """One item from its request to its effect."""

    label: str
    facts: Facts = field(default_factory=list)
    evidence: list[dict[str, str]] = field(default_factory=list)
    gates: list[dict[str, Any]] = field(default_factory=list)
    signatures: list[dict[str, Any]] = field(default_factory=list)
    execution: Facts = field(default_factory=list)
    clearances: list[dict[str, Any]] = field(default_factory=list)
    story: list[dict[str, Any]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    links: list[dict[str, str]] = field(default_factory=list)
    not_found: list[str] = field(default_factory=list)


def walkthrough(kind: str, number: int, label: str) -> Walkthrough:
    """What is there to see about the item. A fixed number of queries."""
    row = rows_of(kind, [number])[number]
    found: Walkthrough = WALKS[kind](row, label)
    missing = _missing(found)
    return replace(
        found, facts=_told(found.facts), execution=_told(found.execution), not_found=missing
    )


def _told(facts: Facts) -> Facts:
    """Facts as text, times in UTC."""
    return [(name, _text(value)) for name, value in facts]


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    return "–" if value is None else str(value)


def _of_request(row: ChangeRequest, label: str) -> Walkthrough:
    signed = list(row.signoffs.all()[:MOST])
    subjects = {"governance.changerequest": [row.pk], "governance.signoff": [s.pk for s in signed]}
    return Walkthrough(
        label=label,
        facts=_request_facts(row),
        evidence=_evidence(row),
        gates=_gates(row),
        signatures=[_signature(one, row.digest) for one in signed],
        execution=[
            ("State", row.state),
            ("Decided", row.decided_at),
            ("Carried out", row.executed_at),
            ("What went wrong", row.error or "nothing"),
        ],
        story=_discussion(row),
        clearances=_clearances(row),
        events=_events(subjects, _effects(row)),
        links=[
            _link(f"CR-{row.pk}", "change-request", row.pk),
            _link(str(row.version), "version", row.model.slug, row.version.number),
            _link(f"Card of {row.version}", "card", row.model.slug, row.version.number),
        ],
    )


def _discussion(row: ChangeRequest) -> list[dict[str, Any]]:
    """What people said about it, also what was taken back."""
    return [
        {
            "at": one.at,
            "who": f"{one.printed_name} ({one.get_kind_display()})",
            "text": one.text,
        }
        for one in row.entries.all()[:MOST]
    ]


def _request_facts(row: ChangeRequest) -> Facts:
    return [
        ("Change", row.kind.replace("_", " ")),
        ("Model", row.model.name),
        ("Version", row.version.number),
        ("Environment", row.environment),
        ("Role", row.role or "none"),
        ("Asked for by", row.requested_by.name),
        ("Asked for", row.submitted_at),
        ("Why", row.reason),
        ("Policy", f"{row.policy}"),
        ("Signatures asked for", in_words(row.rounds)),
        ("Digest that was to be signed", row.digest),
    ]


def _evidence(row: ChangeRequest) -> list[dict[str, str]]:
    """Each part of the frozen evidence that has a digest of its own."""
    parts = row.evidence.items()
    return [
        {"part": name, "digest": str(part["digest"])}
        for name, part in sorted(parts)
        if isinstance(part, Mapping) and part.get("digest")
    ]


def _gates(row: ChangeRequest) -> list[dict[str, Any]]:
    found = GateResult.objects.filter(request=row)[:MOST]
    return [
        {"title": one.title, "mode": one.mode, "passed": one.passed, "message": one.message}
        for one in found
    ]


def _signature(one: SignOff, digest: str) -> dict[str, Any]:
    return {
        "name": one.printed_name,
        "role": one.role,
        "decision": one.decision,
        "meaning": one.meaning,
        "reason": one.reason,
        "at": one.signed_at,
        "method": one.method,
        "digest": one.signed_digest,
        "covers": one.signed_digest == digest,
    }


def _clearances(row: ChangeRequest) -> list[dict[str, Any]]:
    """Clearances of the version that began when, or after, the change was carried out."""
    if row.executed_at is None:
        return []
    began = Clearance.objects.filter(version=row.version_id, environment=row.environment)
    rows = began.filter(Q(until__isnull=True) | Q(until__gte=row.executed_at)).order_by("since")
    return [
        {"state": one.state, "since": one.since, "until": one.until, "reasons": list(one.reasons)}
        for one in rows[:MOST]
    ]


def _effects(row: ChangeRequest) -> Q:
    """Events of the registry that name this request as their cause."""
    return Q(
        team_id=row.model.team_id,
        at__gte=row.submitted_at,
        event__startswith="registry.",
        data__because=f"CR-{row.pk}",
    )


def _of_signoff(row: SignOff, label: str) -> Walkthrough:
    whole = _of_request(row.request, label)
    facts: Facts = [
        ("Signed by", row.printed_name),
        ("As", row.role.replace("_", " ")),
        ("Decision", row.decision),
        ("Meaning", row.meaning),
        ("Reason", row.reason),
        ("Signed", row.signed_at),
        ("Proved by", row.method),
        ("Signed digest", row.signed_digest),
    ]
    whole.facts[:0] = facts
    return whole


def _of_incident(row: Incident, label: str) -> Walkthrough:
    alerts = Alert.objects.filter(incident=row).select_related("run").order_by("raised_at", "pk")
    entries = IncidentEntry.objects.filter(incident=row).select_related("person")
    story = [{"at": one.raised_at, "who": "Ombud", "text": one.message} for one in alerts[:MOST]]
    story += [
        {"at": one.at, "who": one.person.name if one.person else "Ombud", "text": one.text}
        for one in entries[:MOST]
    ]
    suspended = Clearance.objects.filter(incident_id=row.pk).order_by("since")
    return Walkthrough(
        label=label,
        facts=[
            ("What", row.title),
            ("Model", row.model.name),
            ("Version", row.version.number),
            ("Severity", row.severity),
            ("First breaching window began", row.began_at),
            ("Opened", row.opened_at),
            ("Owner", row.owner.name if row.owner else "nobody"),
        ],
        execution=[
            ("State", row.state),
            ("Acknowledged", row.acknowledged_at),
            ("Resolved", row.resolved_at),
            ("Root cause", row.root_cause or "not told"),
        ],
        clearances=[
            {"state": one.state, "since": one.since, "until": one.until, "reasons": one.reasons}
            for one in suspended[:MOST]
        ],
        story=sorted(story, key=lambda one: one["at"]),
        events=_events({"monitoring.incident": [row.pk]}),
        links=[
            _link(row.title, "incident", row.pk),
            _link(str(row.version), "version", row.model.slug, row.version.number),
        ],
    )


def _of_waiver(row: Waiver, label: str) -> Walkthrough:
    subjects = {"governance.waiver": [row.pk]}
    links = [_link(f"W-{row.pk}", "waiver", row.pk), _link(row.model.name, "model", row.model.slug)]
    if row.finding is not None:
        subjects["governance.finding"] = [row.finding.pk]
        links.append(_link(str(row.finding), "finding", row.finding.pk))
    return Walkthrough(
        label=label,
        facts=[
            ("About", str(row)),
            ("Model", row.model.name),
            ("Asked for by", row.asked_by.name),
            ("Asked for", row.asked_at),
            ("Why", row.reason),
            ("Conditions", row.conditions or "none"),
            ("Until", row.expires_on),
        ],
        signatures=_decision(row),
        execution=[("State", row.state), ("Decided", row.decided_at), ("Ended", row.ended_at)],
        events=_events(subjects),
        links=links,
    )


def _decision(row: Waiver) -> list[dict[str, Any]]:
    if not row.signed_digest:
        return []
    return [
        {
            "name": row.printed_name,
            "role": "approver",
            "decision": row.state,
            "meaning": "I decide this waiver",
            "reason": row.decision_reason,
            "at": row.decided_at,
            "method": row.method,
            "digest": row.signed_digest,
            "covers": True,
        }
    ]


WALKS: dict[str, Any] = {
    "change_request": _of_request,
    "signoff": _of_signoff,
    "incident": _of_incident,
    "waiver": _of_waiver,
}


def _events(subjects: Mapping[str, Sequence[int]], also: Q | None = None) -> list[dict[str, Any]]:
    """The trail's events of these things, oldest first; which the newest checkpoint covers."""
    wanted = also or Q(pk__in=[])
    for kind, numbers in subjects.items():
        wanted |= Q(subject_type=kind, subject_id__in=[str(number) for number in numbers])
    newest = Checkpoint.objects.values_list("size", flat=True).first() or 0
    return [
        {
            "sequence": one.sequence,
            "at": one.at,
            "event": one.event,
            "actor": one.actor_name,
            "subject": one.subject_name,
            "digest": one.digest_hex,
            "proved": one.sequence <= newest,
        }
        for one in Event.objects.filter(wanted).order_by("sequence")[:MOST]
    ]


def _link(label: str, route: str, *arguments: Any) -> dict[str, str]:
    return {"label": label, "url": reverse(route, args=arguments)}


def _missing(found: Walkthrough) -> list[str]:
    """What a reader would expect and does not find, in words."""
    told = {
        "No signature is there.": found.signatures or (found.story and not found.gates),
        "No audit event names it.": found.events,
    }
    missing = [sentence for sentence, part in told.items() if not part]
    late = [one for one in found.events if not one["proved"]]
    if late:
        missing.append(
            f"{len(late)} of {len(found.events)} events are newer than the newest signed "
            "checkpoint: their proofs come with the next."
        )
    if len(found.events) == MOST:
        missing.append(f"Only the first {MOST} events are shown.")
    stale = [one["name"] for one in found.signatures if not one["covers"]]
    if stale:
        missing.append(f"Signed over another digest than the last: {', '.join(stale)}.")
    return missing
