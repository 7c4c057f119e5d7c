"""Moving the day on which a change request has to be decided."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.policies import require
from accounts.sessions import person_of
from governance.models import ChangeRequest
from governance.policies import can_set_conditions
from governance.refusals import Unable
from governance.services.due_dates import ONLY_CONCERNED, move_due_date
from governance.web.answers import blame


class DueForm(forms.Form):
    due_on = forms.DateField(
        label="To be decided by",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Everybody on whom it waits is reminded two days before and on that day.",
    )
    reason = forms.CharField(widget=forms.Textarea(attrs={"rows": 3}), max_length=4000)


@require_http_methods(["GET", "HEAD", "POST"])
def request_due(request: HttpRequest, request_id: int) -> HttpResponse:
    """Have it decided on another day, with the reason."""
    person = person_of(request)
    rows = ChangeRequest.objects.visible_to(person).select_related("model", "version__model")
    found = get_object_or_404(rows, pk=request_id)
    require(can_set_conditions(person, found), ONLY_CONCERNED)
    posted = request.method == "POST"
    form = DueForm(request.POST if posted else None, initial={"due_on": found.due_on})
    status = 422 if posted else 200
    if posted and form.is_valid():
        try:
            move_due_date(actor=person, request_id=found.pk, **form.cleaned_data)
        except Unable as error:
            status = blame(form, error)
        else:
            day = f"{form.cleaned_data['due_on']:%-d %b %Y}"
            messages.success(request, f"It is to be decided by {day}.")
            return redirect("change-request", found.pk)
    context = {"found": found, "form": form}
    return render(request, "governance/request_due.html", context, status=status)
