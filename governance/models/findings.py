"""Findings that people or checks made, and the dated permissions to live with them."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from governance.querysets import FindingQuerySet, WaiverQuerySet
from governance.states import UNCLOSED, FindingState, WaiverState
from registry.models import Model, Version

PERSON = settings.AUTH_USER_MODEL


class FindingKind(models.TextChoices):
    VALIDATION = "validation", "validation issue"
    EXCEPTION = "exception", "policy exception"
    LIMITATION = "limitation", "limitation"
    SHADOW = "shadow", "shadow promotion"
    DRILL = "drill", "drill failure"
    CLAIM = "claim", "contradicted claim"
    AUDIT = "audit", "audit exception"


class FindingSeverity(models.TextChoices):
    LOW = "low", "low"
    MEDIUM = "medium", "medium"
    HIGH = "high", "high"
    CRITICAL = "critical", "critical"


class Finding(models.Model):
    """A defect found by a person or a check, owned until somebody else closed it."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="findings")
    version = models.ForeignKey(
        Version, on_delete=models.PROTECT, null=True, related_name="findings"
    )
    kind = models.CharField(max_length=12, choices=FindingKind)
    severity = models.CharField(max_length=10, choices=FindingSeverity)
    title = models.CharField(max_length=200)
    text = models.TextField()
    state = models.CharField(
        max_length=12,
        choices=[(s, s.replace("_", " ")) for s in FindingState],
        default=FindingState.OPEN,
    )
    key = models.CharField(
        max_length=120, blank=True, help_text="What a check found; it is found once while open"
    )
    raised_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, null=True, related_name="+")
    owner = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="findings")
    due_on = models.DateField()
    opened_at = models.DateTimeField(db_default=Now())
    proposed_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, null=True, related_name="+")
    closed_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, null=True, related_name="+")
    closed_at = models.DateTimeField(null=True)
    resolution = models.TextField(blank=True)

    objects = FindingQuerySet.as_manager()

    class Meta:
        ordering = ["-opened_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in FindingState]), name="finding_state_known"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=FindingKind.values), name="finding_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(severity__in=FindingSeverity.values), name="finding_severity_known"
            ),
            models.CheckConstraint(
                condition=(~Q(state="closed") & Q(closed_at__isnull=True, closed_by__isnull=True))
                | (
                    Q(state="closed", closed_at__isnull=False, closed_by__isnull=False)
                    & ~Q(closed_by=F("owner"))
                    & ~Q(closed_by=F("proposed_by"))
                    & ~Q(resolution="")
                ),
                name="finding_closed_by_another",
            ),
            models.CheckConstraint(
                condition=~Q(state="proposed") | Q(proposed_by__isnull=False),
                name="finding_proposed_by_somebody",
            ),
            models.UniqueConstraint(
                fields=["model", "key"],
                condition=~Q(key="") & Q(state__in=sorted(s.value for s in UNCLOSED)),
                name="finding_open_once",
            ),
        ]
        indexes = [models.Index(fields=["state", "due_on"], name="finding_due")]

    def __str__(self) -> str:
        return f"F-{self.pk} {self.title}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class FindingEntry(models.Model):
    """One line of a finding's timeline: a step, a note, or evidence linked to it."""

    finding = models.ForeignKey(Finding, on_delete=models.CASCADE, related_name="entries")
    at = models.DateTimeField(db_default=Now())
    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, null=True, related_name="+")
    verb = models.CharField(max_length=12, help_text="raise, note, link, assign, or a step")
    text = models.TextField(blank=True)
    link_kind = models.CharField(max_length=16, blank=True)
    link_id = models.BigIntegerField(null=True)
    link_label = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["at", "pk"]

    def __str__(self) -> str:
        return f"{self.finding}: {self.verb}"


class Waiver(models.Model):
    """A dated permission to live with a finding or an unmet control of one model."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="waivers")
    finding = models.ForeignKey(
        Finding, on_delete=models.PROTECT, null=True, related_name="waivers"
    )
    framework = models.ForeignKey(
        "governance.Framework", on_delete=models.PROTECT, null=True, related_name="+"
    )
    identifier = models.CharField(max_length=40, blank=True)
    state = models.CharField(
        max_length=10, choices=[(s, s) for s in WaiverState], default=WaiverState.ASKED
    )
    reason = models.TextField()
    conditions = models.TextField(blank=True, help_text="What is done meanwhile")
    expires_on = models.DateField()
    asked_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(db_default=Now())
    decided_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    printed_name = models.CharField(max_length=120, blank=True)
    decision_reason = models.TextField(blank=True)
    method = models.CharField(max_length=20, blank=True, help_text="How the approver proved it")
    signed_digest = models.CharField(max_length=64, blank=True)
    ended_at = models.DateTimeField(null=True)

    objects = WaiverQuerySet.as_manager()

    class Meta:
        ordering = ["-asked_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in WaiverState]), name="waiver_state_known"
            ),
            models.CheckConstraint(
                condition=Q(finding__isnull=False, framework__isnull=True, identifier="")
                | (Q(finding__isnull=True, framework__isnull=False) & ~Q(identifier="")),
                name="waiver_of_one_thing",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["granted", "refused", "lapsed"])
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("asked_by"))),
                name="waiver_decided_by_another",
            ),
            models.UniqueConstraint(
                fields=["finding"],
                condition=Q(finding__isnull=False, state__in=["asked", "granted"]),
                name="waiver_one_per_finding",
            ),
            models.UniqueConstraint(
                fields=["model", "framework", "identifier"],
                condition=Q(framework__isnull=False, state__in=["asked", "granted"]),
                name="waiver_one_per_control",
            ),
        ]

    def __str__(self) -> str:
        about = self.finding or f"{self.framework} {self.identifier} of {self.model}"
        return f"waiver of {about}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id
