"""A team's ethical guidelines, their editions, and what was answered for a version."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Team
from governance.querysets import (
    GuidelineAnswersQuerySet,
    GuidelineEditionQuerySet,
    GuidelineQuerySet,
)
from registry.models import Version

PERSON = settings.AUTH_USER_MODEL


class EditionState(models.TextChoices):
    DRAFT = "draft", "draft"
    IN_FORCE = "in_force", "in force"
    SUPERSEDED = "superseded", "superseded"
    ENDED = "ended", "ended"


class AnswersState(models.TextChoices):
    DRAFT = "draft", "draft"
    SIGNED = "signed", "signed"
    SUPERSEDED = "superseded", "superseded"


class Signed(models.Model):
    """The parts of a signature: all of them, or none."""

    signed_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, null=True, related_name="+")
    printed_name = models.CharField(max_length=120, blank=True)
    role = models.CharField(max_length=20, blank=True)
    meaning = models.CharField(max_length=200, blank=True)
    reason = models.TextField(blank=True)
    signed_digest = models.CharField(max_length=64, blank=True)
    method = models.CharField(max_length=20, blank=True)
    signed_at = models.DateTimeField(null=True)

    class Meta:
        abstract = True


UNSIGNED = Q(signed_by__isnull=True, signed_at__isnull=True, signed_digest="")
WHOLLY_SIGNED = Q(signed_by__isnull=False, signed_at__isnull=False) & ~Q(signed_digest="")


class Guideline(models.Model):
    """Questions that a team asks itself before it judges or chooses a version."""

    slug = models.SlugField(max_length=60, unique=True)
    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="guidelines")
    created_at = models.DateTimeField(db_default=Now())

    objects = GuidelineQuerySet.as_manager()

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug

    @property
    def audit_team_id(self) -> int:
        return self.team_id


class GuidelineEdition(Signed):
    """One wording of a guideline; never edited, signed in by somebody who did not write it."""

    guideline = models.ForeignKey(Guideline, on_delete=models.PROTECT, related_name="editions")
    number = models.PositiveIntegerField()
    state = models.CharField(
        max_length=10, choices=EditionState.choices, default=EditionState.DRAFT
    )
    title = models.CharField(max_length=200)
    note = models.CharField(max_length=1000, blank=True)
    scopes = models.JSONField(help_text="evaluation, selection")
    tiers = models.CharField(max_length=40, help_text="Risk tiers with blanks between")
    changes = models.CharField(max_length=100, help_text="Kinds of change with blanks between")
    questions = models.JSONField()
    text = models.TextField(help_text="The file as it was written")
    digest = models.CharField(max_length=64, help_text="SHA-256 of everything the file says")
    drafted_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    drafted_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)

    objects = GuidelineEditionQuerySet.as_manager()

    class Meta:
        ordering = ["guideline", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["guideline", "number"], name="guideline_edition_once"),
            models.UniqueConstraint(
                fields=["guideline"],
                condition=Q(state="in_force"),
                name="guideline_one_in_force",
            ),
            models.UniqueConstraint(
                fields=["guideline"], condition=Q(state="draft"), name="guideline_one_draft"
            ),
            models.CheckConstraint(
                condition=Q(state__in=EditionState.values), name="guideline_state_known"
            ),
            models.CheckConstraint(
                condition=UNSIGNED | WHOLLY_SIGNED, name="guideline_signed_whole"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["in_force", "ended"]) | WHOLLY_SIGNED,
                name="guideline_in_force_is_signed",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title}, edition {self.number}"

    @property
    def tier_words(self) -> str:
        return ", ".join(self.tiers.split())

    @property
    def change_words(self) -> str:
        return ", ".join(self.changes.split()).replace("_", " ")

    @property
    def audit_team_id(self) -> int:
        return self.guideline.team_id


class GuidelineAnswers(Signed):
    """What was answered for one version; only added, the newest signed one counts."""

    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="guideline_answers")
    guideline = models.ForeignKey(Guideline, on_delete=models.PROTECT, related_name="+")
    edition = models.ForeignKey(GuidelineEdition, on_delete=models.PROTECT, related_name="answers")
    number = models.PositiveIntegerField()
    state = models.CharField(
        max_length=10, choices=AnswersState.choices, default=AnswersState.DRAFT
    )
    answers = models.JSONField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of what is signed")
    purpose_digest = models.CharField(max_length=64, help_text="Purpose it was answered under")
    drafted_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    drafted_at = models.DateTimeField(db_default=Now())

    objects = GuidelineAnswersQuerySet.as_manager()

    class Meta:
        ordering = ["-drafted_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "guideline", "number"], name="guideline_answers_once"
            ),
            models.UniqueConstraint(
                fields=["version", "guideline"],
                condition=Q(state="draft"),
                name="guideline_answers_one_draft",
            ),
            models.UniqueConstraint(
                fields=["version", "guideline"],
                condition=Q(state="signed"),
                name="guideline_answers_one_signed",
            ),
            models.CheckConstraint(
                condition=Q(state__in=AnswersState.values), name="guideline_answers_state_known"
            ),
            models.CheckConstraint(
                condition=UNSIGNED | WHOLLY_SIGNED, name="guideline_answers_signed_whole"
            ),
            models.CheckConstraint(
                condition=~Q(state="signed") | WHOLLY_SIGNED,
                name="guideline_answers_count_signed",
            ),
        ]

    def __str__(self) -> str:
        return f"answers {self.number} to {self.guideline.slug} for {self.version}"

    @property
    def audit_team_id(self) -> int:
        return self.version.model.team_id
