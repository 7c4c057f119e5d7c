"""Legal holds of a model: placed and lifted here, with what they stop."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from accounts.policies import require
from accounts.sessions import person_of
from governance.reads.held import conflicts_of
from registry.models import Model
from registry.models.keeping import LegalHold
from registry.policies import HOLDERS_ONLY, can_hold_back
from registry.reads.holds import holds_for
from registry.refusals import HoldInvalid
from registry.services.holds import lift_hold, place_hold


class HoldForm(forms.Form):
    """The case that holds the model, and why."""

    case = forms.CharField(
        max_length=120, label="Case", help_text="What people call it; write no name here."
    )
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=1000,
        label="Reason",
        help_text="Kept in the audit trail with your name.",
    )


@require_http_methods(["GET", "HEAD", "POST"])
def holds(request: HttpRequest, model: str) -> HttpResponse:
    """Every hold that there is or was on a model, and the form for another."""
    person = person_of(request)
    found = get_object_or_404(Model.objects.visible_to(person), slug=model)
    if request.method != "POST":
        return _page(request, found, HoldForm())
    require(can_hold_back(person, found.team_id), HOLDERS_ONLY)
    form = HoldForm(request.POST)
    if form.is_valid():
        try:
            place_hold(actor=person, model_id=found.pk, **form.cleaned_data)
        except HoldInvalid as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "The hold is in force: nothing of the model is removed.")
            return redirect("holds", model)
    return _page(request, found, form, status=422)


def _page(request: HttpRequest, model: Model, form: forms.Form, status: int = 200) -> HttpResponse:
    person = person_of(request)
    rows = holds_for(person, model.pk)
    context: dict[str, Any] = {
        "model": model,
        "lasting": [row for row in rows if row.lifted_at is None],
        "lifted": [row for row in rows if row.lifted_at is not None],
        "conflicts": conflicts_of(person, model),
        "form": form if can_hold_back(person, model.team_id) else None,
    }
    return render(request, "governance/holds.html", context, status=status)


@require_POST
def hold_lift(request: HttpRequest, model: str, hold: int) -> HttpResponse:
    """End a hold; other holds of the model stay in force."""
    rows = LegalHold.objects.visible_to(person_of(request)).select_related("model")
    found = get_object_or_404(rows, pk=hold, model__slug=model)
    try:
        lift_hold(actor=person_of(request), hold_id=found.pk, reason=request.POST.get("reason", ""))
        messages.success(request, "The hold is lifted.")
    except HoldInvalid as refused:
        messages.error(request, f"{refused} Nothing was changed.")
    return redirect("holds", model)
