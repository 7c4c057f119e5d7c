"""Clearance, and the prepared status answer."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from governance.querysets import StatusRowQuerySet
from governance.states import ClearanceState
from registry.models import Model, Version


class Clearance(models.Model):
    """Whether a version may serve in an environment, and why; closed rows are its history."""

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="clearances")
    environment = models.SlugField(max_length=40)
    state = models.CharField(max_length=12, choices=[(s, s) for s in ClearanceState])
    reasons = models.JSONField(default=list)
    incident_id = models.BigIntegerField(null=True, help_text="Incident that suspended it")
    considered = models.JSONField(
        default=list, help_text="Incidents that were open when a person reinstated it"
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    since = models.DateTimeField(db_default=Now())
    until = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-since"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "environment"],
                condition=Q(until__isnull=True),
                name="clearance_one_in_force",
            )
        ]

    def __str__(self) -> str:
        return f"{self.version} is {self.state} in {self.environment}"

    @property
    def audit_team_id(self) -> int:
        return self.version.model.team_id


class StatusRow(models.Model):
    """The prepared answer to "may it serve?"; rows are added, so that the past can be asked."""

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="status_rows")
    environment = models.SlugField(max_length=40)
    valid_from = models.DateTimeField(db_default=Now())
    answer = models.JSONField()
    etag = models.CharField(max_length=64)

    objects = StatusRowQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["model", "environment", "-valid_from"], name="status_latest")
        ]

    def __str__(self) -> str:
        return f"{self.model} in {self.environment}"
