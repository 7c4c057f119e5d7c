"""Recommendations: what is said of versions that serve, what people did, and why not."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from accounts.models import Team
from accounts.policies import require
from accounts.querysets import of_teams
from accounts.sessions import person_of
from governance.models import Recommendation
from governance.policies import can_answer_recommendation
from governance.reads.afterwards import FATE_WORDS
from governance.reads.recommendations import lines_of, recommendations_page
from governance.recommendation_facts import FACTS
from governance.recommendation_rules import Recommended
from governance.refusals import Unable
from governance.services.recommendations import ONLY_TEAM, say_not_followed
from governance.web.answers import blame
from governance.web.forms import ReasonForm

FILTERS = ("model", "team", "recommend", "rule", "fate", "now")
RECOMMENDED = [("", "any"), *((one.value, one.value.replace("_", " ")) for one in Recommended)]


@require_safe
def recommendations(request: HttpRequest) -> HttpResponse:
    """Every recommendation that the person may see, and how often they were followed."""
    person = person_of(request)
    chosen = {name: request.GET.get(name, "").replace("\0", "")[:80] for name in FILTERS}
    page = recommendations_page(person, chosen)
    context = {"page": page, "filters": _filters(person, chosen), "chosen": any(chosen.values())}
    return render(request, "governance/recommendations.html", context)


def _filters(person: Any, chosen: dict[str, str]) -> list[dict[str, Any]]:
    teams = Team.objects.filter(of_teams(person, "pk")).order_by("name")
    options = {
        "recommend": ("Recommended", RECOMMENDED),
        "fate": ("What followed", [("", "any"), *((k.value, w) for k, w in FATE_WORDS.items())]),
        "team": ("Team", [("", "any"), *teams.values_list("slug", "name")]),
        "now": ("When", [("", "ever"), ("yes", "now")]),
    }
    fields = [
        {"name": name, "label": label, "value": chosen[name], "options": choices}
        for name, (label, choices) in options.items()
    ]
    if chosen["rule"]:
        fields.append({"name": "rule", "label": "Rule", "value": chosen["rule"]})
    if chosen["model"]:
        fields.append({"name": "model", "label": "Model", "value": chosen["model"]})
    return fields


@require_http_methods(["GET", "HEAD", "POST"])
def recommendation(request: HttpRequest, recommendation: int) -> HttpResponse:
    """One recommendation with every rule that was looked at; POST says why not followed."""
    person = person_of(request)
    rows = Recommendation.objects.visible_to(person)
    row = get_object_or_404(rows.select_related("version__model"), pk=recommendation)
    if request.method != "POST":
        return _page(request, row)
    require(can_answer_recommendation(person, row), ONLY_TEAM)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _page(request, row, form, 422)
    reason = form.cleaned_data["reason"]
    try:
        say_not_followed(actor=person, recommendation_id=row.pk, reason=reason)
    except Unable as error:
        return _page(request, row, form, blame(form, error))
    messages.success(request, "Your reason is kept beside the recommendation.")
    return redirect(reverse("recommendation", args=[row.pk]))


def _page(
    request: HttpRequest, row: Recommendation, form: ReasonForm | None = None, status: int = 200
) -> HttpResponse:
    (line,) = lines_of(person_of(request), Recommendation.objects.filter(pk=row.pk))
    context = {
        "line": line,
        "row": line.row,
        "model": line.row.version.model,
        "looked": row.answer["looked"],
        "facts": [(fact, row.facts.get(fact.name)) for fact in FACTS],
        "form": form or ReasonForm(),
    }
    return render(request, "governance/recommendation.html", context, status=status)
