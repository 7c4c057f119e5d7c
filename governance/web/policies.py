"""Approval policies: those in force, one with its past, proposing another, signing it."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.policies import require
from accounts.sessions import person_of
from governance.models import PolicyChangeState
from governance.policies import can_propose_policy, can_sign_policy
from governance.reads.policies import ChangePage, PolicyPage, change_page, policy_lines, policy_page
from governance.refusals import Incomplete, Unable
from governance.services.policy_changes import (
    ONLY_OTHERS,
    ONLY_PROPOSER,
    ONLY_RULERS,
    propose,
    sign_policy,
    withdraw_policy,
)
from governance.services.proofs import about
from governance.web.answers import blame
from governance.web.forms import ReasonForm
from governance.web.policy_forms import PolicyForm, PolicySignatureForm
from governance.web.proving import ask, proved


@require_safe
def policies(request: HttpRequest) -> HttpResponse:
    """Every approval policy in force."""
    context = {"lines": policy_lines(), "can_propose": can_propose_policy(person_of(request))}
    return render(request, "governance/policies.html", context)


@require_safe
def policy(request: HttpRequest, kind: str, tier: str) -> HttpResponse:
    """One policy: who signs, which gates are asked, what was before and what is proposed."""
    page = policy_page(person_of(request), kind, tier)
    return render(request, "governance/policy.html", {"page": page, "policy": page.policy})


@require_http_methods(["GET", "HEAD", "POST"])
def policy_propose(request: HttpRequest, kind: str, tier: str) -> HttpResponse:
    """Propose another policy, starting with the one in force."""
    person = person_of(request)
    page = policy_page(person, kind, tier)
    require(page.can_propose, ONLY_RULERS)
    posted = request.method == "POST"
    data = request.POST if posted else None
    form = PolicyForm(data, rounds=page.policy.rounds, gates=page.policy.gates)
    status = 422 if posted else 200
    if posted and form.is_valid():
        try:
            change = propose(
                actor=person,
                kind=kind,
                risk_tier=tier,
                rounds=form.rounds(),
                gates=form.gates(),
                reason=form.cleaned_data["reason"],
            )
        except Incomplete as error:
            form.add_error(form.field_of(error.field), str(error))
        except Unable as error:
            status = blame(form, error)
        else:
            messages.success(request, f"PC-{change.pk} is proposed. It waits for signatures.")
            return redirect("policy-change", change.pk)
    return _propose_page(request, page, form, status)


def _propose_page(
    request: HttpRequest, page: PolicyPage, form: PolicyForm, status: int
) -> HttpResponse:
    context = {"page": page, "form": form}
    return render(request, "governance/policy_propose.html", context, status=status)


@require_safe
def policy_change(request: HttpRequest, change_id: int) -> HttpResponse:
    """A proposed policy: what would be different, why, and who has signed."""
    return _change_page(request, change_page(person_of(request), change_id))


@never_cache
@sensitive_post_parameters("password", "code")
@require_POST
def policy_sign(request: HttpRequest, change_id: int) -> HttpResponse:
    """Sign for or against a proposal."""
    person = person_of(request)
    page = change_page(person, change_id)
    require(can_sign_policy(person, page.change), ONLY_OTHERS)
    form = _sign_form(request, page, request.POST)
    if not form.is_valid():
        return _change_page(request, page, sign=form, status=422)
    try:
        signed = sign_policy(actor=person, change_id=change_id, **proved(request, form))
    except Unable as error:
        return _change_page(request, page, sign=form, status=blame(form, error))
    said = {
        PolicyChangeState.IN_FORCE: "You signed. The policy is in force from now on.",
        PolicyChangeState.REJECTED: "You signed against it. The policy stays as it is.",
    }.get(PolicyChangeState(signed.change.state), "You signed. Other signatures are needed.")
    messages.success(request, said)
    return redirect("policy-change", change_id)


@require_POST
def policy_withdraw(request: HttpRequest, change_id: int) -> HttpResponse:
    """Take a proposal back, with the reason."""
    person = person_of(request)
    page = change_page(person, change_id)
    require(page.can_withdraw or page.change.state != PolicyChangeState.OPEN, ONLY_PROPOSER)
    form = ReasonForm(request.POST, auto_id="withdraw_%s")
    if not form.is_valid():
        return _change_page(request, page, back=form, status=422)
    try:
        withdraw_policy(actor=person, change_id=change_id, reason=form.cleaned_data["reason"])
    except Unable as error:
        return _change_page(request, page, back=form, status=blame(form, error))
    messages.success(request, f"PC-{change_id} is taken back. The policy stays as it is.")
    return redirect("policy-change", change_id)


def _sign_form(
    request: HttpRequest, page: ChangePage, data: QueryDict | None = None
) -> PolicySignatureForm:
    form = PolicySignatureForm(data, initial={"digest": page.change.digest})
    back = reverse("policy-change", args=[page.change.pk])
    ask(form, request, about(page.change, page.change.digest), back)
    return form


def _change_page(
    request: HttpRequest,
    page: ChangePage,
    *,
    sign: PolicySignatureForm | None = None,
    back: ReasonForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context: dict[str, Any] = {
        "page": page,
        "change": page.change,
        "sign_form": sign or _sign_form(request, page),
        "withdraw_form": back or ReasonForm(auto_id="withdraw_%s"),
        "withdrawing": back is not None,
    }
    return render(request, "governance/policy_change.html", context, status=status)
