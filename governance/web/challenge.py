"""Effective challenge per team: the figures, the switch, and evidence opened from a request."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from accounts.policies import require
from accounts.sessions import person_of
from governance.challenge_figures import LEAST_DECISIONS, LEAST_PEOPLE
from governance.models import ChangeRequest, EvidenceKind
from governance.policies import can_switch_challenge
from governance.reads.challenge import (
    OVERTURNED_WITHIN,
    PERIODS,
    challenge_of,
    days_of,
    team_to_switch,
    teams_seen,
)
from governance.refusals import Unable
from governance.services.challenge import (
    ONLY_WHO_ANSWERS,
    ONLY_WHO_CHALLENGES,
    note_opening,
    switch_challenge,
)
from governance.web.challenge_tables import lines_of


class SwitchForm(forms.Form):
    """On or off, and why."""

    on = forms.TypedChoiceField(
        choices=[("yes", "on"), ("no", "off")], coerce=lambda said: said == "yes"
    )
    reason = forms.CharField(max_length=400, label="Why")


@require_safe
def challenge(request: HttpRequest) -> HttpResponse:
    """The figures of every team that the person may look at."""
    return _page(request)


@require_POST
def challenge_switch(request: HttpRequest, team: str) -> HttpResponse:
    """Switch it on or off for a team."""
    person = person_of(request)
    found = team_to_switch(person, team)
    require(can_switch_challenge(person, found.pk), ONLY_WHO_ANSWERS)
    form = SwitchForm(request.POST)
    if not form.is_valid():
        return _page(request, wrong="Say whether it is on or off, and why.", status=422)
    said = form.cleaned_data
    try:
        switch_challenge(actor=person, team_id=found.pk, **said)
    except Unable as error:
        return _page(request, wrong=str(error), status=error.status)
    told = "is counted from now on" if said["on"] else "is not counted any more"
    messages.success(request, f"Effective challenge of {found.name} {told}.")
    return redirect("challenge")


def _page(request: HttpRequest, *, wrong: str = "", status: int = 200) -> HttpResponse:
    person = person_of(request)
    require(bool(teams_seen(person)), ONLY_WHO_CHALLENGES)
    days = days_of(request.GET.get("days", ""))
    teams = challenge_of(person, days=days, now=timezone.now())
    context = {
        "teams": [(one, lines_of(one)) for one in teams],
        "days": str(days),
        "wrong": wrong,
        "periods": [
            {"key": str(one), "label": f"{one} days", "url": f"?days={one}"} for one in PERIODS
        ],
        "overturned_within": OVERTURNED_WITHIN.days,
        "least_decisions": LEAST_DECISIONS,
        "least_people": LEAST_PEOPLE,
        "kinds": [label for _, label in EvidenceKind.choices],
    }
    return render(request, "governance/challenge.html", context, status=status)


def _number(name: str) -> Callable[[ChangeRequest], str]:
    return lambda row: reverse(name, args=[row.model.slug, row.version.number])


def _card(row: ChangeRequest) -> str:
    revision = row.evidence["card"]["revision"]
    there = _number("card")(row)
    return f"{there}?revision={revision}" if revision else there


PLACES: dict[str, Callable[[ChangeRequest], str]] = {
    EvidenceKind.CARD: _card,
    EvidenceKind.VERSION: _number("version"),
    EvidenceKind.PURPOSE: lambda row: reverse("model-purpose", args=[row.model.slug]),
    EvidenceKind.MEASUREMENTS: lambda row: reverse("monitoring-model", args=[row.model.slug]),
    EvidenceKind.INCIDENTS: lambda row: f"{reverse('incidents')}?model={row.model.slug}",
    EvidenceKind.FINDINGS: lambda row: f"{reverse('findings')}?model={row.model.slug}",
    EvidenceKind.GUIDELINES: _number("version-guidelines"),
}


@never_cache
@require_safe
def open_evidence(request: HttpRequest, request_id: int, part: str) -> HttpResponse:
    """Go to a page of evidence; that it was opened is noted where the team has that counted."""
    person = person_of(request)
    rows = ChangeRequest.objects.visible_to(person).select_related("model", "version")
    row = get_object_or_404(rows, pk=request_id)
    if part not in PLACES:
        raise Http404
    if request.method == "GET":
        note_opening(actor=person, request_id=row.pk, kind=EvidenceKind(part))
    return redirect(PLACES[part](row))


def links_of(row_id: int) -> list[dict[str, Any]]:
    """The evidence that a request's page leads to."""
    return [
        {"label": EvidenceKind(kind).label, "url": reverse("open-evidence", args=[row_id, kind])}
        for kind in PLACES
    ]
