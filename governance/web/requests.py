"""Change requests: asked for, read with their evidence, withdrawn, refreshed, tried again."""

from collections.abc import Callable, Iterable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.policies import require
from accounts.sessions import person_of
from governance.models import ChangeRequest, EvidenceKind
from governance.policies import can_set_conditions, can_withdraw
from governance.reads.conditions import measurable
from governance.reads.new_requests import NewRequest, new_request
from governance.reads.requests import GateLine, NumberRow, RequestPage, request_page
from governance.refusals import GatesNotPassed, Unable
from governance.services.challenge import note_opening
from governance.services.proofs import bound_to
from governance.services.requests import (
    ONLY_BUILDERS,
    ONLY_CONCERNED,
    refresh_evidence,
    retry,
    set_conditions,
    submit,
    withdraw,
)
from governance.states import APPROVING, RequestState
from governance.web.answers import blame, tell
from governance.web.challenge import links_of
from governance.web.condition_forms import ConditionsForm
from governance.web.forms import ChangeForm, ReasonForm, SignatureForm
from governance.web.proving import ask
from governance.web.steps import counting_of, steps_of

KIND_WORDS = {
    "promote": "Promote",
    "roll_back": "Roll back",
    "retire": "Retire",
    "archive": "Archive",
    "restore": "Restore",
    "revalidate": "Revalidate",
}
KIND_MEANS = {
    "promote": "When it is approved, the version serves in this role and MLflow's alias follows.",
    "roll_back": "When it is approved, this earlier version becomes champion again.",
    "retire": "When it is approved, the version serves nowhere any more.",
    "archive": "When it is approved, files, card, evidence and environment are copied, hashed "
    "and sealed.",
    "restore": "When it is approved, the archive is verified bit by bit and registered as a new "
    "candidate, which needs an approval of its own.",
    "revalidate": "When it is approved, the version goes on serving under an approval that was "
    "given for today's purpose.",
}
NOT_PASSED = {"prevent": "it must pass before anybody may sign", "warn": "it should pass"}
CLAIM_PARTS = ("value", "low", "high", "n", "as_of")


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Ask for a change; the page says who will have to sign and how the gates answer now."""
    person = person_of(request)
    kind = request.POST.get("kind") or request.GET.get("kind", "")
    role = request.POST.get("role") or request.GET.get("role", "champion")
    page = new_request(person, slug, number, kind, role)
    require(page.can_submit, ONLY_BUILDERS)
    under = ConditionsForm(request.POST or None, measurable=page.measurable)
    if request.method != "POST":
        return _new_page(request, page, ChangeForm(kind=page.kind, initial={"role": role}), under)
    form = ChangeForm(request.POST, kind=page.kind)
    if not form.is_valid() or not under.is_valid():
        return _new_page(request, page, form, under, 422)
    try:
        made = submit(
            actor=person,
            kind=kind,
            version_id=page.version_id,
            conditions=under.conditions() if kind in APPROVING else None,
            **form.wanted(),
        )
    except GatesNotPassed as error:
        form.add_error(None, _gates_sentence(len(error.failing)))
        return _new_page(request, page, form, under, error.status)
    except Unable as error:
        return _new_page(request, page, form, under, blame(form, error))
    messages.success(request, f"CR-{made.pk} is submitted; its evidence is frozen.")
    return redirect("change-request", made.pk)


def _gates_sentence(count: int) -> str:
    gates = "One gate does" if count == 1 else f"{count} gates do"
    return f"{gates} not pass yet, so nothing was submitted. Each one says below how to mend it."


def _new_page(
    request: HttpRequest,
    page: NewRequest,
    form: ChangeForm,
    under: ConditionsForm,
    status: int = 200,
) -> HttpResponse:
    context = {
        "page": page,
        "form": form,
        "under": under if page.kind in APPROVING else None,
        "under_open": under.is_bound and (under.errors or under.conditions()),
        "verb": KIND_WORDS.get(page.kind, ""),
        "means": KIND_MEANS.get(page.kind, ""),
        "choices": [
            {"key": kind, "label": KIND_WORDS[kind], "url": f"?kind={kind}"} for kind in page.kinds
        ],
        "gates": gates_of(page.gates),
        "prevented": sum(1 for gate in page.gates if gate.state == "failed"),
    }
    return render(request, "governance/request_new.html", context, status=status)


@require_safe
def change_request(request: HttpRequest, request_id: int) -> HttpResponse:
    """Everything that a reviewer sees before signing."""
    person = person_of(request)
    page = request_page(person, request_id)
    may_sign = page.my_role and page.line.state == RequestState.OPEN and request.method == "GET"
    counted = may_sign and note_opening(
        actor=person, request_id=request_id, kind=EvidenceKind.REQUEST
    )
    context = context_of(request, page) | {"links": links_of(request_id), "counted": counted}
    return render(request, "governance/change_request.html", context)


def context_of(request: HttpRequest, page: RequestPage) -> dict[str, Any]:
    rejects = page.can_reject and not page.can_sign
    form = SignatureForm(meanings=page.meanings, rejects=rejects, initial={"digest": page.digest})
    sign_page = reverse("sign", args=[page.line.id])
    ask(form, request, bound_to("change request", page.line.id, page.digest), sign_page)
    return {
        "page": page,
        "line": page.line,
        "page_label": f"CR-{page.line.id}",
        "means": KIND_MEANS.get(page.line.kind, ""),
        "steps": steps_of(page),
        "rows": [_row(number) for number in page.numbers],
        "own_numbers": [_claim(number) for number in page.numbers if number.proposed],
        "champion_label": f"Version {page.champion}",
        "version_label": f"Version {page.line.version}",
        "compared": page.champion is not None and page.champion != page.line.version,
        "gates": gates_of(page.gates),
        "gates_said": _gates_said(page),
        "conditions": page.conditions,
        "signed_said": f"{counting_of(page)} of {page.line.needed} count",
        "sign_title": f"{'Reject' if rejects else 'Sign'}: {page.line.title}",
        "form": form,
    }


def gates_of(gates: Iterable[GateLine]) -> list[dict[str, Any]]:
    """Gates as the component shows them: what stands in the way says so."""
    return [
        {
            "title": gate.title,
            "state": gate.state,
            "detail": gate.detail,
            "required": "" if gate.passed else NOT_PASSED.get(gate.mode, ""),
        }
        for gate in gates
    ]


def _gates_said(page: RequestPage) -> str:
    passed = sum(1 for gate in page.gates if gate.passed)
    return f"{passed} of {len(page.gates)} passed when the evidence was frozen."


def _claim(number: NumberRow) -> dict[str, Any]:
    cell = number.proposed
    return {
        "label": number.label,
        "source": number.source,
        **({} if cell is None else {name: getattr(cell, name) for name in CLAIM_PARTS}),
    }


def _row(number: NumberRow) -> dict[str, Any]:
    """A row of the comparison component: numbers as claims, the source below the label."""
    return {
        "label": number.label,
        "left": number.champion,
        "right": number.proposed,
        "better": {"champion": "left", "proposed": "right"}.get(number.better, ""),
        "note": number.source,
    }


@require_http_methods(["GET", "HEAD", "POST"])
def withdraw_request(request: HttpRequest, request_id: int) -> HttpResponse:
    """Take a request back, with the reason."""
    person = person_of(request)
    found = _visible(person, request_id)
    require(can_withdraw(person, found), "Who asked, or a developer of the team, withdraws it.")
    form = ReasonForm(request.POST or None)
    status = 200 if request.method != "POST" else 422
    if request.method == "POST" and form.is_valid():
        try:
            withdraw(actor=person, request_id=found.pk, reason=form.cleaned_data["reason"])
        except Unable as error:
            status = blame(form, error)
        else:
            messages.success(request, f"CR-{found.pk} is withdrawn.")
            return redirect("change-request", found.pk)
    context = {"found": found, "form": form}
    return render(request, "governance/request_withdraw.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def conditions(request: HttpRequest, request_id: int) -> HttpResponse:
    """Ask for the same under other conditions."""
    person = person_of(request)
    found = _visible(person, request_id)
    require(can_set_conditions(person, found), ONLY_CONCERNED)
    under = ConditionsForm(
        request.POST or None,
        measurable=measurable(found.version),
        initial=ConditionsForm.filled_with(found.conditions),
    )
    form = ReasonForm(request.POST or None)
    status = 200 if request.method != "POST" else 422
    if request.method == "POST" and form.is_valid() and under.is_valid():
        try:
            _set_conditions(person, found, under, form)
        except GatesNotPassed as error:
            form.add_error(None, str(error))
        except Unable as error:
            status = blame(form, error)
        else:
            said = "The conditions are part of the evidence now: signatures are given anew."
            messages.success(request, said)
            return redirect("change-request", found.pk)
    context = {"found": found, "form": form, "under": under}
    return render(request, "governance/request_conditions.html", context, status=status)


def _set_conditions(
    person: User, found: ChangeRequest, under: ConditionsForm, form: ReasonForm
) -> None:
    set_conditions(
        actor=person,
        request_id=found.pk,
        conditions=under.conditions(),
        reason=form.cleaned_data["reason"],
    )


@require_POST
def refresh(request: HttpRequest, request_id: int) -> HttpResponse:
    """Freeze today's evidence; signatures over the earlier one are stale from then on."""
    said = "Today's evidence is frozen. Signatures over the earlier evidence do not count any more."
    return _step(request, request_id, refresh_evidence, said)


@require_POST
def try_again(request: HttpRequest, request_id: int) -> HttpResponse:
    """Carry out once more what was approved and failed."""
    return _step(request, request_id, retry, "It is being carried out again.")


def _step(
    request: HttpRequest, request_id: int, service: Callable[..., ChangeRequest], said: str
) -> HttpResponse:
    person = person_of(request)
    found = _visible(person, request_id)
    try:
        service(actor=person, request_id=found.pk)
    except Unable as error:
        tell(request, error)
    else:
        messages.success(request, said)
    return redirect("change-request", found.pk)


def _visible(person: User, request_id: int) -> ChangeRequest:
    rows = ChangeRequest.objects.visible_to(person).select_related("model", "version__model")
    return get_object_or_404(rows, pk=request_id)
