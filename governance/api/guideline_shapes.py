"""Shapes of guidelines, their answers, purposes and re-approvals."""

from typing import Any

from rest_framework import serializers

from governance.api.proving import SignedSerializer
from governance.guideline_files import KINDS, SCOPES
from governance.models import GuidelineAnswers, PurposeChange, Revalidation
from governance.reads.guidelines import STATES


class GuidelineLineShape(serializers.Serializer[Any]):
    id = serializers.CharField(source="slug")
    title = serializers.CharField()
    team = serializers.CharField()
    edition = serializers.IntegerField(help_text="The one in force, else the newest")
    state = serializers.ChoiceField(choices=["draft", "in_force", "superseded", "ended"])
    questions = serializers.IntegerField(help_text="How many")
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=SCOPES))
    signed_by = serializers.CharField(help_text="Printed name; empty before it is signed")
    signed_at = serializers.DateTimeField(allow_null=True)
    draft = serializers.BooleanField(help_text="A newer wording waits for a signature")


class GuidelineOptionShape(serializers.Serializer[Any]):
    id = serializers.CharField()
    text = serializers.CharField()


class GuidelineQuestionShape(serializers.Serializer[Any]):
    id = serializers.CharField()
    title = serializers.CharField()
    text = serializers.CharField()
    kind = serializers.ChoiceField(choices=KINDS)
    options = GuidelineOptionShape(many=True)


class GuidelineEditionShape(serializers.Serializer[Any]):
    edition = serializers.IntegerField(source="number")
    state = serializers.ChoiceField(choices=["draft", "in_force", "superseded", "ended"])
    title = serializers.CharField()
    note = serializers.CharField()
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=SCOPES))
    tiers = serializers.SerializerMethodField()
    changes = serializers.SerializerMethodField(help_text="Kinds of change that ask it")
    questions = GuidelineQuestionShape(many=True)
    digest = serializers.CharField(help_text="Send it back when you sign")
    drafted_by = serializers.CharField(source="drafted_by.name")
    drafted_at = serializers.DateTimeField()
    signed_by = serializers.CharField(source="printed_name")
    role = serializers.CharField()
    meaning = serializers.CharField()
    reason = serializers.CharField()
    signed_digest = serializers.CharField()
    method = serializers.CharField()
    signed_at = serializers.DateTimeField(allow_null=True)

    def get_tiers(self, row: Any) -> list[str]:
        return str(row.tiers).split()

    def get_changes(self, row: Any) -> list[str]:
        return str(row.changes).split()


class GuidelineShape(serializers.Serializer[Any]):
    id = serializers.CharField(source="guideline.slug")
    team = serializers.CharField(source="guideline.team.slug")
    editions = GuidelineEditionShape(many=True)


class SignatureShape(SignedSerializer):
    digest = serializers.CharField(max_length=64, help_text="Of what you read")
    reason = serializers.CharField(max_length=4000)


class EndShape(SignedSerializer):
    reason = serializers.CharField(max_length=4000)


class GuidelineAnswersShape(serializers.ModelSerializer[GuidelineAnswers]):
    edition = serializers.IntegerField(source="edition.number")
    answers = serializers.DictField()
    drafted_by = serializers.CharField(source="drafted_by.name")
    signed_by = serializers.CharField(source="printed_name")
    state = serializers.ChoiceField(choices=["draft", "signed", "superseded"])

    class Meta:
        model = GuidelineAnswers
        fields = ["number", "edition", "state", "answers", "digest", "drafted_by", "drafted_at"]
        fields += ["signed_by", "role", "meaning", "reason", "signed_digest", "method"]
        fields += ["signed_at"]


class AskedShape(serializers.Serializer[Any]):
    guideline = serializers.CharField(source="slug")
    title = serializers.CharField()
    edition = serializers.IntegerField(source="edition.number")
    questions = GuidelineQuestionShape(many=True, source="edition.questions")
    state = serializers.ChoiceField(choices=list(STATES))
    signed = GuidelineAnswersShape(allow_null=True)
    draft = GuidelineAnswersShape(allow_null=True)


class AnswersPageShape(serializers.Serializer[Any]):
    guideline = AskedShape(source="asked")
    candidates = serializers.DictField(
        child=serializers.CharField(), help_text="Alternatives that can be named, with their label"
    )
    history = GuidelineAnswersShape(many=True)


class NewAnswersShape(serializers.Serializer[Any]):
    answers = serializers.DictField(
        help_text=(
            "By question: {text}; {choice, reason}; {yes, reason}; "
            "{rejected: [{candidate, reason}], reason}"
        )
    )


class PurposePartsShape(serializers.Serializer[Any]):
    purpose = serializers.CharField()
    kpis = serializers.ListField(child=serializers.CharField())
    requirements = serializers.ListField(child=serializers.CharField())


class PurposeChangeShape(serializers.ModelSerializer[PurposeChange]):
    before = PurposePartsShape()
    after = PurposePartsShape()
    name = serializers.CharField(source="printed_name")

    class Meta:
        model = PurposeChange
        fields = ["number", "before", "after", "digest_before", "digest_after", "reason"]
        fields += ["name", "at"]


class RevalidationShape(serializers.ModelSerializer[Revalidation]):
    model = serializers.CharField(source="model.slug")
    version = serializers.IntegerField(source="version.number")
    settled_by = serializers.IntegerField(
        source="settled_by_id", allow_null=True, help_text="The change request"
    )

    class Meta:
        model = Revalidation
        fields = ["id", "model", "version", "environment", "cause", "tier", "due_on", "opened_at"]
        fields += ["overdue_at", "settled_at", "settled_by", "outcome"]


class PurposeShape(PurposePartsShape):
    model = serializers.CharField()
    digest = serializers.CharField()
    changes = PurposeChangeShape(many=True, help_text="Newest first")
    waiting = RevalidationShape(many=True, help_text="Approvals to be given anew")


class NewPurposeShape(serializers.Serializer[Any]):
    purpose = serializers.CharField(max_length=5000, required=False)
    kpis = serializers.ListField(
        child=serializers.CharField(max_length=200), max_length=20, required=False
    )
    requirements = serializers.ListField(
        child=serializers.CharField(max_length=400), max_length=20, required=False
    )
    reason = serializers.CharField(max_length=4000)
