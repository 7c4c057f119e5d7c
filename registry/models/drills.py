"""Drills: an archive is brought back to life where nobody is served by it, and compared."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from registry.models.inventory import Archive
from registry.querysets import DrillQuerySet


class DrillState(models.TextChoices):
    RUNNING = "running", "running"
    PASSED = "passed", "passed"
    FAILED = "failed", "failed"


class RestoreDrill(models.Model):
    """One drill: fetched, verified, environment rebuilt, opened in the sandbox, replayed."""

    archive = models.ForeignKey(Archive, on_delete=models.PROTECT, related_name="drills")
    state = models.CharField(max_length=8, choices=DrillState, default=DrillState.RUNNING)
    steps = models.JSONField(
        default=list, help_text="list of {name, state, said, looked_at, seconds}"
    )
    tolerance = models.FloatField(default=0.0, help_text="Largest difference that counts as equal")
    seconds = models.FloatField(null=True, help_text="Time to restore: from fetching to replayed")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    asked_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=500, blank=True)

    objects = DrillQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["archive"], condition=Q(state="running"), name="drill_one_running"
            ),
            models.CheckConstraint(
                condition=Q(state__in=DrillState.values), name="drill_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="running") | Q(finished_at__isnull=False),
                name="drill_finished_when_over",
            ),
        ]

    def __str__(self) -> str:
        return f"drill of the {self.archive}"

    @property
    def audit_team_id(self) -> int:
        return self.archive.version.model.team_id
