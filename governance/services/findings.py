"""Findings by people: raised, worked on, closed by somebody else, reopened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.policies import require
from audit.record import record
from governance.events import GovernanceEvent
from governance.jobs import findings as rows
from governance.jobs.findings import Found, add_entry
from governance.jobs.locks import lock_models
from governance.models import (
    AttachedEvidence,
    ChangeRequest,
    Finding,
    FindingEntry,
    FindingKind,
    FindingSeverity,
)
from governance.policies import (
    SECOND_LINE,
    can_close_finding,
    can_raise_finding,
    can_work_on,
    did_the_work,
)
from governance.refusals import Incomplete, NoSuchStep
from governance.services.proofs import words
from governance.states import FINDING_VERBS, IllegalFindingMove, move_finding
from monitoring.models import Incident, Run
from registry.models import Archive, Model, Version

ONLY_TEAM = "Only the team that works with the model does this."
ONLY_OTHERS = (
    "A validator, reviewer or risk officer who does not own the finding and had no hand in "
    "mending it closes it."
)
# What may be linked to a finding as evidence, and which of its rows belong to a model.
LINKS: dict[str, tuple[Any, str]] = {
    "incident": (Incident, "model"),
    "run": (Run, "version__model"),
    "change_request": (ChangeRequest, "model"),
    "archive": (Archive, "version__model"),
    "document": (AttachedEvidence, "model"),
}


@dataclass(frozen=True)
class NewFinding:
    """What a person found; without an owner it is the model's owner's, without a day the usual."""

    kind: str
    severity: str
    title: str
    text: str
    version: int | None = None
    owner_email: str = ""
    due_on: date | None = None
    link: Mapping[str, Any] = field(default_factory=dict)


@transaction.atomic
def raise_finding(*, actor: User, model_id: int, said: NewFinding) -> Finding:
    """Write down a defect of a model.

    Raises:
        Incomplete: an unknown kind, severity, version, owner or link, or a day gone by.
    """
    model = Model.objects.select_related("team", "owner").get(pk=model_id)
    require(can_raise_finding(actor, model), ONLY_TEAM)
    if said.kind not in FindingKind.values:
        raise Incomplete("kind", f"One of {', '.join(FindingKind.values)}.")
    if said.severity not in FindingSeverity.values:
        raise Incomplete("severity", f"One of {', '.join(FindingSeverity.values)}.")
    found = Found(
        kind=said.kind,
        severity=said.severity,
        title=words("title", said.title, 200),
        text=words("text", said.text),
        owner_id=_owner(model, said.owner_email),
        due_on=_due(said.due_on),
        link=_link(model, said.link),
    )
    version = _version(model, said.version)
    return rows.raise_finding(actor=actor, model=model, found=found, version=version)


@transaction.atomic
def move(*, actor: User, finding_id: int, verb: str, text: str) -> Finding:
    """Take a finding one step: start, propose, close, send_back, reopen.

    Raises:
        Refused: not of the team; or closing what one owns or mended.
        NoSuchStep: the life cycle has no such step from there.
        Incomplete: no words for it.
    """
    finding = _locked(finding_id)
    require(can_work_on(actor, finding), ONLY_TEAM)
    if verb not in FINDING_VERBS:
        raise Incomplete("verb", f"One of {', '.join(FINDING_VERBS)}.")
    before = finding.state
    try:
        state = move_finding(before, verb)
    except IllegalFindingMove as error:
        raise NoSuchStep(str(error)) from error
    if verb in {"close", "send_back"}:
        require(can_close_finding(actor, finding), ONLY_OTHERS)
    said = words("text", text)
    finding.state = state
    _set_people(finding, actor, verb, said)
    finding.save()
    add_entry(finding, actor.pk, verb, said)
    record(
        actor,
        GovernanceEvent.FINDING_MOVED,
        finding,
        verb=verb,
        before=before,
        after=str(state),
        reason=said,
    )
    finding.refresh_from_db()
    return finding


@transaction.atomic
def change_finding(
    *,
    actor: User,
    finding_id: int,
    owner_email: str = "",
    severity: str = "",
    due_on: date | None = None,
    reason: str = "",
) -> Finding:
    """Another owner, severity or due date. Who mended it does not make it lighter or later.

    Raises:
        Incomplete: nothing to change, an unknown person, a day gone by, or no reason.
    """
    finding = _locked(finding_id)
    require(can_work_on(actor, finding), ONLY_TEAM)
    said = words("reason", reason)
    before = _facts(finding)
    if severity and severity not in FindingSeverity.values:
        raise Incomplete("severity", f"One of {', '.join(FindingSeverity.values)}.")
    if severity or due_on:
        judges = actor.holds(*SECOND_LINE, team_id=finding.model.team_id)
        allowed = judges and not did_the_work(actor, finding)
        require(allowed, "Severity and due date are set by somebody who judges and does not mend.")
    owner = _owner(finding.model, owner_email)
    finding.owner_id = owner or finding.owner_id
    finding.severity = severity or finding.severity
    finding.due_on = _due(due_on) or finding.due_on
    if finding.closed_at is not None:
        raise NoSuchStep("It is closed; reopen it first.")
    after = _facts(finding)
    if after == before:
        return finding
    finding.save()
    if owner:
        add_entry(finding, owner, "own", "")
    add_entry(finding, actor.pk, "change", said)
    changed = {name: value for name, value in after.items() if value != before[name]}
    record(
        actor, GovernanceEvent.FINDING_CHANGED, finding, before=before, after=changed, reason=said
    )
    finding.refresh_from_db()
    return finding


@transaction.atomic
def note(
    *, actor: User, finding_id: int, text: str, link: Mapping[str, Any] | None = None
) -> FindingEntry:
    """A line on the timeline, with a link to evidence where there is one."""
    finding = _locked(finding_id)
    require(can_raise_finding(actor, finding.model), ONLY_TEAM)
    linked = _link(finding.model, link)
    said = words("text", text)
    entry = add_entry(finding, actor.pk, "link" if linked else "note", said, linked)
    record(actor, GovernanceEvent.FINDING_NOTED, finding, text=said, link=dict(linked))
    entry.refresh_from_db(fields=["at"])
    return entry


def _set_people(finding: Finding, actor: User, verb: str, said: str) -> None:
    """Who proposed it for closing, and who closed it; the database checks that they differ."""
    if verb == "propose":
        finding.proposed_by = actor
    if verb == "close":
        finding.closed_by, finding.closed_at = actor, timezone.now()
        finding.resolution = said
    if verb == "reopen":
        finding.closed_by = finding.closed_at = finding.proposed_by = None
        finding.resolution = ""


def _locked(finding_id: int) -> Finding:
    model_id = Finding.objects.values_list("model_id", flat=True).get(pk=finding_id)
    lock_models([model_id])
    return Finding.objects.select_related("model__team", "owner").get(pk=finding_id)


def _facts(finding: Finding) -> dict[str, Any]:
    owner = User.objects.get(pk=finding.owner_id)
    return {
        "owner": owner.name,
        "severity": str(finding.severity),
        "due": str(finding.due_on),
    }


def _owner(model: Model, email: str) -> int | None:
    if not email.strip():
        return None
    person = User.objects.filter(email=email.strip().lower(), is_active=True).first()
    if person is None or not (person.team_ids & {model.team_id}):
        raise Incomplete("owner", "Name an active member of the team by their e-mail address.")
    return person.pk


def _due(day: date | None) -> date | None:
    if day is not None and day < timezone.now().date():
        raise Incomplete("due_on", "A day in the future.")
    return day


def _version(model: Model, number: int | None) -> Version | None:
    if number is None:
        return None
    found = Version.objects.filter(model=model, number=number).first()
    if found is None:
        raise Incomplete("version", f"{model.name} has no version {number}.")
    return found


def _link(model: Model, link: Mapping[str, Any] | None) -> dict[str, Any]:
    """The linked thing, if it is there and of the same model."""
    if not link or not link.get("kind"):
        return {}
    kind, key = str(link["kind"]), link.get("id")
    if kind not in LINKS:
        raise Incomplete("link", f"One of {', '.join(LINKS)}.")
    table, path = LINKS[kind]
    found = table.objects.filter(**{path: model.pk, "pk": key or 0}).first()
    if found is None:
        raise Incomplete("link", f"{model.name} has no {kind.replace('_', ' ')} {key}.")
    return {"kind": kind, "id": found.pk, "label": str(found)[:200]}
