"""Clearance by people: a suspended version is reinstated, a cleared one suspended."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.models import User
from accounts.policies import require
from accounts.sessions import person_of
from governance.models import Clearance
from governance.policies import can_decide_clearance
from governance.reads.model_page import ClearanceLine, clearance_lines
from governance.refusals import Unable
from governance.services.clearance import (
    ONLY_DECIDERS,
    reinstate_clearance,
    suspend_clearance,
)
from governance.web.answers import blame
from governance.web.forms import STEP_REINSTATE, STEP_SUSPEND, ClearanceForm
from registry.models import Version


@require_http_methods(["GET", "HEAD", "POST"])
def decide(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Reinstate what is suspended, suspend what is cleared; one environment at a time."""
    person = person_of(request)
    version = _visible(person, slug, number)
    require(can_decide_clearance(person, version.model), ONLY_DECIDERS)
    asked = request.POST.get("environment") or request.GET.get("environment", "production")
    line = _in_force(version, asked)
    suspended = line is not None and line.state == "suspended"
    step = STEP_REINSTATE if suspended else STEP_SUSPEND
    form = ClearanceForm(request.POST or None, initial={"environment": asked, "step": step})
    status = 200 if request.method != "POST" else 422
    if request.method == "POST" and form.is_valid():
        try:
            said = _decide(person, version, form)
        except Unable as error:
            status = blame(form, error)
        else:
            messages.success(request, said)
            return redirect("version", slug, number)
    context = {
        "version": version,
        "line": line,
        "form": form,
        "environment": asked,
        "suspended": suspended,
    }
    return render(request, "governance/clearance.html", context, status=status)


def _visible(person: User, slug: str, number: int) -> Version:
    rows = Version.objects.visible_to(person).select_related("model__team")
    return get_object_or_404(rows, model__slug=slug, number=number)


def _in_force(version: Version, environment: str) -> ClearanceLine | None:
    rows = Clearance.objects.filter(version=version, until__isnull=True)
    found = clearance_lines(rows)
    return next((line for line in found if line.environment == environment), None)


def _decide(person: User, version: Version, form: ClearanceForm) -> str:
    """The step that the page offered, even if somebody was quicker: the service refuses then."""
    again = form.cleaned_data["step"] == STEP_REINSTATE
    service = reinstate_clearance if again else suspend_clearance
    row = service(
        actor=person,
        version_id=version.pk,
        environment=form.cleaned_data["environment"],
        reason=form.cleaned_data["reason"],
    )
    verb = "may serve again" if again else "may not serve until somebody reinstates it"
    return f"Version {version.number} {verb} in {row.environment}."
