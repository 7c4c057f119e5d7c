"""Signed risk questionnaires, and attestations that fall due by tier."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from governance.querysets import AttestationQuerySet
from registry.models import Model, RiskTier

PERSON = settings.AUTH_USER_MODEL


class RiskAssessment(models.Model):
    """The questionnaire as one person answered and signed it; only ever added."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="risk_assessments")
    questionnaire = models.PositiveIntegerField(help_text="Number of the questionnaire")
    answers = models.JSONField()
    points = models.PositiveIntegerField()
    tier = models.CharField(max_length=10, choices=RiskTier)
    tier_before = models.CharField(max_length=10, choices=RiskTier)
    reasons = models.JSONField(help_text="How the tier follows from the answers")
    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    printed_name = models.CharField(max_length=120)
    meaning = models.CharField(max_length=200)
    reason = models.TextField()
    signed_digest = models.CharField(max_length=64, help_text="SHA-256 of what was signed")
    method = models.CharField(max_length=20)
    signed_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-signed_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(tier__in=RiskTier.values), name="risk_assessment_tier_known"
            )
        ]

    def __str__(self) -> str:
        return f"risk of {self.model}: {self.tier}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class AttestationResult(models.TextChoices):
    FIT = "fit", "fit for its purpose"
    CONDITIONS = "conditions", "fit under the conditions named"
    UNFIT = "unfit", "not fit for its purpose"


class Attestation(models.Model):
    """A person answers anew for a model: opened before it falls due, signed once."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="attestations")
    tier = models.CharField(max_length=10, choices=RiskTier)
    due_on = models.DateField()
    opened_at = models.DateTimeField(db_default=Now())
    result = models.CharField(max_length=12, choices=AttestationResult, blank=True)
    statement = models.TextField(blank=True)
    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, null=True, related_name="+")
    printed_name = models.CharField(max_length=120, blank=True)
    signed_digest = models.CharField(max_length=64, blank=True)
    method = models.CharField(max_length=20, blank=True)
    signed_at = models.DateTimeField(null=True)

    objects = AttestationQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["model"], condition=Q(signed_at__isnull=True), name="attestation_one_open"
            ),
            models.CheckConstraint(
                condition=Q(signed_at__isnull=True, person__isnull=True, result="")
                | (
                    Q(signed_at__isnull=False, person__isnull=False)
                    & Q(result__in=AttestationResult.values)
                    & ~Q(signed_digest="")
                ),
                name="attestation_signed_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"attestation of {self.model}, due {self.due_on}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id
