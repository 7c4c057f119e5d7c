"""Findings as rows: raised by people and by checks alike, each with the first line of its story."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from audit.record import Actor, record
from governance.events import GovernanceEvent
from governance.jobs.locks import lock_models
from governance.models import Finding, FindingEntry
from registry.models import Model, Version

# Days until a finding is due, where nobody says otherwise.
DUE_DAYS: Mapping[str, int] = {"critical": 7, "high": 30, "medium": 60, "low": 90}


@dataclass(frozen=True)
class Found:
    """What was found. `key` names it for a check, so that it is found once while it is open."""

    kind: str
    severity: str
    title: str
    text: str
    key: str = ""
    owner_id: int | None = None
    due_on: date | None = None
    link: Mapping[str, Any] = field(default_factory=dict)


@transaction.atomic
def raise_finding(
    *, actor: Actor, model: Model, found: Found, version: Version | None = None
) -> Finding:
    """A finding of the model; one that a check found already and is open is answered as it is.

    Permissions are the services' to check. `link` is evidence: kind, id, label.
    """
    lock_models([model.pk])
    there = Finding.objects.unclosed().filter(model=model, key=found.key).first()
    if found.key and there is not None:
        return there
    days = timedelta(days=DUE_DAYS[found.severity])
    finding = Finding.objects.create(
        model=model,
        version=version,
        kind=found.kind,
        severity=found.severity,
        title=found.title[:200],
        text=found.text,
        key=found.key,
        raised_by_id=actor.pk,
        owner_id=found.owner_id or model.owner_id,
        due_on=found.due_on or timezone.now().date() + days,
    )
    add_entry(finding, actor.pk, "raise", found.text, found.link)
    add_entry(finding, finding.owner_id, "own", "")
    record(
        actor,
        GovernanceEvent.FINDING_RAISED,
        finding,
        kind=found.kind,
        severity=found.severity,
        title=finding.title,
        owner=finding.owner.name,
        due=str(finding.due_on),
        version=version.number if version else None,
    )
    return finding


def add_entry(
    finding: Finding,
    person_id: int | None,
    verb: str,
    text: str,
    link: Mapping[str, Any] | None = None,
) -> FindingEntry:
    linked = link or {}
    return FindingEntry.objects.create(
        finding=finding,
        person_id=person_id,
        verb=verb,
        text=text,
        link_kind=linked.get("kind", ""),
        link_id=linked.get("id"),
        link_label=str(linked.get("label", ""))[:200],
    )
