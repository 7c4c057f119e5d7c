"""Experiments: those of a model, a new one, one with what it says, and its early end."""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts.policies import require
from accounts.sessions import person_of
from monitoring.models import Experiment, ExperimentKind
from monitoring.policies import can_change_monitors
from monitoring.reads.behaviour import versions_of, watched_model
from monitoring.reads.experiments import Phase, Seen, experiment_of, experiments_of
from monitoring.services.experiments import (
    Design,
    ExperimentInvalid,
    declare_experiment,
    stop_experiment,
)
from monitoring.services.monitors import ONLY_THE_TEAM
from monitoring.stats.experiments import endpoints_of
from monitoring.stats.reference import Task
from monitoring.web import experiment_words as words
from monitoring.web.periods import View
from monitoring.web.tabs import tabs_of
from monitoring.web.units import unit_of
from registry.models import Model, Version
from registry.reads.deployments import serving_now


class DeclareForm(forms.Form):
    """An experiment as people say it: whole days, and a share in percent."""

    name = forms.CharField(label="Name", max_length=120)
    kind = forms.ChoiceField(
        label="How the challenger runs",
        choices=[
            (ExperimentKind.SHADOW, "Shadow: it answers the same rows, nobody uses its answers"),
            (ExperimentKind.SPLIT, "Split traffic: it answers a share of the rows"),
        ],
    )
    champion = forms.TypedChoiceField(label="Champion", coerce=int)
    challenger = forms.TypedChoiceField(label="Challenger", coerce=int)
    endpoint = forms.ChoiceField(
        label="What decides", help_text="A shadow is compared by its errors."
    )
    starts_on = forms.DateField(
        label="First day (UTC)", widget=forms.DateInput(attrs={"type": "date"})
    )
    ends_on = forms.DateField(
        label="Last day (UTC)", widget=forms.DateInput(attrs={"type": "date"})
    )
    planned_rows = forms.IntegerField(
        label="Planned rows, of both together",
        min_value=100,
        help_text="Intervals are narrowest there; it is said before the numbers are seen.",
    )
    share = forms.FloatField(
        label="Traffic of the challenger, %",
        required=False,
        min_value=0,
        max_value=100,
        help_text="Of split traffic only.",
    )

    def __init__(self, model: Model, versions: Sequence[Version], data: Any = None) -> None:
        super().__init__(data)
        numbers = [(one.number, f"Version {one.number}") for one in versions]
        for name in ("champion", "challenger"):
            self.fields[name].choices = numbers  # type: ignore[attr-defined]  # a ChoiceField
        known = endpoints_of(Task(model.task)).values()
        choices = [(one.name, one.words) for one in known]
        self.fields["endpoint"].choices = choices  # type: ignore[attr-defined]  # a ChoiceField

    def suggest(self, champion: int, challenger: int) -> None:
        """What most people want to compare: what serves, and the newest other version."""
        self.initial.update(champion=champion, challenger=challenger)

    def design(self) -> Design:
        said = self.cleaned_data
        share = said["share"]
        return Design(
            name=said["name"],
            kind=said["kind"],
            champion=said["champion"],
            challenger=said["challenger"],
            endpoint=said["endpoint"],
            starts_at=_midnight(said["starts_on"]),
            ends_at=_midnight(said["ends_on"] + words.DAY),
            planned_rows=said["planned_rows"],
            challenger_share=None if share is None else share / 100,
        )


class StopForm(forms.Form):
    reason = forms.CharField(
        label="Why it ends before its planned end",
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


NAMES = {"challenger_share": "share", "starts_at": "starts_on", "ends_at": "ends_on"}


@require_http_methods(["GET", "HEAD", "POST"])
def experiment_list(request: HttpRequest, slug: str) -> HttpResponse:
    """The experiments of a model; a POST declares one."""
    user = person_of(request)
    model = watched_model(user, slug)
    versions = versions_of(model.pk)
    may_declare = can_change_monitors(user, model)
    form = DeclareForm(model, versions, request.POST if request.method == "POST" else None)
    if len(versions) > 1:
        form.suggest(*_usual_pair(model, versions))
    if request.method == "POST":
        require(may_declare, ONLY_THE_TEAM)
        made = _declared(request, model, form)
        if made is not None:
            messages.success(request, "Declared. It is looked at every day from its first day on.")
            return redirect("experiment", experiment_id=made.pk)
    seen = experiments_of(user, model_id=model.pk)
    context = {
        "model": model,
        "tabs": tabs_of(model.slug, View("1y", None)),
        "rows": [(one, words.endpoint_of(one.experiment), words.short(one)) for one in seen],
        "form": form if may_declare and len(versions) > 1 else None,
        "may_declare": may_declare,
    }
    status = 422 if form.is_bound else 200
    return render(request, "monitoring/experiments.html", context, status=status)


@require_safe
def experiment_page(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """One experiment and what it says."""
    return _page(request, experiment_id)


@require_POST
def stop(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """End an experiment before its planned end."""
    user = person_of(request)
    seen = _seen(request, experiment_id)
    require(can_change_monitors(user, seen.experiment.model), ONLY_THE_TEAM)
    form = StopForm(request.POST)
    if not form.is_valid():
        return _page(request, experiment_id, bound=form)
    try:
        stop_experiment(actor=user, experiment_id=experiment_id, reason=form.cleaned_data["reason"])
    except ExperimentInvalid as refusal:
        messages.error(request, f"{refusal} Nothing was changed.")
    else:
        messages.success(request, "Stopped. What was seen by now stays.")
    return redirect("experiment", experiment_id=experiment_id)


def _usual_pair(model: Model, versions: Sequence[Version]) -> tuple[int, int]:
    serving = [one.version_id for one in serving_now(model.pk)]
    champion = next((one for one in versions if one.pk in serving[:1]), versions[-1])
    newest = next(one for one in versions if one.pk != champion.pk)
    return champion.number, newest.number


def _declared(request: HttpRequest, model: Model, form: DeclareForm) -> Experiment | None:
    if not form.is_valid():
        return None
    try:
        return declare_experiment(actor=person_of(request), model_id=model.pk, design=form.design())
    except ExperimentInvalid as refusal:
        name = NAMES.get(refusal.field, refusal.field)
        form.add_error(name if name in form.fields else None, str(refusal))
        return None


def _page(
    request: HttpRequest, experiment_id: int, bound: forms.Form | None = None
) -> HttpResponse:
    seen = _seen(request, experiment_id)
    one = seen.experiment
    unit = unit_of(one)
    may_stop = can_change_monitors(person_of(request), one.model)
    context = {
        "seen": seen,
        "experiment": one,
        "model": one.model,
        "notice": words.notice_of(seen),
        "facts": words.facts_of(seen, unit),
        "chart": words.chart_of(seen, unit) if seen.looks else None,
        "arms": words.arms_of(seen, unit),
        "pairs": words.pairs_of(seen, unit) if one.kind == ExperimentKind.SHADOW else [],
        "disagreements": words.disagreements_of(seen),
        "form": (bound or StopForm()) if may_stop and _goes_on(seen) else None,
    }
    status = 422 if bound is not None else 200
    return render(request, "monitoring/experiment.html", context, status=status)


def _goes_on(seen: Seen) -> bool:
    return seen.phase in (Phase.PLANNED, Phase.RUNNING)


def _seen(request: HttpRequest, experiment_id: int) -> Seen:
    seen = experiment_of(person_of(request), experiment_id)
    if seen is None:
        raise Http404
    return seen


def _midnight(day: Any) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)
