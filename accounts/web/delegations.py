"""A signer's page to lend a role for some days, and to take it back."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from accounts.models import Delegation, User
from accounts.reads import colleagues_of, delegations_of, lendable_by
from accounts.services.delegations import LONGEST, CannotLend, end_delegation, lend
from accounts.sessions import person_of


def _today() -> date:
    return timezone.now().date()


class LendForm(forms.Form):
    """Only what the person holds, to people who work there too."""

    seat = forms.ChoiceField(label="Your role")
    taker = forms.ChoiceField(
        label="Who signs for you",
        help_text="A colleague of that team; they sign only what neither of you had a hand in.",
    )
    begins_on = forms.DateField(
        label="From", widget=forms.DateInput(attrs={"type": "date"}), initial=_today
    )
    ends_on = forms.DateField(
        label="Until",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text=f"The last day, at most {LONGEST.days} days.",
    )
    reason = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 2}),
        max_length=2000,
        label="Why",
        help_text="Shown to your colleague and kept on the audit trail.",
    )

    def __init__(self, *args: Any, person: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: dict[str, Any] = self.fields
        fields["seat"].choices = lendable_by(person)
        fields["taker"].choices = [("", "Choose …"), *colleagues_of(person)]

    def wanted(self) -> dict[str, Any]:
        said = self.cleaned_data
        role, _, team = said["seat"].partition(":")
        days: dict[str, date] = {name: said[name] for name in ("begins_on", "ends_on")}
        return {
            "role": role,
            "team_id": int(team) if team else None,
            "taker_id": int(said["taker"]),
            "reason": said["reason"],
            **days,
        }


@require_http_methods(["GET", "HEAD", "POST"])
def delegations(request: HttpRequest) -> HttpResponse:
    """What the person lent and was lent; POST lends."""
    person = person_of(request)
    posted = request.method == "POST"
    form = LendForm(request.POST if posted else None, person=person)
    if posted and form.is_valid():
        try:
            made = lend(actor=person, **form.wanted())
        except CannotLend as error:
            form.add_error(error.field if error.field in form.fields else None, str(error))
        else:
            days = f"{made.begins_on:%-d %b %Y} until {made.ends_on:%-d %b %Y}"
            messages.success(request, f"{made.taker.name} signs for you from {days}.")
            return redirect("delegations")
    context = {
        "form": form,
        "can_lend": bool(lendable_by(person)),
        "rows": delegations_of(person),
        "today": timezone.now().date(),
        "person": person,
    }
    return render(request, "accounts/delegations.html", context, status=422 if posted else 200)


@require_POST
def delegation_end(request: HttpRequest, delegation_id: int) -> HttpResponse:
    """End one at once."""
    person = person_of(request)
    found = get_object_or_404(Delegation.objects.visible_to(person), pk=delegation_id)
    try:
        end_delegation(
            actor=person, delegation_id=found.pk, reason=request.POST.get("reason", "")[:2001]
        )
    except CannotLend as error:
        messages.error(request, f"{error} Nothing was changed.")
    else:
        messages.success(request, "It has ended. What was signed by it stays signed.")
    return redirect("delegations")
