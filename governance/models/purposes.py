"""Changes of what a model is for, and approvals that have to be given anew."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from governance.models.requests import ChangeRequest
from governance.querysets import RevalidationQuerySet
from registry.models import Model, RiskTier, Version

PERSON = settings.AUTH_USER_MODEL


class PurposeChange(models.Model):
    """Purpose, KPIs or business requirements were changed, with the reason; only ever added."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="purpose_changes")
    number = models.PositiveIntegerField()
    before = models.JSONField()
    after = models.JSONField()
    digest_before = models.CharField(max_length=64)
    digest_after = models.CharField(max_length=64)
    reason = models.TextField()
    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    printed_name = models.CharField(max_length=120)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.UniqueConstraint(fields=["model", "number"], name="purpose_change_once")
        ]

    def __str__(self) -> str:
        return f"purpose of {self.model}, change {self.number}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class RevalidationCause(models.TextChoices):
    PURPOSE = "purpose", "purpose changed"
    CADENCE = "cadence", "falls due by tier"


class Revalidation(models.Model):
    """A version that serves needs its approval anew, by a day; settled by a signed request."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="revalidations")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="revalidations")
    environment = models.SlugField(max_length=40)
    cause = models.CharField(max_length=8, choices=RevalidationCause.choices)
    change = models.ForeignKey(
        PurposeChange, on_delete=models.PROTECT, null=True, related_name="revalidations"
    )
    tier = models.CharField(max_length=10, choices=RiskTier)
    due_on = models.DateField()
    opened_at = models.DateTimeField(db_default=Now())
    overdue_at = models.DateTimeField(null=True, help_text="When it was found overdue")
    suspended = models.ForeignKey(
        "governance.Clearance",
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="The suspension that followed",
    )
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(
        ChangeRequest, on_delete=models.PROTECT, null=True, related_name="+"
    )
    outcome = models.CharField(max_length=200, blank=True)

    objects = RevalidationQuerySet.as_manager()

    class Meta:
        ordering = ["due_on", "pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "environment", "cause"],
                condition=Q(settled_at__isnull=True),
                name="revalidation_one_open",
            ),
            models.CheckConstraint(
                condition=Q(settled_at__isnull=True, outcome="", settled_by__isnull=True)
                | (Q(settled_at__isnull=False) & ~Q(outcome="")),
                name="revalidation_settled_whole",
            ),
            models.CheckConstraint(
                condition=Q(cause__in=RevalidationCause.values), name="revalidation_cause_known"
            ),
        ]

    def __str__(self) -> str:
        return f"re-approval of {self.version} in {self.environment}, due {self.due_on}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id

    @property
    def sentence(self) -> str:
        """What clearance says while it is open."""
        day = f"{self.due_on.day} {self.due_on:%b %Y}"
        if self.suspended_id is not None:
            return f"Its approval lapsed: it was not given anew by {day}."
        late = "was due on" if self.overdue_at else "is due by"
        if self.cause == RevalidationCause.PURPOSE:
            return f"It was approved for an earlier purpose: a re-approval {late} {day}."
        return f"Its re-validation {late} {day}."
