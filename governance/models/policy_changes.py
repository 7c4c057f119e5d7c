"""Approval policies are changed by approval: what is proposed, and who signed it."""

from django.db import models
from django.db.models import Q

from accounts.models import Team
from governance.models.policies import ApprovalPolicy
from governance.models.proposals import Proposal, ProposalSignature, ProposalState
from governance.models.retirements import RetirementPolicy
from governance.rounds import in_all
from governance.states import RequestKind
from registry.models import Model, RiskTier

# Beside the kinds of change: a policy that says when versions are retired.
RETIREMENT = "retirement"
KINDS = [*((kind.value, kind.value.replace("_", " ")) for kind in RequestKind)]
KINDS += [(RETIREMENT, "retirement")]


class PolicyChange(Proposal):
    """A proposed approval or retirement policy, in force once others signed it; never edited."""

    CODE = "PC"

    kind = models.CharField(max_length=12, choices=KINDS)
    risk_tier = models.CharField(max_length=10, choices=RiskTier, blank=True)
    team = models.ForeignKey(
        Team, on_delete=models.PROTECT, null=True, related_name="+", help_text="Retirement only"
    )
    model = models.ForeignKey(
        Model, on_delete=models.PROTECT, null=True, related_name="+", help_text="Retirement only"
    )
    terms = models.JSONField(default=dict, help_text="Of a retirement policy")
    retirement_base = models.ForeignKey(
        RetirementPolicy, on_delete=models.PROTECT, null=True, related_name="proposed_changes"
    )
    retirement_policy = models.OneToOneField(
        RetirementPolicy, on_delete=models.PROTECT, null=True, related_name="change"
    )
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
                fields=["kind", "risk_tier", "team", "model"],
                condition=Q(state="open"),
                name="policy_change_one_open",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(state__in=ProposalState.values), name="policy_change_state_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    Q(policy__isnull=False) | Q(retirement_policy__isnull=False), state="in_force"
                )
                | ~Q(state="in_force") & Q(policy__isnull=True, retirement_policy__isnull=True),
                name="policy_change_in_force_has_policy",
            ),
        ]

    def __str__(self) -> str:
        if self.is_retirement:
            return f"{self.name} retirement policy of {self.whose}"
        return f"{self.name} {self.kind.replace('_', ' ')}, {self.risk_tier} risk"

    @property
    def is_retirement(self) -> bool:
        return self.kind == RETIREMENT

    @property
    def whose(self) -> str:
        """Whose versions a retirement policy is about."""
        if self.model is not None:
            return str(self.model)
        return f"team {self.team}" if self.team is not None else f"{self.risk_tier}-risk models"

    @property
    def scope(self) -> str:
        if self.model_id:
            return "model"
        return "team" if self.team_id else "tier"

    @property
    def place(self) -> str:
        if self.model is not None:
            return self.model.slug
        return self.team.slug if self.team is not None else self.risk_tier

    @property
    def quorum(self) -> dict[str, int]:
        return in_all(self.rounds)


class PolicySignature(ProposalSignature):
    """For or against a change of policy."""

    change = models.ForeignKey(PolicyChange, on_delete=models.PROTECT, related_name="signatures")

    class Meta(ProposalSignature.Meta):
        constraints = [
            models.UniqueConstraint(fields=["change", "person"], name="policy_signature_once")
        ]
