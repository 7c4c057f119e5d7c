"""Shapes of the API's frameworks, controls, findings, waivers and risk."""

from typing import Any

from rest_framework import serializers

from governance.api.proving import SignedSerializer
from governance.control_rules import RESULTS
from governance.models import (
    Assessment,
    AttachedEvidence,
    Attestation,
    AttestationResult,
    Finding,
    FindingKind,
    FindingSeverity,
    RiskAssessment,
    Waiver,
)
from governance.reads.controls import STATES
from governance.services.findings import LINKS
from governance.states import FINDING_VERBS

BIGGEST = 2**31 - 1


class FrameworkShape(serializers.Serializer[Any]):
    id = serializers.CharField()
    title = serializers.CharField()
    publisher = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment]
    note = serializers.CharField()
    team = serializers.CharField(help_text="Empty: shipped with Ombud")
    edition = serializers.IntegerField()
    read_on = serializers.DateField(help_text="When the source was read")
    valid_from = serializers.DateField(allow_null=True)
    valid_to = serializers.DateField(allow_null=True)
    validity = serializers.ChoiceField(choices=["in_force", "ended", "coming"])
    controls = serializers.IntegerField()
    digest = serializers.CharField()


class PointerShape(serializers.Serializer[Any]):
    framework = serializers.CharField()
    control = serializers.CharField()


class ControlShape(serializers.Serializer[Any]):
    id = serializers.CharField()
    group = serializers.CharField()
    line = serializers.CharField()
    tiers = serializers.ListField(child=serializers.CharField())
    jurisdictions = serializers.ListField(child=serializers.CharField())
    purposes = serializers.ListField(child=serializers.CharField())
    evidence = serializers.ListField(child=serializers.CharField(), help_text="Rules in words")
    rules = serializers.ListField(child=serializers.DictField())
    crosswalk = PointerShape(many=True)
    valid_from = serializers.DateField(allow_null=True)
    valid_to = serializers.DateField(allow_null=True)
    digest = serializers.CharField(help_text="Of the line and its rules: what an assessment meets")


class FrameworkDetailShape(serializers.Serializer[Any]):
    framework = FrameworkShape(source="line")
    controls = ControlShape(many=True)


class AffectedShape(serializers.Serializer[Any]):
    model = serializers.CharField(source="slug")
    risk_tier = serializers.CharField()
    to_assess = serializers.ListField(child=serializers.CharField())
    missing = serializers.ListField(child=serializers.CharField())


class RuleChangeShape(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=["edition", "begins", "ends"])
    day = serializers.DateField()
    edition = serializers.IntegerField()
    controls = serializers.DictField(child=serializers.ListField(child=serializers.CharField()))
    affected = AffectedShape(many=True)


class RuleAnswerShape(serializers.Serializer[Any]):
    kind = serializers.CharField()
    passed = serializers.BooleanField()
    message = serializers.CharField()
    reference = serializers.DictField()


class AssessmentLineShape(serializers.Serializer[Any]):
    result = serializers.ChoiceField(choices=RESULTS)
    reason = serializers.CharField()
    name = serializers.CharField()
    at = serializers.DateTimeField()
    expires_on = serializers.DateField(allow_null=True)
    edition = serializers.IntegerField(help_text="Edition of the framework that was met")
    lapsed_at = serializers.DateTimeField(allow_null=True)
    lapse_reason = serializers.CharField()


class ControlCellShape(serializers.Serializer[Any]):
    framework = serializers.CharField()
    control = serializers.CharField()
    group = serializers.CharField()
    line = serializers.CharField()
    digest = serializers.CharField()
    state = serializers.ChoiceField(
        choices=STATES, help_text="`proposed`: the rules pass, and nobody confirmed it yet"
    )
    proposal = serializers.CharField(help_text="What the rules propose; a person confirms")
    rules = RuleAnswerShape(many=True)
    assessment = AssessmentLineShape(allow_null=True)
    waived_until = serializers.DateField(allow_null=True)
    valid_from = serializers.DateField(allow_null=True)
    evaluated_at = serializers.DateTimeField()


class ShareShape(serializers.Serializer[Any]):
    framework = serializers.CharField(source="framework.id")
    met = serializers.IntegerField()
    owed = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True)
    counts = serializers.DictField(child=serializers.IntegerField())
    coming = serializers.IntegerField(help_text="Controls that are not valid yet")


class ModelControlsShape(serializers.Serializer[Any]):
    model = serializers.CharField()
    jurisdictions = serializers.ListField(child=serializers.CharField())
    purposes = serializers.ListField(child=serializers.CharField())
    frameworks = ShareShape(many=True)
    controls = ControlCellShape(many=True)


class ScopeShape(serializers.Serializer[Any]):
    jurisdictions = serializers.ListField(
        child=serializers.CharField(max_length=11), max_length=20, help_text="EU, US-NYC"
    )
    purposes = serializers.ListField(
        child=serializers.CharField(max_length=60), max_length=20, help_text="employment"
    )


class NewAssessmentShape(serializers.Serializer[Any]):
    result = serializers.ChoiceField(choices=RESULTS)
    reason = serializers.CharField(max_length=4000)
    expires_on = serializers.DateField(required=False, allow_null=True, default=None)
    digest = serializers.CharField(
        max_length=64, required=False, default="", help_text="The control's, as you read it"
    )


class AssessmentShape(serializers.ModelSerializer[Assessment]):
    model = serializers.CharField(source="model.slug")
    framework = serializers.CharField(source="framework.slug")
    control = serializers.CharField(source="identifier")
    edition = serializers.IntegerField(source="control.edition.number")
    name = serializers.CharField(source="printed_name")
    result = serializers.ChoiceField(choices=RESULTS)
    evidence = serializers.DictField()

    class Meta:
        model = Assessment
        fields = ["model", "framework", "control", "edition", "result", "proposed", "reason"]
        fields += ["name", "at", "expires_on", "evidence"]


class NewEvidenceShape(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=200)
    text = serializers.CharField(max_length=4000, required=False, default="", allow_blank=True)
    file = serializers.FileField(required=False, help_text="PDF, PNG, JPEG, JSON or text")


class EvidenceShape(serializers.ModelSerializer[AttachedEvidence]):
    model = serializers.CharField(source="model.slug")
    framework = serializers.CharField(source="framework.slug")
    control = serializers.CharField(source="identifier")
    added_by = serializers.CharField(source="added_by.name")

    class Meta:
        model = AttachedEvidence
        fields = ["id", "model", "framework", "control", "title", "text", "media_type", "size"]
        fields += ["sha256", "added_by", "added_at"]


class LinkShape(serializers.Serializer[Any]):
    kind = serializers.ChoiceField(choices=sorted(LINKS))
    id = serializers.IntegerField(min_value=1, max_value=BIGGEST)


class NewFindingShape(serializers.Serializer[Any]):
    model = serializers.SlugField(max_length=80)
    version = serializers.IntegerField(
        min_value=0, max_value=BIGGEST, required=False, allow_null=True, default=None
    )
    kind = serializers.ChoiceField(choices=FindingKind.choices)
    severity = serializers.ChoiceField(choices=FindingSeverity.choices)
    title = serializers.CharField(max_length=200)
    text = serializers.CharField(max_length=4000)
    owner = serializers.CharField(
        max_length=254, required=False, default="", allow_blank=True, help_text="E-mail address"
    )
    due_on = serializers.DateField(required=False, allow_null=True, default=None)
    link = LinkShape(required=False, allow_null=True, default=None)


class FindingChangeShape(serializers.Serializer[Any]):
    owner = serializers.CharField(max_length=254, required=False, default="", allow_blank=True)
    severity = serializers.ChoiceField(
        choices=FindingSeverity.choices, required=False, default="", allow_blank=True
    )
    due_on = serializers.DateField(required=False, allow_null=True, default=None)
    reason = serializers.CharField(max_length=4000)


class MoveShape(serializers.Serializer[Any]):
    verb = serializers.ChoiceField(choices=FINDING_VERBS)
    text = serializers.CharField(max_length=4000, help_text="What was done, or why")


class NoteShape(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=4000)
    link = LinkShape(required=False, allow_null=True, default=None)


class EntryShape(serializers.Serializer[Any]):
    at = serializers.DateTimeField()
    name = serializers.CharField()
    verb = serializers.CharField()
    text = serializers.CharField()
    link_kind = serializers.CharField()
    link_id = serializers.IntegerField(allow_null=True)
    link_label = serializers.CharField()


class FindingShape(serializers.ModelSerializer[Finding]):
    model = serializers.CharField(source="model.slug")
    version = serializers.IntegerField(source="version.number", allow_null=True, default=None)
    owner = serializers.CharField(source="owner.name")
    raised_by = serializers.CharField(source="raised_by.name", allow_null=True, default=None)
    closed_by = serializers.CharField(source="closed_by.name", allow_null=True, default=None)

    class Meta:
        model = Finding
        fields = ["id", "model", "version", "kind", "severity", "title", "text", "state", "owner"]
        fields += ["raised_by", "due_on", "opened_at", "closed_by", "closed_at", "resolution"]


class FindingDetailShape(serializers.Serializer[Any]):
    finding = FindingShape()
    timeline = EntryShape(many=True)
    steps = serializers.ListField(child=serializers.CharField(), help_text="That you may take")


class NewWaiverShape(serializers.Serializer[Any]):
    model = serializers.SlugField(max_length=80)
    finding = serializers.IntegerField(
        min_value=1, max_value=BIGGEST, required=False, allow_null=True, default=None
    )
    control = PointerShape(required=False, allow_null=True, default=None)
    reason = serializers.CharField(max_length=4000)
    conditions = serializers.CharField(
        max_length=4000, required=False, default="", allow_blank=True
    )
    expires_on = serializers.DateField()


class WaiverDecisionShape(SignedSerializer):
    decision = serializers.ChoiceField(choices=["grant", "refuse"])
    reason = serializers.CharField(max_length=4000)


class WaiverShape(serializers.ModelSerializer[Waiver]):
    model = serializers.CharField(source="model.slug")
    framework = serializers.CharField(source="framework.slug", allow_null=True, default=None)
    control = serializers.CharField(source="identifier")
    asked_by = serializers.CharField(source="asked_by.name")
    decided_by = serializers.CharField(source="printed_name")

    class Meta:
        model = Waiver
        fields = ["id", "model", "finding", "framework", "control", "state", "reason"]
        fields += ["conditions", "expires_on", "asked_by", "asked_at", "decided_by", "decided_at"]
        fields += ["decision_reason", "method", "signed_digest", "ended_at"]


class NewRiskShape(SignedSerializer):
    answers = serializers.DictField(
        child=serializers.CharField(max_length=40), help_text="Option by question"
    )
    reason = serializers.CharField(max_length=4000)


class RiskShape(serializers.ModelSerializer[RiskAssessment]):
    name = serializers.CharField(source="printed_name")
    answers = serializers.DictField(child=serializers.CharField())
    reasons = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = RiskAssessment
        fields = ["id", "questionnaire", "answers", "points", "tier", "tier_before", "reasons"]
        fields += ["name", "meaning", "reason", "signed_digest", "method", "signed_at"]


class OptionShape(serializers.Serializer[Any]):
    id = serializers.CharField()
    text = serializers.CharField()
    points = serializers.IntegerField()
    at_least = serializers.CharField()


class QuestionShape(serializers.Serializer[Any]):
    id = serializers.CharField()
    title = serializers.CharField()
    text = serializers.CharField()
    options = OptionShape(many=True)


class DecidedShape(serializers.Serializer[Any]):
    """What the tier decides."""

    quorum = serializers.DictField(
        child=serializers.IntegerField(), help_text="Signatures for a promotion, by role"
    )
    who_signs = serializers.CharField(help_text="The same in words, with their order")
    attest_months = serializers.IntegerField()
    revalidate_months = serializers.IntegerField()
    reapproval_days = serializers.IntegerField(help_text="After a change of purpose")
    open_days_before = serializers.IntegerField()
    suspends = serializers.BooleanField(help_text="Whether a missed re-approval ends clearance")
    token_hours = serializers.IntegerField(help_text="How long a clearance token lives")
    stops = serializers.BooleanField(help_text="Fail closed: expired, the model stops")


class ModelRiskShape(serializers.Serializer[Any]):
    model = serializers.CharField()
    risk_tier = serializers.CharField()
    attestation_due = serializers.DateField()
    decides = DecidedShape()
    questions = QuestionShape(many=True)
    signed = RiskShape(many=True)


class NewAttestationShape(SignedSerializer):
    result = serializers.ChoiceField(choices=AttestationResult.choices)
    statement = serializers.CharField(max_length=4000)


class AttestationShape(serializers.ModelSerializer[Attestation]):
    model = serializers.CharField(source="model.slug")
    name = serializers.CharField(source="printed_name")

    class Meta:
        model = Attestation
        fields = ["id", "model", "tier", "due_on", "opened_at", "result", "statement", "name"]
        fields += ["signed_digest", "method", "signed_at"]
