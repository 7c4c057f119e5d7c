"""Back-tests: a proposed policy or threshold run over the stored past, kept as it came out."""

from datetime import date, timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Team
from governance.back_test_querysets import BackTestQuerySet
from governance.states import RequestKind
from monitoring.models import Monitor
from registry.models import RiskTier


class BackTestSubject(models.TextChoices):
    """What is proposed."""

    POLICY = "policy", "approval policy"
    MONITOR = "monitor", "monitor"


class BackTestState(models.TextChoices):
    REQUESTED = "requested", "being computed"
    DONE = "done", "done"
    FAILED = "failed", "failed"


class BackTest(models.Model):
    """What was proposed, over which past, and what it would have done; written once (a trigger)."""

    subject = models.CharField(max_length=8, choices=BackTestSubject)
    team = models.ForeignKey(
        Team,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        help_text="Whose past; empty: everybody's",
    )
    kind = models.CharField(
        max_length=12, choices=[(k, k.replace("_", " ")) for k in RequestKind], blank=True
    )
    risk_tier = models.CharField(max_length=10, choices=RiskTier, blank=True)
    monitor = models.ForeignKey(Monitor, on_delete=models.PROTECT, null=True, related_name="+")
    proposal = models.JSONField(help_text="What is tried, whole")
    present = models.JSONField(help_text="What was in force when it was asked for")
    since = models.DateTimeField()
    until = models.DateTimeField(help_text="Not included")
    within_days = models.PositiveIntegerField(
        default=30, help_text="How long after a change is looked at what became of it"
    )
    reason = models.CharField(max_length=400, blank=True)
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    printed_name = models.CharField(max_length=120)
    asked_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=10, choices=BackTestState, default=BackTestState.REQUESTED)
    finished_at = models.DateTimeField(null=True)
    input_digest = models.CharField(max_length=64, blank=True)
    result = models.JSONField(null=True)
    result_digest = models.CharField(max_length=64, blank=True)
    error = models.CharField(max_length=500, blank=True)

    objects = BackTestQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=BackTestState.values), name="back_test_state_known"
            ),
            models.CheckConstraint(
                condition=Q(subject="policy", monitor__isnull=True) & ~Q(kind="") & ~Q(risk_tier="")
                | Q(subject="monitor", monitor__isnull=False, team__isnull=False),
                name="back_test_of_one_thing",
            ),
            models.CheckConstraint(
                condition=Q(since__lt=F("until")), name="back_test_period_has_length"
            ),
            models.CheckConstraint(
                condition=~Q(state="done")
                | (Q(result__isnull=False, finished_at__isnull=False) & ~Q(result_digest="")),
                name="back_test_done_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"back-test {self.pk} of {self.about}"

    @property
    def about(self) -> str:
        if self.monitor is not None:
            return f"the monitor {self.monitor}"
        tier = self.get_risk_tier_display().lower()
        return f"the policy to {self.kind.replace('_', ' ')} a {tier}-risk model"

    @property
    def last_day(self) -> date:
        return (self.until - timedelta(days=1)).date()

    @property
    def audit_team_id(self) -> int | None:
        return self.team_id
