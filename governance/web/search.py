"""One page to search everything that a person may see."""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.sessions import person_of
from governance.reads.search import LAST_PAGE, PAGE, Asked, Results, choices, search
from governance.reads.search_kinds import BY_NAME


class SearchForm(forms.Form):
    """What may be asked for; anything else is told and not searched."""

    q = forms.CharField(max_length=200, required=False)
    kind = forms.ChoiceField(
        choices=[("", ""), *((name, kind.label) for name, kind in BY_NAME.items())], required=False
    )
    person = forms.CharField(max_length=120, required=False)
    team = forms.SlugField(max_length=80, required=False)
    model = forms.SlugField(max_length=80, required=False)
    since = forms.DateField(required=False)
    until = forms.DateField(required=False)
    page = forms.IntegerField(min_value=1, max_value=LAST_PAGE, required=False)

    def asked(self) -> Asked:
        said = dict(self.cleaned_data)
        return Asked(words=said.pop("q"), page=said.pop("page") or 1, **said)


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    """The search field on top of every page leads here."""
    person = person_of(request)
    form = SearchForm(request.GET)
    asked = form.asked() if form.is_valid() else Asked()
    found = search(person, asked)
    query = request.GET.copy()
    for name in ("page", "kind"):
        query.pop(name, None)
    context = {
        "fields": _fields(request.GET, *choices(person)),
        "asked": asked,
        "found": found,
        "groups": _groups(found),
        "errors": form.errors,
        "query": query.urlencode(),
        "here": reverse("search"),
        "search_query": request.GET.get("q", "")[:200],
        "shown": _shown(found) if asked.kind else "",
        "previous": found.page - 1 if found.page > 1 else "",
    }
    return render(request, "governance/search.html", context)


def _groups(found: Results) -> list[dict[str, Any]]:
    """The hits below their kinds, in the order of the kinds."""
    return [
        {"facet": facet, "hits": [hit for hit in found.hits if hit.kind == facet.kind]}
        for facet in found.facets
        if any(hit.kind == facet.kind for hit in found.hits)
    ]


def _shown(found: Results) -> str:
    first = (found.page - 1) * PAGE
    return f"{first + 1:,} to {first + len(found.hits):,}" if found.hits else ""


def _fields(
    said: Mapping[str, str], teams: list[tuple[str, str]], models: list[tuple[str, str]]
) -> list[dict[str, Any]]:
    kinds = [(name, kind.label) for name, kind in BY_NAME.items()]
    return [
        _field(said, "q", "Words", wide=True, placeholder='Words, "a phrase", CR-5'),
        _field(said, "kind", "Kind", options=[("", "Everything"), *kinds]),
        _field(said, "model", "Model", options=[("", "All models"), *models]),
        _field(said, "team", "Team", options=[("", "All teams"), *teams]),
        _field(said, "person", "Person", placeholder="Name"),
        _field(said, "since", "From (UTC)", type="date"),
        _field(said, "until", "To (UTC)", type="date"),
    ]


def _field(said: Mapping[str, str], name: str, label: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "label": label, "value": said.get(name, "")[:200], **more}
