"""Publications: which revision of a card its readers are given, who said so, and over what."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from governance.models.cards import Card, CardRevision
from governance.models.policies import ApprovalPolicy
from registry.models import RiskTier


class CardPublication(models.Model):
    """One revision put before a card's readers; only added, the newest counts.

    For models of low risk whoever may edit publishes, and `method` is empty; for the others it is
    a signature by somebody who had no hand in the version.
    """

    card = models.ForeignKey(Card, on_delete=models.PROTECT, related_name="publications")
    revision = models.OneToOneField(
        CardRevision, on_delete=models.PROTECT, related_name="publication"
    )
    risk_tier = models.CharField(max_length=10, choices=RiskTier)
    policy = models.ForeignKey(
        ApprovalPolicy,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Whose quorum says which roles sign",
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="card_publications"
    )
    printed_name = models.CharField(max_length=120)
    role = models.CharField(max_length=20)
    meaning = models.CharField(max_length=200)
    reason = models.TextField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of what was published")
    method = models.CharField(
        max_length=20, blank=True, help_text="How the person proved who they are"
    )
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(risk_tier="low") | ~Q(method=""), name="card_published_signed"
            )
        ]

    def __str__(self) -> str:
        return f"{self.revision}, published"

    @property
    def audit_team_id(self) -> int:
        return self.card.audit_team_id
