"""Back-tests: the list, a policy or a monitor to be tried, and what came out."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Team, User
from accounts.policies import require
from accounts.sessions import person_of
from governance.reads.back_tests import (
    back_test_lines,
    back_test_page,
    start_of,
    teams_to_try,
    tries_on_everybody,
)
from governance.refusals import Incomplete, Unable
from governance.services import back_tests as work
from governance.services.back_tests import Policy
from governance.states import RequestKind
from governance.web.answers import blame
from governance.web.back_test_tables import tables_of
from governance.web.trial_forms import MonitorTrialForm, PolicyTrialForm
from monitoring.policies import can_try
from monitoring.reads.behaviour import visible_monitor
from registry.models import RiskTier


@require_safe
def back_tests(request: HttpRequest) -> HttpResponse:
    """The back-tests that the person may see, newest first."""
    person = person_of(request)
    number = request.GET.get("page", "1")
    page = back_test_lines(person, int(number) if number.isdecimal() and len(number) < 7 else 1)
    may_try = tries_on_everybody(person) or bool(teams_to_try(person))
    return render(request, "governance/back_tests.html", {"page": page, "may_try": may_try})


@require_http_methods(["GET", "HEAD", "POST"])
def policy_trial(request: HttpRequest) -> HttpResponse:
    """Try another policy of a kind and tier on the past, starting with the one in force."""
    person = person_of(request)
    teams, everybody = teams_to_try(person), tries_on_everybody(person)
    require(everybody or bool(teams), work.ONLY_WHO_DECIDES)
    kind, tier = _chosen(request)
    start = start_of(kind, tier, request.GET.get("change", ""))
    form = PolicyTrialForm(
        request.POST if request.method == "POST" else None,
        rounds=start.rounds,
        gates=start.gates,
        teams=teams,
        everybody=everybody,
    )
    status = 422 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        try:
            row = _ask_policy(person, kind, tier, form)
        except Incomplete as error:
            form.add_error(form.field_of(error.field), str(error))
        except Unable as error:
            status = blame(form, error)
        else:
            return redirect("back-test", row.pk)
    choice = _choice(kind, tier)
    context = {"form": form, "kind": kind, "tier": tier, "start": start, "choice": choice}
    return render(request, "governance/policy_trial.html", context, status=status)


def _ask_policy(person: User, kind: str, tier: str, form: PolicyTrialForm) -> Any:
    slug = form.team_slug()
    team = get_object_or_404(Team, slug=slug) if slug else None
    policy = Policy(kind, tier, form.quorum(), form.gates())
    reason = form.cleaned_data["reason"]
    return work.ask_policy_trial(
        actor=person, policy=policy, past=form.past(), team=team, reason=reason
    )


def _chosen(request: HttpRequest) -> tuple[str, str]:
    """Kind and tier from the address; what is none of them is the first."""
    kind, tier = request.GET.get("kind", ""), request.GET.get("tier", "")
    kinds, tiers = list(RequestKind), list(RiskTier.values)
    return (kind if kind in kinds else kinds[0].value), (tier if tier in tiers else tiers[0])


def _choice(kind: str, tier: str) -> list[dict[str, Any]]:
    kinds = [(one.value, one.replace("_", " ")) for one in RequestKind]
    return [
        {"name": "kind", "label": "Change", "value": kind, "options": kinds},
        {"name": "tier", "label": "Risk", "value": tier, "options": RiskTier.choices},
    ]


@require_http_methods(["GET", "HEAD", "POST"])
def monitor_trial(request: HttpRequest, monitor_id: int) -> HttpResponse:
    """Try other settings of a monitor on its stored windows."""
    person = person_of(request)
    monitor = visible_monitor(person, monitor_id)
    require(can_try(person, monitor), work.ONLY_THE_TEAM)
    form = MonitorTrialForm(monitor, request.POST if request.method == "POST" else None)
    status = 422 if form.is_bound else 200
    if form.is_bound and form.is_valid():
        try:
            row = work.ask_monitor_trial(
                actor=person,
                monitor=monitor,
                changes=form.changes(),
                past=form.past(),
                reason=form.cleaned_data["reason"],
            )
        except Unable as error:
            status = blame(form, error)
        else:
            return redirect("back-test", row.pk)
    context = {"form": form, "monitor": monitor, "model": monitor.model}
    return render(request, "governance/monitor_trial.html", context, status=status)


@require_safe
def back_test(request: HttpRequest, back_test: int) -> HttpResponse:
    """One back-test: what was tried, over which past, and what it would have done."""
    page = back_test_page(person_of(request), back_test)
    context = {"page": page, "row": page.row, **tables_of(page)}
    return render(request, "governance/back_test.html", context)
