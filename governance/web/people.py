"""One person as administrators see them, with what they own; handing over; closing the account."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.directory import person_facts
from accounts.models import Team, User, UserKind
from accounts.policies import Refused
from accounts.sessions import person_of
from accounts.web.people import for_administrators
from accounts.web.people_forms import FactorsForm, ReasonForm, RoleForm
from governance.reads.leaving import OwnedInTeam, open_work
from governance.refusals import Unable
from governance.services.leaving import close_account, hand_over
from governance.web.answers import tell


class HandOverForm(forms.Form):
    new_owner = forms.ChoiceField(label="New owner")
    reason = forms.CharField(max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, owned: OwnedInTeam | None = None, **more: Any) -> None:
        super().__init__(*args, **more)
        takers = [(one.email, one.name) for one in owned.takers] if owned else []
        field = self.fields["new_owner"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared so above
        field.choices = [("", "Choose somebody of the team"), *takers]


@require_safe
@for_administrators
def person(request: HttpRequest, person: int) -> HttpResponse:
    """Roles, second factors, last sign-in, history, and what would be orphaned."""
    found = get_object_or_404(User, pk=person)
    work = open_work(found)
    owned = [(one, HandOverForm(owned=one, auto_id=f"id_{one.team.slug}_%s")) for one in work.owned]
    context = {
        "facts": person_facts(found),
        "person": found,
        "work": work,
        "owned": owned,
        "role_form": RoleForm(service=found.kind == UserKind.SERVICE, auto_id="id_role_%s"),
        "factors_form": FactorsForm(auto_id="id_factors_%s"),
        "close_form": ReasonForm(auto_id="id_close_%s"),
        "service": found.kind == UserKind.SERVICE,
        "oneself": found.pk == person_of(request).pk,
    }
    return render(request, "accounts/person.html", context)


@require_POST
@for_administrators
def handing_over(request: HttpRequest, person: int, team: str) -> HttpResponse:
    """Everything of one team at once."""
    found, where = get_object_or_404(User, pk=person), get_object_or_404(Team, slug=team)
    said = {name: request.POST.get(name, "") for name in ("new_owner", "reason")}
    try:
        done = hand_over(actor=person_of(request), user_id=found.pk, team_id=where.pk, **said)
    except Unable as error:
        tell(request, error)
    else:
        told = f"{done.models} models, {done.findings} findings, {done.incidents} incidents"
        messages.success(request, f"Handed over in {where.name}: {told}.")
    return redirect("person", person)


@require_POST
@for_administrators
def close(request: HttpRequest, person: int) -> HttpResponse:
    found = get_object_or_404(User, pk=person)
    why = request.POST.get("reason", "")
    try:
        close_account(actor=person_of(request), user_id=found.pk, reason=why)
    except Unable as error:
        tell(request, error)
    except Refused as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{found.name} may sign in no more; sessions and tokens ended.")
    return redirect("person", person)
