"""What is watched, how often, against what, and how many false alarms it may raise."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from monitoring.querysets import MonitorQuerySet
from registry.models import Model


class MonitorKind(models.TextChoices):
    QUALITY = "quality", "data quality"
    DRIFT = "drift", "drift"
    NOVELTY = "novelty", "novelty"
    PERFORMANCE = "performance", "performance"
    ESTIMATE = "estimate", "estimated performance"
    CALIBRATION = "calibration", "calibration"
    CONCEPT = "concept", "concept drift"
    FAIRNESS = "fairness", "fairness"
    OPERATIONS = "operations", "operations"
    BUSINESS = "business", "business"
    EXPLANATION = "explanation", "explanations"


class ReferenceMode(models.TextChoices):
    """What a window is held against."""

    REGISTERED = "registered", "the version's reference"
    PINNED = "pinned", "a pinned window of its own log"
    PREVIOUS = "previous", "the previous window"
    PHASE = "phase", "the same phase of earlier weeks"


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
    reference = models.CharField(
        max_length=10, choices=ReferenceMode, default=ReferenceMode.REGISTERED
    )
    reference_start = models.DateTimeField(null=True, help_text="Of a pinned window")
    reference_end = models.DateTimeField(null=True, help_text="Of a pinned window")
    options = models.JSONField(default=dict, help_text="Parameters of the measure")
    window_hours = models.PositiveIntegerField(default=24 * 7)
    every_hours = models.PositiveIntegerField(default=24 * 7)
    lateness_hours = models.PositiveIntegerField(
        default=1, help_text="A window is evaluated this long after its end"
    )
    warning = models.FloatField(null=True, help_text="Effect from which the verdict is a warning")
    breach = models.FloatField(null=True, help_text="Effect from which the verdict is a breach")
    relative = models.FloatField(
        null=True, help_text="Effect relative to the reference from which it is a breach too"
    )
    relative_warning = models.FloatField(
        null=True, help_text="Effect relative to the reference from which it is a warning too"
    )
    alpha = models.FloatField(default=0.05, help_text="At most: false-alarm probability of a run")
    minimum_n = models.PositiveIntegerField(default=200)
    open_after = models.PositiveSmallIntegerField(
        default=1, help_text="An incident opens after this many breaching windows …"
    )
    open_of = models.PositiveSmallIntegerField(default=1, help_text="… of so many in a row")
    close_after = models.PositiveSmallIntegerField(
        default=2, help_text="It is calm after this many windows without breach"
    )
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
            models.CheckConstraint(
                condition=Q(kind__in=MonitorKind.values), name="monitor_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(open_after__gte=1, open_after__lte=models.F("open_of")),
                name="monitor_opens_after_k_of_n",
            ),
            models.CheckConstraint(
                condition=~Q(reference=ReferenceMode.PINNED)
                | Q(reference_start__lt=models.F("reference_end")),
                name="monitor_pinned_window_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model.name}: {self.name}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class AlarmBudget(models.Model):
    """How many false alarms a model may raise in how many days, over all its monitors."""

    model = models.OneToOneField(Model, on_delete=models.CASCADE, related_name="alarm_budget")
    false_alarms = models.FloatField(default=1.0)
    days = models.FloatField(default=90.0)
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(false_alarms__gt=0, days__gt=0), name="alarm_budget_positive"
            )
        ]

    def __str__(self) -> str:
        return f"{self.model}: {self.false_alarms:g} false alarms in {self.days:g} days"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id
