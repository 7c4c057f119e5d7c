"""The monitoring addresses of the API, below /api/v1/."""

from django.urls import path

from monitoring.api import (
    assignments,
    budgets,
    dashboards,
    experiments,
    explanations,
    ingest,
    outlooks,
    retrainings,
    rollouts,
    runner_callbacks,
    views,
)

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
urlpatterns += [
    path(
        "models/<slug:model>/assignment",
        assignments.AssignmentView.as_view(),
        name="api-assignment",
    ),
    path(
        "experiments/<int:experiment>/rollout",
        rollouts.RolloutView.as_view(),
        name="api-rollout",
    ),
    path(
        "experiments/<int:experiment>/rollout/pause",
        rollouts.RolloutPauseView.as_view(),
        name="api-rollout-pause",
    ),
    path(
        "experiments/<int:experiment>/rollout/resume",
        rollouts.RolloutResumeView.as_view(),
        name="api-rollout-resume",
    ),
    path(
        "experiments/<int:experiment>/rollout/stop",
        rollouts.RolloutStopView.as_view(),
        name="api-rollout-stop",
    ),
]
# Retraining.
urlpatterns += [
    path(
        "models/<slug:model>/retraining-policies",
        retrainings.PolicyListView.as_view(),
        name="api-retraining-policies",
    ),
    path(
        "models/<slug:model>/retraining-refusals",
        retrainings.RefusalListView.as_view(),
        name="api-retraining-refusals",
    ),
    path(
        "retraining-policies/<int:policy>/switch-on",
        retrainings.PolicySwitchOnView.as_view(),
        name="api-retraining-policy-switch-on",
    ),
    path(
        "retraining-policies/<int:policy>/switch-off",
        retrainings.PolicySwitchOffView.as_view(),
        name="api-retraining-policy-switch-off",
    ),
    path(
        "models/<slug:model>/data-suites",
        retrainings.SuiteListView.as_view(),
        name="api-data-suites",
    ),
    path(
        "models/<slug:model>/retrainings",
        retrainings.RetrainingListView.as_view(),
        name="api-retrainings",
    ),
    path(
        "retrainings/<int:retraining>",
        retrainings.RetrainingView.as_view(),
        name="api-retraining",
    ),
    path(
        "retrainings/<int:retraining>/cancel",
        retrainings.RetrainingCancelView.as_view(),
        name="api-retraining-cancel",
    ),
    path(
        "retrainings/<int:retraining>/retry",
        retrainings.RetrainingRetryView.as_view(),
        name="api-retraining-retry",
    ),
    path(
        "retrainings/<int:retraining>/snapshot",
        retrainings.SnapshotView.as_view(),
        name="api-retraining-snapshot",
    ),
    path(
        "runner-callbacks/<slug:runner>",
        runner_callbacks.RunnerCallbackView.as_view(),
        name="api-runner-callback",
    ),
]
# Explanations.
urlpatterns += [
    path(
        "predictions/<str:prediction>/explanation",
        explanations.PredictionExplanationView.as_view(),
        name="api-explanation",
    ),
    path(
        "models/<slug:model>/explanations",
        explanations.ExplanationListView.as_view(),
        name="api-explanations",
    ),
    path(
        "models/<slug:model>/versions/<int:version>/importance",
        explanations.ImportanceView.as_view(),
        name="api-importance",
    ),
    path(
        "models/<slug:model>/explanation-policy",
        explanations.ExplanationPolicyView.as_view(),
        name="api-explanation-policy",
    ),
]
