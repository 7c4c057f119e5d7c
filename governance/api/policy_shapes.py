"""Shapes of approval policies and of proposed ones."""

from typing import Any

from rest_framework import serializers

from governance.api.proving import SignedSerializer
from governance.gate_parameters import MODES
from governance.gates import GATES
from governance.models import (
    ApprovalPolicy,
    Decision,
    PolicyChange,
    PolicySignature,
    ProposalState,
)
from governance.policies import SIGNERS
from governance.reads.signatures import missing_of
from governance.rounds import LONGEST_NAME, MOST_ROUNDS
from governance.services.policy_changes import MOST_OF_A_ROLE
from governance.states import RequestKind
from registry.models import RiskTier

KINDS = [(kind.value, kind.value.replace("_", " ")) for kind in RequestKind]

CHANGE_KINDS = [*KINDS, ("retirement", "retirement")]


class QuorumShape(serializers.Serializer[Any]):
    """Signatures of each role."""

    def get_fields(self) -> dict[str, Any]:
        return {
            role.value: serializers.IntegerField(
                required=False, min_value=1, max_value=MOST_OF_A_ROLE
            )
            for role in SIGNERS
        }


class RoundShape(serializers.Serializer[Any]):
    """Within a round in any order; the rounds one after another."""

    name = serializers.CharField(max_length=LONGEST_NAME)
    quorum = QuorumShape()


class PolicyGateShape(serializers.Serializer[Any]):
    gate = serializers.ChoiceField(choices=list(GATES))
    mode = serializers.ChoiceField(choices=MODES)
    parameters = serializers.DictField(required=False, default=dict)


class PolicyShape(serializers.ModelSerializer[ApprovalPolicy]):
    kind = serializers.ChoiceField(choices=KINDS)
    rounds = RoundShape(many=True)
    gates = PolicyGateShape(many=True)
    who_signs = serializers.CharField(help_text="In words")

    class Meta:
        model = ApprovalPolicy
        fields = ["kind", "risk_tier", "number", "current", "valid_from", "who_signs", "rounds"]
        fields += ["gates"]


class DifferenceShape(serializers.Serializer[Any]):
    what = serializers.CharField()
    before = serializers.CharField()
    after = serializers.CharField()
    loosens = serializers.BooleanField(help_text="Asks less than before")


class PolicySignatureShape(serializers.ModelSerializer[PolicySignature]):
    name = serializers.CharField(source="printed_name")

    class Meta:
        model = PolicySignature
        fields = ["name", "role", "decision", "meaning", "reason", "signed_digest", "method"]
        fields += ["signed_at"]


class PolicyChangeShape(serializers.ModelSerializer[PolicyChange]):
    kind = serializers.ChoiceField(choices=CHANGE_KINDS)
    state = serializers.ChoiceField(choices=ProposalState.choices)
    scope = serializers.SerializerMethodField(help_text="Of a retirement policy: whose versions")
    place = serializers.SerializerMethodField(help_text="Slug of the model or team, or the tier")
    terms = serializers.DictField(help_text="Of a retirement policy; else empty")
    proposed_by = serializers.CharField(source="proposed_by.name")
    replaces = serializers.SerializerMethodField(help_text="Number of the policy in force")
    in_force_as = serializers.SerializerMethodField(help_text="Its number once in force")
    rounds = RoundShape(many=True)
    gates = PolicyGateShape(many=True)
    missing = serializers.SerializerMethodField(help_text="Signatures still needed, by role")
    signatures = PolicySignatureShape(many=True)

    class Meta:
        model = PolicyChange
        fields = ["id", "kind", "risk_tier", "state", "replaces", "in_force_as", "loosens"]
        fields += ["rounds", "gates", "reason", "digest", "proposed_by", "proposed_at"]
        fields += ["decided_at", "missing", "signatures", "scope", "place", "terms"]

    def get_scope(self, change: PolicyChange) -> str:
        return change.scope if change.is_retirement else ""

    def get_place(self, change: PolicyChange) -> str:
        return change.place if change.is_retirement else ""

    def get_replaces(self, change: PolicyChange) -> int | None:
        before = change.retirement_base if change.is_retirement else change.base
        return before.number if before else None

    def get_in_force_as(self, change: PolicyChange) -> int | None:
        made = change.retirement_policy if change.is_retirement else change.policy
        return made.number if made else None

    def get_missing(self, change: PolicyChange) -> dict[str, int]:
        return missing_of(change) if change.state == "open" else {}


class PolicyChangeDetailShape(PolicyChangeShape):
    differences = DifferenceShape(many=True)

    class Meta(PolicyChangeShape.Meta):
        fields = [*PolicyChangeShape.Meta.fields, "differences"]


class NewPolicyChangeShape(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=KINDS)
    risk_tier = serializers.ChoiceField(choices=RiskTier.choices)
    rounds = RoundShape(many=True, help_text=f"One to {MOST_ROUNDS}")
    gates = PolicyGateShape(many=True)
    reason = serializers.CharField(max_length=4000)


class NewPolicySignatureShape(SignedSerializer):
    decision = serializers.ChoiceField(choices=Decision.choices)
    reason = serializers.CharField(max_length=4000)
    digest = serializers.CharField(max_length=64, help_text="Of the proposal that you read")
