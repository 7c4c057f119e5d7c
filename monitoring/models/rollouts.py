"""Rollouts: how the challenger's share of an experiment rises, step by step, under guard-rails."""

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from monitoring.models.experiments import Experiment
from monitoring.querysets import RolloutQuerySet
from monitoring.states import ROLLOUT_GOES_ON, RolloutState
from registry.models import Model


class Rollout(models.Model):
    """The declared steps and guard-rails of one experiment, and how far they have come."""

    experiment = models.OneToOneField(Experiment, on_delete=models.PROTECT, related_name="rollout")
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="rollouts")
    environment = models.SlugField(max_length=40, default="production")
    key = models.CharField(max_length=120, help_text="What is hashed beside salt and unit")
    salt = models.CharField(max_length=32, help_text="128 random bits, as hexadecimal digits")
    steps = models.JSONField(help_text="[{share, hours, rows}], the shares as text and rising")
    guards = models.JSONField(default=list, help_text="[{metric, margin}]")
    false_stop = models.FloatField(
        default=0.05, help_text="Most probable share of false stops, of all guard-rails together"
    )
    state = models.CharField(
        max_length=10, choices=[(s, s) for s in RolloutState], default=RolloutState.RUNNING
    )
    step = models.PositiveSmallIntegerField(default=0)
    reason = models.CharField(max_length=500, blank=True, help_text="Why it is as it is")
    by_machine = models.BooleanField(default=False, help_text="Whether the machine paused it")
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="rollouts"
    )
    started_at = models.DateTimeField(db_default=Now())
    changed_at = models.DateTimeField(db_default=Now())

    objects = RolloutQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "environment"],
                condition=Q(state__in=[s.value for s in ROLLOUT_GOES_ON]),
                name="rollout_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in RolloutState]), name="rollout_state_known"
            ),
            models.CheckConstraint(
                condition=Q(salt__regex=r"^[0-9a-f]{32}$"), name="rollout_salt_has_128_bits"
            ),
            models.CheckConstraint(
                condition=Q(false_stop__gt=0, false_stop__lte=0.2),
                name="rollout_false_stop_is_small",
            ),
        ]

    def __str__(self) -> str:
        return f"rollout of {self.experiment}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class RolloutStep(models.Model):
    """One share, from one moment to another (null: still)."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="periods")
    share = models.DecimalField(max_digits=5, decimal_places=4)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=500)

    class Meta:
        ordering = ["began_at", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["rollout"],
                condition=Q(ended_at__isnull=True),
                name="rollout_one_share_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.rollout} at {self.share}"


class RolloutLook(models.Model):
    """What the guard-rails said up to an hour, and what was done about it."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="looks")
    as_of = models.DateTimeField()
    findings = models.JSONField(encoder=DjangoJSONEncoder)
    did = models.CharField(max_length=300, help_text="What was done, and why")
    data_revision = models.BigIntegerField()
    looked_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["as_of"]
        constraints = [
            models.UniqueConstraint(fields=["rollout", "as_of"], name="rollout_look_once")
        ]

    def __str__(self) -> str:
        return f"{self.rollout} {self.as_of:%Y-%m-%d %H}:00"
