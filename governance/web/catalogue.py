"""The list of models, and the page of one."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.sessions import person_of
from governance.models import Watch
from governance.reads.catalogue import Catalogue, catalogue
from governance.reads.model_page import ModelPage, model_page
from governance.reads.recommendations import standing
from governance.reads.trends import trends_of
from governance.reads.version_lines import states_of
from governance.reads.watches import watch_lines
from governance.web.overview import KINDS
from registry.models import RiskTier
from registry.reads.deployments import Period

SHORTEST_HISTORY = timedelta(days=30)


@require_safe
def models(request: HttpRequest) -> HttpResponse:
    """Every model of the person's teams, filtered."""
    asked = {name: request.GET.get(name, "") for name in ("q", "team", "tier")}
    found = catalogue(
        person_of(request),
        search=asked["q"],
        team=asked["team"],
        tier=asked["tier"],
        page=_page(request),
    )
    context = {
        "page": found,
        "kinds": KINDS,
        "fields": _fields(asked, found),
        "filtered": any(asked.values()),
        "search_query": asked["q"],
        "shown": _shown(found),
        "previous": found.page - 1 if found.page > 1 else "",
        "next": found.page + 1 if found.page < found.pages else "",
    }
    return render(request, "governance/models.html", context)


def _shown(found: Catalogue) -> str:
    models = f"{found.total:,} model{'' if found.total == 1 else 's'}"
    return f"{models}, page {found.page} of {found.pages}" if found.pages > 1 else models


def _page(request: HttpRequest) -> int:
    text = request.GET.get("page", "1")
    return int(text) if text.isdecimal() and len(text) < 7 else 1


def _fields(asked: Mapping[str, str], found: Catalogue) -> list[dict[str, Any]]:
    return [
        {
            "name": "q",
            "label": "Search",
            "value": asked["q"],
            "placeholder": "Name, purpose or owner",
            "wide": True,
        },
        {
            "name": "team",
            "label": "Team",
            "value": asked["team"],
            "options": [("", "All teams"), *found.teams],
        },
        {
            "name": "tier",
            "label": "Risk",
            "value": asked["tier"],
            "options": [("", "Any risk"), *RiskTier.choices],
        },
    ]


@require_safe
def model(request: HttpRequest, slug: str) -> HttpResponse:
    """One model: who serves, may it, how does it behave, and what is under way."""
    page = model_page(person_of(request), slug)
    states = states_of([version.id for version in page.detail.versions])
    champion = _champion_id(page)
    trends = trends_of(champion, page.detail.row.task) if champion else {}
    now = timezone.now()
    query = urlencode({"model": slug})
    context = {
        "page": page,
        "versions": [(version, states[version.id]) for version in page.detail.versions],
        "recommended": standing(person_of(request), page.detail.row.id),
        "tiles": [_tile(page, trends, kind, label) for kind, label in KINDS],
        "watches": watch_lines(Watch.objects.filter(model__slug=slug))[:3],
        "stays": stays_of(page.detail.periods, slug),
        "outcome_horizon": timedelta(hours=page.detail.row.outcome_horizon_hours),
        "start": _start(page.detail.periods, now),
        "now": now,
        "today": now.date(),
        "lapsed": " ".join(str(row.version.number) for row in page.anew if row.suspended_id),
        "incidents_url": f"{reverse('incidents')}?{query}" if page.incidents else "",
        "findings_url": f"{reverse('findings')}?{query}",
        "requests_url": f"{reverse('change-requests')}?{query}" if page.requests else "",
        "suspended": [
            one for one in page.clearances if one.until is None and one.state == "suspended"
        ],
    }
    return render(request, "governance/model.html", context)


def _champion_id(page: ModelPage) -> int | None:
    number = page.detail.row.champion
    return next((one.id for one in page.detail.versions if one.number == number), None)


def _tile(page: ModelPage, trends: Mapping[str, Any], kind: str, label: str) -> dict[str, Any]:
    return {"label": label, "cell": page.line.health.get(kind), "trend": trends.get(kind)}


def stays_of(periods: Sequence[Period], slug: str) -> list[dict[str, Any]]:
    """Periods as the lanes tag draws them, lanes in the order of the versions."""
    return [
        {
            "label": f"Version {one.number}",
            "since": one.started_at,
            "until": one.ended_at,
            "tone": one.role,
            "word": one.role
            if one.environment == "production"
            else f"{one.role}, {one.environment}",
            "url": reverse("version", args=[slug, one.number]),
        }
        for one in sorted(periods, key=lambda one: (-one.number, one.started_at))
    ]


def _start(periods: Sequence[Period], now: datetime) -> datetime:
    first = min((one.started_at for one in periods), default=now)
    return min(first, now - SHORTEST_HISTORY)
