"""Alerts, and the incidents that people own until they are resolved."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from monitoring.models.monitors import MonitorKind, Severity
from monitoring.models.runs import Measurement, Run
from monitoring.querysets import AlertQuerySet, IncidentQuerySet
from monitoring.states import IncidentState
from registry.models import Model, Version


class Resolution(models.TextChoices):
    """What an incident turned out to be, as whoever resolved it says."""

    CONFIRMED = "confirmed", "confirmed: something was wrong"
    EXPECTED = "expected", "expected: a change that was known"
    FALSE_ALARM = "false_alarm", "false alarm: nothing was wrong"


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
    calm_since = models.DateTimeField(
        null=True, help_text="Since when no monitor of it breaches any more"
    )
    root_cause = models.TextField(blank=True)
    resolution = models.CharField(
        max_length=12, choices=Resolution, blank=True, help_text="Empty: nobody said"
    )

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
            models.CheckConstraint(
                condition=Q(resolution__in=["", *Resolution.values]),
                name="incident_resolution_known",
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


class Investigation(models.Model):
    """What the machine found when an incident opened: likely causes, and the worst segments."""

    incident = models.OneToOneField(
        Incident, on_delete=models.CASCADE, related_name="investigation"
    )
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="+")
    causes = models.JSONField(default=list, help_text="Ranked, each with its evidence")
    segments = models.JSONField(default=dict, help_text="The search for the worst segments")
    seed = models.IntegerField(default=0)
    library_version = models.CharField(max_length=20)
    made_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"investigation of {self.incident}"
