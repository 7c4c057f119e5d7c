"""Approval policies: those in force, one with its past, proposing another, signing it."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.policies import require
from accounts.sessions import person_of
from governance.models import PolicyChange
from governance.policies import can_propose_policy
from governance.reads.policies import PolicyPage, change_page, policy_lines, policy_page
from governance.refusals import Incomplete, Unable
from governance.services.policy_changes import (
    ONLY_RULERS,
    propose,
    sign_policy,
    withdraw_policy,
)
from governance.web import proposals
from governance.web.answers import blame
from governance.web.policy_forms import PolicyForm
from governance.web.proposals import Skin


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
            messages.success(request, f"{change.name} is proposed. It waits for signatures.")
            return redirect("policy-change", change.pk)
    return _propose_page(request, page, form, status)


def _propose_page(
    request: HttpRequest, page: PolicyPage, form: PolicyForm, status: int
) -> HttpResponse:
    context = {"page": page, "form": form}
    return render(request, "governance/policy_propose.html", context, status=status)


def _template(change: PolicyChange) -> str:
    name = "retirement_change" if change.is_retirement else "policy_change"
    return f"governance/{name}.html"


POLICIES = Skin(
    noun="policy",
    asks_less="It asks less than the policy in force",
    route="policy-change",
    sign_route="policy-sign",
    withdraw_route="policy-withdraw",
    template=_template,
    read=change_page,
    sign=sign_policy,
    withdraw=withdraw_policy,
)


@require_safe
def policy_change(request: HttpRequest, change_id: int) -> HttpResponse:
    """A proposed policy: what would be different, why, and who has signed."""
    return proposals.show(request, POLICIES, change_id)


@never_cache
@sensitive_post_parameters("password", "code")
@require_POST
def policy_sign(request: HttpRequest, change_id: int) -> HttpResponse:
    """Sign for or against a proposal."""
    return proposals.sign(request, POLICIES, change_id)


@require_POST
def policy_withdraw(request: HttpRequest, change_id: int) -> HttpResponse:
    """Take a proposal back, with the reason."""
    return proposals.withdraw(request, POLICIES, change_id)
