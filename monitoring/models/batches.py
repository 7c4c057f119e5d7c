"""What serving systems sent, and the counts of it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from monitoring.querysets import BatchQuerySet
from registry.models import Model, Version


class BatchKind(models.TextChoices):
    PREDICTIONS = "predictions", "predictions"
    OUTCOMES = "outcomes", "outcomes"


class OutcomeKind(models.TextChoices):
    """Where the truth comes from; only true outcomes measure performance for a sign-off."""

    TRUE = "true", "true outcome"
    NATURAL = "natural", "the user's own act"
    PROXY = "proxy", "stand-in: a judge or a signal"


class Batch(models.Model):
    """The manifest row of one Parquet file that a serving system sent; without it: nothing."""

    kind = models.CharField(max_length=12, choices=BatchKind)
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="batches")
    version = models.ForeignKey(
        Version, on_delete=models.PROTECT, null=True, related_name="batches"
    )
    outcome_kind = models.CharField(
        max_length=8, choices=OutcomeKind, default=OutcomeKind.TRUE, help_text="Of outcomes only"
    )
    key = models.CharField(max_length=100, help_text="Idempotency-Key, or the body's digest")
    body_digest = models.CharField(max_length=64, help_text="SHA-256 of the bytes as sent")
    path = models.CharField(max_length=300, unique=True)
    file_digest = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    rejected = models.PositiveIntegerField(default=0)
    bytes = models.BigIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    answer = models.JSONField(help_text="What was answered; the same key gets it again")
    sent_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    received_at = models.DateTimeField(db_default=Now())
    folded_at = models.DateTimeField(null=True)
    duplicates = models.PositiveIntegerField(default=0, help_text="Rows that were there already")
    unmatched = models.PositiveIntegerField(default=0, help_text="Outcomes parked when joined")

    objects = BatchQuerySet.as_manager()

    class Meta:
        ordering = ["-received_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "version", "kind", "key"],
                name="batch_key_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(kind="outcomes") | Q(version__isnull=False),
                name="batch_predictions_name_a_version",
            ),
            models.CheckConstraint(
                condition=Q(outcome_kind__in=OutcomeKind.values), name="batch_outcome_kind_known"
            ),
        ]
        indexes = [
            models.Index(fields=["version", "kind", "first_at", "last_at"], name="batch_window"),
            models.Index(fields=["model", "kind", "last_at"], name="batch_model_time"),
        ]

    def __str__(self) -> str:
        return f"{self.rows} {self.kind} of {self.model}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class Profile(models.Model):
    """Mergeable counts of one version, hour of event time and segment."""

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="profiles")
    hour = models.DateTimeField()
    segment = models.CharField(
        max_length=200,
        blank=True,
        help_text="field=value; empty: all rows; @natural, @proxy: labels of that kind of outcome",
    )
    rows = models.PositiveIntegerField(default=0)
    labelled = models.PositiveIntegerField(default=0, help_text="Rows whose outcome has arrived")
    counts = models.BinaryField(help_text="Counts of fields, prediction, score, operations")
    outcomes = models.BinaryField(null=True, help_text="Counts of score and prediction by outcome")
    revision = models.PositiveIntegerField(default=1, help_text="Raised when rows are added")
    outcomes_revision = models.PositiveIntegerField(
        default=0, help_text="Raised when outcomes are added"
    )
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "hour", "segment"], name="profile_once")
        ]
        indexes = [models.Index(fields=["version", "changed_at"], name="profile_changed")]

    def __str__(self) -> str:
        return f"{self.version} {self.hour:%Y-%m-%d %H}h {self.segment}"


class ParkedOutcome(models.Model):
    """An outcome whose prediction has not been seen yet; joined when it arrives."""

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="+")
    batch = models.ForeignKey(Batch, on_delete=models.CASCADE, related_name="parked")
    prediction_id = models.CharField(max_length=100)
    outcome_kind = models.CharField(max_length=8, choices=OutcomeKind, default=OutcomeKind.TRUE)
    row = models.JSONField()
    parked_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["model", "prediction_id", "outcome_kind"], name="parked_outcome_once"
            )
        ]

    def __str__(self) -> str:
        return self.prediction_id
