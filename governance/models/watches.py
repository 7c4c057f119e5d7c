"""The watch after each deployment, and the report of every roll-back."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from governance.models.policies import ApprovalPolicy
from governance.models.requests import ChangeRequest
from governance.watch_querysets import RollBackQuerySet, WatchQuerySet
from governance.watch_rules import WatchOutcome, WatchState, WatchTerms
from monitoring.models import Incident
from registry.models import Deployment, Model, Version

PERSON = settings.AUTH_USER_MODEL


class Watch(models.Model):
    """For some time after a version became champion, guard-rails are held against the former."""

    deployment = models.OneToOneField(Deployment, on_delete=models.PROTECT, related_name="watch")
    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="watches")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="watches")
    former = models.ForeignKey(
        Version, on_delete=models.PROTECT, null=True, related_name="+", help_text="Champion before"
    )
    environment = models.SlugField(max_length=40)
    policy = models.ForeignKey(ApprovalPolicy, on_delete=models.PROTECT, related_name="+")
    hours = models.PositiveIntegerField()
    rows = models.PositiveIntegerField(default=0)
    kinds = models.JSONField(help_text="Kinds of monitors that are guard-rails")
    margin = models.FloatField(help_text="Worse than the former champion by at most")
    automatic = models.BooleanField(help_text="The policy lets it be rolled back by itself")
    suspends = models.BooleanField(help_text="Clearance is suspended where that is not possible")
    started_at = models.DateTimeField()
    until = models.DateTimeField()
    state = models.CharField(
        max_length=10, choices=[(s, s) for s in WatchState], default=WatchState.WATCHING
    )
    ended_at = models.DateTimeField(null=True)
    looked = models.JSONField(default=dict, help_text="What was looked at until it ended")
    breach = models.JSONField(null=True, help_text="The guard-rail that broke, with its number")
    broke_at = models.DateTimeField(null=True)
    outcome = models.CharField(
        max_length=12, blank=True, choices=[(o, o.replace("_", " ")) for o in WatchOutcome]
    )
    said = models.TextField(blank=True, help_text="What followed, in words")
    request = models.ForeignKey(
        ChangeRequest, on_delete=models.PROTECT, null=True, related_name="+"
    )

    objects = WatchQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in WatchState]), name="watch_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="broken") | Q(broke_at__isnull=False, breach__isnull=False),
                name="watch_broken_says_by_what",
            ),
        ]

    def __str__(self) -> str:
        return f"watch of {self.version} in {self.environment}"

    @property
    def terms(self) -> WatchTerms:
        return WatchTerms(
            self.hours, self.rows, tuple(self.kinds), self.margin, self.automatic, self.suspends
        )

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class RollBack(models.Model):
    """One roll-back that was carried out: what, why, by whom or which policy, how long it took."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="roll_backs")
    environment = models.SlugField(max_length=40)
    left = models.ForeignKey(Version, on_delete=models.PROTECT, null=True, related_name="+")
    to = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="+")
    deployment = models.OneToOneField(Deployment, on_delete=models.PROTECT, related_name="+")
    watch = models.OneToOneField(
        Watch, on_delete=models.PROTECT, null=True, related_name="roll_back"
    )
    request = models.OneToOneField(
        ChangeRequest, on_delete=models.PROTECT, null=True, related_name="roll_back"
    )
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, null=True, related_name="+")
    policy = models.ForeignKey(ApprovalPolicy, on_delete=models.PROTECT, related_name="+")
    why = models.TextField()
    breached_at = models.DateTimeField(null=True, help_text="When what led to it was noticed")
    asked_at = models.DateTimeField(null=True)
    approved_at = models.DateTimeField(null=True)
    executed_at = models.DateTimeField()
    alias_moved_at = models.DateTimeField(null=True, help_text="Confirmed by MLflow")
    bytes_state = models.CharField(max_length=8, help_text="same, unread or none")
    bytes_said = models.CharField(max_length=300)

    objects = RollBackQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(watch__isnull=False) | Q(request__isnull=False),
                name="roll_back_has_a_cause",
            )
        ]

    def __str__(self) -> str:
        return f"roll-back of {self.model} to version {self.to.number} in {self.environment}"

    @property
    def automatic(self) -> bool:
        return self.request_id is None

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class WatchNotice(models.Model):
    """One person is told once of what followed a broken guard-rail or of a roll-back."""

    watch = models.ForeignKey(Watch, on_delete=models.CASCADE, null=True, related_name="notices")
    roll_back = models.ForeignKey(
        RollBack, on_delete=models.CASCADE, null=True, related_name="notices"
    )
    person = models.ForeignKey(PERSON, on_delete=models.CASCADE, related_name="+")
    text = models.CharField(max_length=400)
    at = models.DateTimeField(db_default=Now())
    mailed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["watch", "roll_back", "person"],
                nulls_distinct=False,
                name="watch_notice_once",
            )
        ]

    def __str__(self) -> str:
        return self.text
