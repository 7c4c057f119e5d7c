"""The archives: what is kept, whether it is still what was sealed, and what was restored."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.sessions import person_of
from registry.policies import can_end_archive, can_register, can_verify
from registry.reads import archives as reads
from registry.reads.archives import ArchiveDetail, ArchivePage, ArchiveRow
from registry.reads.drills import drills_of
from registry.reads.retention import price
from registry.refusals import ArchiveInvalid
from registry.services.archives import request_drill
from registry.states import ArchiveState


@require_safe
def archives(request: HttpRequest) -> HttpResponse:
    """Every archive that one may see, with filters; the table alone for HTMX."""
    query = request.GET.copy()
    query.pop("before", None)
    before = request.GET.get("before", "")
    page = reads.archive_page(
        request.user,
        query.dict(),
        int(before) if before.isdigit() and len(before) < 19 else None,
    )
    context = {"page": page, "fields": _fields(page), "price": price()}
    return render(request, "registry/archives.html", context)


def _fields(page: ArchivePage) -> list[dict[str, Any]]:
    """The filter, as the component takes it."""
    states = [("", "All states"), *((state.value, state.value) for state in ArchiveState)]
    return [
        {
            "name": "model",
            "label": "Model",
            "value": page.form["model"].value(),
            "placeholder": "Name in the address, as in flight-delay",
            "wide": True,
        },
        {
            "name": "state",
            "label": "State",
            "value": page.form["state"].value() or "",
            "options": states,
        },
    ]


@require_safe
def archive(request: HttpRequest, archive_id: int) -> HttpResponse:
    """One archive: its life, every file with its hash, its restorations."""
    detail = reads.archive_detail(request.user, archive_id)
    sealed = detail.row.state == ArchiveState.SEALED
    context = {
        "detail": detail,
        "row": detail.row,
        "steps": _steps(detail),
        "can_ask": sealed and can_register(person_of(request), detail.team_id),
        "can_drill": sealed and can_verify(person_of(request), detail.team_id),
        "drills": drills_of(archive_id),
        "price": price(),
        "can_purge": sealed and can_end_archive(person_of(request), detail.team_id),
    }
    return render(request, "registry/archive.html", context)


@require_POST
def drill(request: HttpRequest, archive_id: int) -> HttpResponse:
    """Have it brought back on trial; the page tells how it went."""
    detail = reads.archive_detail(request.user, archive_id)
    try:
        request_drill(actor=person_of(request), archive_id=detail.row.id)
        messages.success(request, "The drill is on its way; this page tells how it went.")
    except ArchiveInvalid as refused:
        messages.error(request, str(refused))
    return redirect("archive", archive_id)


def _steps(detail: ArchiveDetail) -> list[dict[str, Any]]:
    """Requested, sealed, verified, restored: how far it has come."""
    row = detail.row
    sealed = row.state == ArchiveState.SEALED
    failed = row.state == ArchiveState.FAILED
    back = [one for one in detail.restores if one.number is not None]
    return [
        {"label": "Requested", "state": "done", "note": f"by {row.requested_by}"},
        {
            "label": "Sealed",
            "state": "done" if sealed else "failed" if failed else "now",
            "note": f"{row.files} files" if sealed else "not yet",
        },
        _verified(row),
        {
            "label": "Restored",
            "state": "done" if back else "next",
            "note": f"as version {back[0].number}" if back else "never",
        },
    ]


def _verified(row: ArchiveRow) -> dict[str, Any]:
    if row.verified_at:
        return {"label": "Verified", "state": "done", "note": "every byte read again"}
    if row.state == ArchiveState.SEALED and row.error:
        return {"label": "Verified", "state": "failed", "note": "found broken"}
    return {"label": "Verified", "state": "next", "note": "not yet"}
