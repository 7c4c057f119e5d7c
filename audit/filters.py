"""What the trail can be asked for: the same for the page and the API."""

from datetime import UTC, datetime
from typing import Any

import django_filters

from audit.models import Event


class MomentFilter(django_filters.IsoDateTimeFilter):
    """A time with any offset, compared in UTC; one that no calendar has matches nothing."""

    def filter(self, qs: Any, value: datetime | None) -> Any:
        try:
            return super().filter(qs, value and value.astimezone(UTC))
        except (OverflowError, ValueError):
            return qs.none()


class EventFilter(django_filters.FilterSet):
    event = django_filters.CharFilter(lookup_expr="startswith", label="Event (or its beginning)")
    actor = django_filters.CharFilter(
        field_name="actor_name", lookup_expr="icontains", label="Person"
    )
    subject = django_filters.CharFilter(
        field_name="subject_name", lookup_expr="icontains", label="About"
    )
    subject_type = django_filters.CharFilter(label="Type")
    subject_id = django_filters.CharFilter(label="Id")
    request_id = django_filters.CharFilter(label="Request")
    since = MomentFilter(field_name="at", lookup_expr="gte", label="From")
    until = MomentFilter(field_name="at", lookup_expr="lt", label="Until")

    class Meta:
        model = Event
        fields: list[str] = []
