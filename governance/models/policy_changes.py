"""Approval policies are changed by approval: what is proposed, and who signed it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from governance.models.policies import ApprovalPolicy
from governance.models.signatures import Decision
from governance.rounds import in_all
from governance.states import RequestKind
from registry.models import RiskTier

PERSON = settings.AUTH_USER_MODEL


class PolicyChangeState(models.TextChoices):
    OPEN = "open", "open"
    IN_FORCE = "in_force", "in force"
    REJECTED = "rejected", "rejected"
    WITHDRAWN = "withdrawn", "withdrawn"


class PolicyChange(models.Model):
    """A proposed approval policy, in force once others have signed it; never edited."""

    kind = models.CharField(max_length=12, choices=[(k, k.replace("_", " ")) for k in RequestKind])
    risk_tier = models.CharField(max_length=10, choices=RiskTier)
    base = models.ForeignKey(
        ApprovalPolicy,
        on_delete=models.PROTECT,
        null=True,
        related_name="proposed_changes",
        help_text="In force when it was proposed; empty where there was none",
    )
    rounds = models.JSONField(help_text="list of {name, quorum}")
    gates = models.JSONField(help_text="list of {gate, mode, parameters}")
    loosens = models.BooleanField(help_text="Asks less than the policy in force")
    needed = models.JSONField(help_text="role -> number of signatures for this change")
    reason = models.TextField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of what is signed")
    state = models.CharField(
        max_length=10, choices=PolicyChangeState.choices, default=PolicyChangeState.OPEN
    )
    proposed_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(db_default=Now())
    decided_at = models.DateTimeField(null=True)
    policy = models.OneToOneField(
        ApprovalPolicy,
        on_delete=models.PROTECT,
        null=True,
        related_name="change",
        help_text="That came into force by it",
    )

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "risk_tier"],
                condition=Q(state="open"),
                name="policy_change_one_open",
            ),
            models.CheckConstraint(
                condition=Q(state__in=PolicyChangeState.values), name="policy_change_state_known"
            ),
            models.CheckConstraint(
                condition=Q(state="in_force", policy__isnull=False)
                | (~Q(state="in_force") & Q(policy__isnull=True)),
                name="policy_change_in_force_has_policy",
            ),
        ]

    def __str__(self) -> str:
        return f"PC-{self.pk} {self.kind.replace('_', ' ')}, {self.risk_tier} risk"

    @property
    def quorum(self) -> dict[str, int]:
        return in_all(self.rounds)

    @property
    def audit_team_id(self) -> None:
        return None


class PolicySignature(models.Model):
    """One person's re-authenticated signature for or against a change of policy; append-only."""

    change = models.ForeignKey(PolicyChange, on_delete=models.PROTECT, related_name="signatures")
    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    printed_name = models.CharField(max_length=120)
    role = models.CharField(max_length=20)
    decision = models.CharField(max_length=8, choices=Decision)
    meaning = models.CharField(max_length=200)
    reason = models.TextField()
    signed_digest = models.CharField(max_length=64)
    method = models.CharField(max_length=20)
    signed_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["signed_at", "pk"]
        constraints = [
            models.UniqueConstraint(fields=["change", "person"], name="policy_signature_once")
        ]

    def __str__(self) -> str:
        return f"{self.printed_name}: {self.decision}"

    @property
    def audit_team_id(self) -> None:
        return None
