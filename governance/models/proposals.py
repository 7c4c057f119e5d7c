"""What is changed by approval: a proposal with its reason, and the signatures for and against."""

from typing import TYPE_CHECKING, Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from governance.models.signatures import Decision

PERSON = settings.AUTH_USER_MODEL


class ProposalState(models.TextChoices):
    OPEN = "open", "open"
    IN_FORCE = "in_force", "in force"
    REJECTED = "rejected", "rejected"
    WITHDRAWN = "withdrawn", "withdrawn"


class Proposal(models.Model):
    """Comes into force once others have signed it; never edited."""

    CODE: ClassVar[str]

    loosens = models.BooleanField(help_text="Asks less than what is in force")
    needed = models.JSONField(help_text="role -> number of signatures for this change")
    reason = models.TextField()
    digest = models.CharField(max_length=64, help_text="SHA-256 of what is signed")
    state = models.CharField(
        max_length=10, choices=ProposalState.choices, default=ProposalState.OPEN
    )
    proposed_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(db_default=Now())
    decided_at = models.DateTimeField(null=True)

    if TYPE_CHECKING:
        signatures: Any

    class Meta:
        abstract = True

    @property
    def name(self) -> str:
        """As people say it: PC-3."""
        return f"{self.CODE}-{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.state == ProposalState.OPEN

    @property
    def audit_team_id(self) -> None:
        return None


class ProposalSignature(models.Model):
    """One person's re-authenticated signature for or against a proposal; append-only."""

    person = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+")
    printed_name = models.CharField(max_length=120)
    role = models.CharField(max_length=20)
    decision = models.CharField(max_length=8, choices=Decision)
    meaning = models.CharField(max_length=200)
    reason = models.TextField()
    signed_digest = models.CharField(max_length=64)
    method = models.CharField(max_length=20)
    signed_at = models.DateTimeField(db_default=Now())

    class Meta:
        abstract = True
        ordering = ["signed_at", "pk"]

    def __str__(self) -> str:
        return f"{self.printed_name}: {self.decision}"

    @property
    def audit_team_id(self) -> None:
        return None
