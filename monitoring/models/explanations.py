"""Explanations: what a version's answers rest on, of all of them and of single ones."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from monitoring.models.batches import Batch
from monitoring.querysets import (
    ExplanationPolicyQuerySet,
    ExplanationQuerySet,
    ImportanceQuerySet,
)
from registry.models import Model, Version

PERSON = settings.AUTH_USER_MODEL


class ExplanationState(models.TextChoices):
    DUE = "due", "being computed"
    DONE = "done", "done"
    FAILED = "failed", "does not add up"
    REFUSED = "refused", "cannot be explained"


class ExplanationOrigin(models.TextChoices):
    ASKED = "asked", "somebody asked"
    SAMPLED = "sampled", "drawn by the policy"


class Importance(models.Model):
    """What a version goes by, over its reference; once for each bytes and reference."""

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="importances")
    artifact_digest = models.CharField(max_length=64)
    reference_digest = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=ExplanationState, default=ExplanationState.DUE)
    method = models.CharField(max_length=12, blank=True)
    unit = models.CharField(max_length=8, blank=True)
    seed = models.BigIntegerField(default=0)
    background_digest = models.CharField(max_length=64, blank=True)
    numbers = models.JSONField(default=dict, help_text="Importance of each feature, and the checks")
    contributions = models.BinaryField(
        null=True, help_text="Of the explained reference rows: rows × features, doubles"
    )
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of what was computed")
    reason = models.CharField(max_length=500, blank=True)
    seconds = models.FloatField(default=0)
    asked_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)

    objects = ImportanceQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "artifact_digest", "reference_digest"], name="importance_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ExplanationState.values), name="importance_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | ~Q(digest=""), name="importance_done_whole"
            ),
        ]

    def __str__(self) -> str:
        return f"importance of {self.version}"

    @property
    def audit_team_id(self) -> int:
        return self.version.model.team_id


class Explanation(models.Model):
    """What each feature contributed to one answer; an erased prediction's goes with it."""

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="explanations")
    prediction_id = models.CharField(max_length=200)
    at = models.DateTimeField(help_text="When the prediction was made")
    origin = models.CharField(max_length=8, choices=ExplanationOrigin)
    state = models.CharField(max_length=8, choices=ExplanationState, default=ExplanationState.DUE)
    artifact_digest = models.CharField(max_length=64, blank=True)
    inputs_digest = models.CharField(max_length=64, blank=True)
    background_digest = models.CharField(max_length=64, blank=True)
    seed = models.BigIntegerField(default=0)
    method = models.CharField(max_length=12, blank=True)
    unit = models.CharField(max_length=8, blank=True)
    answer = models.FloatField(null=True)
    base = models.FloatField(null=True)
    contributions = models.JSONField(default=list)
    gap = models.FloatField(null=True, help_text="By how much it misses the answer")
    tolerance = models.FloatField(null=True)
    digest = models.CharField(max_length=64, blank=True, help_text="SHA-256 of what was computed")
    reason = models.CharField(max_length=500, blank=True)
    asked_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, null=True, related_name="+")
    asked_at = models.DateTimeField(db_default=Now())
    done_at = models.DateTimeField(null=True)

    objects = ExplanationQuerySet.as_manager()

    class Meta:
        ordering = ["-at"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "prediction_id", "at"], name="explanation_once"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ExplanationState.values), name="explanation_state_known"
            ),
            models.CheckConstraint(
                condition=Q(origin__in=ExplanationOrigin.values), name="explanation_origin_known"
            ),
            # What does not add up is never shown as an explanation, whoever writes it.
            models.CheckConstraint(
                condition=~Q(state="done")
                | (Q(gap__lte=models.F("tolerance"), gap__isnull=False) & ~Q(digest="")),
                name="explanation_adds_up",
            ),
        ]
        indexes = [models.Index(fields=["version", "at"], name="explanation_version_at")]

    def __str__(self) -> str:
        return f"explanation of {self.prediction_id} by {self.version}"

    @property
    def audit_team_id(self) -> int:
        return self.version.model.team_id


class ExplanationPolicy(models.Model):
    """Which share of a model's answers is explained without anybody asking."""

    model = models.OneToOneField(Model, on_delete=models.PROTECT, related_name="explanation_policy")
    share = models.FloatField(help_text="Of predictions, 0 to 1")
    per_day = models.PositiveIntegerField(help_text="At most so many of one day's predictions")
    enabled = models.BooleanField(default=True)
    on_since = models.DateTimeField(null=True, help_text="Batches that came earlier are left out")
    changed_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    changed_at = models.DateTimeField(db_default=Now())

    objects = ExplanationPolicyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(share__gte=0, share__lte=1), name="explanation_share_is_a_share"
            ),
            models.CheckConstraint(
                condition=Q(enabled=False) | Q(on_since__isnull=False),
                name="explanation_policy_on_since",
            ),
        ]

    def __str__(self) -> str:
        return f"explanations of {self.model}: {self.share:.2%}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class ExplanationDraw(models.Model):
    """A batch from which predictions were drawn, once."""

    batch = models.OneToOneField(Batch, on_delete=models.PROTECT, related_name="explanation_draw")
    chosen = models.PositiveIntegerField()
    left_out = models.PositiveIntegerField(default=0, help_text="Beyond the bound of their day")
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.chosen} of {self.batch}"
