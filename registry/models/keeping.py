"""How long archives are kept, and what forbids that they go: retention rules and legal holds.

Rows are only ever added and ended: what was in force on a day can be told afterwards.
"""

from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.querysets import of_teams


class LegalHoldQuerySet(models.QuerySet["LegalHold"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "model__team_id"))

    def lasting(self) -> Self:
        return self.filter(lifted_at__isnull=True)


class LegalHold(models.Model):
    """Nothing of a model is purged or erased while one of these lasts."""

    model = models.ForeignKey("registry.Model", on_delete=models.PROTECT, related_name="holds")
    case = models.CharField(max_length=120, help_text="What the case is called")
    reason = models.CharField(max_length=1000)
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    placed_at = models.DateTimeField(db_default=Now())
    lifted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    lifted_at = models.DateTimeField(null=True)
    lifted_because = models.CharField(max_length=1000, blank=True)

    objects = LegalHoldQuerySet.as_manager()

    class Meta:
        ordering = ["-placed_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["model", "case"],
                condition=Q(lifted_at__isnull=True),
                name="hold_once_per_case",
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True, lifted_by__isnull=True)
                | Q(lifted_at__isnull=False, lifted_by__isnull=False) & ~Q(lifted_because=""),
                name="hold_lifted_by_somebody",
            ),
        ]

    def __str__(self) -> str:
        return f"legal hold {self.case}"

    @property
    def audit_team_id(self) -> int:
        return self.model.team_id


class RetentionState(models.TextChoices):
    PROPOSED = "proposed", "proposed"
    IN_FORCE = "in_force", "in force"
    SUPERSEDED = "superseded", "superseded"
    REFUSED = "refused", "refused"


class RetentionTable(models.Model):
    """For how many years archives are kept, by risk tier: proposed by one, signed by another."""

    state = models.CharField(max_length=10, choices=RetentionState, default=RetentionState.PROPOSED)
    years = models.JSONField(help_text="Risk tier -> years")
    reason = models.CharField(max_length=1000)
    digest = models.CharField(max_length=64, help_text="SHA-256 of what is signed")
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    proposed_name = models.CharField(max_length=120)
    proposed_at = models.DateTimeField(db_default=Now())
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    decided_name = models.CharField(max_length=120, blank=True)
    decided_at = models.DateTimeField(null=True)
    decided_because = models.CharField(max_length=1000, blank=True)
    method = models.CharField(max_length=20, blank=True, help_text="How the signer proved it")

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["state"],
                condition=Q(state__in=["proposed", "in_force"]),
                name="retention_one_of_each",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["proposed", "refused"])
                | Q(decided_by__isnull=False) & ~Q(decided_by=models.F("proposed_by")),
                name="retention_signed_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"retention table {self.pk}"


class PurgeState(models.TextChoices):
    ASKED = "asked", "asked"
    CONFIRMED = "confirmed", "confirmed, under way"
    DONE = "done", "done"
    REFUSED = "refused", "refused"


class PurgeQuerySet(models.QuerySet["Purge"]):
    def visible_to(self, user: Any) -> Self:
        return self.filter(of_teams(user, "archive__version__model__team_id"))

    def running(self) -> Self:
        return self.filter(state__in=[PurgeState.ASKED, PurgeState.CONFIRMED])


class Purge(models.Model):
    """The end of an archive: asked by one person, signed by another, done by a job."""

    archive = models.ForeignKey("registry.Archive", on_delete=models.PROTECT, related_name="purges")
    state = models.CharField(max_length=10, choices=PurgeState, default=PurgeState.ASKED)
    reason = models.CharField(max_length=1000)
    kept_until = models.DateField(help_text="When its retention ended")
    digest = models.CharField(max_length=64, help_text="SHA-256 of what is signed")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    asked_name = models.CharField(max_length=120)
    asked_at = models.DateTimeField(db_default=Now())
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+"
    )
    decided_name = models.CharField(max_length=120, blank=True)
    decided_at = models.DateTimeField(null=True)
    decided_because = models.CharField(max_length=1000, blank=True)
    method = models.CharField(max_length=20, blank=True, help_text="How the signer proved it")
    began_at = models.DateTimeField(null=True, help_text="Since then bytes are removed")
    tombstone = models.JSONField(null=True, help_text="What is left of the archive")
    tombstone_digest = models.CharField(max_length=64, blank=True)
    finished_at = models.DateTimeField(null=True)

    objects = PurgeQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["archive"],
                condition=Q(state__in=["asked", "confirmed"]),
                name="purge_one_running",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["asked", "refused"])
                | Q(decided_by__isnull=False) & ~Q(decided_by=models.F("asked_by")),
                name="purge_confirmed_by_another",
            ),
            models.CheckConstraint(
                condition=~Q(state="done") | Q(tombstone__isnull=False, finished_at__isnull=False),
                name="purge_leaves_a_tombstone",
            ),
        ]

    def __str__(self) -> str:
        return f"purge of the {self.archive}"

    @property
    def audit_team_id(self) -> int:
        return self.archive.version.model.team_id
