"""Which models are watched, and how one of them behaves."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from accounts.models import User
from accounts.policies import require
from accounts.sessions import person_of
from monitoring.metrics import words_of
from monitoring.models import MonitorKind
from monitoring.policies import can_change_monitors
from monitoring.reads.behaviour import (
    Behaviour,
    behaviour_of,
    versions_of,
    watched_model,
    watched_versions,
)
from monitoring.reads.dashboards.outlooks import outlooks_of
from monitoring.reads.dashboards.stages import stages_of
from monitoring.reads.health import coverage_of, health_of, open_incidents
from monitoring.reads.runs import MonitorRow, monitors_of
from monitoring.reads.settings import budget_of, versions_watched
from monitoring.reads.watched import MOST, watched_models
from monitoring.services.budgets import set_alarm_budget
from monitoring.services.monitors import ONLY_THE_TEAM, MonitorInvalid
from monitoring.web.budgets import budget_context, per_quarter
from monitoring.web.charts import coverage_chart, monitor_chart
from monitoring.web.forms import BudgetForm
from monitoring.web.outlooks import outlook_table
from monitoring.web.periods import View, period_choice, version_choice, view_of
from monitoring.web.stages import stage_table
from monitoring.web.tabs import tabs_of
from monitoring.web.words import answer_unit, length, span, threshold_text
from registry.models import Model
from registry.reads.deployments import serving_now

COLUMNS = 100  # of a chart, where a period has more windows
KINDS = (
    (MonitorKind.PERFORMANCE, "Performance", "target"),
    (MonitorKind.ESTIMATE, "Estimated performance", "eye"),
    (MonitorKind.CALIBRATION, "Calibration", "adjustments"),
    (MonitorKind.CONCEPT, "Concept drift", "route"),
    (MonitorKind.DRIFT, "Drift", "git-compare"),
    (MonitorKind.NOVELTY, "Novelty", "flag"),
    (MonitorKind.QUALITY, "Data quality", "database"),
    (MonitorKind.FAIRNESS, "Fairness", "scale"),
    (MonitorKind.OPERATIONS, "Operations", "activity"),
    (MonitorKind.BUSINESS, "Value", "trending-up"),
    (MonitorKind.EXPLANATION, "Explanations", "list"),
)
# Kinds with a column of their own in the list; the gravest of the others shares one.
LISTED = (
    (MonitorKind.PERFORMANCE, "Performance"),
    (MonitorKind.DRIFT, "Drift"),
    (MonitorKind.QUALITY, "Data quality"),
    (MonitorKind.FAIRNESS, "Fairness"),
)


@require_safe
def watch_list(request: HttpRequest) -> HttpResponse:
    """Every model that the person may see, with the verdict of each kind of monitoring."""
    text = request.GET.get("q", "").strip()[:80]
    found = watched_models(person_of(request), text=text)
    context = {"models": found, "kinds": LISTED, "text": text, "full": len(found) == MOST}
    context["clear"] = reverse("monitoring") if text else ""
    context["filters"] = [
        {
            "name": "q",
            "label": "Name",
            "value": text,
            "wide": True,
            "placeholder": "Name of a model",
        }
    ]
    return render(request, "monitoring/list.html", context)


@require_safe
def model_page(request: HttpRequest, slug: str) -> HttpResponse:
    """One model: every monitor's chart, drift by field, coverage of outcomes."""
    return _page(request, watched_model(person_of(request), slug))


@require_POST
def change_budget(request: HttpRequest, slug: str) -> HttpResponse:
    """Declare how many false alarms the model may raise; what is wrong is said on the page."""
    user = person_of(request)
    model = watched_model(user, slug)
    require(can_change_monitors(user, model), ONLY_THE_TEAM)
    form = BudgetForm(request.POST)
    if not (form.is_valid() and _declared(user, model, form)):
        return _page(request, model, form)
    messages.success(request, "Saved. Windows that are evaluated from now on share it.")
    return redirect("monitoring-model", slug=model.slug)


def _declared(user: User, model: Model, form: BudgetForm) -> bool:
    try:
        set_alarm_budget(actor=user, model_id=model.pk, **form.cleaned_data)
    except MonitorInvalid as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        return False
    return True


def _page(request: HttpRequest, model: Model, form: BudgetForm | None = None) -> HttpResponse:
    user = person_of(request)
    versions, watched = versions_of(model.pk), watched_versions(model.pk)
    serving = [period.version_id for period in serving_now(model.pk)]
    view = view_of(request.GET, versions, watched, serving)
    context = {
        "model": model,
        "view": view,
        "tabs": tabs_of(model.slug, view),
        "may_change": can_change_monitors(user, model),
        "periods": period_choice(view),
        "versions": version_choice(view, versions, watched),
        "incidents": open_incidents(model_id=model.pk),
        **(_of_version(model, view) if view.version else {}),
    }
    if form is not None or context["may_change"]:
        context["budget_form"] = form or BudgetForm.of(budget_of(model.pk))
    status = 200 if form is None else 422
    return render(request, "monitoring/model.html", context, status=status)


def _of_version(model: Any, view: View) -> dict[str, Any]:
    version = view.version
    if version is None:
        return {}
    version.model = model
    seen = behaviour_of(version.pk, days=view.days, columns=COLUMNS)
    schema = getattr(version, "schema", None)
    unit = answer_unit(schema)
    running = versions_watched(model.pk)
    rows = monitors_of(model_id=model.pk, version_id=version.pk, versions=running)
    panels = [_panel(row, seen, unit) for row in rows]
    return {
        "seen": seen,
        "health": health_of([version.pk])[version.pk],
        "coverage": coverage_of(version, now=timezone.now()),
        "coverage_chart": _coverage(rows, seen),
        "horizon": length(model.outcome_horizon_hours),
        "panels": panels,
        "budget": budget_context(model.pk, rows, running) if rows else None,
        "outlook": outlook_table(outlooks_of(version.pk), unit),
        "stages": stage_table(stages_of(version.pk, model.components, schema)),
        "sections": _sections(panels),
    }


def _sections(panels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The kinds of which the model has monitors, with their panels."""
    sections = [
        {
            "kind": kind,
            "title": title,
            "icon": icon,
            "panels": [one for one in panels if one["monitor"].kind == kind],
        }
        for kind, title, icon in KINDS
    ]
    return [section for section in sections if section["panels"]]


def _panel(row: MonitorRow, seen: Behaviour, unit: str) -> dict[str, Any]:
    """One monitor as a card with its chart."""
    monitor, own = row.monitor, seen.of(row.monitor.pk)
    return {
        "monitor": monitor,
        "latest": row.latest,
        "metric": words_of(monitor.metric, monitor.kind),
        "warning": threshold_text(monitor, "warning", unit),
        "breach": threshold_text(monitor, "breach", unit),
        "window": span(monitor.window_hours),
        "false_alarms": per_quarter(row.false_alarms_per_quarter),
        "chart": monitor_chart(monitor, own, answer_unit=unit) if own.runs else None,
    }


def _coverage(rows: list[MonitorRow], seen: Behaviour) -> dict[str, Any] | None:
    """Of the performance monitor that has been evaluated most."""
    found = [seen.of(row.monitor.pk).runs for row in rows if row.monitor.kind == "performance"]
    most = max(found, key=len, default=())
    return coverage_chart(most) if most else None
