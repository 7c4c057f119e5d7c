"""Erasures: a data subject's rows taken out of the prediction log, with proof and without ids."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from monitoring.models.batches import Batch
from monitoring.models.retraining import RetrainingStep
from monitoring.querysets import ErasureQuerySet
from registry.models import Model

PERSON = settings.AUTH_USER_MODEL


class ErasureState(models.TextChoices):
    ASKED = "asked", "asked"
    CHECKED = "checked", "checked, under way"
    WAITING = "waiting", "waits"
    DONE = "done", "done"
    REFUSED = "refused", "refused"


class Erasure(models.Model):
    """Somebody's request; `selection` holds ids or a value until it is done, and nothing after."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="erasures")
    state = models.CharField(max_length=10, choices=ErasureState, default=ErasureState.ASKED)
    reference = models.CharField(max_length=120, help_text="Of the data subject's letter")
    basis = models.CharField(max_length=300, help_text="Legal basis")
    received_on = models.DateField()
    due_on = models.DateField()
    by = models.CharField(max_length=120, blank=True, help_text="Field; empty: prediction ids")
    selection = models.JSONField(null=True, help_text="Removed when it is done or refused")
    found = models.JSONField(null=True, help_text="Ids found by the value; removed with it")
    selected = models.PositiveIntegerField(help_text="How many ids or values were named")
    digest = models.CharField(max_length=64, help_text="SHA-256 of what is signed")
    asked_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    printed_name = models.CharField(max_length=120)
    asked_at = models.DateTimeField(db_default=Now())
    checked_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, null=True, related_name="+")
    checked_name = models.CharField(max_length=120, blank=True)
    checked_at = models.DateTimeField(null=True)
    method = models.CharField(max_length=20, blank=True)
    reason = models.TextField(blank=True, help_text="Of whoever checked or refused it")
    holds = models.JSONField(default=list, help_text="What it waits for: legal holds, retrainings")
    began_at = models.DateTimeField(null=True, help_text="Since then rows of the ids are refused")
    proof = models.JSONField(default=dict, help_text="What was looked at, what was removed")
    finished_at = models.DateTimeField(null=True)

    objects = ErasureQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=ErasureState.values), name="erasure_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["done", "refused"])
                | Q(selection__isnull=True, found__isnull=True),
                name="erasure_keeps_no_ids",
            ),
            models.CheckConstraint(
                condition=Q(checked_by__isnull=True) | ~Q(checked_by=models.F("asked_by")),
                name="erasure_checked_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"erasure {self.pk} of {self.model}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class ErasedFile(models.Model):
    """One file of the log, or of what a retraining kept of it, written anew without the rows."""

    erasure = models.ForeignKey(Erasure, on_delete=models.PROTECT, related_name="files")
    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, null=True, related_name="erased")
    step = models.ForeignKey(
        RetrainingStep, on_delete=models.PROTECT, null=True, related_name="erased"
    )
    rows_before = models.PositiveIntegerField()
    removed = models.PositiveIntegerField()
    digest_before = models.CharField(max_length=64)
    digest_after = models.CharField(max_length=64)
    old_path = models.CharField(max_length=300)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["erasure", "batch", "step", "digest_before"],
                name="erased_file_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(batch__isnull=True) ^ Q(step__isnull=True),
                name="erased_file_of_one_owner",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.removed} rows of {self.batch or self.step}"


class ErasureSalt(models.Model):
    """A model's secret beside its hashed ids: without it nobody tells ids by guessing."""

    model = models.OneToOneField(Model, on_delete=models.PROTECT, related_name="+")
    salt = models.CharField(max_length=64)

    def __str__(self) -> str:
        return f"salt of {self.model}"


class ErasedId(models.Model):
    """The salted hash of an erased prediction's id: a row of it is never taken in again."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="+")
    erasure = models.ForeignKey(Erasure, on_delete=models.PROTECT, related_name="ids")
    hashed = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["model", "hashed"], name="erased_id_once")]

    def __str__(self) -> str:
        return self.hashed[:12]
