"""Rollouts from the pages: started with steps and guard-rails, paused, resumed, stopped."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from accounts.policies import require
from accounts.sessions import person_of
from monitoring.models import Experiment, Rollout
from monitoring.policies import can_change_monitors
from monitoring.services.experiments import ExperimentInvalid
from monitoring.services.monitors import ONLY_THE_TEAM
from monitoring.services.rollouts import (
    pause_rollout,
    resume_rollout,
    start_rollout,
    stop_rollout,
)

MOVES: dict[str, Callable[..., Rollout]] = {
    "pause": pause_rollout,
    "resume": resume_rollout,
    "stop": stop_rollout,
}
DONE = {
    "pause": "Paused: no further step until somebody resumes it.",
    "resume": "Resumed: steps are taken again.",
    "stop": "Stopped: the challenger gets no traffic any more.",
}


class RolloutForm(forms.Form):
    """Steps and guard-rails, one a line."""

    environment = forms.CharField(label="Environment", max_length=40, initial="production")
    steps = forms.CharField(
        label="Steps",
        widget=forms.Textarea(attrs={"rows": 4}),
        initial="1 24 100\n5 24 500\n20 48 1000\n50 0 0",
        help_text="A line each: percent of the traffic, least hours, least rows of the challenger.",
    )
    guards = forms.CharField(
        label="Guard-rails",
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="A line each: metric and margin, as in request_errors 0.02, latency_p95 500 (ms)"
        " or demographic_parity_ratio 0.8.",
    )
    false_stop = forms.FloatField(label="False stops, %", min_value=0.1, max_value=20, initial=5)

    def said(self) -> dict[str, Any]:
        """What the service wants to hear; numbers that are none are refused there."""
        told = self.cleaned_data
        return {
            "environment": told["environment"],
            "steps": [_step(line) for line in _lines(told["steps"])],
            "guards": [_guard(line) for line in _lines(told["guards"])],
            "false_stop": told["false_stop"] / 100,
        }


class WhyForm(forms.Form):
    reason = forms.CharField(label="Why", max_length=500, widget=forms.Textarea(attrs={"rows": 2}))


@require_POST
def start(request: HttpRequest, experiment_id: int) -> HttpResponse:
    """Give the challenger its first share."""
    experiment = _mine(request, experiment_id)
    form = RolloutForm(request.POST)
    if not form.is_valid():
        return _refused(request, experiment, "Name environment, steps, guard-rails and rate.")
    try:
        start_rollout(actor=person_of(request), experiment_id=experiment.pk, **form.said())
    except ExperimentInvalid as refusal:
        return _refused(request, experiment, str(refusal))
    messages.success(request, "Started: the challenger has its first share.")
    return redirect("challenger", experiment_id=experiment.pk)


@require_POST
def move(request: HttpRequest, experiment_id: int, verb: str) -> HttpResponse:
    """Pause, resume or stop it, with a reason."""
    experiment = _mine(request, experiment_id)
    form = WhyForm(request.POST)
    if not form.is_valid():
        return _refused(request, experiment, "Say why, in at most 500 characters.")
    try:
        MOVES[verb](actor=person_of(request), experiment_id=experiment.pk, **form.cleaned_data)
    except ExperimentInvalid as refusal:
        return _refused(request, experiment, str(refusal))
    messages.success(request, DONE[verb])
    return redirect("challenger", experiment_id=experiment.pk)


def _refused(request: HttpRequest, experiment: Experiment, why: str) -> HttpResponse:
    messages.error(request, f"{why} Nothing was changed.")
    return redirect("challenger", experiment_id=experiment.pk)


def _mine(request: HttpRequest, experiment_id: int) -> Experiment:
    user = person_of(request)
    found = Experiment.objects.visible_to(user).select_related("model").filter(pk=experiment_id)
    experiment = found.first()
    if experiment is None:
        raise Http404
    require(can_change_monitors(user, experiment.model), ONLY_THE_TEAM)
    return experiment


def _lines(text: str) -> list[list[str]]:
    return [line.replace("%", " ").replace(",", " ").split() for line in text.splitlines() if line]


def _step(words: list[str]) -> dict[str, Any]:
    share, hours, rows = [*words, "0", "0", "0"][:3]
    try:
        parts = f"{float(share) / 100:.6f}".rstrip("0")
    except ValueError:
        parts = share
    return {"share": parts, "hours": hours, "rows": rows}


def _guard(words: list[str]) -> dict[str, Any]:
    metric, margin = [*words, "", ""][:2]
    try:
        return {"metric": metric, "margin": float(margin)}
    except ValueError:
        return {"metric": metric, "margin": None}
