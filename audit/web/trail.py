from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from audit.reads import trail_page


@require_safe
def trail(request: HttpRequest) -> HttpResponse:
    """The audit trail with filters; the table alone for HTMX."""
    before = request.GET.get("before", "")
    query = request.GET.copy()
    query.pop("before", None)
    page = trail_page(
        user=request.user,
        query=query.dict(),
        before=int(before) if before.isdigit() and len(before) < 19 else None,
    )
    context = {"page": page, "query": query.urlencode()}
    return render(request, "audit/trail.html", context)
