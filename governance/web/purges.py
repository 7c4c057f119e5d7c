"""Purges: asked for on an archive's page, confirmed with a signature by somebody else."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.policies import require
from accounts.sessions import person_of
from governance.policies import can_purge
from governance.reads.purges import visible
from governance.refusals import Unable
from governance.services.proofs import about
from governance.services.purges import (
    ONLY_ANOTHER,
    ONLY_COMPLIANCE,
    ask_to_purge,
    confirm_purge,
    refuse_purge,
)
from governance.web.answers import blame
from governance.web.forms import ReasonForm
from governance.web.proving import ask, proved
from registry.models import Archive, Purge, PurgeState
from registry.reads.purges import last_day, why_not


class ConfirmForm(forms.Form):
    """A reason and a proof, over the digest that was read."""

    digest = forms.CharField(widget=forms.HiddenInput, max_length=64)
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}), max_length=1000, label="Why nothing needs it"
    )
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        max_length=1000,
        strip=False,
        label="Your password",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def purge_new(request: HttpRequest, archive: int) -> HttpResponse:
    """Ask that an archive is removed."""
    person = person_of(request)
    rows = Archive.objects.visible_to(person).select_related("version__model").defer("documents")
    found = get_object_or_404(rows, pk=archive)
    require(can_purge(person, found.version.model), ONLY_COMPLIANCE)
    posted = request.method == "POST"
    form = ReasonForm(request.POST if posted else None)
    status = 422 if posted else 200
    if posted and form.is_valid():
        try:
            row = ask_to_purge(actor=person, archive_id=found.pk, **form.cleaned_data)
        except Unable as error:
            status = blame(form, error)
        else:
            messages.success(request, "Asked. Another person confirms it before a byte goes.")
            return redirect("purge", row.pk)
    context = {"archive": found, "form": form, "why_not": why_not(found), "day": last_day(found)}
    return render(request, "governance/purge_new.html", context, status=status)


@require_safe
def purge(request: HttpRequest, purge: int) -> HttpResponse:
    """One purge: what is asked, by whom it was confirmed, what is left."""
    return _page(request, _row(request, purge))


def _row(request: HttpRequest, pk: int) -> Purge:
    return get_object_or_404(visible(person_of(request)), pk=pk)


def _page(
    request: HttpRequest,
    row: Purge,
    confirm: ConfirmForm | None = None,
    refuse: ReasonForm | None = None,
    status: int = 200,
) -> HttpResponse:
    person = person_of(request)
    open_ = row.state == PurgeState.ASKED and can_purge(person, row.archive.version.model)
    another = open_ and person.pk != row.asked_by_id
    stopped = why_not(row.archive) if row.state == PurgeState.ASKED else ""
    offered = another and not stopped
    context = {
        "row": row,
        "version": row.archive.version,
        "why_not": stopped,
        "confirm_form": confirm or (_confirm_form(request, row) if offered else None),
        "refuse_form": refuse or (ReasonForm(auto_id="refuse_%s") if open_ else None),
        "own": open_ and not another,
    }
    return render(request, "governance/purge.html", context, status=status)


def _confirm_form(request: HttpRequest, row: Purge, data: Any = None) -> ConfirmForm:
    form = ConfirmForm(data, initial={"digest": row.digest})
    ask(form, request, about(row, row.digest), request.path.removesuffix("/confirm"))
    return form


@never_cache
@sensitive_post_parameters("password", "code")
@require_POST
def purge_confirm(request: HttpRequest, purge: int) -> HttpResponse:
    """Sign that the archive is removed for good."""
    person, row = person_of(request), _row(request, purge)
    model = row.archive.version.model
    require(person.pk != row.asked_by_id and can_purge(person, model), ONLY_ANOTHER)
    form = _confirm_form(request, row, request.POST)
    if not form.is_valid():
        return _page(request, row, confirm=form, status=422)
    try:
        confirm_purge(actor=person, purge_id=row.pk, **proved(request, form))
    except Unable as error:
        return _page(request, row, confirm=form, status=blame(form, error))
    messages.success(request, "You signed. The archive is being removed.")
    return redirect("purge", row.pk)


@require_POST
def purge_refuse(request: HttpRequest, purge: int) -> HttpResponse:
    """The archive stays."""
    person, row = person_of(request), _row(request, purge)
    require(can_purge(person, row.archive.version.model), ONLY_COMPLIANCE)
    form = ReasonForm(request.POST, auto_id="refuse_%s")
    if not form.is_valid():
        return _page(request, row, refuse=form, status=422)
    try:
        refuse_purge(actor=person, purge_id=row.pk, reason=form.cleaned_data["reason"])
    except Unable as error:
        return _page(request, row, refuse=form, status=blame(form, error))
    messages.success(request, "The archive stays.")
    return redirect("purge", row.pk)
