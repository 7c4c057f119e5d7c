"""The shapes that monitoring takes and gives."""

from typing import Any, TypeAlias

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from monitoring.models import (
    Alert,
    Incident,
    IncidentEntry,
    Investigation,
    Measurement,
    Monitor,
    MonitorKind,
    Outlook,
    ReferenceMode,
    Resolution,
    Run,
    Severity,
)
from registry.api.serializers import Strict

YEAR = 24 * 366
RelatedName: TypeAlias = serializers.SlugRelatedField[Any]


class BatchAnswer(serializers.Serializer[Any]):
    """A stored batch; the same key with the same bytes gets the same answer again."""

    batch = serializers.IntegerField()
    rows = serializers.IntegerField(help_text="Rows stored")
    rejected = serializers.IntegerField(help_text="Rows left out (mode=partial, or repeated rows)")
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    digest = serializers.CharField(help_text="SHA-256 of the stored file")
    warnings = serializers.ListField(child=serializers.CharField(), required=False)
    reasons = serializers.ListField(child=serializers.DictField(), required=False)
    counts = serializers.DictField(child=serializers.IntegerField(), required=False)


class Finite(serializers.FloatField):
    """A float without NaN and infinities, which no threshold can be."""

    def to_internal_value(self, data: Any) -> float:
        value = super().to_internal_value(data)
        if not -1e300 < value < 1e300:
            raise serializers.ValidationError("Send a finite number.")
        return value


class MonitorSettings(Strict):
    """What may be said of a monitor; the service knows what goes together."""

    name = serializers.CharField(max_length=120)
    metric = serializers.CharField(max_length=40)
    segments = serializers.ListField(
        child=serializers.CharField(max_length=200), max_length=50, required=False
    )
    reference = serializers.ChoiceField(ReferenceMode.choices, required=False)
    reference_start = serializers.DateTimeField(
        required=False, allow_null=True, help_text="Of a pinned window of the version's own log"
    )
    reference_end = serializers.DateTimeField(required=False, allow_null=True)
    options = serializers.DictField(
        child=Finite(),
        required=False,
        help_text="beta, top (performance), target (business), group_minimum",
    )
    window_hours = serializers.IntegerField(min_value=1, max_value=YEAR, required=False)
    every_hours = serializers.IntegerField(min_value=1, max_value=YEAR, required=False)
    lateness_hours = serializers.IntegerField(min_value=0, max_value=YEAR, required=False)
    warning = Finite(allow_null=True, required=False)
    breach = Finite(allow_null=True, required=False)
    relative = Finite(
        allow_null=True,
        required=False,
        help_text="Breach from this effect on, relative to the reference",
    )
    relative_warning = Finite(allow_null=True, required=False)
    alpha = Finite(required=False)
    minimum_n = serializers.IntegerField(min_value=1, max_value=10**9, required=False)
    open_after = serializers.IntegerField(
        min_value=1, max_value=10, required=False, help_text="An incident opens after k windows …"
    )
    open_of = serializers.IntegerField(
        min_value=1, max_value=10, required=False, help_text="… of n breached"
    )
    close_after = serializers.IntegerField(
        min_value=1, max_value=10, required=False, help_text="Calm after so many without breach"
    )
    severity = serializers.ChoiceField(Severity.choices, required=False)
    enabled = serializers.BooleanField(required=False)
    why = serializers.CharField(max_length=300, allow_blank=True, required=False)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        """`fields` is a name that serializers keep for themselves, so it is added by hand."""
        found = super().get_fields()
        found["fields"] = serializers.ListField(
            child=serializers.CharField(max_length=120), max_length=1000, required=False
        )
        return found


class MonitorInput(MonitorSettings):
    model = serializers.SlugField(max_length=80)
    kind = serializers.ChoiceField(MonitorKind.choices)


class MonitorOutput(serializers.ModelSerializer[Monitor]):
    model: RelatedName = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    created_by: RelatedName = serializers.SlugRelatedField(
        slug_field="name", read_only=True, allow_null=True, help_text="null: set itself up"
    )

    class Meta:
        model = Monitor
        fields = [
            "id",
            "model",
            "name",
            "kind",
            "metric",
            "fields",
            "segments",
            "reference",
            "reference_start",
            "reference_end",
            "options",
            "window_hours",
            "every_hours",
            "lateness_hours",
            "warning",
            "breach",
            "relative",
            "relative_warning",
            "alpha",
            "minimum_n",
            "open_after",
            "open_of",
            "close_after",
            "severity",
            "enabled",
            "why",
            "created_by",
            "created_at",
            "changed_at",
        ]


class MeasurementOutput(serializers.ModelSerializer[Measurement]):
    version: RelatedName = serializers.SlugRelatedField(slug_field="number", read_only=True)
    kind = serializers.CharField(source="monitor.kind")
    window_start = serializers.DateTimeField(source="run.window_start")

    class Meta:
        model = Measurement
        fields = [
            "id",
            "run",
            "monitor",
            "kind",
            "version",
            "window_start",
            "window_end",
            "metric",
            "field",
            "segment",
            "value",
            "low",
            "high",
            "reference_value",
            "n",
            "reference_n",
            "p_value",
            "warning",
            "breach",
            "verdict",
            "reason",
            "parameters",
            "latest",
        ]


class OutlookOutput(serializers.ModelSerializer[Outlook]):
    version: RelatedName = serializers.SlugRelatedField(slug_field="number", read_only=True)
    kind = serializers.CharField(source="monitor.kind")

    class Meta:
        model = Outlook
        fields = [
            "monitor",
            "kind",
            "version",
            "metric",
            "field",
            "segment",
            "windows",
            "slope",
            "slope_low",
            "slope_high",
            "breach",
            "breach_at",
            "soonest_at",
            "latest_at",
            "reason",
            "as_of",
        ]


class RunOutput(serializers.ModelSerializer[Run]):
    version: RelatedName = serializers.SlugRelatedField(slug_field="number", read_only=True)
    model = serializers.CharField(source="monitor.model.slug")
    kind = serializers.CharField(source="monitor.kind")

    class Meta:
        model = Run
        fields = [
            "id",
            "model",
            "version",
            "monitor",
            "kind",
            "window_start",
            "window_end",
            "revision",
            "latest",
            "verdict",
            "reason",
            "rows",
            "labelled",
            "mature",
            "compared_with",
            "config_digest",
            "profile_digest",
            "reference_digest",
            "library_version",
            "milliseconds",
            "measured_at",
        ]


class AlertOutput(serializers.ModelSerializer[Alert]):
    model = serializers.CharField(source="run.monitor.model.slug")
    version = serializers.IntegerField(source="run.version.number")
    window_end = serializers.DateTimeField(source="run.window_end")

    class Meta:
        model = Alert
        fields = [
            "id",
            "model",
            "version",
            "run",
            "measurement",
            "incident",
            "severity",
            "message",
            "window_end",
            "raised_at",
        ]


class EntryOutput(serializers.ModelSerializer[IncidentEntry]):
    person = serializers.SerializerMethodField(help_text="null: the machine")

    class Meta:
        model = IncidentEntry
        fields = ["at", "person", "text"]

    def get_person(self, entry: IncidentEntry) -> str | None:
        return entry.person.name if entry.person else None


class IncidentOutput(serializers.ModelSerializer[Incident]):
    model: RelatedName = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    version: RelatedName = serializers.SlugRelatedField(slug_field="number", read_only=True)
    owner: RelatedName = serializers.SlugRelatedField(
        slug_field="name", read_only=True, allow_null=True, help_text="null: nobody yet"
    )

    class Meta:
        model = Incident
        fields = [
            "id",
            "model",
            "version",
            "kind",
            "title",
            "state",
            "severity",
            "owner",
            "began_at",
            "opened_at",
            "acknowledged_at",
            "resolved_at",
            "calm_since",
            "root_cause",
            "resolution",
        ]


class CauseOutput(serializers.Serializer[Any]):
    """One possible cause, with the share that it explains and the evidence."""

    kind = serializers.CharField(help_text="feature, segment or data_quality")
    name = serializers.CharField()
    contribution = serializers.FloatField(
        help_text="Of a feature: its share of drift x importance; else of the change of the loss"
    )
    evidence = serializers.DictField()


class InvestigationOutput(serializers.ModelSerializer[Investigation]):
    """What the machine found when the incident opened."""

    causes = CauseOutput(many=True)
    segments = serializers.DictField(help_text="The search for the worst segments")

    class Meta:
        model = Investigation
        fields = ["run", "causes", "segments", "seed", "library_version", "made_at"]


class IncidentDetailOutput(IncidentOutput):
    timeline = EntryOutput(source="entries", many=True)
    investigation = serializers.SerializerMethodField(help_text="null until the job has run")

    class Meta(IncidentOutput.Meta):
        fields = [*IncidentOutput.Meta.fields, "timeline", "investigation"]

    @extend_schema_field(InvestigationOutput(allow_null=True))
    def get_investigation(self, incident: Incident) -> dict[str, Any] | None:
        found = getattr(incident, "investigation", None)
        return dict(InvestigationOutput(found).data) if found else None


class AcknowledgeInput(Strict):
    note = serializers.CharField(max_length=5000, allow_blank=True, required=False)


class ResolveInput(Strict):
    root_cause = serializers.CharField(max_length=5000)
    resolution = serializers.ChoiceField(
        Resolution.choices, allow_blank=True, required=False, help_text="What it turned out to be"
    )


class NoteInput(Strict):
    text = serializers.CharField(max_length=5000)
