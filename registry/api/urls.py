from django.urls import path

from registry.api import views
from registry.api.deviations import DeviationListView, PutBackView
from registry.api.drills import DrillsView
from registry.api.holds import HoldLiftView, HoldListView
from registry.api.sandbox import SandboxHostsView

urlpatterns = [
    path("models", views.ModelListView.as_view(), name="api-models"),
    path("models/<slug:model>", views.ModelView.as_view(), name="api-model"),
    path(
        "models/<slug:model>/deviations", DeviationListView.as_view(), name="api-model-deviations"
    ),
    path("models/<slug:model>/put-back", PutBackView.as_view(), name="api-model-put-back"),
    path("models/<slug:model>/versions", views.VersionListView.as_view(), name="api-versions"),
    path(
        "models/<slug:model>/versions/<int:version>",
        views.VersionView.as_view(),
        name="api-version",
    ),
    path(
        "models/<slug:model>/versions/<int:version>/schema",
        views.SchemaView.as_view(),
        name="api-version-schema",
    ),
    path(
        "models/<slug:model>/versions/<int:version>/reference",
        views.ReferenceView.as_view(),
        name="api-version-reference",
    ),
    # The list is governance's address: it adds to views.ArchiveListView how one is asked for.
    path("archives/<int:archive>", views.ArchiveView.as_view(), name="api-archive"),
    path(
        "archives/<int:archive>/verify",
        views.ArchiveVerificationView.as_view(),
        name="api-archive-verify",
    ),
    path("models/<slug:model>/holds", HoldListView.as_view(), name="api-model-holds"),
    path("models/<slug:model>/holds/<int:hold>/lift", HoldLiftView.as_view(), name="api-hold-lift"),
    path("archives/<int:archive>/drills", DrillsView.as_view(), name="api-archive-drills"),
    path("sandbox/hosts", SandboxHostsView.as_view(), name="api-sandbox-hosts"),
]
