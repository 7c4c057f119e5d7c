"""The pages of monitoring."""

from django.urls import URLPattern, URLResolver, path

from monitoring.web import dashboards, experiments, incidents, models, monitors, runs

urlpatterns: list[URLPattern | URLResolver] = [
    path("monitoring", models.watch_list, name="monitoring"),
    path("monitoring/<slug:slug>", models.model_page, name="monitoring-model"),
    path("monitoring/<slug:slug>/budget", models.change_budget, name="monitoring-budget"),
    path("monitoring/<slug:slug>/new", monitors.new, name="monitor-new"),
    path(
        "monitoring/<slug:slug>/performance", dashboards.performance, name="monitoring-performance"
    ),
    path("monitoring/<slug:slug>/drift", dashboards.drift, name="monitoring-drift"),
    path("monitoring/<slug:slug>/fairness", dashboards.fairness, name="monitoring-fairness"),
    path(
        "monitoring/<slug:slug>/calibration", dashboards.calibration, name="monitoring-calibration"
    ),
    path("monitoring/<slug:slug>/operations", dashboards.operations, name="monitoring-operations"),
    path("monitoring/<slug:slug>/value", dashboards.value, name="monitoring-value"),
    path(
        "monitoring/<slug:slug>/experiments",
        experiments.experiment_list,
        name="monitoring-experiments",
    ),
    path("experiments/<int:experiment_id>", experiments.experiment_page, name="experiment"),
    path("experiments/<int:experiment_id>/stop", experiments.stop, name="experiment-stop"),
    path("monitors/<int:monitor_id>", monitors.monitor_page, name="monitor"),
    path("runs/<int:run_id>", runs.run_page, name="run"),
    path("incidents", incidents.incident_list, name="incidents"),
    path("incidents/<int:incident_id>", incidents.incident_page, name="incident"),
    path(
        "incidents/<int:incident_id>/acknowledge",
        incidents.acknowledge,
        name="incident-acknowledge",
    ),
    path("incidents/<int:incident_id>/note", incidents.note, name="incident-note"),
    path("incidents/<int:incident_id>/resolve", incidents.resolve, name="incident-resolve"),
]
