"""The governance addresses of the API, below /api/v1/."""

from django.urls import URLPattern, URLResolver, path

from governance.api.cards import CardView
from governance.api.clearance import ClearanceView
from governance.api.requests import (
    ArchiveListView,
    DecisionView,
    RefreshView,
    RequestListView,
    RequestView,
    RestoreView,
    WithdrawView,
)
from governance.api.status import model_status

urlpatterns: list[URLPattern | URLResolver] = [
    path("models/<slug:model>/status", model_status, name="api-status"),
    path("models/<slug:model>/versions/<int:version>/card", CardView.as_view(), name="api-card"),
    path(
        "models/<slug:model>/versions/<int:version>/clearance",
        ClearanceView.as_view(),
        name="api-clearance",
    ),
    path("change-requests", RequestListView.as_view(), name="api-requests"),
    path("change-requests/<int:pk>", RequestView.as_view(), name="api-request"),
    path("change-requests/<int:pk>/decisions", DecisionView.as_view(), name="api-decisions"),
    path("change-requests/<int:pk>/withdraw", WithdrawView.as_view(), name="api-withdraw"),
    path("change-requests/<int:pk>/refresh", RefreshView.as_view(), name="api-refresh"),
    # GET is the registry's: these addresses come before the registry's in config/urls.py.
    path("archives", ArchiveListView.as_view(), name="api-archives"),
    path("archives/<int:pk>/restore", RestoreView.as_view(), name="api-archive-restore"),
]
