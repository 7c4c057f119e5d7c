"""Shapes of retirements, their policies, and of what a model's life depends on."""

from typing import Any

from rest_framework import serializers

from governance.models import (
    LifeFact,
    LifeFactKind,
    ModelClient,
    NoObjection,
    Registration,
    Retirement,
    RetirementObjection,
    RetirementPolicy,
    RetirementStep,
)
from governance.retirement_rules import CLOCKS, EARLY_LABEL, MATCHES, RULES
from governance.retirement_states import REGISTRATION_VERBS, ObjectionAnswer
from governance.retirement_steps import TITLES
from governance.services.retirement_policies import SCOPES


class RetirementShape(serializers.ModelSerializer[Retirement]):
    model = serializers.CharField(source="model.slug")
    version = serializers.IntegerField(source="version.number")
    state = serializers.CharField()
    policy = serializers.CharField(
        source="because_of", help_text="In words, with its number; or the request made by hand"
    )
    by_hand = serializers.BooleanField(help_text="Asked for by people: no policy and no notice")
    replacement = serializers.IntegerField(
        source="replacement.number", allow_null=True, default=None
    )
    change_request = serializers.IntegerField(source="request_id", allow_null=True)

    class Meta:
        model = Retirement
        fields = ["id", "model", "version", "state", "policy", "by_hand", "episode"]
        fields += ["notice_from", "notice_until", "notice_ended_at", "replacement"]
        fields += ["no_replacement", "held_up", "change_request", "outcome", "found_at"]
        fields += ["ended_at", "tombstone_digest"]


class RuleFoundShape(serializers.Serializer[Any]):
    rule = serializers.CharField()
    title = serializers.CharField()
    parameters = serializers.DictField()
    holds = serializers.BooleanField()
    said = serializers.CharField()
    evidence = serializers.DictField()
    url = serializers.CharField(help_text="The page of what it was read from")


class ObjectionShape(serializers.ModelSerializer[RetirementObjection]):
    by = serializers.CharField(source="printed_name")
    answer = serializers.CharField(help_text="upheld, overruled, or empty")
    answered_by = serializers.CharField(source="answered_name")

    class Meta:
        model = RetirementObjection
        fields = ["id", "by", "reason", "at", "answer", "answered_by", "answer_reason"]
        fields += ["answered_at"]


class NoObjectionShape(serializers.ModelSerializer[NoObjection]):
    by = serializers.CharField(source="printed_name")

    class Meta:
        model = NoObjection
        fields = ["by", "at", "withdrawn_at"]


class StepShape(serializers.ModelSerializer[RetirementStep]):
    title = serializers.SerializerMethodField()
    state = serializers.CharField()
    evidence = serializers.DictField(help_text="What was done, and what was seen and counted")

    class Meta:
        model = RetirementStep
        fields = ["id", "position", "name", "title", "state", "note", "evidence", "job", "tries"]
        fields += ["done_at", "verified_at"]

    def get_title(self, step: RetirementStep) -> str:
        return TITLES[step.name]


class RetirementDetailShape(RetirementShape):
    rules = RuleFoundShape(many=True, source="linked")
    objections = ObjectionShape(many=True, source="answered")
    no_objections = NoObjectionShape(many=True)
    silent = serializers.ListField(
        child=serializers.CharField(), help_text="Who was told and has not answered"
    )
    steps = StepShape(many=True)

    class Meta(RetirementShape.Meta):
        fields = [*RetirementShape.Meta.fields, "rules", "objections"]
        fields += ["no_objections", "silent", "steps"]


class NewAnswerShape(serializers.Serializer[Any]):
    answer = serializers.ChoiceField(choices=[(a.value, a.value) for a in ObjectionAnswer])
    reason = serializers.CharField(max_length=4000)


class ReplacementShape(serializers.Serializer[Any]):
    version = serializers.IntegerField(allow_null=True, min_value=0, help_text="null: none")
    reason = serializers.CharField(
        max_length=4000, required=False, allow_blank=True, help_text="Where none replaces it"
    )


class TombstoneShape(serializers.Serializer[Any]):
    """`clients/ombud_verify.py` checks it offline."""

    format = serializers.CharField()
    tombstone = serializers.DictField()
    digest = serializers.CharField(help_text="SHA-256 of the tombstone's canonical JSON")
    proof = serializers.DictField(help_text="Inclusion proof of the event that names the digest")


class RuleAskedShape(serializers.Serializer[Any]):
    rule = serializers.ChoiceField(choices=[(name, one.title) for name, one in RULES.items()])
    parameters = serializers.DictField(child=serializers.IntegerField(), required=False)


class TermsShape(serializers.Serializer[Any]):
    """When versions are retired, and with how much notice."""

    match = serializers.ChoiceField(choices=[(one, one) for one in MATCHES])
    rules = RuleAskedShape(many=True)
    early_end = serializers.BooleanField(required=False, default=False, help_text=EARLY_LABEL)

    def get_fields(self) -> dict[str, Any]:
        clocks = {
            one.name: serializers.IntegerField(
                min_value=one.least, max_value=one.most, help_text=one.label
            )
            for one in CLOCKS
        }
        return {**super().get_fields(), **clocks}


class RetirementPolicyShape(serializers.ModelSerializer[RetirementPolicy]):
    scope = serializers.CharField(help_text="model, team or tier")
    place = serializers.CharField()
    terms = TermsShape()

    class Meta:
        model = RetirementPolicy
        fields = ["scope", "place", "number", "current", "valid_from", "terms"]


class NewRetirementPolicyShape(serializers.Serializer[Any]):
    scope = serializers.ChoiceField(choices=[(one, one) for one in SCOPES])
    place = serializers.CharField(max_length=80, help_text="Slug of the model or team, or the tier")
    terms = TermsShape()
    reason = serializers.CharField(max_length=4000)


class LifeFactShape(serializers.ModelSerializer[LifeFact]):
    kind = serializers.CharField()
    version = serializers.IntegerField(source="version.number", allow_null=True, default=None)
    recorded_by = serializers.CharField(source="recorded_by.name")

    class Meta:
        model = LifeFact
        fields = ["kind", "version", "ends_on", "source", "recorded_by", "recorded_at"]
        fields += ["replaced_at"]


class NewLifeFactShape(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=LifeFactKind.choices)
    ends_on = serializers.DateField()
    source = serializers.CharField(max_length=300)  # type: ignore[assignment]
    version = serializers.IntegerField(required=False, allow_null=True, default=None)


class ModelClientShape(serializers.ModelSerializer[ModelClient]):
    account = serializers.CharField(source="account.email", allow_null=True, default=None)

    class Meta:
        model = ModelClient
        fields = ["id", "name", "contact", "account", "added_at", "ended_at"]


class NewModelClientShape(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120)
    contact = serializers.EmailField(help_text="Is told of retirements")
    account = serializers.EmailField(
        required=False,
        allow_blank=True,
        default="",
        help_text="Of the service account whose tokens it uses",
    )


class RegistrationShape(serializers.ModelSerializer[Registration]):
    state = serializers.CharField(
        help_text="not_required, draft, registered, update_due or withdrawn"
    )
    changed_at = serializers.DateTimeField(allow_null=True, help_text="null: never")

    class Meta:
        model = Registration
        fields = ["state", "register", "number", "registered_on", "note", "changed_at"]


class NewRegistrationShape(serializers.Serializer[Any]):
    verb = serializers.ChoiceField(choices=[(one, one) for one in REGISTRATION_VERBS])
    register = serializers.CharField(max_length=200, required=False, allow_blank=True, default="")
    number = serializers.CharField(max_length=100, required=False, allow_blank=True, default="")
    registered_on = serializers.DateField(required=False, allow_null=True, default=None)
    reason = serializers.CharField(max_length=4000)
