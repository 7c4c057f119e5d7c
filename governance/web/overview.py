"""The first page: models × health, and what waits for the person."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.sessions import person_of
from governance.reads.desk import desk
from governance.reads.overview import ModelLine, overview

KINDS = (("drift", "Drift"), ("quality", "Data quality"), ("performance", "Performance"))
MOST = 50


@require_safe
def overview_page(request: HttpRequest) -> HttpResponse:
    """Models that need somebody first; the whole list is a page of its own."""
    person = person_of(request)
    found = overview(person)
    context = {
        "page": found,
        "desk": desk(person),
        "lines": sorted(found.models, key=_need)[:MOST],
        "more": max(0, len(found.models) - MOST),
        "kinds": KINDS,
        "suspended": found.clearances.get("suspended", 0),
        "of_models": f"of {len(found.models):,}",
        "cleared": found.clearances.get("cleared", 0) + found.clearances.get("conditional", 0),
    }
    return render(request, "governance/overview.html", context)


def _need(line: ModelLine) -> tuple[bool, int, bool, str]:
    """What is suspended, has incidents or serves uncleared comes before what is well."""
    return (
        line.clearance != "suspended",
        -line.open_incidents,
        line.champion is None,
        line.name.lower(),
    )
