"""Frameworks and their controls, where models are used, evidence and assessments."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Team
from governance.control_rules import RESULTS
from governance.querysets import (
    AssessmentQuerySet,
    AttachedEvidenceQuerySet,
    ControlStatusQuerySet,
    FrameworkQuerySet,
)
from registry.models import Model

PERSON = settings.AUTH_USER_MODEL


class Framework(models.Model):
    """A set of controls: shipped for everyone, or a team's own."""

    slug = models.SlugField(max_length=60, unique=True)
    team = models.ForeignKey(
        Team, on_delete=models.PROTECT, null=True, related_name="+", help_text="Empty: shipped"
    )
    created_at = models.DateTimeField(db_default=Now())

    objects = FrameworkQuerySet.as_manager()

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug

    @property
    def audit_team_id(self) -> int | None:
        return self.team_id


class Edition(models.Model):
    """One state of a framework's file, whole; a changed file is a new edition."""

    framework = models.ForeignKey(Framework, on_delete=models.PROTECT, related_name="editions")
    number = models.PositiveIntegerField()
    current = models.BooleanField(default=True)
    title = models.CharField(max_length=200)
    publisher = models.CharField(max_length=200)
    source = models.CharField(max_length=300)
    note = models.CharField(max_length=1000, blank=True)
    read_on = models.DateField(help_text="When the source was read")
    valid_from = models.DateField(null=True)
    valid_to = models.DateField(null=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of everything the file says")
    loaded_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, null=True, related_name="+")
    loaded_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["framework", "-number"]
        constraints = [
            models.UniqueConstraint(fields=["framework", "number"], name="edition_once"),
            models.UniqueConstraint(
                fields=["framework"], condition=Q(current=True), name="edition_one_current"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title}, edition {self.number}"

    @property
    def audit_team_id(self) -> int | None:
        return self.framework.team_id


class Control(models.Model):
    """One requirement as an edition of its framework words it."""

    edition = models.ForeignKey(Edition, on_delete=models.PROTECT, related_name="controls")
    identifier = models.CharField(max_length=40)
    position = models.PositiveIntegerField()
    group = models.CharField(max_length=120, blank=True)
    line = models.CharField(max_length=400)
    applies = models.JSONField(help_text="tiers, jurisdictions, purposes; empty: every one")
    rules = models.JSONField(help_text="Evidence rules")
    crosswalk = models.JSONField(default=list, help_text="framework:control")
    valid_from = models.DateField(null=True)
    valid_to = models.DateField(null=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of the line and its rules")

    class Meta:
        ordering = ["edition", "position"]
        constraints = [
            models.UniqueConstraint(fields=["edition", "identifier"], name="control_once")
        ]

    def __str__(self) -> str:
        return f"{self.edition.framework.slug} {self.identifier}"


class RuleChange(models.Model):
    """A rule changed: a new edition, or a day on which one became or ceased to be valid."""

    class Kind(models.TextChoices):
        EDITION = "edition", "new edition"
        BEGINS = "begins", "became valid"
        ENDS = "ends", "ceased to be valid"

    edition = models.ForeignKey(Edition, on_delete=models.PROTECT, related_name="changes")
    kind = models.CharField(max_length=8, choices=Kind)
    day = models.DateField()
    controls = models.JSONField(help_text="identifiers: added, changed, removed, or concerned")
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-day", "-pk"]
        constraints = [
            models.UniqueConstraint(fields=["edition", "kind", "day"], name="rule_change_once"),
            models.CheckConstraint(
                condition=Q(kind__in=["edition", "begins", "ends"]), name="rule_change_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.edition}: {self.kind} {self.day}"

    @property
    def audit_team_id(self) -> int | None:
        return self.edition.framework.team_id


class ModelScope(models.Model):
    """Where a model is used and for what: decides which controls concern it."""

    model = models.OneToOneField(Model, on_delete=models.CASCADE, related_name="scope")
    jurisdictions = models.JSONField(default=list)
    purposes = models.JSONField(default=list)
    set_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, null=True, related_name="+")
    set_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"scope of {self.model}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class ControlStatus(models.Model):
    """What the rules find for one model and control: prepared by a job, read by pages."""

    model = models.ForeignKey(Model, on_delete=models.CASCADE, related_name="control_statuses")
    control = models.ForeignKey(Control, on_delete=models.CASCADE, related_name="statuses")
    results = models.JSONField(default=list)
    proposal = models.CharField(max_length=15, blank=True)
    evaluated_at = models.DateTimeField(db_default=Now())

    objects = ControlStatusQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["model", "control"], name="control_status_once")
        ]

    def __str__(self) -> str:
        return f"{self.control} of {self.model}"


class AttachedEvidence(models.Model):
    """A document, or a note, that a person attached to one control of a model."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="attached_evidence")
    framework = models.ForeignKey(Framework, on_delete=models.PROTECT, related_name="+")
    identifier = models.CharField(max_length=40)
    title = models.CharField(max_length=200)
    text = models.TextField(blank=True)
    path = models.CharField(max_length=300, blank=True, help_text="File in the object store")
    media_type = models.CharField(max_length=100, blank=True)
    size = models.BigIntegerField(default=0)
    sha256 = models.CharField(max_length=64, blank=True)
    added_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    added_at = models.DateTimeField(db_default=Now())

    objects = AttachedEvidenceQuerySet.as_manager()

    class Meta:
        ordering = ["-added_at", "-pk"]
        indexes = [
            models.Index(fields=["model", "framework", "identifier"], name="evidence_of_control")
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(path="", sha256="") | (~Q(path="") & ~Q(sha256="") & Q(size__gt=0)),
                name="evidence_file_whole",
            ),
            models.UniqueConstraint(
                fields=["model", "framework", "identifier", "sha256"],
                condition=~Q(sha256=""),
                name="evidence_file_once",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class Assessment(models.Model):
    """A person's judgement of one control for one model; only added, the newest is current."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="assessments")
    framework = models.ForeignKey(Framework, on_delete=models.PROTECT, related_name="+")
    identifier = models.CharField(max_length=40)
    control = models.ForeignKey(
        Control, on_delete=models.PROTECT, related_name="+", help_text="The rule as it was met"
    )
    control_digest = models.CharField(max_length=64)
    result = models.CharField(max_length=15, choices=[(r, r.replace("_", " ")) for r in RESULTS])
    proposed = models.CharField(max_length=15, blank=True, help_text="What the rules proposed")
    reason = models.TextField()
    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    printed_name = models.CharField(max_length=120)
    at = models.DateTimeField(db_default=Now())
    expires_on = models.DateField(null=True)
    evidence = models.JSONField(help_text="What was there: results of rules, attached files")
    current = models.BooleanField(default=True)
    lapsed_at = models.DateTimeField(null=True)
    lapse_reason = models.CharField(max_length=400, blank=True)

    objects = AssessmentQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "framework", "identifier"],
                condition=Q(current=True),
                name="assessment_one_current",
            ),
            models.CheckConstraint(condition=Q(result__in=RESULTS), name="assessment_result_known"),
            models.CheckConstraint(
                condition=Q(lapsed_at__isnull=True) | ~Q(lapse_reason=""),
                name="assessment_lapses_with_a_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.framework.slug} {self.identifier} of {self.model}: {self.result}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id
