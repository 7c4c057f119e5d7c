"""What can be searched: for each kind where its words, people, team, model and date are.

Rows start at what the person may see, so that no hit tells of another team's things. Long text is
searched by PostgreSQL's full text (indexes in the migrations), names by their letters.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.urls import reverse

from accounts.models import Delegation
from accounts.querysets import of_teams
from audit.events import AuditEvent
from audit.models import Event
from governance.models import (
    CardRevision,
    ChangeRequest,
    Control,
    EntryKind,
    Finding,
    Framework,
    PolicyChange,
    RequestEntry,
    SignOff,
    Waiver,
)
from monitoring.models import Experiment, Incident
from registry.models import Archive, Model, Version

SHOWN_TEXT = 240
# How an entry of a discussion reads between its author's name and the request's.
SAYING: dict[str, str] = {
    EntryKind.COMMENT: "commented on",
    EntryKind.CHANGE_ASKED: "asked for a change of",
    EntryKind.ANSWER: "answered in",
    EntryKind.SETTLED: "settled a change of",
}


@dataclass(frozen=True)
class Hit:
    """One thing that was found."""

    kind: str
    id: int
    title: str
    text: str
    url: str
    model: str
    person: str
    at: datetime | None


@dataclass(frozen=True)
class Kind:
    """How one kind of thing is searched. `team` and `model` are paths; empty: it has none."""

    name: str
    label: str
    icon: str
    rows: Callable[[Any], QuerySet[Any]]
    hit: Callable[[Any], Hit]
    at: str
    letters: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    people: tuple[str, ...] = ()
    team: str = ""
    model: str = ""
    number: str = ""  # what people write before its number: CR-5
    language: str = "english"


def _models(user: Any) -> QuerySet[Any]:
    return Model.objects.visible_to(user).select_related("owner")


def _model(row: Model) -> Hit:
    url = reverse("model", args=[row.slug])
    return _hit("model", row, row.name, row.purpose, url, row.name, row.owner.name, row.created_at)


def _versions(user: Any) -> QuerySet[Any]:
    return Version.objects.visible_to(user).select_related("model", "registered_by")


def _version(row: Version) -> Hit:
    url = reverse("version", args=[row.model.slug, row.number])
    title = f"{row.model.name}, version {row.number}"
    who = row.registered_by.name if row.registered_by else ""
    text = row.summary or f"Stage: {row.stage}"
    return _hit("version", row, title, text, url, row.model.name, who, row.created_at)


def _cards(user: Any) -> QuerySet[Any]:
    """The newest revision of every card."""
    newer = CardRevision.objects.filter(card=OuterRef("card"), number__gt=OuterRef("number"))
    rows = CardRevision.objects.filter(of_teams(user, "card__version__model__team_id"))
    return rows.filter(~Exists(newer)).select_related("card__version__model", "author")


def _card(row: CardRevision) -> Hit:
    version = row.card.version
    url = reverse("card", args=[version.model.slug, version.number])
    title = f"Card of {version.model.name}, version {version.number}"
    text = " ".join(str(part) for part in row.sections.values())
    who = row.author.name if row.author else "Ombud"
    return _hit("card", row, title, text, url, version.model.name, who, row.at)


def _requests(user: Any) -> QuerySet[Any]:
    parts = ("model", "version__model", "requested_by")
    return ChangeRequest.objects.visible_to(user).select_related(*parts)


def _request(row: ChangeRequest) -> Hit:
    url = reverse("change-request", args=[row.pk])
    text = f"{row.state}: {row.reason}"
    who = row.requested_by.name
    return _hit("request", row, str(row), text, url, row.model.name, who, row.submitted_at)


def _signatures(user: Any) -> QuerySet[Any]:
    rows = SignOff.objects.filter(of_teams(user, "request__model__team_id"))
    return rows.select_related("request__model", "request__version__model")


def _signature(row: SignOff) -> Hit:
    asked = row.request
    title = f"{row.signed_as}: {row.decision}, CR-{asked.pk}"
    text = f"{row.meaning}. {row.reason}"
    url = reverse("change-request", args=[asked.pk])
    return _hit(
        "signature", row, title, text, url, asked.model.name, row.printed_name, row.signed_at
    )


def _discussion(user: Any) -> QuerySet[Any]:
    """What people said about change requests; a comment that was taken back is not found."""
    taken_back = RequestEntry.objects.filter(about=OuterRef("pk"), kind=EntryKind.RETRACTION)
    rows = RequestEntry.objects.filter(of_teams(user, "request__model__team_id"))
    rows = rows.exclude(kind=EntryKind.RETRACTION).filter(~Exists(taken_back))
    return rows.select_related("request__model", "request__version__model", "person")


def _entry(row: RequestEntry) -> Hit:
    asked = row.request
    title = f"{row.printed_name} {SAYING[row.kind]} CR-{asked.pk}"
    url = f"{reverse('change-request', args=[asked.pk])}#discussion"
    return _hit("discussion", row, title, row.text, url, asked.model.name, row.printed_name, row.at)


def _policy_changes(_user: Any) -> QuerySet[Any]:
    """The rules of the house are read by everybody who signs in."""
    return PolicyChange.objects.select_related("proposed_by")


def _policy_change(row: PolicyChange) -> Hit:
    url = reverse("policy-change", args=[row.pk])
    text = f"{row.get_state_display()}: {row.reason}"
    who = row.proposed_by.name
    return _hit("policy_change", row, str(row), text, url, "", who, row.proposed_at)


def _delegations(user: Any) -> QuerySet[Any]:
    return Delegation.objects.visible_to(user).select_related("giver", "taker", "team")


def _delegation(row: Delegation) -> Hit:
    text = f"{row.begins_on:%Y-%m-%d} to {row.ends_on:%Y-%m-%d}: {row.reason}"
    url = reverse("delegations")
    return _hit("delegation", row, str(row), text, url, "", row.giver.name, row.given_at)


def _findings(user: Any) -> QuerySet[Any]:
    return Finding.objects.visible_to(user).select_related("model", "owner")


def _finding(row: Finding) -> Hit:
    url = reverse("finding", args=[row.pk])
    text = f"{row.severity}, {row.get_state_display()}: {row.text}"
    return _hit("finding", row, str(row), text, url, row.model.name, row.owner.name, row.opened_at)


def _waivers(user: Any) -> QuerySet[Any]:
    parts = ("model", "finding", "framework", "asked_by")
    return Waiver.objects.visible_to(user).select_related(*parts)


def _waiver(row: Waiver) -> Hit:
    url = reverse("waiver", args=[row.pk])
    title = f"W-{row.pk} {row}"
    text = f"{row.state} until {row.expires_on}: {row.reason}"
    return _hit("waiver", row, title, text, url, row.model.name, row.asked_by.name, row.asked_at)


def _incidents(user: Any) -> QuerySet[Any]:
    return Incident.objects.visible_to(user).select_related("model", "version", "owner")


def _incident(row: Incident) -> Hit:
    url = reverse("incident", args=[row.pk])
    who = row.owner.name if row.owner else ""
    text = f"{row.severity}, {row.state}. {row.root_cause}"
    return _hit("incident", row, row.title, text, url, row.model.name, who, row.opened_at)


def _experiments(user: Any) -> QuerySet[Any]:
    return Experiment.objects.visible_to(user).select_related("model", "declared_by")


def _experiment(row: Experiment) -> Hit:
    url = reverse("experiment", args=[row.pk])
    text = f"{row.get_kind_display()}, decided by {row.endpoint}. {row.stop_reason}"
    who = row.declared_by.name
    return _hit("experiment", row, row.name, text, url, row.model.name, who, row.declared_at)


def _controls(user: Any) -> QuerySet[Any]:
    """The controls of editions in force, of shipped frameworks and the person's teams'."""
    mine = Framework.objects.visible_to(user)
    rows = Control.objects.filter(edition__current=True, edition__framework__in=mine)
    return rows.select_related("edition__framework")


def _control(row: Control) -> Hit:
    url = reverse("framework", args=[row.edition.framework.slug])
    title = f"{row.identifier}, {row.edition.title}"
    return _hit("control", row, title, row.line, url, "", "", row.edition.loaded_at)


def _archives(user: Any) -> QuerySet[Any]:
    rows = Archive.objects.visible_to(user).defer("documents", "manifest")
    return rows.select_related("version__model", "requested_by")


def _archive(row: Archive) -> Hit:
    url = reverse("archive", args=[row.pk])
    who = row.requested_by.name if row.requested_by else ""
    title, text = f"A-{row.pk} {row}", f"{row.state}. {row.error}"
    return _hit("archive", row, title, text, url, row.version.model.name, who, row.requested_at)


def _events(user: Any) -> QuerySet[Any]:
    """What people and jobs did; seals, one a second, are left out."""
    return Event.objects.visible_to(user).exclude(event=AuditEvent.SEALED)


def _event(row: Event) -> Hit:
    url = f"{reverse('audit')}?subject_type={row.subject_type}&subject_id={row.subject_id}"
    title = f"{row.event}: {row.subject_name}"
    return _hit("event", row, title, f"Event {row.pk}", url, "", row.actor_name, row.at)


def _hit(
    kind: str, row: Any, title: str, text: str, url: str, model: str, person: str, at: Any
) -> Hit:
    shown = text if len(text) <= SHOWN_TEXT else f"{text[: SHOWN_TEXT - 1].rstrip()}…"
    return Hit(kind, row.pk, title, shown.strip(), url, model, person, at)


TEAM, MODEL = "model__team_id", "model_id"
KINDS: tuple[Kind, ...] = (
    Kind("model", "Models", "cube", _models, _model, "created_at", ("name", "slug", "owner__name"),
         ("purpose",), ("owner__name",), "team_id", "pk"),
    Kind("version", "Versions", "versions", _versions, _version, "created_at",
         ("model__name", "summary", "artifact_digest", "mlflow_run_id"), (),
         ("registered_by__name",), TEAM, MODEL),
    Kind("card", "Cards", "file-certificate", _cards, _card, "at", (), ("sections",),
         ("author__name",), "card__version__model__team_id", "card__version__model_id"),
    Kind("request", "Change requests", "inbox", _requests, _request, "submitted_at",
         ("kind", "model__name", "digest"), ("reason",), ("requested_by__name",), TEAM, MODEL,
         "CR"),
    Kind("signature", "Signatures", "signature", _signatures, _signature, "signed_at",
         ("printed_name", "meaning"), ("reason",), ("printed_name",), "request__model__team_id",
         "request__model_id"),
    Kind("discussion", "Discussion", "message", _discussion, _entry, "at", ("printed_name",),
         ("text",), ("printed_name",), "request__model__team_id", "request__model_id"),
    Kind("policy_change", "Changes of policies", "book-2", _policy_changes, _policy_change,
         "proposed_at", ("kind", "risk_tier"), ("reason",), ("proposed_by__name",), "", "", "PC"),
    Kind("delegation", "Lent roles", "users", _delegations, _delegation, "given_at",
         ("giver__name", "taker__name", "role"), ("reason",), ("giver__name", "taker__name"),
         "team_id"),
    Kind("finding", "Findings", "flag", _findings, _finding, "opened_at", ("title",),
         ("text", "resolution"), ("owner__name", "raised_by__name"), TEAM, MODEL, "F"),
    Kind("waiver", "Waivers", "file-certificate", _waivers, _waiver, "asked_at", ("identifier",),
         ("reason", "conditions"), ("asked_by__name", "decided_by__name"), TEAM, MODEL, "W"),
    Kind("incident", "Incidents", "alert-triangle", _incidents, _incident, "opened_at", ("title",),
         ("root_cause",), ("owner__name",), TEAM, MODEL),
    Kind("experiment", "Experiments", "swords", _experiments, _experiment, "declared_at",
         ("name", "endpoint"), ("stop_reason",), ("declared_by__name",), TEAM, MODEL),
    Kind("control", "Controls", "book-2", _controls, _control, "edition__loaded_at",
         ("identifier", "edition__title"), ("line",)),
    Kind("archive", "Archives", "archive", _archives, _archive, "requested_at",
         ("version__model__name", "digest"), (), ("requested_by__name",),
         "version__model__team_id", "version__model_id", "A"),
    Kind("event", "Audit events", "history", _events, _event, "at", (),
         ("subject_name", "actor_name", "event"), ("actor_name",), "team_id", "", "",
         "simple"),
)  # fmt: skip
BY_NAME = {kind.name: kind for kind in KINDS}
