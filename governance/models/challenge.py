"""Which evidence was opened before signing, and which teams have that counted."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from accounts.models import Team
from governance.models.requests import ChangeRequest


class EvidenceKind(models.TextChoices):
    """The evidence of a change, as the pages that show it."""

    REQUEST = "request", "the request"
    CARD = "card", "the card"
    MEASUREMENTS = "measurements", "measurements"
    INCIDENTS = "incidents", "incidents"
    FILES = "files", "the version and its files"
    FINDINGS = "findings", "findings"
    GUIDELINES = "guidelines", "ethical guidelines"


class EvidenceOpening(models.Model):
    """A person who may sign opened one kind of a request's evidence: first and last time, no more.

    Not evidence itself: rows are deleted when their retention is over, and never shown by person.
    """

    request = models.ForeignKey(ChangeRequest, on_delete=models.CASCADE, related_name="openings")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=12, choices=EvidenceKind)
    first_at = models.DateTimeField(db_default=Now())
    last_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["request", "person", "kind"], name="opening_once"),
            models.CheckConstraint(
                condition=Q(kind__in=EvidenceKind.values), name="opening_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(first_at__lte=F("last_at")), name="opening_first_before_last"
            ),
        ]
        indexes = [models.Index(fields=["last_at"], name="opening_retention")]

    def __str__(self) -> str:
        return f"{self.request}: {self.get_kind_display()}"


class ChallengeSwitch(models.Model):
    """Whether openings of evidence are counted in a team; without a row they are."""

    team = models.OneToOneField(Team, on_delete=models.CASCADE, related_name="+")
    on = models.BooleanField()
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+"
    )
    changed_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"effective challenge of {self.team}: {'on' if self.on else 'off'}"

    @property
    def audit_team_id(self) -> int:
        return self.team_id
