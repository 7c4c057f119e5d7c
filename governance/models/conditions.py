"""Conditions under which a version may serve."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from governance.models.clearance import Clearance
from governance.models.requests import ChangeRequest
from governance.states import ConditionState
from monitoring.models import Monitor
from registry.models import Version


class Condition(models.Model):
    """One condition of an approval that was carried out; `said` is what was seen last."""

    request = models.ForeignKey(ChangeRequest, on_delete=models.PROTECT, related_name="in_force")
    position = models.PositiveSmallIntegerField()
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="conditions")
    environment = models.SlugField(max_length=40)
    terms = models.JSONField(help_text="As it was signed")
    text = models.CharField(max_length=400)
    monitor = models.ForeignKey(Monitor, on_delete=models.SET_NULL, null=True, related_name="+")
    state = models.CharField(
        max_length=10,
        choices=[(s, s.replace("_", " ")) for s in ConditionState],
        default=ConditionState.IN_FORCE,
    )
    holds = models.BooleanField(null=True, help_text="Null: it cannot be told yet")
    said = models.CharField(max_length=400, blank=True)
    suspended = models.ForeignKey(
        Clearance,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="What the lapse made of the clearance",
    )
    since = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["request", "position"]
        constraints = [
            models.UniqueConstraint(fields=["request", "position"], name="condition_once"),
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in ConditionState]),
                name="condition_state_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["version", "environment"],
                condition=Q(state__in=["in_force", "lapsed"]),
                name="condition_of_version",
            )
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def audit_team_id(self) -> int:
        return self.version.model.team_id
