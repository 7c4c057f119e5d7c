"""Retraining: policies, what they started or refused, and every step of a retraining."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from monitoring.querysets import (
    DataSuiteQuerySet,
    RetrainingPolicyQuerySet,
    RetrainingQuerySet,
)
from monitoring.states import PolicyState, RetrainingState, StepName, StepState
from registry.models import Model, Version

PEOPLE = settings.AUTH_USER_MODEL


class RetrainingPolicy(models.Model):
    """One version of when and how a model is retrained; a change is the next number."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="retraining_policies")
    number = models.PositiveIntegerField()
    terms = models.JSONField(help_text="See monitoring/retraining_terms.py")
    digest = models.CharField(max_length=64)
    reason = models.CharField(max_length=500, help_text="Why it is as it is")
    state = models.CharField(
        max_length=10, choices=[(s, s) for s in PolicyState], default=PolicyState.DRAFT
    )
    written_by = models.ForeignKey(PEOPLE, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField(db_default=Now())
    switched_on_by = models.ForeignKey(
        PEOPLE, on_delete=models.PROTECT, null=True, related_name="+"
    )
    approved_by = models.ForeignKey(PEOPLE, on_delete=models.PROTECT, null=True, related_name="+")
    on_since = models.DateTimeField(null=True)
    off_since = models.DateTimeField(null=True)

    objects = RetrainingPolicyQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="retraining_policy_once"),
            models.UniqueConstraint(
                fields=["model"], condition=Q(state="on"), name="retraining_policy_one_on"
            ),
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in PolicyState]),
                name="retraining_policy_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="on") | Q(on_since__isnull=False, switched_on_by__isnull=False),
                name="retraining_policy_on_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True)
                | (
                    ~Q(approved_by=models.F("written_by"))
                    & ~Q(approved_by=models.F("switched_on_by"))
                ),
                name="retraining_policy_approved_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"retraining policy {self.number} of {self.model}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class DataSuite(models.Model):
    """What data must look like before a model learns from them; a change is the next number."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="data_suites")
    number = models.PositiveIntegerField()
    checks = models.JSONField(help_text="See monitoring/data_checks.py")
    digest = models.CharField(max_length=64)
    reason = models.CharField(max_length=500)
    written_by = models.ForeignKey(PEOPLE, on_delete=models.PROTECT, related_name="+")
    written_at = models.DateTimeField(db_default=Now())

    objects = DataSuiteQuerySet.as_manager()

    class Meta:
        ordering = ["-number"]
        constraints = [models.UniqueConstraint(fields=["model", "number"], name="data_suite_once")]

    def __str__(self) -> str:
        return f"data suite {self.number} of {self.model}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class Retraining(models.Model):
    """One retraining of a model: why, by which policy, and what came of it."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="retrainings")
    policy = models.ForeignKey(
        RetrainingPolicy, on_delete=models.PROTECT, related_name="retrainings"
    )
    parent = models.ForeignKey(
        Version, on_delete=models.PROTECT, related_name="+", help_text="The champion of that time"
    )
    suite = models.ForeignKey(DataSuite, on_delete=models.PROTECT, null=True, related_name="+")
    terms = models.JSONField(help_text="The policy's terms as they were")
    reasons = models.JSONField(help_text="What fired, in sentences")
    state = models.CharField(
        max_length=12, choices=[(s, s) for s in RetrainingState], default=RetrainingState.RUNNING
    )
    asked_by = models.ForeignKey(
        PEOPLE,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Null: the policy itself",
    )
    up_to = models.DateTimeField(help_text="Nothing that became known later is used")
    version = models.OneToOneField(
        Version, on_delete=models.PROTECT, null=True, related_name="retraining"
    )
    started_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    processor_seconds = models.FloatField(default=0)
    note = models.CharField(max_length=500, blank=True, help_text="Why it was cancelled")

    objects = RetrainingQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["model"],
                condition=Q(state__in=["running", "failed"]),
                name="retraining_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in RetrainingState]),
                name="retraining_state_known",
            ),
        ]

    def __str__(self) -> str:
        return f"retraining {self.pk} of {self.model}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class RetrainingEpisode(models.Model):
    """A trigger's episode that a retraining answers: a second one for it is impossible."""

    policy = models.ForeignKey(RetrainingPolicy, on_delete=models.CASCADE, related_name="episodes")
    retraining = models.ForeignKey(Retraining, on_delete=models.CASCADE, related_name="episodes")
    key = models.CharField(max_length=120)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["policy", "key"], name="retraining_episode_once")
        ]

    def __str__(self) -> str:
        return self.key


class RetrainingRefusal(models.Model):
    """A policy wanted to retrain and was not let: once for each episode and reason."""

    policy = models.ForeignKey(RetrainingPolicy, on_delete=models.CASCADE, related_name="refusals")
    key = models.CharField(max_length=120)
    cause = models.CharField(max_length=20)
    text = models.CharField(max_length=300)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["policy", "key", "cause"], name="retraining_refusal_once"
            )
        ]

    def __str__(self) -> str:
        return self.text


class RetrainingStep(models.Model):
    """One step of a retraining: a job of the ledger, with what it made and what it said."""

    retraining = models.ForeignKey(Retraining, on_delete=models.CASCADE, related_name="steps")
    name = models.CharField(max_length=10, choices=[(s, s) for s in StepName])
    place = models.PositiveSmallIntegerField()
    state = models.CharField(
        max_length=10, choices=[(s, s) for s in StepState], default=StepState.NEXT
    )
    tries = models.PositiveIntegerField(default=0, help_text="How often a person or we asked")
    attempts = models.PositiveIntegerField(default=0, help_text="How often a worker began it")
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    seconds = models.FloatField(default=0, help_text="Processor time of model code")
    numbers = models.JSONField(default=dict, help_text="What it found")
    files = models.JSONField(default=dict, help_text="Name in the store by name: its SHA-256")
    message = models.CharField(max_length=500, blank=True, help_text="Why it failed or waits")
    external_id = models.CharField(max_length=200, blank=True, help_text="At a runner outside")

    class Meta:
        ordering = ["place"]
        constraints = [
            models.UniqueConstraint(fields=["retraining", "name"], name="retraining_step_once"),
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in StepState]),
                name="retraining_step_state_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.retraining}"


class RetrainingLine(models.Model):
    """One line of a step's log."""

    step = models.ForeignKey(RetrainingStep, on_delete=models.CASCADE, related_name="lines")
    at = models.DateTimeField(db_default=Now())
    text = models.CharField(max_length=1_000)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.text


class RunnerDelivery(models.Model):
    """A callback of a runner that was taken: a second one with its id is a replay."""

    runner = models.CharField(max_length=40)
    delivery_id = models.CharField(max_length=64)
    step = models.ForeignKey(RetrainingStep, on_delete=models.CASCADE, related_name="deliveries")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["runner", "delivery_id"], name="runner_delivery_once")
        ]

    def __str__(self) -> str:
        return self.delivery_id
