"""Findings and waivers: the lists, one of each, and the steps that people take."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.policies import require
from accounts.sessions import person_of
from governance.models import FindingKind, FindingSeverity
from governance.policies import can_ask_waiver, can_raise_finding
from governance.reads.controls import current_control
from governance.reads.findings import (
    FindingPage,
    finding_lines,
    finding_page,
    waiver_page,
    waiver_rows,
)
from governance.refusals import Unable
from governance.services import findings as work
from governance.services import proofs
from governance.services.waivers import (
    ONLY_RISK,
    ONLY_TEAM,
    ask_waiver,
    decide_waiver,
    withdraw_waiver,
)
from governance.states import FINDING_VERBS, FindingState
from governance.web.answers import blame, tell
from governance.web.control_forms import (
    FindingChangeForm,
    FindingForm,
    NoteForm,
    StepForm,
    WaiverDecisionForm,
    WaiverForm,
)
from governance.web.forms import ReasonForm
from governance.web.proving import ask, proved
from registry.models import Model

STEP_WORDS = {
    "start": ("Start work", "player-play", "What will be done."),
    "propose": (
        "Propose for closing",
        "check",
        "What was done, and how one sees that it is mended.",
    ),
    "close": ("Close", "circle-check", "What you checked."),
    "send_back": ("Send back", "arrow-back-up", "What is still missing."),
    "reopen": ("Reopen", "refresh", "Why it is not mended after all."),
}
TOLD = {
    "raise": "Raised",
    "note": "Note",
    "link": "Evidence linked",
    "change": "Changed",
    "start": "Work started",
    "propose": "Proposed for closing",
    "close": "Closed",
    "send_back": "Sent back",
    "reopen": "Reopened",
}
LINKED = {
    "incident": "incident",
    "run": "run",
    "change_request": "change-request",
    "archive": "archive",
    "document": "api-evidence",
}
TONES = {"close": "ok", "reopen": "breach", "raise": "warning", "propose": "info"}


@require_safe
def findings(request: HttpRequest) -> HttpResponse:
    """Findings of the person's teams, gravest first."""
    person = person_of(request)
    names = ("state", "severity", "kind", "model")
    asked = {name: request.GET.get(name, "").replace("\0", "") for name in names}
    asked["state"] = request.GET.get("state", "unclosed")
    lines = finding_lines(person, **asked)
    context = {
        "lines": lines,
        "fields": _fields(asked),
        "can_raise": bool(_models(person)),
        "filtered": any(v for k, v in asked.items() if (k, v) != ("state", "unclosed")),
    }
    return render(request, "governance/findings.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def finding_new(request: HttpRequest) -> HttpResponse:
    """Raise a finding."""
    person = person_of(request)
    models = _models(person)
    require(bool(models), work.ONLY_TEAM)
    posted = request.method == "POST"
    first = {"model": request.GET.get("model", ""), "version": request.GET.get("version", "")}
    names = [(model.slug, model.name) for model in models]
    form = FindingForm(request.POST if posted else None, initial=first, models=names)
    status = 422 if posted else 200
    if posted and form.is_valid():
        said = dict(form.cleaned_data)
        slug = said.pop("model")
        said["owner_email"] = said.pop("owner")
        model = next(one for one in models if one.slug == slug)
        try:
            row = work.raise_finding(actor=person, model_id=model.pk, said=work.NewFinding(**said))
        except Unable as error:
            status = blame(form, error)
        else:
            messages.success(request, f"F-{row.pk} is raised; {row.owner.name} owns it.")
            return redirect("finding", row.pk)
    return render(request, "governance/finding_new.html", {"form": form}, status=status)


@require_safe
def finding(request: HttpRequest, finding: int) -> HttpResponse:
    """One finding with its timeline and the steps that this person may take."""
    return _page(request, finding_page(person_of(request), finding))


@require_POST
def finding_move(request: HttpRequest, finding: int) -> HttpResponse:
    """One step; which one is the button's."""
    person, verb = person_of(request), request.POST.get("verb", "")
    page = finding_page(person, finding)
    require(page.works, work.ONLY_TEAM)
    form = StepForm(request.POST)
    if not form.is_valid():
        return _page(request, page, step=form, status=422)
    try:
        row = work.move(actor=person, finding_id=finding, verb=verb, text=form.cleaned_data["text"])
    except Unable as error:
        return _page(request, page, step=form, status=blame(form, error))
    messages.success(request, f"F-{finding} is {row.get_state_display()}.")
    return redirect("finding", finding)


@require_POST
def finding_note(request: HttpRequest, finding: int) -> HttpResponse:
    """A line on the timeline, with a link where there is one."""
    person = person_of(request)
    page = finding_page(person, finding)
    require(page.can_note, work.ONLY_TEAM)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _page(request, page, note=form, status=422)
    try:
        work.note(
            actor=person, finding_id=finding, text=form.cleaned_data["text"], link=form.link()
        )
    except Unable as error:
        return _page(request, page, note=form, status=blame(form, error))
    return redirect("finding", finding)


@require_POST
def finding_change(request: HttpRequest, finding: int) -> HttpResponse:
    """Another owner, severity or due date."""
    person = person_of(request)
    page = finding_page(person, finding)
    require(page.works, work.ONLY_TEAM)
    form = FindingChangeForm(request.POST, people=page.people)
    if not form.is_valid():
        return _page(request, page, change=form, status=422)
    said = dict(form.cleaned_data)
    try:
        work.change_finding(actor=person, finding_id=finding, owner_email=said.pop("owner"), **said)
    except Unable as error:
        return _page(request, page, change=form, status=blame(form, error))
    messages.success(request, f"F-{finding} is changed.")
    return redirect("finding", finding)


@require_safe
def waivers(request: HttpRequest) -> HttpResponse:
    """Waivers of the person's teams, newest first."""
    rows = waiver_rows(person_of(request))[:200]
    return render(request, "governance/waivers.html", {"waivers": rows})


@require_http_methods(["GET", "HEAD", "POST"])
def waiver_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Ask for a waiver of a finding, or of a control, of one model."""
    person = person_of(request)
    rows = Model.objects.visible_to(person).select_related("team")
    model = get_object_or_404(rows, slug=slug)
    require(can_ask_waiver(person, model), ONLY_TEAM)
    about = _about(request, person)
    form = WaiverForm(request.POST or None)
    status = 422 if request.method == "POST" else 200
    if request.method == "POST" and form.is_valid():
        try:
            row = ask_waiver(
                actor=person,
                model_id=model.pk,
                finding_id=about["finding_id"],
                control=about["control"],
                **form.cleaned_data,
            )
        except Unable as error:
            status = blame(form, error)
        else:
            messages.success(request, "The waiver is asked for; somebody else decides.")
            return redirect("waiver", row.pk)
    context = {"form": form, "model": model, **about}
    return render(request, "governance/waiver_new.html", context, status=status)


@never_cache
@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def waiver(request: HttpRequest, waiver: int) -> HttpResponse:
    """One waiver; POST grants, refuses or withdraws it."""
    person = person_of(request)
    page = waiver_page(person, waiver)
    if request.method != "POST":
        return _waiver_page(request, page)
    if "withdraw" in request.POST:
        return _withdraw(request, page)
    require(page.can_decide, ONLY_RISK)
    form = ask(WaiverDecisionForm(request.POST), request, proofs.about(page.waiver))
    if not form.is_valid():
        return _waiver_page(request, page, form, 422)
    try:
        row = decide_waiver(actor=person, waiver_id=waiver, **proved(request, form))
    except Unable as error:
        return _waiver_page(request, page, form, blame(form, error))
    messages.success(request, f"The waiver is {row.state}.")
    return redirect("waiver", waiver)


def _withdraw(request: HttpRequest, page: Any) -> HttpResponse:
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _waiver_page(request, page, status=422, withdraw=form)
    try:
        withdraw_waiver(
            actor=person_of(request),
            waiver_id=page.waiver.pk,
            reason=form.cleaned_data["reason"],
        )
    except Unable as error:
        tell(request, error)
    else:
        messages.success(request, "The waiver is withdrawn.")
    return redirect("waiver", page.waiver.pk)


def _waiver_page(
    request: HttpRequest,
    page: Any,
    form: WaiverDecisionForm | None = None,
    status: int = 200,
    withdraw: ReasonForm | None = None,
) -> HttpResponse:
    context = {
        "page": page,
        "waiver": page.waiver,
        "form": form or ask(WaiverDecisionForm(), request, proofs.about(page.waiver)),
        "withdraw_form": withdraw or ReasonForm(),
    }
    return render(request, "governance/waiver.html", context, status=status)


def _about(request: HttpRequest, person: User) -> dict[str, Any]:
    """What the waiver is for: named in the address, checked for being there."""
    text = request.GET.get("finding", "")
    if text:
        if not (text.isascii() and text.isdecimal() and len(text) < 10):
            raise Http404("There is no such finding.")
        page = finding_page(person, int(text))
        return {"finding_id": page.line.id, "control": None, "about": f"F-{text} {page.line.title}"}
    names = [request.GET.get(name, "").replace("\0", "") for name in ("framework", "control")]
    control = current_control(person, *names)
    return {"finding_id": None, "control": control, "about": f"{control}: {control.line}"}


def _page(
    request: HttpRequest,
    page: FindingPage,
    *,
    step: StepForm | None = None,
    note: NoteForm | None = None,
    change: FindingChangeForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "page": page,
        "line": page.line,
        "step_form": step or StepForm(),
        "note_form": note or NoteForm(),
        "change_form": change or FindingChangeForm(people=page.people),
        "steps": [(verb, *STEP_WORDS[verb]) for verb in FINDING_VERBS if verb in page.verbs],
        "items": [_item(one) for one in page.entries],
    }
    return render(request, "governance/finding.html", context, status=status)


def _item(one: Any) -> dict[str, Any]:
    title = TOLD.get(one.verb, one.verb)
    url = reverse(LINKED[one.link_kind], args=[one.link_id]) if one.link_kind in LINKED else ""
    text = f"{one.text} ({one.link_label})" if one.link_label else one.text
    return {
        "at": one.at,
        "title": title,
        "actor": one.name,
        "text": text,
        "url": url,
        "icon": STEP_WORDS.get(one.verb, ("", "message"))[1],
        "tone": TONES.get(one.verb, "unknown"),
    }


def _fields(asked: dict[str, str]) -> list[dict[str, Any]]:
    states = [(s.value, s.value.replace("_", " ")) for s in FindingState]
    return [
        {
            "name": "state",
            "label": "State",
            "value": asked["state"],
            "options": [("unclosed", "not closed"), ("", "any state"), *states],
        },
        {
            "name": "severity",
            "label": "Severity",
            "value": asked["severity"],
            "options": [("", "any severity"), *FindingSeverity.choices],
        },
        {
            "name": "kind",
            "label": "Kind",
            "value": asked["kind"],
            "options": [("", "any kind"), *FindingKind.choices],
        },
        {
            "name": "model",
            "label": "Model",
            "value": asked["model"],
            "placeholder": "flight-delay",
        },
    ]


def _models(person: User) -> list[Model]:
    """Models about which this person may raise a finding. One query."""
    rows = Model.objects.visible_to(person).order_by("name")
    return [model for model in rows if can_raise_finding(person, model)]
