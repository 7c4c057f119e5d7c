"""Retraining: a model's policy and retrainings, a new policy, its data suite, one retraining."""

from collections.abc import Callable
from typing import Any

import yaml
from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.models import User
from accounts.policies import require
from accounts.sessions import person_of
from monitoring import data_checks
from monitoring.policies import can_approve_retraining, can_let_retrain, can_write_retraining
from monitoring.reads import retrainings as reads
from monitoring.reads.behaviour import watched_model
from monitoring.retraining_terms import Terms, TermsInvalid
from monitoring.services.retraining_policies import (
    ONLY_OWNERS,
    RetrainingInvalid,
    switch_off,
    switch_on,
    write_policy,
    write_suite,
)
from monitoring.services.retrainings import (
    cancel_retraining,
    retry_retraining,
    start_retraining,
)
from monitoring.states import IllegalRetrainingMove, PolicyState, RetrainingState
from monitoring.web import retraining_words as words
from monitoring.web.periods import View
from monitoring.web.retraining_forms import PolicyForm, ReasonForm, SuiteForm
from monitoring.web.tabs import tabs_of
from registry.models import Model, Schema
from registry.schemas import PredictionSchema

NEW_TERMS = Terms(triggers=({"on": "performance", "windows": 2},))
FAILURES = (RetrainingInvalid, IllegalRetrainingMove)


@require_safe
def overview(request: HttpRequest, slug: str) -> HttpResponse:
    """A model's policy in a sentence, its versions, its retrainings, and what was refused."""
    user = person_of(request)
    model = watched_model(user, slug)
    policies = reads.policies_of(user, model.pk)
    on = next((one for one in policies if one.policy.state == PolicyState.ON), None)
    context = {
        "model": model,
        "tabs": tabs_of(model.slug, View("1y", None)),
        "on": on,
        "policies": [(one, _verbs(user, model, one)) for one in policies],
        "suites": reads.suites_of(user, model.pk)[:1],
        "rows": [(one, words.where(one)) for one in reads.retrainings_of(user, model_id=model.pk)],
        "refusals": reads.refusals_of(user, model.pk)[:20],
        "may_write": can_write_retraining(user, model),
        "form": ReasonForm(),
    }
    return render(request, "monitoring/retraining.html", context)


def _verbs(user: User, model: Model, seen: reads.PolicySeen) -> list[tuple[str, str]]:
    """What this person may do with a version of the policy: route and words."""
    policy, mine = seen.policy, can_write_retraining(user, model)
    approves = can_approve_retraining(user, model)
    found = []
    if policy.state == PolicyState.DRAFT and mine:
        found.append(("retraining-policy-switch-on", "Switch it on"))
    if policy.state == PolicyState.ASKED and can_let_retrain(user, policy):
        found.append(("retraining-policy-approve", "Approve it"))
    if policy.state in (PolicyState.ON, PolicyState.ASKED) and (mine or approves):
        found.append(("retraining-policy-switch-off", "Switch it off"))
    return found


@require_http_methods(["GET", "HEAD", "POST"])
def new_policy(request: HttpRequest, slug: str) -> HttpResponse:
    """The next version of the policy, from the newest there is."""
    user = person_of(request)
    model = watched_model(user, slug)
    require(can_write_retraining(user, model), ONLY_OWNERS)
    policies = reads.policies_of(user, model.pk)
    terms = policies[0].terms if policies else NEW_TERMS
    form = PolicyForm(model, terms, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid() and _policy_written(user, model, form):
        messages.success(request, "Written. It works once it is switched on.")
        return redirect("monitoring-retraining", slug=model.slug)
    context = {"model": model, "form": form}
    status = 422 if form.is_bound else 200
    return render(request, "monitoring/retraining_policy_new.html", context, status=status)


def _policy_written(user: User, model: Model, form: PolicyForm) -> bool:
    try:
        reason = form.cleaned_data["reason"]
        write_policy(actor=user, model_id=model.pk, terms=form.terms(), reason=reason)
    except (TermsInvalid, RetrainingInvalid) as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        return False
    return True


@require_http_methods(["GET", "HEAD", "POST"])
def suite(request: HttpRequest, slug: str) -> HttpResponse:
    """What data must look like before the model learns from them; a POST writes the next one."""
    user = person_of(request)
    model = watched_model(user, slug)
    found = reads.suites_of(user, model.pk)
    may_write = can_write_retraining(user, model)
    start = found[0].checks if found else _suggested(model)
    form = SuiteForm(
        request.POST if request.method == "POST" else None,
        initial={"checks": yaml.safe_dump(start, sort_keys=False) if start else ""},
    )
    if request.method == "POST":
        require(may_write, ONLY_OWNERS)
        if form.is_valid() and _suite_written(user, model, form):
            messages.success(request, "Written. The next retraining is held against it.")
            return redirect("monitoring-data-suite", slug=model.slug)
    context = {
        "model": model,
        "suites": found,
        "lines": reads.checks_in_words(found[0]) if found else [],
        "suggested": data_checks.lines(start) if start and not found else [],
        "form": form if may_write else None,
    }
    status = 422 if form.is_bound else 200
    return render(request, "monitoring/data_suite.html", context, status=status)


def _suggested(model: Model) -> dict[str, Any] | None:
    """What the newest schema of the model declares."""
    schema = Schema.objects.filter(version__model=model).order_by("-version__number").first()
    if schema is None:
        return None
    return data_checks.suggested(PredictionSchema.from_json(schema.fields), minimum_rows=1_000)


def _suite_written(user: User, model: Model, form: SuiteForm) -> bool:
    try:
        checks = data_checks.read(form.cleaned_data["checks"])
        reason = form.cleaned_data["reason"]
        write_suite(actor=user, model_id=model.pk, checks=checks, reason=reason)
    except (data_checks.ChecksInvalid, RetrainingInvalid) as refusal:
        form.add_error("reason" if refusal.field == "reason" else "checks", str(refusal))
        return False
    return True


@require_POST
def start(request: HttpRequest, slug: str) -> HttpResponse:
    """Start a retraining now."""
    user = person_of(request)
    model = watched_model(user, slug)
    require(can_write_retraining(user, model), ONLY_OWNERS)
    reason = _reason(request)
    try:
        made = start_retraining(actor=user, model_id=model.pk, reason=reason)
    except RetrainingInvalid as refusal:
        messages.error(request, f"{refusal} Nothing was started.")
        return redirect("monitoring-retraining", slug=model.slug)
    return redirect("retraining", retraining_id=made.pk)


@require_POST
def policy_on(request: HttpRequest, policy_id: int) -> HttpResponse:
    return _policy_moved(
        request, policy_id, lambda user, _: switch_on(actor=user, policy_id=policy_id)
    )


@require_POST
def policy_off(request: HttpRequest, policy_id: int) -> HttpResponse:
    return _policy_moved(
        request,
        policy_id,
        lambda user, why: switch_off(actor=user, policy_id=policy_id, reason=why),
    )


def _policy_moved(
    request: HttpRequest, policy_id: int, move: Callable[[User, str], Any]
) -> HttpResponse:
    user = person_of(request)
    seen = reads.policy_of(user, policy_id)
    if seen is None:
        raise Http404
    try:
        moved = move(user, _reason(request))
    except FAILURES as refusal:
        messages.error(request, f"{refusal} Nothing was changed.")
    else:
        messages.success(request, SAID[moved.state])
    return redirect("monitoring-retraining", slug=seen.policy.model.slug)


SAID = {
    PolicyState.ON: "The policy is on.",
    PolicyState.ASKED: "Asked for. It works once somebody else has approved it.",
    PolicyState.OFF: "The policy is off.",
}


@require_safe
def retraining_page(request: HttpRequest, retraining_id: int) -> HttpResponse:
    """One retraining with its steps, their logs, failing rows and the comparison."""
    user = person_of(request)
    seen = _seen(request, retraining_id)
    retraining = seen.retraining
    may = can_write_retraining(user, retraining.model)
    context = {
        "seen": seen,
        "retraining": retraining,
        "model": retraining.model,
        "notice": words.notice_of(seen),
        "facts": words.facts_of(seen, retraining),
        "steps": words.steps_of(seen),
        "failing": words.failing_of(seen),
        "comparison": words.comparison_of(seen),
        "may_retry": may and retraining.state == RetrainingState.FAILED,
        "may_cancel": may and retraining.state in (RetrainingState.RUNNING, RetrainingState.FAILED),
        "form": ReasonForm(auto_id="cancel_%s"),
        "retry_form": ReasonForm(auto_id="retry_%s"),
    }
    return render(request, "monitoring/retraining_one.html", context)


@require_POST
def cancel(request: HttpRequest, retraining_id: int) -> HttpResponse:
    """End a retraining before its end."""
    return _retraining_moved(request, retraining_id, cancel_retraining, "Cancelled.")


@require_POST
def retry(request: HttpRequest, retraining_id: int) -> HttpResponse:
    """Have the step that failed done again."""
    return _retraining_moved(request, retraining_id, retry_retraining, "It is tried again.")


def _retraining_moved(
    request: HttpRequest, retraining_id: int, move: Callable[..., Any], said: str
) -> HttpResponse:
    _seen(request, retraining_id)
    try:
        move(actor=person_of(request), retraining_id=retraining_id, reason=_reason(request))
    except FAILURES as refusal:
        messages.error(request, f"{refusal} Nothing was changed.")
    else:
        messages.success(request, said)
    return redirect("retraining", retraining_id=retraining_id)


def _reason(request: HttpRequest) -> str:
    form: forms.Form = ReasonForm(request.POST)
    return str(form.cleaned_data["reason"]) if form.is_valid() else ""


def _seen(request: HttpRequest, retraining_id: int) -> reads.RetrainingSeen:
    seen = reads.retraining_of(person_of(request), retraining_id)
    if seen is None:
        raise Http404
    return seen
