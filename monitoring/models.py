"""How versions behave: batches, profiles, monitors, runs, measurements, alerts and incidents."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from monitoring.querysets import (
    AlertQuerySet,
    BatchQuerySet,
    IncidentQuerySet,
    MeasurementQuerySet,
    MonitorQuerySet,
    RunQuerySet,
)
from monitoring.states import IncidentState
from monitoring.stats.verdict import Verdict
from registry.models import Model, Version

VERDICTS = [(verdict.value, verdict.value.replace("_", " ")) for verdict in Verdict]


class BatchKind(models.TextChoices):
    PREDICTIONS = "predictions", "predictions"
    OUTCOMES = "outcomes", "outcomes"


class Batch(models.Model):
    """The manifest row of one Parquet file that a serving system sent; without it: nothing."""

    kind = models.CharField(max_length=12, choices=BatchKind)
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="batches")
    version = models.ForeignKey(
        Version, on_delete=models.PROTECT, null=True, related_name="batches"
    )
    key = models.CharField(max_length=100, help_text="Idempotency-Key, or the body's digest")
    body_digest = models.CharField(max_length=64, help_text="SHA-256 of the bytes as sent")
    path = models.CharField(max_length=300, unique=True)
    file_digest = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    rejected = models.PositiveIntegerField(default=0)
    bytes = models.BigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    answer = models.JSONField(help_text="What was answered; the same key gets it again")
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    received_at = models.DateTimeField(db_default=Now())
    folded_at = models.DateTimeField(null=True)
    duplicates = models.PositiveIntegerField(default=0, help_text="Rows that were there already")
    unmatched = models.PositiveIntegerField(default=0, help_text="Outcomes parked when joined")

    objects = BatchQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "version", "kind", "key"],
                name="batch_key_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(kind="outcomes") | Q(version__isnull=False),
                name="batch_predictions_name_a_version",
            ),
        ]
        indexes = [
            models.Index(fields=["version", "kind", "first_at", "last_at"], name="batch_window"),
            models.Index(fields=["model", "kind", "last_at"], name="batch_model_time"),
        ]

    def __str__(self) -> str:
        return f"{self.rows} {self.kind} of {self.model}"


class Profile(models.Model):
    """Mergeable counts of one version, hour of event time and segment."""

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="profiles")
    hour = models.DateTimeField()
    segment = models.CharField(max_length=200, blank=True, help_text="field=value; empty: all rows")
    rows = models.PositiveIntegerField(default=0)
    labelled = models.PositiveIntegerField(default=0, help_text="Rows whose outcome has arrived")
    counts = models.BinaryField(help_text="Counts of fields, prediction, score, operations")
    outcomes = models.BinaryField(null=True, help_text="Counts of score and prediction by outcome")
    revision = models.PositiveIntegerField(default=1, help_text="Raised when rows are added")
    outcomes_revision = models.PositiveIntegerField(
        default=0, help_text="Raised when outcomes are added"
    )
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "hour", "segment"], name="profile_once")
        ]
        indexes = [models.Index(fields=["version", "changed_at"], name="profile_changed")]

    def __str__(self) -> str:
        return f"{self.version} {self.hour:%Y-%m-%d %H}h {self.segment}"


class ParkedOutcome(models.Model):
    """An outcome whose prediction has not been seen yet; joined when it arrives."""

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="+")
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="parked")
    prediction_id = models.CharField(max_length=100)
    row = models.JSONField()
    parked_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["model", "prediction_id"], name="parked_outcome_once")
        ]

    def __str__(self) -> str:
        return self.prediction_id


class MonitorKind(models.TextChoices):
    DRIFT = "drift", "drift"
    QUALITY = "quality", "data quality"
    PERFORMANCE = "performance", "performance"


class Severity(models.TextChoices):
    INFO = "info", "for information"
    WARNING = "warning", "warning"
    CRITICAL = "critical", "critical"


class Monitor(models.Model):
    """What is watched, how often, against what, and what counts as too much."""

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="monitors")
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=MonitorKind)
    metric = models.CharField(max_length=40)
    fields = models.JSONField(default=list, help_text="Names; empty: every field that fits")
    segments = models.JSONField(default=list, help_text="field=value; empty: all rows")
    window_hours = models.PositiveIntegerField(default=24 * 7)
    every_hours = models.PositiveIntegerField(default=24 * 7)
    lateness_hours = models.PositiveIntegerField(
        default=1, help_text="A window is evaluated this long after its end"
    )
    warning = models.FloatField(null=True, help_text="Effect from which the verdict is a warning")
    breach = models.FloatField(null=True, help_text="Effect from which the verdict is a breach")
    alpha = models.FloatField(default=0.01, help_text="False-alarm probability of one window")
    minimum_n = models.PositiveIntegerField(default=200)
    open_after = models.PositiveSmallIntegerField(default=1, help_text="Breaching windows in a row")
    severity = models.CharField(max_length=10, choices=Severity, default=Severity.WARNING)
    enabled = models.BooleanField(default=True)
    why = models.CharField(max_length=300, blank=True, help_text="Why it is set up like this")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    created_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())

    objects = MonitorQuerySet.as_manager()

    class Meta:
        ordering = ["kind", "name"]
        constraints = [
            models.UniqueConstraint(fields=["model", "name"], name="monitor_name_once"),
            models.CheckConstraint(
                condition=Q(window_hours__gte=1, every_hours__gte=1), name="monitor_window_positive"
            ),
            models.CheckConstraint(
                condition=Q(alpha__gt=0, alpha__lt=1), name="monitor_alpha_probability"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model.name}: {self.name}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class Run(models.Model):
    """One evaluation of one monitor for a version and window; revisions keep the earlier."""

    monitor = models.ForeignKey(Monitor, on_delete=models.CASCADE, related_name="runs")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="runs")
    window_start = models.DateTimeField()
    window_end = models.DateTimeField()
    config_digest = models.CharField(max_length=64)
    revision = models.PositiveIntegerField(default=1)
    latest = models.BooleanField(default=True, help_text="No later revision of this window exists")
    verdict = models.CharField(max_length=20, choices=VERDICTS)
    reason = models.CharField(max_length=300, blank=True)
    rows = models.BigIntegerField(default=0)
    labelled = models.BigIntegerField(default=0)
    data_revision = models.BigIntegerField(
        default=0, help_text="Sum of the revisions of the profiles that it was computed from"
    )
    profile_digest = models.CharField(max_length=64)
    reference_digest = models.CharField(max_length=64, blank=True)
    library_version = models.CharField(max_length=20)
    milliseconds = models.PositiveIntegerField(default=0)
    measured_at = models.DateTimeField(db_default=Now())

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-window_end", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=[
                    "monitor",
                    "version",
                    "window_start",
                    "window_end",
                    "config_digest",
                    "revision",
                ],
                name="run_once",
            )
        ]
        indexes = [
            models.Index(fields=["version", "-window_end"], name="run_version_window"),
            models.Index(fields=["monitor", "version", "-window_end"], name="run_monitor_window"),
        ]

    def __str__(self) -> str:
        return f"{self.monitor} {self.window_end:%Y-%m-%d}"


class Measurement(models.Model):
    """One number with its interval, sample size, threshold and verdict."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="measurements")
    monitor = models.ForeignKey(Monitor, on_delete=models.CASCADE, related_name="measurements")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="measurements")
    window_end = models.DateTimeField()
    metric = models.CharField(max_length=40)
    field = models.CharField(max_length=120, blank=True)
    segment = models.CharField(max_length=200, blank=True)
    value = models.FloatField(null=True)
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    reference_value = models.FloatField(null=True)
    n = models.BigIntegerField(default=0)
    reference_n = models.BigIntegerField(default=0)
    p_value = models.FloatField(null=True)
    warning = models.FloatField(null=True)
    breach = models.FloatField(null=True)
    verdict = models.CharField(max_length=20, choices=VERDICTS)
    reason = models.CharField(max_length=300, blank=True)
    parameters = models.JSONField(default=dict)
    latest = models.BooleanField(default=True)

    objects = MeasurementQuerySet.as_manager()

    class Meta:
        ordering = ["-window_end", "metric", "field"]
        constraints = [
            models.UniqueConstraint(
                fields=["run", "metric", "field", "segment"], name="measurement_once"
            )
        ]
        indexes = [
            models.Index(
                fields=["version", "metric", "field", "-window_end"], name="measurement_series"
            ),
            models.Index(fields=["monitor", "-window_end"], name="measurement_monitor"),
        ]

    def __str__(self) -> str:
        return f"{self.metric} {self.field} {self.value}"


class Incident(models.Model):
    """Alerts of one model version and kind, owned by a person until resolved."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="incidents")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="incidents")
    kind = models.CharField(max_length=12, choices=MonitorKind)
    title = models.CharField(max_length=200)
    state = models.CharField(
        max_length=12, choices=[(s, s) for s in IncidentState], default=IncidentState.OPEN
    )
    severity = models.CharField(max_length=10, choices=Severity)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="incidents"
    )
    began_at = models.DateTimeField(help_text="Start of the first breaching window")
    opened_at = models.DateTimeField(db_default=Now())
    acknowledged_at = models.DateTimeField(null=True)
    resolved_at = models.DateTimeField(null=True)
    root_cause = models.TextField(blank=True)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "kind"],
                condition=~Q(state="resolved"),
                name="incident_one_open_per_kind",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in IncidentState]), name="incident_state_known"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class Alert(models.Model):
    """One breach or warning, grouped into an incident."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="alerts")
    measurement = models.OneToOneField(Measurement, on_delete=models.CASCADE, related_name="alert")
    incident = models.ForeignKey(
        Incident, on_delete=models.SET_NULL, null=True, related_name="alerts"
    )
    severity = models.CharField(max_length=10, choices=Severity)
    message = models.CharField(max_length=300)
    raised_at = models.DateTimeField(db_default=Now())

    objects = AlertQuerySet.as_manager()

    class Meta:
        ordering = ["-raised_at", "-pk"]

    def __str__(self) -> str:
        return self.message


class IncidentEntry(models.Model):
    """One line of an incident's timeline."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="entries")
    at = models.DateTimeField(db_default=Now())
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    text = models.TextField()

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return self.text


class Health(models.Model):
    """The latest verdict of a version by monitor kind: prepared when a run ends."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="health")
    kind = models.CharField(max_length=12, choices=MonitorKind)
    verdict = models.CharField(max_length=20, choices=VERDICTS)
    summary = models.CharField(max_length=300, blank=True)
    as_of = models.DateTimeField(help_text="End of the latest evaluated window")
    measured_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["version", "kind"], name="health_once")]

    def __str__(self) -> str:
        return f"{self.version} {self.kind}: {self.verdict}"
