"""The monitoring addresses of the API, below /api/v1/."""

from django.urls import path

from monitoring.api import budgets, dashboards, experiments, ingest, outlooks, views

BOARDS = {
    "performance": dashboards.PerformanceView,
    "drift": dashboards.DriftView,
    "distribution": dashboards.DistributionView,
    "calibration": dashboards.CalibrationView,
    "fairness": dashboards.FairnessView,
    "operations": dashboards.OperationsView,
    "value": dashboards.ValueView,
}
urlpatterns = [
    path(
        "models/<slug:model>/versions/<int:version>/predictions",
        ingest.PredictionsView.as_view(),
        name="api-predictions",
    ),
    path("models/<slug:model>/outcomes", ingest.OutcomesView.as_view(), name="api-outcomes"),
    path(
        "models/<slug:model>/measurements",
        views.MeasurementListView.as_view(),
        name="api-measurements",
    ),
    path("models/<slug:model>/alarm-budget", budgets.BudgetView.as_view(), name="api-alarm-budget"),
    path("models/<slug:model>/outlooks", outlooks.OutlookListView.as_view(), name="api-outlooks"),
    path(
        "models/<slug:model>/experiments",
        experiments.ExperimentListView.as_view(),
        name="api-experiments",
    ),
    path(
        "experiments/<int:experiment>",
        experiments.ExperimentView.as_view(),
        name="api-experiment",
    ),
    path(
        "experiments/<int:experiment>/stop",
        experiments.ExperimentStopView.as_view(),
        name="api-experiment-stop",
    ),
    path("monitors", views.MonitorListView.as_view(), name="api-monitors"),
    path("monitors/<int:monitor>", views.MonitorView.as_view(), name="api-monitor"),
    path("runs", views.RunListView.as_view(), name="api-runs"),
    path("alerts", views.AlertListView.as_view(), name="api-alerts"),
    path("incidents", views.IncidentListView.as_view(), name="api-incidents"),
    path("incidents/<int:incident>", views.IncidentView.as_view(), name="api-incident"),
    path(
        "incidents/<int:incident>/acknowledge",
        views.AcknowledgeView.as_view(),
        name="api-incident-acknowledge",
    ),
    path(
        "incidents/<int:incident>/resolve",
        views.ResolveView.as_view(),
        name="api-incident-resolve",
    ),
    path("incidents/<int:incident>/notes", views.NoteView.as_view(), name="api-incident-notes"),
    *(
        path(
            f"models/<slug:model>/dashboards/{board}",
            view.as_view(),
            name=f"api-dashboard-{board}",
        )
        for board, view in BOARDS.items()
    ),
]
