"""Approval policies: who must sign what, and which gates stand before it."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from governance.rounds import in_all, in_words
from governance.states import RequestKind
from registry.models import RiskTier


class ApprovalPolicy(models.Model):
    """Who must sign and which gates are asked, by kind of change and risk tier; versioned."""

    kind = models.CharField(max_length=12, choices=[(k, k.replace("_", " ")) for k in RequestKind])
    risk_tier = models.CharField(max_length=10, choices=RiskTier)
    number = models.PositiveIntegerField(default=1)
    rounds = models.JSONField(help_text="list of {name, quorum}: role -> number of signatures")
    gates = models.JSONField(help_text="list of {gate, mode, parameters}")
    current = models.BooleanField(default=True)
    valid_from = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["kind", "risk_tier", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["kind", "risk_tier", "number"], name="policy_once"),
            models.UniqueConstraint(
                fields=["kind", "risk_tier"], condition=Q(current=True), name="policy_one_current"
            ),
        ]

    def __str__(self) -> str:
        return (
            f"{self.kind.replace('_', ' ')} of a {self.risk_tier}-risk model, policy {self.number}"
        )

    @property
    def quorum(self) -> dict[str, int]:
        """Signatures of each role, over all rounds."""
        return in_all(self.rounds)

    @property
    def who_signs(self) -> str:
        return in_words(self.rounds)

    @property
    def audit_team_id(self) -> None:
        return None
