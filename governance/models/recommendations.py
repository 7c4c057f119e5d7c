"""Recommendations for versions that serve, and the signed table of rules they follow from."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from governance.models.proposals import Proposal, ProposalSignature, ProposalState
from governance.querysets import RecommendationQuerySet
from governance.recommendation_rules import Recommended
from registry.models import Version

PERSON = settings.AUTH_USER_MODEL
ANSWERS = [(one.value, one.value.replace("_", " ")) for one in Recommended]


class RuleTable(models.Model):
    """The ordered rules that recommendations follow from; a newer number replaces one."""

    number = models.PositiveIntegerField(unique=True)
    rules = models.JSONField(help_text="list of {id, recommend, when, sentence, why}")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the rules")
    current = models.BooleanField(default=True)
    valid_from = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(
                fields=["current"], condition=Q(current=True), name="rule_table_one_current"
            )
        ]

    def __str__(self) -> str:
        return f"table of recommendations {self.number}"

    @property
    def audit_team_id(self) -> None:
        return None


class RuleTableChange(Proposal):
    """A proposed table of rules, in force once others have signed it; never edited."""

    CODE = "RT"

    base = models.ForeignKey(RuleTable, on_delete=models.PROTECT, related_name="proposed_changes")
    rules = models.JSONField()
    loosens = models.BooleanField(help_text="May recommend a smaller step than the one in force")
    table = models.OneToOneField(
        RuleTable, on_delete=models.PROTECT, null=True, related_name="change"
    )

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="open"), name="rule_table_change_one_open"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ProposalState.values), name="rule_table_change_state"
            ),
            models.CheckConstraint(
                condition=Q(state="in_force", table__isnull=False)
                | (~Q(state="in_force") & Q(table__isnull=True)),
                name="rule_table_change_in_force",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} table of recommendations"


class RuleTableSignature(ProposalSignature):
    """For or against a proposed table."""

    change = models.ForeignKey(RuleTableChange, on_delete=models.PROTECT, related_name="signatures")

    class Meta(ProposalSignature.Meta):
        constraints = [
            models.UniqueConstraint(fields=["change", "person"], name="rule_table_signature_once")
        ]


class RuleTableTrial(models.Model):
    """What a proposed table would have recommended on the stored past; append-only."""

    change = models.OneToOneField(RuleTableChange, on_delete=models.PROTECT, related_name="trial")
    result = models.JSONField()
    inputs_digest = models.CharField(max_length=64)
    made_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"trial of {self.change}"


class Recommendation(models.Model):
    """What is recommended for a version that serves, from a moment on; append-only.

    A row is added when the answer, its rule, the table or the verdicts behind it changed.
    `opens` says whether the answer or its rule is another than before: those are held against
    what people did.
    """

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="recommendations")
    environment = models.SlugField(max_length=40)
    recommend = models.CharField(max_length=20, choices=ANSWERS)
    rule = models.CharField(max_length=40)
    table = models.ForeignKey(RuleTable, on_delete=models.PROTECT, related_name="recommendations")
    sentence = models.CharField(max_length=300)
    enough = models.BooleanField(help_text="No rule was passed over for want of data")
    grounds = models.JSONField(help_text="list of {fact, said, links}: by which the rule is met")
    answer = models.JSONField(help_text="The whole answer: every rule that was looked at")
    facts = models.JSONField(help_text="Every fact as it was")
    facts_digest = models.CharField(max_length=64)
    opens = models.BooleanField()
    at = models.DateTimeField(db_default=Now())

    objects = RecommendationQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(recommend__in=[one.value for one in Recommended]),
                name="recommendation_known",
            )
        ]
        indexes = [
            models.Index(fields=["version", "environment", "-at"], name="recommendation_latest")
        ]

    def __str__(self) -> str:
        return f"{self.get_recommend_display()} {self.version} in {self.environment}"

    @property
    def audit_team_id(self) -> int:
        return self.version.model.team_id


class RecommendationLook(models.Model):
    """When a version in an environment was looked at last, and that it still serves; derived."""

    version = models.ForeignKey(Version, on_delete=models.CASCADE, related_name="+")
    environment = models.SlugField(max_length=40)
    latest = models.ForeignKey(Recommendation, on_delete=models.PROTECT, related_name="+")
    said_digest = models.CharField(max_length=64, help_text="Of the answer and the verdicts")
    looked_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["version", "environment"], name="recommendation_look_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.version} in {self.environment}"


class NotFollowed(models.Model):
    """A person's reason for not following a recommendation; append-only."""

    recommendation = models.ForeignKey(
        Recommendation, on_delete=models.PROTECT, related_name="not_followed"
    )
    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    printed_name = models.CharField(max_length=120)
    reason = models.TextField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.printed_name}: {self.reason[:60]}"

    @property
    def audit_team_id(self) -> int:
        return self.recommendation.version.model.team_id
