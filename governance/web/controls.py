"""Controls of models: the matrix, a model's page, one control with evidence and assessment."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.policies import require
from accounts.sessions import person_of
from governance.reads.controls import (
    Compliance,
    ControlPage,
    Matrix,
    RuleLine,
    compliance,
    control_page,
    matrix,
)
from governance.refusals import Unable
from governance.services.controls import (
    LARGEST,
    ONLY_JUDGES,
    Judgement,
    assess,
    attach_evidence,
    set_scope,
)
from governance.web.answers import blame, tell
from governance.web.control_forms import AssessmentForm, EvidenceForm, ScopeForm
from registry.models import RiskTier


@require_safe
def controls(request: HttpRequest) -> HttpResponse:
    """Models × frameworks, or models × the controls of one."""
    asked = {name: request.GET.get(name, "").replace("\0", "") for name in ("framework", "tier")}
    text = request.GET.get("page", "1")
    page = int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 1
    tier = asked["tier"] if asked["tier"] in RiskTier.values else ""
    found = matrix(person_of(request), framework=asked["framework"], tier=tier, page=page)
    context = {
        "matrix": found,
        "fields": _fields(found, asked),
        "filtered": any(asked.values()),
        "previous": found.page - 1 if found.page > 1 else "",
        "next": found.page + 1 if found.page < found.pages else "",
        "shown": f"{found.total:,} model{'' if found.total == 1 else 's'}",
    }
    return render(request, "governance/controls.html", context)


@require_safe
def model_compliance(request: HttpRequest, slug: str) -> HttpResponse:
    """What is asked of one model, what is met, what is missing and how to mend it."""
    return _compliance_page(request, compliance(person_of(request), slug), None)


@require_POST
def scope(request: HttpRequest, slug: str) -> HttpResponse:
    """Say where the model is used and for what."""
    person = person_of(request)
    page = compliance(person, slug)
    form = ScopeForm(request.POST)
    if not form.is_valid():
        return _compliance_page(request, page, form, 422)
    try:
        set_scope(actor=person, model_id=page.model.pk, **form.lists())
    except Unable as error:
        return _compliance_page(request, page, form, blame(form, error))
    messages.success(request, "Saved. The controls that concern the model follow from it.")
    return redirect("compliance", slug)


@require_http_methods(["GET", "HEAD", "POST"])
def model_control(request: HttpRequest, slug: str, framework: str, control: str) -> HttpResponse:
    """One control of one model; POST assesses it."""
    person = person_of(request)
    page = control_page(person, slug, framework, control)
    if request.method != "POST":
        return _control_page(request, page)
    require(page.can_assess, ONLY_JUDGES)
    form = AssessmentForm(request.POST)
    if not form.is_valid():
        return _control_page(request, page, form, status=422)
    said = dict(form.cleaned_data)
    judgement = Judgement(expected_digest=said.pop("digest"), **said)
    try:
        row = assess(actor=person, model_id=page.model.pk, control=page.control, said=judgement)
    except Unable as error:
        return _control_page(request, page, form, status=blame(form, error))
    messages.success(request, f"{control} is assessed: {row.get_result_display()}.")
    return redirect("model-control", slug, framework, control)


@require_POST
def attach(request: HttpRequest, slug: str, framework: str, control: str) -> HttpResponse:
    """Attach a document or a note to one control of one model."""
    person = person_of(request)
    page = control_page(person, slug, framework, control)
    form = EvidenceForm(request.POST, request.FILES)
    if not form.is_valid():
        return _control_page(request, page, evidence=form, status=422)
    file = form.cleaned_data["file"]
    try:
        row = attach_evidence(
            actor=person,
            model_id=page.model.pk,
            control=page.control,
            title=form.cleaned_data["title"],
            text=form.cleaned_data["text"],
            raw=file.read(LARGEST + 1) if file else b"",
        )
    except Unable as error:
        if error.status == 422:
            return _control_page(request, page, evidence=form, status=blame(form, error))
        tell(request, error)
    else:
        messages.success(request, f"“{row.title}” is attached.")
    return redirect("model-control", slug, framework, control)


def _fields(found: Matrix, asked: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "name": "framework",
            "label": "Framework",
            "value": asked["framework"],
            "options": [("", "All, by share met"), *[(f.id, f.title) for f in found.frameworks]],
            "wide": True,
        },
        {
            "name": "tier",
            "label": "Risk",
            "value": asked["tier"],
            "options": [("", "Any risk"), *RiskTier.choices],
        },
    ]


def _compliance_page(
    request: HttpRequest, page: Compliance, form: ScopeForm | None, status: int = 200
) -> HttpResponse:
    initial = {
        "jurisdictions": ", ".join(page.jurisdictions),
        "purposes": ", ".join(page.purposes),
    }
    context = {"page": page, "model": page.model, "form": form or ScopeForm(initial=initial)}
    return render(request, "governance/compliance.html", context, status=status)


def _control_page(
    request: HttpRequest,
    page: ControlPage,
    form: AssessmentForm | None = None,
    *,
    evidence: EvidenceForm | None = None,
    status: int = 200,
) -> HttpResponse:
    initial = {"digest": page.row.digest, "result": page.cell.proposal or None}
    context = {
        "page": page,
        "cell": page.cell,
        "model": page.model,
        "form": form or AssessmentForm(initial=initial),
        "evidence_form": evidence or EvidenceForm(),
        "rules": [(rule, mend_of(rule, page)) for rule in page.cell.rules],
        "waiver_query": urlencode({"framework": page.framework.id, "control": page.row.id}),
    }
    return render(request, "governance/control.html", context, status=status)


def mend_of(rule: RuleLine, page: ControlPage) -> dict[str, str]:
    """Where to mend what is missing, or to see what is there."""
    slug = page.model.slug
    if rule.passed:
        return _seen(rule, slug)
    places = {
        "monitoring": ("Set up or look at monitors", reverse("monitoring-model", args=[slug])),
        "card": ("Open the model's versions and write the card", reverse("model", args=[slug])),
        "version": ("Register a version", reverse("model", args=[slug])),
        "archives": ("Open the archives", reverse("archives")),
        "request": ("Open the model and request the change", reverse("model", args=[slug])),
        "document": ("Attach a document below", "#evidence"),
        "risk": ("Answer and sign the risk questionnaire", reverse("model-risk", args=[slug])),
        "attestation": ("See when it falls due", reverse("model-risk", args=[slug])),
    }
    words, url = places.get(rule.mend, ("", ""))
    return {"words": words, "url": url}


def _seen(rule: RuleLine, slug: str) -> dict[str, str]:
    kind, key = rule.reference.get("kind"), rule.reference.get("id")
    addresses = {
        "run": lambda: reverse("run", args=[key]),
        "change_request": lambda: reverse("change-request", args=[key]),
        "archive": lambda: reverse("archive", args=[key]),
        "document": lambda: reverse("api-evidence", args=[key]),
        "card": lambda: reverse("card", args=[slug, key]),
        "monitors": lambda: reverse("monitoring-model", args=[slug]),
        "risk": lambda: reverse("model-risk", args=[slug]),
        "attestation": lambda: reverse("attestation", args=[key]),
    }
    found = addresses.get(str(kind))
    return {"words": "Look at it", "url": found() if found else ""}
