"""Incidents: the list, one of them, and what people do about it."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.policies import require
from accounts.sessions import person_of
from monitoring.models import Incident, Severity
from monitoring.policies import can_handle
from monitoring.reads.incident_list import STATES, Wanted
from monitoring.reads.incident_list import incident_list as read_list
from monitoring.reads.incidents import IncidentDetail, TimelineEntry, incident_detail
from monitoring.reads.investigations import investigation_of
from monitoring.services import incidents as services
from monitoring.services.incidents import IncidentInvalid
from monitoring.states import INCIDENT_MOVES, IllegalIncidentMove, IncidentState
from monitoring.web.findings import told
from monitoring.web.forms import AcknowledgeForm, NoteForm, ResolveForm
from monitoring.web.words import window_text

LONGEST_ID = 18
ALERTS = 15
LONGEST_ROW = 3
LOOKS = (
    ("Opened", "alert-octagon", "breach"),
    ("Breached again", "alert-triangle", "warning"),
    ("Acknowledged", "eye", "warning"),
    ("Resolved", "circle-check", "ok"),
)
Do = Callable[[User, dict[str, Any]], object]


@require_safe
def incident_list(request: HttpRequest) -> HttpResponse:
    """Incidents with filters, the newest first."""
    asked = request.GET
    before = asked.get("before", "")
    wanted = Wanted(
        state=asked.get("state", ""),
        model=asked.get("model", "")[:80],
        severity=asked.get("severity", ""),
        before=int(before) if before.isdigit() and len(before) <= LONGEST_ID else None,
    )
    page = read_list(person_of(request), wanted)
    filters = [
        _filter("state", "State", wanted.state, [(one, one) for one in STATES]),
        _filter("model", "Model", wanted.model, list(page.models)),
        _filter("severity", "Severity", wanted.severity, [(v, str(t)) for v, t in _severities()]),
    ]
    filtered = any((wanted.state, wanted.model, wanted.severity))
    context = {
        "page": page,
        "filters": filters,
        "clear": reverse("incidents") if filtered else "",
        "filtered": filtered,
        "before": before,
    }
    return render(request, "monitoring/incidents.html", context)


@require_safe
def incident_page(request: HttpRequest, incident_id: int) -> HttpResponse:
    """One incident with its timeline, alerts and what can be done."""
    return _page(request, incident_id)


@require_POST
def acknowledge(request: HttpRequest, incident_id: int) -> HttpResponse:
    """Take an incident over."""

    def do(user: User, data: dict[str, Any]) -> object:
        return services.acknowledge(actor=user, incident_id=incident_id, note=data["note"])

    return _do(request, incident_id, AcknowledgeForm(request.POST), do, "It is yours now.")


@require_POST
def note(request: HttpRequest, incident_id: int) -> HttpResponse:
    """Add a line to the timeline."""

    def do(user: User, data: dict[str, Any]) -> object:
        return services.note(actor=user, incident_id=incident_id, text=data["text"])

    return _do(request, incident_id, NoteForm(request.POST), do, "The note is in the timeline.")


@require_POST
def resolve(request: HttpRequest, incident_id: int) -> HttpResponse:
    """Close an incident with its root cause."""

    def do(user: User, data: dict[str, Any]) -> object:
        return services.resolve(actor=user, incident_id=incident_id, **data)

    return _do(request, incident_id, ResolveForm(request.POST), do, "The incident is resolved.")


def _do(
    request: HttpRequest, incident_id: int, form: forms.Form, do: Do, done: str
) -> HttpResponse:
    """Ask the service; what it refuses is said on the page, and nothing has changed."""
    user = person_of(request)
    incident = _visible(user, incident_id)
    require(can_handle(user, incident), services.ONLY_THE_TEAM)
    if not form.is_valid():
        return _page(request, incident_id, bound=form)
    try:
        do(user, form.cleaned_data)
    except IncidentInvalid as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        return _page(request, incident_id, bound=form)
    except IllegalIncidentMove as refusal:
        messages.error(request, f"{refusal} Nothing was changed.")
    else:
        messages.success(request, done)
    return redirect("incident", incident_id=incident_id)


def _visible(user: User, incident_id: int) -> Incident:
    found = Incident.objects.visible_to(user).select_related("model")
    incident = found.filter(pk=incident_id).first()
    if incident is None:
        raise Http404
    return incident


def _page(request: HttpRequest, incident_id: int, bound: forms.Form | None = None) -> HttpResponse:
    user = person_of(request)
    detail = incident_detail(user, incident_id)
    if detail is None:
        raise Http404
    incident = _visible(user, incident_id)
    found = investigation_of(incident)
    context = {
        "incident": detail.row,
        "detail": detail,
        "found": told(found) if found else None,
        "alerts": [
            (one, window_text(one.window_start, one.window_end)) for one in detail.alerts[:ALERTS]
        ],
        "first": min(detail.alerts, key=lambda one: one.window_start, default=None),
        "timeline": _timeline(detail.timeline),
        "forms": _forms(detail, bound) if can_handle(user, incident) else [],
        "may_handle": can_handle(user, incident),
    }
    status = 422 if bound is not None else 200
    return render(request, "monitoring/incident.html", context, status=status)


def _forms(detail: IncidentDetail, bound: forms.Form | None) -> list[dict[str, Any]]:
    """What can be done in this state, each with its form."""
    state, own = IncidentState(detail.row.state), [detail.row.id]
    offered = [
        ("acknowledge", "Acknowledge", "eye", AcknowledgeForm, "incident-acknowledge"),
        ("note", "Add a note", "message", NoteForm, "incident-note"),
        ("resolve", "Resolve", "circle-check", ResolveForm, "incident-resolve"),
    ]
    return [
        {
            "verb": verb,
            "label": label,
            "icon": icon,
            "url": reverse(name, args=own),
            "form": bound if isinstance(bound, form) else form(auto_id=f"{verb}_%s"),
        }
        for verb, label, icon, form, name in offered
        if verb == "note" or (state, verb) in INCIDENT_MOVES
    ]


def _timeline(entries: Sequence[TimelineEntry]) -> list[dict[str, Any]]:
    """Newest first; a long row of windows that breached again is one line."""
    told: list[dict[str, Any]] = []
    for again, group in groupby(reversed(entries), key=_is_repetition):
        lines = [_entry(one) for one in group]
        if again and len(lines) > LONGEST_ROW:
            since = lines[-1]["at"]
            title = f"Breached again in {len(lines)} windows since {since:%Y-%m-%d}"
            lines = [lines[0] | {"title": title, "text": f"Last: {lines[0]['text']}"}]
        told += lines
    return told


def _is_repetition(entry: TimelineEntry) -> bool:
    return not entry.person and entry.text.startswith("Breached again")


def _entry(entry: TimelineEntry) -> dict[str, Any]:
    """A line of the timeline: its first sentence as title, by what it says."""
    for start, icon, tone in LOOKS:
        if entry.text.startswith(start):
            title, _, rest = entry.text.partition(". ")
            return _line(entry, title.rstrip("."), rest, icon, tone)
    return _line(entry, "Note", entry.text, "message", "info")


def _line(entry: TimelineEntry, title: str, text: str, icon: str, tone: str) -> dict[str, Any]:
    said = {"at": entry.at, "title": title, "text": text, "actor": entry.person}
    return said | {"icon": icon, "tone": tone}


def _severities() -> list[tuple[str, str]]:
    return [(str(value), str(label)) for value, label in Severity.choices]


def _filter(name: str, label: str, value: str, options: list[tuple[str, str]]) -> dict[str, Any]:
    return {"name": name, "label": label, "value": value, "options": [("", "All"), *options]}
