"""One monitor: what it watches, what it found, and how it is changed; and a new one."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts.policies import require
from accounts.sessions import person_of
from monitoring.metrics import LABELLED, metric_of
from monitoring.models import Monitor, MonitorKind
from monitoring.policies import can_change_monitor, can_change_monitors, can_try
from monitoring.reads.behaviour import (
    Behaviour,
    behaviour_of,
    versions_of,
    visible_monitor,
    watched_model,
    watched_versions,
)
from monitoring.reads.dashboards.segments import segments_of
from monitoring.reads.runs import monitors_of, runs_of
from monitoring.reads.settings import versions_watched
from monitoring.services.monitors import (
    ONLY_THE_TEAM,
    MonitorInvalid,
    change_monitor,
    create_monitor,
)
from monitoring.web.budgets import false_alarms_text
from monitoring.web.charts import heat_map, monitor_chart
from monitoring.web.forms import ChangeForm, NewForm
from monitoring.web.offers import names_for, offers_of
from monitoring.web.periods import PERIODS, View, period_choice, version_choice, view_of
from monitoring.web.words import (
    answer_unit,
    length,
    span,
    threshold_text,
    title_of,
    window_text,
)
from registry.reads.deployments import serving_now

RUNS = 60
# What a monitor looks at that names no fields.
FIELDS: dict[str, str] = {
    MonitorKind.DRIFT: "every field that fits",
    MonitorKind.QUALITY: "every field that fits",
    MonitorKind.FAIRNESS: "every group field",
}
OPTION_WORDS = {
    "beta": "beta",
    "top": "top share",
    "group_minimum": "rows of the smallest group",
    "target": "target",
}
Choice = list[dict[str, Any]]


@require_http_methods(["GET", "HEAD", "POST"])
def monitor_page(request: HttpRequest, monitor_id: int) -> HttpResponse:
    """One monitor; a POST changes it and answers with the page again if it cannot."""
    monitor = visible_monitor(person_of(request), monitor_id)
    form = ChangeForm(monitor, request.POST if request.method == "POST" else None)
    if request.method == "POST" and _changed(request, monitor, form):
        return redirect("monitor", monitor_id=monitor.pk)
    status = 422 if form.is_bound else 200
    context = _context(request, monitor) | {"form": form}
    return render(request, "monitoring/monitor.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
def new(request: HttpRequest, slug: str) -> HttpResponse:
    """A new monitor: first its kind, then the form with what fits the model."""
    user = person_of(request)
    model = watched_model(user, slug)
    require(can_change_monitors(user, model), ONLY_THE_TEAM)
    version = next((one for one in versions_of(model.pk) if hasattr(one, "schema")), None)
    schema = getattr(version, "schema", None)
    offers = offers_of(model.task, schema, model.components)
    kind = request.POST.get("measure", "").partition(":")[0] or request.GET.get("kind", "")
    offer = next((one for one in offers if one.kind == kind and one.fitting), None)
    context = {"model": model, "offers": offers, "segment": request.GET.get("segment", "")[:200]}
    if offer is None:
        status = 422 if request.method == "POST" else 200
        return render(request, "monitoring/monitor_kinds.html", context, status=status)
    form = NewForm(
        request.POST or None,
        offer=offer,
        names=names_for(offer.kind, schema),
        segments=segments_of(version.pk) if version else (),
        initial={"segment": context["segment"]},
    )
    if form.is_valid():
        try:
            settings = form.settings(lateness_hours=model.outcome_horizon_hours)
            monitor = create_monitor(actor=user, model_id=model.pk, settings=settings)
        except MonitorInvalid as refusal:
            _explain(form, refusal)
        else:
            messages.success(request, f"{monitor.name} is set up; past windows follow shortly.")
            return redirect("monitor", monitor_id=monitor.pk)
    status = 422 if form.is_bound else 200
    context |= {"form": form, "offer": offer}
    return render(request, "monitoring/monitor_new.html", context, status=status)


def _changed(request: HttpRequest, monitor: Monitor, form: ChangeForm) -> bool:
    user = person_of(request)
    require(can_change_monitor(user, monitor), ONLY_THE_TEAM)
    if not form.is_valid():
        return False
    try:
        change_monitor(actor=user, monitor_id=monitor.pk, changes=form.changes())
    except MonitorInvalid as refusal:
        _explain(form, refusal)
        return False
    messages.success(request, "Saved. Windows that are evaluated from now on follow it.")
    return True


def _explain(form: forms.Form, refusal: MonitorInvalid) -> None:
    names = {"metric": "measure", "segments": "segment", "fields": "fields_watched"}
    name = names.get(refusal.field, refusal.field)
    form.add_error(name if name in form.fields else None, str(refusal))


def _context(request: HttpRequest, monitor: Monitor) -> dict[str, Any]:
    model = monitor.model
    versions, watched = versions_of(model.pk), watched_versions(model.pk)
    serving = [period.version_id for period in serving_now(model.pk)]
    view = view_of(request.GET, versions, watched, serving)
    field = request.GET.get("field", "")[:120]
    version_id = view.version.pk if view.version else None
    running = versions_watched(model.pk)
    rows = monitors_of(model_id=model.pk, version_id=version_id, versions=running)
    own = next((row for row in rows if row.monitor.pk == monitor.pk), None)
    unit = answer_unit(getattr(view.version, "schema", None))
    choice = version_choice(view, versions, watched, field=field)
    metric = metric_of(monitor.kind, monitor.metric)
    return {
        "monitor": monitor,
        "model": model,
        "view": view,
        "latest": own.latest if own else None,
        "field": field,
        "facts": _facts(monitor, false_alarms_text(own, running) if own else "", unit),
        "explained": metric.explained if metric else "",
        "periods": period_choice(view, field=field),
        "versions": choice,
        "may_change": can_change_monitor(person_of(request), monitor),
        "may_try": can_try(person_of(request), monitor),
        **(_seen(monitor, view, field, unit, choice) if view.version else {}),
    }


def _seen(monitor: Monitor, view: View, field: str, unit: str, choice: Choice) -> dict[str, Any]:
    if view.version is None:
        return {}
    version_id = view.version.pk
    seen = behaviour_of(version_id, days=view.days, monitor_id=monitor.pk)
    fields = sorted({number.field for number in seen.numbers if number.field})
    own = _only(seen, field) if field in fields else seen
    runs = runs_of(version_id=version_id, monitor_id=monitor.pk, limit=RUNS, earlier=True)
    return {
        "seen": seen,
        "fields": _field_filter(view, fields, field, choice) if len(fields) > 1 else None,
        "chart": monitor_chart(monitor, own, answer_unit=unit) if own.runs else None,
        "heat": heat_map(monitor, seen, f"&{view.query}"),
        "runs": [(run, window_text(run.window_start, run.window_end)) for run in runs],
        "runs_cut": len(runs) == RUNS,
        "labelled": monitor.kind in LABELLED,
        "revised": any(not run.latest for run in runs),
    }


def _only(seen: Behaviour, field: str) -> Behaviour:
    """The numbers of one field; where it has several measures, the gravest is drawn."""
    numbers = tuple(number for number in seen.numbers if number.field == field)
    return Behaviour(seen.as_of, seen.runs, numbers, seen.cut)


def _field_filter(view: View, fields: list[str], field: str, choice: Choice) -> Choice:
    options = [("", f"All {len(fields)} fields"), *((name, name) for name in fields)]
    versions = [(item["key"], item["label"]) for item in choice]
    chosen = view.version.number if view.version else ""
    found: Choice = [
        {"name": "field", "label": "Field", "value": field, "options": options},
        {"name": "period", "label": "Period", "value": view.period, "options": _periods()},
        {"name": "version", "label": "Version", "value": chosen, "options": versions},
    ]
    return [one for one in found if one["options"]]


def _periods() -> list[tuple[str, str]]:
    return [(key, label) for key, (label, _) in PERIODS.items()]


def _held_against(monitor: Monitor) -> str:
    start, end = monitor.reference_start, monitor.reference_end
    pinned = f", {window_text(start, end)}" if start and end else ""
    return f"{monitor.get_reference_display()}{pinned}"


def _windows(count: int) -> str:
    return "one window" if count == 1 else f"{count} windows in a row"


def _facts(monitor: Monitor, false_alarms: str, unit: str) -> list[tuple[str, str]]:
    opens = "a window breaches"
    if monitor.open_of > 1:
        opens = f"{monitor.open_after} of {monitor.open_of} windows in a row breach"
    options = [f"{OPTION_WORDS[name]} {value:g}" for name, value in monitor.options.items()]
    volume = monitor.metric == "volume"
    fields = ", ".join(monitor.fields) or ("" if volume else FIELDS.get(monitor.kind, ""))
    facts = [
        ("Measures", title_of(monitor.metric, monitor.kind)),
        ("Fields", fields),
        ("Rows", " or ".join(monitor.segments) or "all"),
        ("Held against", _held_against(monitor)),
        ("With", ", ".join(options)),
        ("Window", f"{length(monitor.window_hours)}, evaluated every {span(monitor.every_hours)}"),
        ("Evaluated", f"{length(monitor.lateness_hours)} after the end of a window"),
        ("Warning", threshold_text(monitor, "warning", unit)),
        ("Breach", threshold_text(monitor, "breach", unit)),
        ("False alarms", false_alarms),
        ("Too little data", "" if volume else f"no verdict below {monitor.minimum_n:,} rows"),
        ("Incident", f"{monitor.get_severity_display()}, opened as soon as {opens}"),
        ("Calm", f"after {_windows(monitor.close_after)} without breach"),
        ("Why", monitor.why),
        ("Set up by", monitor.created_by.name if monitor.created_by else "Ombud"),
    ]
    return [(key, value) for key, value in facts if value]
