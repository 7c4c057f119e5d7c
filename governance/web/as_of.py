"""A model as it was at a moment, on one page."""

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from accounts.sessions import person_of
from governance.reads.as_of import as_of
from registry.models import Model


class MomentForm(forms.Form):
    """A day, and the time of that day; without a time its end."""

    day = forms.DateField(label="Day")
    clock = forms.TimeField(required=False, label="Time")

    def clean(self) -> dict[str, Any]:
        said = super().clean() or {}
        if said.get("day") and said["day"] > timezone.now().date():
            self.add_error("day", "A day that has begun.")
        return said

    def moment(self) -> datetime:
        """Never later than now: what is not yet cannot be told."""
        clock = self.cleaned_data["clock"] or time.max
        said = datetime.combine(self.cleaned_data["day"], clock, tzinfo=UTC)
        return min(said, timezone.now())


@require_safe
def model_as_of(request: HttpRequest, slug: str) -> HttpResponse:
    """The form, and below it what was in force then."""
    rows = Model.objects.visible_to(person_of(request)).select_related("team", "owner")
    model = get_object_or_404(rows, slug=slug)
    today = timezone.now().date()
    form = MomentForm(request.GET) if "day" in request.GET else MomentForm()
    found = None
    if form.is_bound and form.is_valid():
        found = as_of(model, form.moment())
    elif not form.is_bound:
        found = as_of(model, timezone.now())
    said = {name: request.GET.get(name, "")[:20] for name in ("day", "clock")}
    context = {
        "model": model,
        "errors": form.errors,
        "found": found,
        "fields": [
            {
                "name": "day",
                "label": "Day (UTC)",
                "type": "date",
                "value": said["day"] or f"{today}",
            },
            {
                "name": "clock",
                "label": "Time (UTC), or the day's end",
                "type": "time",
                "value": said["clock"],
            },
        ],
    }
    return render(request, "governance/as_of.html", context)
