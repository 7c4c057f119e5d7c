"""Retirement policies: those in force, one with its past, and proposing another."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.policies import require
from accounts.sessions import person_of
from governance.policies import can_propose_policy
from governance.reads.retirement_policies import (
    RetirementPolicyPage,
    current_policies,
    places,
    proposed_policies,
    retirement_policy_page,
)
from governance.refusals import Unable
from governance.services.retirement_policies import ONLY_RULERS, propose_retirement
from governance.web.answers import blame
from governance.web.retirement_forms import TermsForm


@require_safe
def retirement_policies(request: HttpRequest) -> HttpResponse:
    """Every retirement policy in force, and what is proposed."""
    person = person_of(request)
    proposes = can_propose_policy(person)
    wanted = request.GET.get("place", "")
    offered = places(person) if proposes else []
    if wanted in dict(offered):
        return redirect("retirement-policy-propose", *wanted.split("/"))
    context = {
        "policies": current_policies(person),
        "proposed": proposed_policies(person),
        "places": offered,
    }
    return render(request, "governance/retirement_policies.html", context)


@require_safe
def retirement_policy(request: HttpRequest, scope: str, place: str) -> HttpResponse:
    """The policy of a model, a team or a risk tier."""
    page = retirement_policy_page(person_of(request), scope, place)
    return render(request, "governance/retirement_policy.html", {"page": page})


@require_http_methods(["GET", "HEAD", "POST"])
def retirement_policy_propose(request: HttpRequest, scope: str, place: str) -> HttpResponse:
    """Propose another policy, starting with the one in force."""
    person = person_of(request)
    page = retirement_policy_page(person, scope, place)
    require(page.can_propose, ONLY_RULERS)
    terms: dict[str, Any] = page.policy.terms if page.policy else {}
    posted = request.method == "POST"
    form = TermsForm(request.POST if posted else None, terms=terms)
    status = 422 if posted else 200
    if posted and form.is_valid():
        try:
            change = propose_retirement(
                actor=person,
                scope=scope,
                place=place,
                terms=form.terms(),
                reason=form.cleaned_data["reason"],
            )
        except Unable as error:
            status = blame(form, error)
        else:
            messages.success(request, f"PC-{change.pk} is proposed. It waits for signatures.")
            return redirect("policy-change", change.pk)
    return _propose_page(request, page, form, status)


def _propose_page(
    request: HttpRequest, page: RetirementPolicyPage, form: TermsForm, status: int
) -> HttpResponse:
    context = {"page": page, "form": form}
    return render(request, "governance/retirement_policy_propose.html", context, status=status)
