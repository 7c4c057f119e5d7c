"""What was measured, and what it said."""

from django.db import models
from django.db.models.functions import Now

from monitoring.models.monitors import Monitor, MonitorKind
from monitoring.querysets import MeasurementQuerySet, OutlookQuerySet, RunQuerySet
from monitoring.stats.verdict import Verdict
from registry.models import Version

VERDICTS = [(verdict.value, verdict.value.replace("_", " ")) for verdict in Verdict]


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
    mature = models.BooleanField(
        default=False, help_text="All outcomes of the window were due when it was measured"
    )
    settings = models.JSONField(
        default=dict, help_text="The monitor as it was, so that the run can be computed again"
    )
    compared_with = models.CharField(
        max_length=120, blank=True, help_text="What the window was held against, in words"
    )
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


class Outlook(models.Model):
    """Where a series of measurements is heading, and when it is expected to breach."""

    monitor = models.ForeignKey(Monitor, on_delete=models.CASCADE, related_name="outlooks")
    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="outlooks")
    metric = models.CharField(max_length=40)
    field = models.CharField(max_length=120, blank=True)
    segment = models.CharField(max_length=200, blank=True)
    windows = models.PositiveIntegerField(help_text="How many windows were looked at")
    slope = models.FloatField(null=True, help_text="Change of the effect from window to window")
    slope_low = models.FloatField(null=True)
    slope_high = models.FloatField(null=True)
    breach = models.FloatField(help_text="Effect from which it is a breach")
    breach_at = models.DateTimeField(null=True, help_text="Expected; null: nothing can be said")
    soonest_at = models.DateTimeField(null=True)
    latest_at = models.DateTimeField(null=True, help_text="null: no end of it can be told")
    reason = models.CharField(max_length=300, blank=True, help_text="Why nothing can be said")
    as_of = models.DateTimeField(help_text="End of the latest window")
    made_at = models.DateTimeField(db_default=Now())

    objects = OutlookQuerySet.as_manager()

    class Meta:
        ordering = ["breach_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["monitor", "version", "metric", "field", "segment"], name="outlook_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.monitor} {self.field}: {self.breach_at or self.reason}"
