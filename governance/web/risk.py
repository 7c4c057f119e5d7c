"""Risk: the questionnaire answered and signed, attestations signed."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from accounts.ceremonies import proof_of
from accounts.policies import require
from accounts.sessions import person_of
from governance.reads.risk import (
    AttestationPage,
    RiskPage,
    attestation_page,
    decided_by_tier,
    risk_page,
)
from governance.refusals import BadFields, Unable
from governance.risk_table import questionnaire
from governance.services.proofs import about
from governance.services.risk import ONLY_OWNER, ONLY_TEAM, attest, sign_risk
from governance.web.answers import blame
from governance.web.control_forms import AttestationForm, RiskForm
from governance.web.proving import ask, proved


@never_cache
@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def model_risk(request: HttpRequest, slug: str) -> HttpResponse:
    """A model's risk: what was signed; POST answers and signs the questionnaire."""
    person = person_of(request)
    page = risk_page(person, slug)
    if request.method != "POST":
        return _risk_page(request, page, None)
    require(page.can_answer, ONLY_TEAM)
    form = ask(RiskForm(request.POST), request, about(page.model))
    if not form.is_valid():
        return _risk_page(request, page, form, 422)
    try:
        row = sign_risk(
            actor=person,
            model_id=page.model.pk,
            answers=form.answers(),
            reason=form.cleaned_data["reason"],
            password=proof_of(request, form.cleaned_data),
        )
    except BadFields as error:
        for name, text in error.errors.items():
            form.add_error(name if name in form.fields else None, text)
        return _risk_page(request, page, form, 422)
    except Unable as error:
        return _risk_page(request, page, form, blame(form, error))
    changed = f", before {row.tier_before}" if row.tier != row.tier_before else ", as before"
    messages.success(request, f"Signed. The risk tier is {row.tier}{changed}.")
    return redirect("model-risk", slug)


@never_cache
@sensitive_post_parameters("password", "code")
@require_http_methods(["GET", "HEAD", "POST"])
def attestation(request: HttpRequest, attestation: int) -> HttpResponse:
    """One attestation; POST signs it."""
    person = person_of(request)
    page = attestation_page(person, attestation)
    if request.method != "POST":
        return _attestation_page(request, page, _attestation_form(request, page))
    require(page.can_sign, ONLY_OWNER)
    form = _attestation_form(request, page, request.POST)
    if not form.is_valid():
        return _attestation_page(request, page, form, 422)
    try:
        row = attest(actor=person, attestation_id=attestation, **proved(request, form))
    except Unable as error:
        return _attestation_page(request, page, form, blame(form, error))
    messages.success(request, f"Signed: {row.get_result_display()}.")
    return redirect("attestation", attestation)


def _attestation_form(
    request: HttpRequest, page: AttestationPage, data: QueryDict | None = None
) -> AttestationForm:
    form = AttestationForm(data)
    ask(form, request, about(page.attestation))
    return form


def _risk_page(
    request: HttpRequest, page: RiskPage, form: RiskForm | None, status: int = 200
) -> HttpResponse:
    last = page.signed[0] if page.signed else None
    asked = questionnaire()
    form = form or ask(RiskForm(initial=last.answers if last else None), request, about(page.model))
    context = {
        "page": page,
        "model": page.model,
        "last": last,
        "form": form,
        "months": asked.cadence_months.get(page.model.risk_tier),
        "early": asked.open_days_before,
        "tiers": asked.tiers,
        "decides": decided_by_tier(page.model.risk_tier),
    }
    return render(request, "governance/risk.html", context, status=status)


def _attestation_page(
    request: HttpRequest, page: AttestationPage, form: AttestationForm, status: int = 200
) -> HttpResponse:
    row = page.attestation
    context = {"page": page, "row": row, "model": row.model, "form": form}
    return render(request, "governance/attestation.html", context, status=status)
