"""Shapes of governance's API: what is taken, and what is answered."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from governance.api.policy_shapes import RoundShape
from governance.api.proving import SignedSerializer
from governance.conditions import MOST
from governance.models import (
    ChangeRequest,
    Clearance,
    Condition,
    Decision,
    GateResult,
    SignOff,
)
from governance.reads.discussion import unsettled
from governance.reads.evidence import what_changed
from governance.reads.signatures import counting, missing
from governance.states import RequestKind
from registry.states import DeploymentRole


class ProblemSerializer(serializers.Serializer[Any]):
    """An error as problem+json (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()


class NewRequestSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=[kind.value for kind in RequestKind])
    model = serializers.SlugField(max_length=80)
    version = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    environment = serializers.SlugField(max_length=40, default="production")
    role = serializers.ChoiceField(
        choices=[role.value for role in DeploymentRole], required=False, default=""
    )
    traffic_share = serializers.DecimalField(
        max_digits=5,
        decimal_places=4,
        min_value=Decimal(0),
        max_value=Decimal(1),
        default=Decimal(1),
    )
    reason = serializers.CharField(max_length=4000)
    conditions = serializers.ListField(
        child=serializers.DictField(),
        max_length=MOST,
        required=False,
        allow_null=True,
        default=None,
        help_text="Limits that Ombud checks while it serves, each with a kind: measure (metric, "
        "field, segment, at_least, at_most, broken_by value or interval, monitor), traffic "
        "(at_most), days (days), incidents (severity)",
    )


class ConditionsSerializer(serializers.Serializer[Any]):
    conditions = serializers.ListField(child=serializers.DictField(), max_length=MOST)
    reason = serializers.CharField(max_length=4000)


class ConditionSerializer(serializers.ModelSerializer[Condition]):
    seen = serializers.CharField(source="said", help_text="What was seen when it was last judged")

    class Meta:
        model = Condition
        fields = ["text", "terms", "state", "holds", "seen", "since", "ended_at"]


class NewDecisionSerializer(SignedSerializer):
    decision = serializers.ChoiceField(choices=Decision.values)
    meaning = serializers.CharField(max_length=200)
    reason = serializers.CharField(max_length=4000)
    digest = serializers.CharField(max_length=64, help_text="The request's digest as you read it")


class ReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=4000)


class NewClearanceSerializer(serializers.Serializer[Any]):
    decision = serializers.ChoiceField(choices=["suspend", "reinstate"])
    environment = serializers.SlugField(max_length=40, default="production")
    reason = serializers.CharField(max_length=1000)


class ClearanceSerializer(serializers.ModelSerializer[Clearance]):
    model = serializers.CharField(source="version.model.slug")
    version = serializers.IntegerField(source="version.number")
    decided_by = serializers.CharField(
        source="decided_by.name", default=None, allow_null=True, help_text="Null: Ombud itself"
    )

    class Meta:
        model = Clearance
        fields = ["model", "version", "environment", "state", "reasons", "decided_by"]
        fields += ["considered", "since"]


class NewArchiveSerializer(serializers.Serializer[Any]):
    model = serializers.SlugField(max_length=80)
    version = serializers.IntegerField(min_value=0, max_value=2**31 - 1)
    reason = serializers.CharField(max_length=4000)


class CardChangeSerializer(serializers.Serializer[Any]):
    sections = serializers.DictField(
        child=serializers.CharField(allow_blank=True, max_length=20_000),
        help_text="Markdown by section id; an empty text removes the section",
    )
    note = serializers.CharField(max_length=200, allow_blank=True, default="")


class GateSerializer(serializers.ModelSerializer[GateResult]):
    class Meta:
        model = GateResult
        fields = ["gate", "title", "mode", "passed", "message", "evidence"]


class SignOffSerializer(serializers.ModelSerializer[SignOff]):
    counts = serializers.SerializerMethodField(help_text="Over the digest in force")
    on_behalf_of = serializers.CharField(
        source="behalf_name", help_text="Who lent the role to who signed; mostly empty"
    )

    class Meta:
        model = SignOff
        fields = [
            "printed_name",
            "on_behalf_of",
            "role",
            "round",
            "decision",
            "meaning",
            "reason",
            "signed_digest",
            "method",
            "signed_at",
            "counts",
        ]

    def get_counts(self, signoff: SignOff) -> bool:
        return signoff.signed_digest == signoff.request.digest


class RequestSerializer(serializers.ModelSerializer[ChangeRequest]):
    quorum = serializers.DictField(
        child=serializers.IntegerField(), help_text="Signatures by role, over all rounds"
    )
    rounds = RoundShape(many=True)
    round = serializers.IntegerField(help_text="That is being signed, or was signed last")
    model = serializers.SlugRelatedField[Any](slug_field="slug", read_only=True)
    version = serializers.IntegerField(source="version.number")
    requested_by = serializers.CharField(source="requested_by.name")

    class Meta:
        model = ChangeRequest
        fields = [
            "id",
            "kind",
            "state",
            "model",
            "version",
            "environment",
            "role",
            "traffic_share",
            "reason",
            "requested_by",
            "quorum",
            "rounds",
            "round",
            "digest",
            "submitted_at",
            "due_on",
            "decided_at",
            "executed_at",
            "error",
        ]


class RequestDetailSerializer(RequestSerializer):
    gates = GateSerializer(many=True)
    signatures = SignOffSerializer(many=True, source="signoffs")
    changes_asked = serializers.SerializerMethodField(
        help_text="Asked for by signers and not settled: nobody approves until they are"
    )
    missing = serializers.SerializerMethodField(
        help_text="Signatures that the open round still needs, by role"
    )
    stale = serializers.SerializerMethodField(help_text="What changed since submission")
    in_force = ConditionSerializer(many=True, help_text="Its conditions since it was carried out")

    class Meta(RequestSerializer.Meta):
        fields = [*RequestSerializer.Meta.fields, "gates", "evidence", "signatures"]
        fields += ["missing", "stale", "conditions", "in_force", "changes_asked"]

    def get_missing(self, request: ChangeRequest) -> dict[str, int]:
        return missing(request, counting(request))

    def get_changes_asked(self, request: ChangeRequest) -> list[str]:
        return [f"{one.printed_name}: {one.text}" for one in unsettled(request)]

    def get_stale(self, request: ChangeRequest) -> list[str]:
        return what_changed(request) if request.state == "open" else []


class SectionSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    title = serializers.CharField()
    text = serializers.CharField()


class CardSerializer(serializers.Serializer[Any]):
    """A card as it is answered; used for documentation."""

    format = serializers.CharField()
    revision = serializers.DictField()
    sections = SectionSerializer(many=True)
    facts = serializers.DictField()
    claims = serializers.ListField(child=serializers.DictField())
    publication = serializers.DictField(help_text="Published or draft, by whom and over what")
    completeness = serializers.DictField(help_text="Written, required, missing and why")


class StatusSerializer(serializers.Serializer[Any]):
    """The status answer; used for documentation."""

    model = serializers.CharField()
    environment = serializers.CharField()
    champion = serializers.DictField(allow_null=True)
    challengers = serializers.ListField(child=serializers.DictField())
    shadows = serializers.ListField(child=serializers.DictField())
    clearance = serializers.DictField()
    health = serializers.DictField()
    recommendation = serializers.DictField(
        allow_null=True, help_text="What is recommended for the champion, by which rule"
    )
    open_incidents = serializers.ListField(child=serializers.DictField())
    open_requests = serializers.ListField(child=serializers.DictField())
    last_approval = serializers.DictField(allow_null=True)
    card_version = serializers.IntegerField(allow_null=True)
    mlflow = serializers.DictField()
    as_of = serializers.DateTimeField()
