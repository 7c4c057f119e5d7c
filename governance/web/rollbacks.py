"""Rolling back by one click, the report of a roll-back, and the watch after a deployment."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.policies import require
from accounts.sessions import person_of
from governance.models import RollBack, Watch
from governance.policies import can_submit
from governance.reads.evidence import champion_of, current_policy
from governance.reads.rollbacks import durations, remains, targets
from governance.reads.watches import line_of, looked_at, report
from governance.refusals import Unable
from governance.services.requests import ONLY_BUILDERS
from governance.services.rollbacks import ask_to_roll_back
from governance.states import RequestKind
from governance.watch_rules import WatchState, in_words
from governance.web.answers import blame
from registry.models import Model

PARTS = ("model__team", "left", "to", "watch", "request", "incident", "policy")


class RollBackForm(forms.Form):
    version = forms.IntegerField(
        min_value=0, required=False, help_text="Left out: the last champion that is eligible"
    )
    environment = forms.SlugField(max_length=40, required=False)
    incident = forms.IntegerField(required=False)
    reason = forms.CharField(
        required=False,
        max_length=3000,
        label="Why (may be left empty)",
        widget=forms.Textarea(attrs={"rows": 2}),
    )


@require_http_methods(["GET", "HEAD", "POST"])
def roll_back_new(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose the version to go back to; each that is not eligible says why."""
    person = person_of(request)
    models = Model.objects.visible_to(person).select_related("team")
    model = get_object_or_404(models, slug=slug)
    require(can_submit(person, model), ONLY_BUILDERS)
    posted = request.method == "POST"
    form = RollBackForm(request.POST if posted else None)
    status = 422 if posted else 200
    if posted and form.is_valid():
        said = form.cleaned_data
        try:
            made = ask_to_roll_back(
                actor=person,
                model_id=model.pk,
                number=said["version"],
                environment=said["environment"] or "production",
                reason=said["reason"],
                incident_id=said["incident"],
            )
        except Unable as error:
            status = blame(form, error)
        else:
            messages.success(request, f"CR-{made.pk} asks to roll back. A reviewer signs it.")
            return redirect("change-request", made.pk)
    return render(
        request, "governance/roll_back_new.html", _new(request, model, form), status=status
    )


def _new(request: HttpRequest, model: Model, form: RollBackForm) -> dict[str, object]:
    asked = request.POST or request.GET
    environment = asked.get("environment") or "production"
    policy = current_policy(RequestKind.ROLL_BACK, model.risk_tier)
    return {
        "model": model,
        "form": form,
        "targets": targets(model, environment),
        "champion": champion_of(model.pk, environment),
        "environment": environment,
        "incident": asked.get("incident", ""),
        "policy": policy,
    }


@require_safe
def roll_back(request: HttpRequest, roll_back: int) -> HttpResponse:
    """What was rolled back, why, how long it took, and what remains to do."""
    rows = RollBack.objects.visible_to(person_of(request)).select_related(*PARTS)
    row = get_object_or_404(rows, pk=roll_back)
    context = {"row": row, "durations": durations(row), "remains": remains(row)}
    return render(request, "governance/roll_back.html", context)


@require_safe
def roll_backs(request: HttpRequest) -> HttpResponse:
    """Every roll-back and every watch of the person's teams, the latest first."""
    person = person_of(request)
    watches = Watch.objects.visible_to(person).select_related("model", "version", "former")
    rows = RollBack.objects.visible_to(person).select_related(*PARTS)
    context = {"rows": rows[:50], "watches": [line_of(one) for one in watches[:50]]}
    return render(request, "governance/roll_backs.html", context)


@require_safe
def watch(request: HttpRequest, watch: int) -> HttpResponse:
    """One watch: what it looks at, what it saw, what followed."""
    rows = Watch.objects.visible_to(person_of(request)).select_related(
        "model", "version", "former", "policy", "request", "roll_back"
    )
    row = get_object_or_404(rows, pk=watch)
    looked = looked_at(row) if row.state == WatchState.WATCHING else row.looked
    context = {
        "row": row,
        "line": line_of(row),
        "looked": looked,
        "report": report(looked),
        "terms": in_words(row.terms),
        "kinds": ", ".join(kind.replace("_", " ") for kind in row.kinds),
    }
    return render(request, "governance/watch.html", context)
