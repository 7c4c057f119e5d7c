"""Retirements: policies, the notice that a version gets, objections, and the clean-up's steps."""

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Team
from governance.models.requests import ChangeRequest
from governance.retirement_querysets import RetirementQuerySet
from governance.retirement_states import (
    RUNNING,
    ObjectionAnswer,
    RetirementState,
    StepState,
)
from registry.models import Model, RiskTier, Version

PERSON = settings.AUTH_USER_MODEL
ONE_SCOPE = (
    Q(model__isnull=False, team__isnull=True, risk_tier="")
    | Q(model__isnull=True, team__isnull=False, risk_tier="")
    | Q(model__isnull=True, team__isnull=True) & ~Q(risk_tier="")
)


def choices_of(states: Any) -> list[tuple[str, str]]:
    return [(one.value, one.value.replace("_", " ")) for one in states]


class RetirementPolicy(models.Model):
    """When versions of a model, a team or a risk tier are retired; versioned, never edited."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, null=True, related_name="+")
    team = models.ForeignKey(Team, on_delete=models.PROTECT, null=True, related_name="+")
    risk_tier = models.CharField(max_length=10, choices=RiskTier, blank=True)
    number = models.PositiveIntegerField(default=1)
    terms = models.JSONField(help_text="match, rules with parameters, notice_days and others")
    current = models.BooleanField(default=True)
    valid_from = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-number"]
        constraints = [
            models.CheckConstraint(condition=ONE_SCOPE, name="retirement_policy_one_scope"),
            models.UniqueConstraint(
                fields=["model", "team", "risk_tier", "number"],
                name="retirement_policy_once",
                nulls_distinct=False,
            ),
            models.UniqueConstraint(
                fields=["model", "team", "risk_tier"],
                condition=Q(current=True),
                name="retirement_policy_one_current",
                nulls_distinct=False,
            ),
        ]

    def __str__(self) -> str:
        return f"retirement policy {self.number} of {self.whose}"

    @property
    def whose(self) -> str:
        if self.model is not None:
            return str(self.model)
        return f"team {self.team}" if self.team is not None else f"{self.risk_tier}-risk models"

    @property
    def scope(self) -> str:
        if self.model_id:
            return "model"
        return "team" if self.team_id else "tier"

    @property
    def place(self) -> str:
        """The last part of its address."""
        if self.model is not None:
            return self.model.slug
        return self.team.slug if self.team is not None else self.risk_tier

    @property
    def audit_team_id(self) -> int | None:
        return self.model.team_id if self.model is not None else self.team_id


class Retirement(models.Model):
    """One version is on its way out: found by a policy or asked for by hand, with its proof."""

    model = models.ForeignKey(Model, on_delete=models.PROTECT, related_name="retirements")
    version = models.ForeignKey(Version, on_delete=models.PROTECT, related_name="retirements")
    policy = models.ForeignKey(
        RetirementPolicy,
        on_delete=models.PROTECT,
        null=True,
        related_name="found",
        help_text="None: asked for by hand, with a change request and without notice",
    )
    episode = models.PositiveIntegerField(help_text="Which time this policy finds the version")
    log_days = models.PositiveIntegerField(
        null=True, help_text="By hand: days that prediction logs are kept, set when it began"
    )
    state = models.CharField(
        max_length=10, choices=choices_of(RetirementState), default=RetirementState.NOTICE
    )
    rules = models.JSONField(help_text="What the rules found, as of the latest look")
    found_rules = models.JSONField(help_text="What the rules found when notice was given")
    notice_from = models.DateField(null=True)
    notice_until = models.DateField(null=True, help_text="The last day to object; none by hand")
    notice_ended_at = models.DateTimeField(
        null=True, help_text="Ended early: everybody who was told had answered"
    )
    replacement = models.ForeignKey(Version, on_delete=models.PROTECT, null=True, related_name="+")
    no_replacement = models.TextField(blank=True, help_text="Why nothing takes its place")
    replacement_by = models.ForeignKey(
        PERSON, on_delete=models.PROTECT, null=True, related_name="+"
    )
    held_up = models.TextField(blank=True, help_text="Why no change request could be opened yet")
    request = models.OneToOneField(
        ChangeRequest, on_delete=models.PROTECT, null=True, related_name="retirement"
    )
    outcome = models.TextField(blank=True, help_text="How it ended, in a sentence")
    found_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True)
    tombstone = models.JSONField(null=True, help_text="What is kept when nothing else is")
    tombstone_digest = models.CharField(max_length=64, blank=True)
    tombstone_event = models.BigIntegerField(null=True, help_text="Its number on the audit trail")

    objects = RetirementQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "policy", "episode"],
                name="retirement_episode_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=Q(
                    policy__isnull=False,
                    notice_from__isnull=False,
                    notice_until__isnull=False,
                    log_days__isnull=True,
                )
                | Q(policy__isnull=True, request__isnull=False, log_days__isnull=False),
                name="retirement_by_policy_or_by_hand",
            ),
            models.UniqueConstraint(
                fields=["version"],
                condition=Q(state__in=sorted(RUNNING)),
                name="retirement_one_running",
            ),
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in RetirementState]),
                name="retirement_state_known",
            ),
            models.CheckConstraint(
                condition=Q(replacement__isnull=True) | Q(no_replacement=""),
                name="retirement_one_or_none_replaces",
            ),
            models.CheckConstraint(
                condition=~Q(state="closed")
                | Q(tombstone__isnull=False, tombstone_event__isnull=False),
                name="retirement_closed_has_tombstone",
            ),
        ]

    def __str__(self) -> str:
        return f"retirement of {self.version}"

    @property
    def by_hand(self) -> bool:
        """Somebody asked for it: its change request's approval stands for policy and notice."""
        return self.policy is None

    @property
    def because_of(self) -> str:
        """The policy in words, or who asked and by which change request."""
        if self.policy is not None:
            return str(self.policy)
        return f"change request CR-{self.request_id}, by hand"

    @property
    def kept_days(self) -> int:
        """Days that prediction logs are kept."""
        return int(self.policy.terms["log_days"]) if self.policy else int(self.log_days or 0)

    @property
    def replaced(self) -> bool:
        """Somebody said what takes its place, or that nothing does and why."""
        return self.replacement_id is not None or bool(self.no_replacement)

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class RetirementObjection(models.Model):
    """Somebody objects within the notice; somebody else answers."""

    retirement = models.ForeignKey(Retirement, on_delete=models.PROTECT, related_name="objections")
    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    printed_name = models.CharField(max_length=120)
    reason = models.TextField()
    at = models.DateTimeField(db_default=Now())
    answer = models.CharField(max_length=10, choices=choices_of(ObjectionAnswer), blank=True)
    answered_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, null=True, related_name="+")
    answered_name = models.CharField(max_length=120, blank=True)
    answer_reason = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(answered_by__isnull=True) | ~Q(answered_by=models.F("person")),
                name="objection_answered_by_another",
            ),
            models.CheckConstraint(
                condition=Q(answer="", answered_by__isnull=True, answered_at__isnull=True)
                | Q(answer__in=[a.value for a in ObjectionAnswer])
                & Q(answered_by__isnull=False, answered_at__isnull=False)
                & ~Q(answer_reason=""),
                name="objection_answered_whole",
            ),
            models.UniqueConstraint(
                fields=["retirement", "person"],
                condition=Q(answer=""),
                name="objection_one_open_of_a_person",
            ),
        ]

    def __str__(self) -> str:
        return f"objection of {self.printed_name} to the {self.retirement}"

    @property
    def audit_team_id(self) -> int:
        return self.retirement.model.team_id


class RetirementStep(models.Model):
    """One line of the checklist: done by a job, looked at again, recorded with what was counted."""

    retirement = models.ForeignKey(Retirement, on_delete=models.PROTECT, related_name="steps")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=20)
    state = models.CharField(
        max_length=14, choices=choices_of(StepState), default=StepState.WAITING
    )
    note = models.TextField(blank=True, help_text="What it waits for, why it failed or is not due")
    evidence = models.JSONField(default=dict, help_text="What was looked at and counted")
    job = models.BigIntegerField(null=True, help_text="The ledger's job that did it last")
    tries = models.PositiveIntegerField(default=0)
    done_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["retirement", "position"]
        constraints = [
            models.UniqueConstraint(fields=["retirement", "name"], name="retirement_step_once"),
            models.CheckConstraint(
                condition=Q(state__in=[s.value for s in StepState]),
                name="retirement_step_state_known",
            ),
            models.CheckConstraint(
                condition=~Q(state="verified") | Q(verified_at__isnull=False),
                name="retirement_step_verified_has_time",
            ),
            models.CheckConstraint(
                condition=~Q(state="not_applicable") | ~Q(note=""),
                name="retirement_step_skipped_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name.replace('_', ' ')}, {self.retirement}"

    @property
    def audit_team_id(self) -> int:
        return self.retirement.model.team_id


class NoticeKind(models.TextChoices):
    GIVEN = "given", "notice is given"
    SOON = "soon", "the notice ends soon"
    LAST_DAY = "last_day", "it is the last day to object"
    OBJECTED = "objected", "somebody objects"
    LIFTED = "lifted", "the notice is lifted"
    UPHELD = "upheld", "an objection was upheld"
    RETIRED = "retired", "it is retired"


class RetirementNotice(models.Model):
    """Somebody was told of a retirement, once for each thing there is to tell."""

    retirement = models.ForeignKey(Retirement, on_delete=models.CASCADE, related_name="notices")
    kind = models.CharField(max_length=8, choices=NoticeKind)
    person = models.ForeignKey(PERSON, on_delete=models.CASCADE, null=True, related_name="+")
    name = models.CharField(max_length=120, help_text="Of the person or of the API client")
    address = models.EmailField()
    text = models.CharField(max_length=600)
    at = models.DateTimeField(db_default=Now())
    mailed_at = models.DateTimeField(null=True, help_text="Taken by the mail server")

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["retirement", "kind", "address"], name="retirement_notice_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=NoticeKind.values), name="retirement_notice_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return self.text
