"""Retirements: the list, one with its notice, objections and steps, and what people do about it."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import capfirst
from django.views.decorators.http import require_POST, require_safe

from accounts.policies import require
from accounts.sessions import person_of
from governance.models import Retirement
from governance.policies import (
    can_answer_objection,
    can_name_replacement,
    can_object,
    can_retry_step,
)
from governance.reads.retirements import (
    STATE_WORDS,
    RetirementPage,
    retirement_lines,
    retirement_page,
)
from governance.refusals import Unable
from governance.services import retirements as work
from governance.services.no_objections import say_no_objection
from governance.web.answers import blame, tell
from governance.web.retirement_forms import AnswerForm, ObjectionForm, ReplacementForm, RetryForm

# Several forms on one page: each names its fields in its own way.
OBJECT, RETRY = "object_%s", "retry_%s"


@require_safe
def retirements(request: HttpRequest) -> HttpResponse:
    """Versions on their way out, of the person's teams."""
    state = request.GET.get("state", "").replace("\0", "")
    model = request.GET.get("model", "").replace("\0", "")
    known = state if state in {"running", *STATE_WORDS} else ""
    options = [("", "Any state"), ("running", "on their way out")]
    context = {
        "lines": retirement_lines(person_of(request), state=known, model=model),
        "filtered": bool(known or model),
        "fields": [
            {
                "name": "state",
                "label": "State",
                "value": known,
                "options": [*options, *((s.value, words) for s, words in STATE_WORDS.items())],
            },
            {"name": "model", "label": "Model", "value": model, "placeholder": "flight-delay"},
        ],
    }
    return render(request, "governance/retirements.html", context)


@require_safe
def retirement(request: HttpRequest, retirement: int) -> HttpResponse:
    """One retirement: what the rules found, how many days are left, and every step."""
    return _page(request, retirement_page(person_of(request), retirement))


@require_POST
def retirement_object(request: HttpRequest, retirement: int) -> HttpResponse:
    """Object within the notice."""
    person = person_of(request)
    page = retirement_page(person, retirement)
    require(can_object(person, page.row.model), work.ONLY_TEAM)
    form = ObjectionForm(request.POST, auto_id=OBJECT)
    if not form.is_valid():
        return _page(request, page, objection=form, status=422)
    try:
        work.object_to(actor=person, retirement_id=retirement, **form.cleaned_data)
    except Unable as error:
        return _page(request, page, objection=form, status=blame(form, error))
    messages.success(request, "You object. Nothing is asked for until somebody else answers.")
    return redirect("retirement", retirement)


@require_POST
def retirement_no_objection(request: HttpRequest, retirement: int) -> HttpResponse:
    """Say within the notice that one does not object."""
    person = person_of(request)
    retirement_page(person, retirement)
    try:
        say_no_objection(actor=person, retirement_id=retirement)
    except Unable as error:
        tell(request, error)
    else:
        messages.success(request, "It is noted that you do not object.")
    return redirect("retirement", retirement)


@require_POST
def objection_answer(request: HttpRequest, retirement: int, objection: int) -> HttpResponse:
    """Uphold or overrule somebody else's objection."""
    person = person_of(request)
    page = retirement_page(person, retirement)
    row = next((one.row for one in page.objections if one.row.pk == objection), None)
    if row is None:
        raise Http404("There is no such objection.")
    require(can_answer_objection(person, row), work.ONLY_OTHERS)
    form = _answer(objection, request.POST)
    if not form.is_valid():
        return _page(request, page, answer=(objection, form), status=422)
    try:
        work.answer_objection(actor=person, objection_id=objection, **form.cleaned_data)
    except Unable as error:
        return _page(request, page, answer=(objection, form), status=blame(form, error))
    messages.success(request, "The objection is answered.")
    return redirect("retirement", retirement)


@require_POST
def retirement_replacement(request: HttpRequest, retirement: int) -> HttpResponse:
    """Say what takes the version's place, or that nothing does."""
    person = person_of(request)
    page = retirement_page(person, retirement)
    require(can_name_replacement(person, page.row.model), work.ONLY_BUILDERS)
    form = _replacement(page, request.POST)
    if not form.is_valid():
        return _page(request, page, replacement=form, status=422)
    try:
        work.name_replacement(actor=person, retirement_id=retirement, **form.wanted())
    except Unable as error:
        return _page(request, page, replacement=form, status=blame(form, error))
    messages.success(request, "It is noted what takes its place.")
    return redirect("retirement", retirement)


@require_POST
def step_retry(request: HttpRequest, retirement: int, step: int) -> HttpResponse:
    """Have a failed step of the clean-up tried again."""
    person = person_of(request)
    page = retirement_page(person, retirement)
    if step not in {one.step.pk for one in page.steps}:
        raise Http404("There is no such step.")
    require(can_retry_step(person, page.row.model), work.ONLY_MENDERS)
    form = RetryForm(request.POST, auto_id=RETRY)
    if not form.is_valid():
        return _page(request, page, retry=form, status=422)
    try:
        work.retry_step(actor=person, step_id=step, **form.cleaned_data)
    except Unable as error:
        tell(request, error)
    else:
        messages.success(request, "It is tried again now.")
    return redirect("retirement", retirement)


def _replacement(page: RetirementPage, data: Any = None) -> ReplacementForm:
    numbers = [(one.number, one.stage) for one in page.others]
    return ReplacementForm(data, numbers=numbers)


def _answer(objection: int, data: Any = None) -> AnswerForm:
    return AnswerForm(data, auto_id=f"answer{objection}_%s")


def _form_of(objection: int, sent: tuple[int, forms.Form] | None) -> forms.Form:
    """What was sent for this objection, else an empty form of its own."""
    return sent[1] if sent and sent[0] == objection else _answer(objection)


def _page(
    request: HttpRequest,
    page: RetirementPage,
    *,
    objection: forms.Form | None = None,
    answer: tuple[int, forms.Form] | None = None,
    replacement: forms.Form | None = None,
    retry: forms.Form | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "page": page,
        "line": page.line,
        "row": page.row,
        "objection_form": objection or ObjectionForm(auto_id=OBJECT),
        "objections": [(one, _form_of(one.row.pk, answer)) for one in page.objections],
        "replacement_form": replacement or _replacement(page),
        "retry_form": retry or RetryForm(auto_id=RETRY),
        "retrying": retry is not None,
        "stages": _stages(page),
        "policy_words": capfirst(page.row.because_of),
    }
    return render(request, "governance/retirement.html", context, status=status)


ORDER = ("notice", "requested", "ending", "closed")
STAGE_WORDS = {
    "notice": "Notice",
    "requested": "Signatures",
    "ending": "Clean-up",
    "closed": "Closed",
}


def _stages(page: RetirementPage) -> list[dict[str, str]]:
    """How far it has come; where it was stopped, the place is marked."""
    line = page.line
    notes = {
        "notice": _notice_words(line.row),
        "requested": f"CR-{line.row.request_id}" if line.row.request_id else "",
        "ending": f"{line.settled} of {line.steps}" if page.steps else "",
        "closed": "with its tombstone" if line.row.state == "closed" else "",
    }
    stopped = line.row.state not in ORDER
    reached = line.row.state
    if stopped:
        reached = "requested" if line.row.request_id else "notice"
    at = ORDER.index(reached)
    return [
        {
            "label": STAGE_WORDS[name],
            "note": line.words if stopped and place == at else notes[name],
            "state": _stage_state(place, at, stopped=stopped, closed=reached == "closed"),
        }
        for place, name in enumerate(ORDER)
    ]


def _notice_words(row: Retirement) -> str:
    if row.notice_ended_at:
        return f"ended early, {_day(row.notice_ended_at)}"
    return f"until {_day(row.notice_until)}" if row.notice_until else "none: asked for by hand"


def _day(day: date) -> str:  # also of a moment
    return f"{day.day} {day:%b %Y}"


def _stage_state(place: int, at: int, *, stopped: bool, closed: bool) -> str:
    if place < at or (closed and place == at):
        return "done"
    if place > at:
        return "next"
    return "failed" if stopped else "now"
