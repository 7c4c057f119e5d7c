"""Explanations: what a model's answers rest on, those that were drawn or asked for, and one."""

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from accounts.sessions import person_of
from monitoring.models import ExplanationPolicy, Importance, Monitor, MonitorKind
from monitoring.policies import can_ask_explanation, can_change_monitors
from monitoring.reads.behaviour import versions_of, watched_model
from monitoring.reads.explanations import (
    Explained,
    counts_of,
    explanation_of,
    explanations_of,
    policy_of,
    rests_on,
)
from monitoring.services.explanations import (
    MOST_PER_DAY,
    ExplanationInvalid,
    ask_explanation,
    ask_importance,
    set_explanation_policy,
)
from monitoring.web.periods import View
from monitoring.web.tabs import tabs_of
from registry.models import Model
from registry.states import Stage

LONGEST_ID = 200
MOST = 50
TONES = {"done": "info", "due": "info", "failed": "breach", "refused": "warning"}
ELSEWHERE = "It is not in the newest part of the log. Say on which day the prediction was made."


class AskForm(forms.Form):
    """Which prediction, and about when if the log is long."""

    prediction = forms.CharField(label="Prediction id", max_length=LONGEST_ID)
    day = forms.DateField(
        label="Day (UTC)",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="Helps where the log is long; a day before and after is looked at too.",
    )


class ExplanationPolicyForm(forms.Form):
    """A share in percent, a bound, and whether it is on."""

    percent = forms.FloatField(
        label="Share of predictions, in percent",
        min_value=0.0001,
        max_value=100,
        initial=1,
        help_text="Which ones follows from their ids alone.",
    )
    per_day = forms.IntegerField(
        label="At most, of one day's predictions", min_value=1, max_value=MOST_PER_DAY, initial=100
    )
    enabled = forms.BooleanField(label="Explain them", required=False, initial=True)


@require_safe
def overview(request: HttpRequest, slug: str) -> HttpResponse:
    """What a version's answers rest on, the policy, its monitor, and the newest ones."""
    user = person_of(request)
    model = watched_model(user, slug)
    versions = versions_of(model.pk)
    chosen = _chosen(request, versions)
    policy = policy_of(user, model.pk)
    context = {
        "model": model,
        "tabs": tabs_of(model.slug, View("1y", None)),
        "versions": _choices(versions),
        "version": chosen,
        "rests": rests_on(user, chosen.pk) if chosen else None,
        "policy": policy,
        "policy_title": _drawn(policy),
        "policy_text": "Which ones follows from their ids alone.",
        "card_title": f"What version {chosen.number} goes by" if chosen else "What it goes by",
        "counts_said": _counted(counts_of(model.pk)),
        "monitors": Monitor.objects.filter(model=model, kind=MonitorKind.EXPLANATION),
        "rows": explanations_of(user, model.pk, most=MOST),
        "may_ask": can_ask_explanation(user, model),
        "may_set": can_change_monitors(user, model),
        "ask_form": AskForm(),
        "policy_form": ExplanationPolicyForm(initial=_initial(policy)),
    }
    return render(request, "monitoring/explanations.html", context)


def _drawn(policy: ExplanationPolicy | None) -> str:
    if policy is None:
        return ""
    share = f"{100 * policy.share:.4g} % of predictions"
    return f"{share} are explained by themselves, at most {policy.per_day:,} of a day"


def _counted(counts: dict[str, int]) -> str:
    words = {"done": "explained", "due": "being computed", "failed": "that did not add up"}
    words["refused"] = "that could not be explained"
    told = [f"{counts[state]:,} {said}" for state, said in words.items() if counts[state]]
    return ", ".join(told)


def _chosen(request: HttpRequest, versions: list[Any]) -> Any:
    """The version that is asked for, else the newest of those that serve, else the newest."""
    wanted = request.GET.get("version", "")
    found = [one for one in versions if str(one.number) == wanted]
    serving = [one for one in versions if one.stage == Stage.SERVING]
    return (found or serving or list(versions) or [None])[0]


def _choices(versions: list[Any]) -> list[dict[str, Any]]:
    return [
        {"key": one.number, "label": f"Version {one.number}", "url": f"?version={one.number}"}
        for one in list(versions)[:8]
    ]


def _initial(policy: ExplanationPolicy | None) -> dict[str, Any]:
    if policy is None:
        return {}
    return {
        "percent": round(100 * policy.share, 6),
        "per_day": policy.per_day,
        "enabled": policy.enabled,
    }


@require_POST
def policy(request: HttpRequest, slug: str) -> HttpResponse:
    """Set which share is explained."""
    user = person_of(request)
    model = watched_model(user, slug)
    form = ExplanationPolicyForm(request.POST)
    told = form.cleaned_data if form.is_valid() else {}
    try:
        set_explanation_policy(
            actor=user,
            model_id=model.pk,
            share=told.get("percent", 0.0) / 100,
            per_day=told.get("per_day", 0),
            enabled=told.get("enabled", False),
        )
    except ExplanationInvalid as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Set. It holds for predictions that come from now on.")
    return redirect("monitoring-explanations", slug=model.slug)


@require_POST
def ask(request: HttpRequest, slug: str) -> HttpResponse:
    """Have one prediction explained, and show what becomes of it."""
    user = person_of(request)
    model = watched_model(user, slug)
    form = AskForm(request.POST)
    told = form.cleaned_data if form.is_valid() else {}
    day = told.get("day")
    try:
        found = ask_explanation(
            actor=user,
            model_id=model.pk,
            prediction_id=told.get("prediction", ""),
            at=datetime.combine(day, time(12), tzinfo=UTC) if day else None,
        )
    except ExplanationInvalid as refusal:
        everywhere = getattr(refusal, "everywhere", True)
        messages.error(request, str(refusal) if everywhere else ELSEWHERE)
        return redirect("monitoring-explanations", slug=model.slug)
    return redirect("explanation", explanation_id=found[-1].pk)


@require_safe
def explanation_page(request: HttpRequest, explanation_id: int) -> HttpResponse:
    """One explanation in words, as bars and as numbers, with what proves it."""
    user = person_of(request)
    found = explanation_of(user, explanation_id)
    if found is None:
        raise Http404
    model = get_object_or_404(Model.objects.visible_to(user), slug=found.model)
    context = {
        "model": model,
        "found": found,
        "tone": TONES[found.state],
        "facts": _facts(found),
        "others": [
            one
            for one in explanations_of(user, model.pk, prediction_id=found.prediction_id)
            if one.id != found.id
        ],
        "may_ask": can_ask_explanation(user, model) and found.state in {"failed", "refused"},
    }
    return render(request, "monitoring/explanation.html", context)


def _facts(found: Explained) -> list[tuple[str, str]]:
    """What a reader has to know to trust it, in words."""
    origin = f"{found.asked_by} asked" if found.asked_by else "it was drawn by the policy"
    missed = f"It misses the answer by {found.gap_said}; allowed is {found.tolerance_said}."
    return [
        ("Answer", found.answer_said),
        ("Usual answer", f"{found.base_said}, over rows of the reference"),
        ("Adds up", f"Usual answer and all parts together give the answer. {missed}"),
        ("Computed", f"{found.method_words}, in the sandbox, from the version's own files"),
        ("Seed", str(found.seed)),
        ("Why it was explained", origin),
    ]


@require_POST
def again(request: HttpRequest, importance_id: int) -> HttpResponse:
    """Have a version's importance computed once more."""
    user = person_of(request)
    rows = Importance.objects.visible_to(user).select_related("version__model")
    row = get_object_or_404(rows, pk=importance_id)
    try:
        ask_importance(actor=user, importance_id=row.pk)
    except ExplanationInvalid as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "It is computed once more.")
    return redirect("monitoring-explanations", slug=row.version.model.slug)
