"""Which evidence was opened before signing, and which teams have that counted."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from accounts.models import Team
from governance.models.requests import ChangeRequest


class EvidenceKind(models.TextChoices):
    """The evidence of a change, as the pages that show it."""

    REQUEST = "request", "the request, with its gates and numbers"
    CARD = "card", "the card"
    VERSION = "version", "the version and its files"
    PURPOSE = "purpose", "the purpose"
    MEASUREMENTS = "measurements", "measurements"
    INCIDENTS = "incidents", "incidents"
    FINDINGS = "findings", "findings"
    GUIDELINES = "guidelines", "ethical guidelines"


class EvidenceOpening(models.Model):
    """A person who may sign opened one kind of a request's evidence for the first time.

    Written once (a trigger), never shown by person, deleted when its retention is over.
    """

    request = models.ForeignKey(ChangeRequest, on_delete=models.PROTECT, related_name="openings")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=12, choices=EvidenceKind)
    opened_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "person", "kind"], name="opening_once"),
            models.CheckConstraint(
                condition=Q(kind__in=EvidenceKind.values), name="opening_kind_known"
            ),
        ]
        indexes = [models.Index(fields=["opened_at"], name="opening_retention")]

    def __str__(self) -> str:
        return f"{self.request}: {self.get_kind_display()}"


class ChallengeSwitch(models.Model):
    """Effective challenge was switched on or off for a team; the newest row holds, none is off."""

    team = models.ForeignKey(Team, on_delete=models.PROTECT, related_name="+")
    on = models.BooleanField()
    reason = models.CharField(max_length=400)
    switched_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    printed_name = models.CharField(max_length=120)
    switched_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-pk"]
        indexes = [models.Index(fields=["team", "-id"], name="challenge_newest")]

    def __str__(self) -> str:
        return f"effective challenge of {self.team}: {'on' if self.on else 'off'}"

    @property
    def audit_team_id(self) -> int:
        return self.team_id
