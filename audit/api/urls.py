from django.urls import path

from audit.api.views import EventListView

urlpatterns = [path("audit/events", EventListView.as_view(), name="api-audit-events")]
