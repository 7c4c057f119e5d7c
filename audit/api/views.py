from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.renderers import JSONRenderer

from audit.api.spreadsheets import SpreadsheetPages, SpreadsheetRenderer
from audit.filters import EventFilter
from audit.models import Event
from audit.querysets import EventQuerySet


class EventSerializer(serializers.ModelSerializer[Event]):
    digest = serializers.SerializerMethodField()
    previous = serializers.SerializerMethodField()

    class Meta:
        model = Event
        fields = [
            "sequence",
            "at",
            "event",
            "actor_name",
            "subject_type",
            "subject_id",
            "subject_name",
            "request_id",
            "data",
            "previous",
            "digest",
        ]

    def get_digest(self, event: Event) -> str:
        return bytes(event.digest).hex()

    def get_previous(self, event: Event) -> str:
        return bytes(event.previous).hex()


class NewestEventsFirst(SpreadsheetPages):
    ordering = "-sequence"


@extend_schema_view(
    get=extend_schema(
        operation_id="audit_events_list",
        responses={
            (200, "application/json"): EventSerializer(many=True),
            (200, "text/csv"): OpenApiTypes.STR,
        },
    )
)
class EventListView(ListAPIView[Event]):
    """The audit trail, newest first: everything for auditors, one's teams' events for others.

    As CSV up to 10,000 events at once; `Link` names the address of the next ones.
    """

    serializer_class = EventSerializer
    pagination_class = NewestEventsFirst
    renderer_classes = (JSONRenderer, SpreadsheetRenderer)
    filterset_class = EventFilter
    queryset = Event.objects.none()

    def get_queryset(self) -> EventQuerySet:
        return Event.objects.visible_to(self.request.user)
