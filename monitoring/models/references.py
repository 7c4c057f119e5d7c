"""What is frozen from a reference beside its bins, and used with every window."""

from django.db import models
from django.db.models.functions import Now

from registry.models import Version


class ReferencePart(models.Model):
    """Counts of one part of a version's reference: a phase (hour of the day …) or a segment."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="reference_parts")
    reference_digest = models.CharField(max_length=64)
    part = models.CharField(
        max_length=220, help_text="A segment (field=value), or a phase (day_of_week:6)"
    )
    rows = models.BigIntegerField()
    counts = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["version", "part"], name="reference_part_once")
        ]

    def __str__(self) -> str:
        return f"{self.version} {self.part}"


class ReferenceStudy(models.Model):
    """What was learnt from a reference once, beside its bins and counts."""

    version = models.OneToOneField(
        Version, on_delete=models.CASCADE, related_name="reference_study"
    )
    reference_digest = models.CharField(max_length=64)
    season = models.JSONField(
        default=dict,
        help_text="Which phases (hour, weekday …) its windows are compared by, and why",
    )
    loss = models.JSONField(
        null=True, help_text="What a regression's error is expected to be by its features"
    )
    made_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"study of the reference of {self.version}"
