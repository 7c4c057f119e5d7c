"""What lists can be narrowed by, in the API and on pages."""

import django_filters

from audit.filters import MomentFilter
from monitoring.models import (
    VERDICTS,
    Alert,
    Incident,
    Measurement,
    Monitor,
    MonitorKind,
    Run,
    Severity,
)
from monitoring.states import IncidentState


class MeasurementFilter(django_filters.FilterSet):
    version = django_filters.NumberFilter(field_name="version__number", label="Number of it")
    monitor = django_filters.NumberFilter(field_name="monitor_id", label="Id of the monitor")
    run = django_filters.NumberFilter(field_name="run_id", label="Id of the run")
    kind = django_filters.ChoiceFilter(field_name="monitor__kind", choices=MonitorKind.choices)
    metric = django_filters.CharFilter()
    field = django_filters.CharFilter()
    segment = django_filters.CharFilter(label="field=value")
    verdict = django_filters.ChoiceFilter(choices=VERDICTS)
    since = MomentFilter(field_name="window_end", lookup_expr="gt")
    until = MomentFilter(field_name="window_end", lookup_expr="lte")
    latest = django_filters.BooleanFilter(label="false: outdated revisions only")

    class Meta:
        model = Measurement
        fields = ["version", "monitor", "run", "kind", "metric", "field", "segment", "verdict"]


class MonitorFilter(django_filters.FilterSet):
    model = django_filters.CharFilter(field_name="model__slug", label="Slug of the model")
    kind = django_filters.ChoiceFilter(choices=MonitorKind.choices)
    enabled = django_filters.BooleanFilter()

    class Meta:
        model = Monitor
        fields = ["model", "kind", "enabled"]


class RunFilter(django_filters.FilterSet):
    model = django_filters.CharFilter(field_name="monitor__model__slug", label="Slug of the model")
    version = django_filters.NumberFilter(field_name="version__number", label="Number of it")
    monitor = django_filters.NumberFilter(field_name="monitor_id", label="Id of the monitor")
    kind = django_filters.ChoiceFilter(field_name="monitor__kind", choices=MonitorKind.choices)
    verdict = django_filters.ChoiceFilter(choices=VERDICTS)
    latest = django_filters.BooleanFilter(label="true: without outdated revisions")

    class Meta:
        model = Run
        fields = ["model", "version", "monitor", "kind", "verdict", "latest"]


class AlertFilter(django_filters.FilterSet):
    model = django_filters.CharFilter(
        field_name="run__monitor__model__slug", label="Slug of the model"
    )
    incident = django_filters.NumberFilter(field_name="incident_id", label="Id of the incident")
    severity = django_filters.ChoiceFilter(choices=Severity.choices)

    class Meta:
        model = Alert
        fields = ["model", "incident", "severity"]


class IncidentFilter(django_filters.FilterSet):
    model = django_filters.CharFilter(field_name="model__slug", label="Slug of the model")
    version = django_filters.NumberFilter(field_name="version__number", label="Number of it")
    kind = django_filters.ChoiceFilter(choices=MonitorKind.choices)
    state = django_filters.ChoiceFilter(choices=[(state, state) for state in IncidentState])
    severity = django_filters.ChoiceFilter(choices=Severity.choices)

    class Meta:
        model = Incident
        fields = ["model", "version", "kind", "state", "severity"]
