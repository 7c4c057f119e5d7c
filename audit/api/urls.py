from django.urls import path, register_converter
from django.urls.converters import IntConverter

from audit.api.proofs import CheckpointListView, ConsistencyView, EventProofView, ExportView
from audit.api.views import EventListView


class SequenceConverter(IntConverter):
    """A number that the database can hold; a longer one is the address of nothing."""

    regex = "[0-9]{1,18}"


register_converter(SequenceConverter, "sequence")

urlpatterns = [
    path("audit/events", EventListView.as_view(), name="api-audit-events"),
    path(
        "audit/events/<sequence:sequence>/proof", EventProofView.as_view(), name="api-audit-proof"
    ),
    path("audit/checkpoints", CheckpointListView.as_view(), name="api-audit-checkpoints"),
    path("audit/consistency", ConsistencyView.as_view(), name="api-audit-consistency"),
    path("audit/exports", ExportView.as_view(), name="api-audit-exports"),
]
